r"""Each row's influence on the score and on the baseline of a Fine-Gray model.

The influence has two parts: the row's own weighted martingale, and its part in the estimate of the
censoring distribution, without which the variance is wrong (Fine and Gray 1999, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ashworth.survival.competing_risks.censoring import Censoring
from ashworth.survival.competing_risks.subdistribution import Point, Stratum, expected
from ashworth.survival.inputs import Booleans, Floats, Integers


@dataclass(frozen=True, slots=True)
class CensoringRows:
    """What the censoring part needs of all n rows.

    Attributes
    ----------
    time, group, event : ndarray, shape (n,)
        End of follow-up, censoring group, whether any event ended it.
    groups : tuple of Censoring
        Estimated distributions.
    events_at_risk : bool
        As in `estimate_censoring`.
    """

    time: Floats
    group: Integers
    event: Booleans
    groups: tuple[Censoring, ...]
    events_at_risk: bool


def _martingales(s: Stratum, risk: Floats, hazard: Floats, integrand: Floats) -> Floats:
    """Integral of each integrand (f, u) against every row's weighted martingale, shape (f, m)."""
    residual = -expected(s, risk, integrand * hazard)
    residual[:, s.own] += integrand[:, s.cell[s.own] - 1]
    return residual


def _past(s: Stratum, g: int, values: Floats, times: Floats) -> Floats:
    """Sums of values / G(x-) over competing events of group g before each time, shape (f, t)."""
    mine = np.flatnonzero(s.competing & (s.group == g))
    passed = np.cumsum(values[:, mine] * s.inverse[mine], axis=1)
    passed = np.concatenate([np.zeros((values.shape[0], 1)), passed], axis=1)
    return passed[:, np.searchsorted(s.end[mine], times)]


def _future(s: Stratum, g: int, steps: Floats, times: Floats) -> Floats:
    """Sums of G(u-) steps over event times at or after each time, shape (f, t)."""
    later = np.cumsum((steps * s.free[g])[:, ::-1], axis=1)[:, ::-1]
    later = np.concatenate([later, np.zeros((steps.shape[0], 1))], axis=1)
    return later[:, np.searchsorted(s.times, times)]


def _censoring_part(effects: Sequence[Floats], rows: CensoringRows) -> Floats:
    """Spread the effect (f, m) of every censoring time over the rows at risk of it, (f, n)."""
    total = np.zeros((effects[0].shape[0], rows.time.size))
    for g, (effect, c) in enumerate(zip(effects, rows.groups, strict=True)):
        mine = np.flatnonzero(rows.group == g)
        t, event = rows.time[mine], rows.event[mine]
        drift = np.concatenate(
            [np.zeros((effect.shape[0], 1)), np.cumsum(effect * c.count / c.at_risk**2, axis=1)],
            axis=1,
        )
        place = np.searchsorted(c.time, t, side="right")
        if not rows.events_at_risk:
            place = np.where(event, np.searchsorted(c.time, t), place)
        total[:, mine] -= drift[:, place]
        total[:, mine[~event]] += (effect / c.at_risk)[:, place[~event] - 1]
    return total


def score_influence(strata: Sequence[Stratum], point: Point, rows: CensoringRows) -> Floats:
    """Influence of each row on the score, shape (p, n)."""
    p, n = point.score.size, rows.time.size
    own = np.zeros((p, n))
    effects = [np.zeros((p, c.time.size)) for c in rows.groups]
    for s, risk, hazard, means in zip(strata, point.risks, point.hazards, point.means, strict=True):
        integrand = np.concatenate([np.ones((1, s.times.size)), means])
        residual = _martingales(s, risk, hazard, integrand)
        own[:, s.rows] = s.columns * residual[0] - residual[1:]
        values = np.concatenate([risk[None], s.columns * risk])
        for g, c in enumerate(rows.groups):
            past = _past(s, g, values, c.time)
            future = _future(s, g, integrand * hazard, c.time)
            effects[g] += past[1:] * future[0] - past[0] * future[1:]
    return own + _censoring_part(effects, rows)


def hazard_influence(
    s: Stratum, risk: Floats, hazard: Floats, total: Floats, cells: Integers, rows: CensoringRows
) -> Floats:
    """Influence of each row on the cumulative baseline after the first `cells` steps, (f, n).

    The coefficients are held fixed; the unit is that of `hazard`.
    """
    before = np.arange(s.times.size) < cells[:, None]
    integrand = before / total
    own = np.zeros((cells.size, rows.time.size))
    own[:, s.rows] = _martingales(s, risk, hazard, integrand)
    effects = [
        _past(s, g, risk[None], c.time) * _future(s, g, integrand * hazard, c.time)
        for g, c in enumerate(rows.groups)
    ]
    return own + _censoring_part(effects, rows)
