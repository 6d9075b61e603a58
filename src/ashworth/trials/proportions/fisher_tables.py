"""P-values of Fisher's exact test for many tables of one pair of arms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .binomial import NEGLIGIBLE, all_counts, log_choose

Floats = NDArray[np.float64]
Alternative = Literal["two-sided", "greater", "less"]
_SAME = 1e-7
_FINE = 1e-12


def fisher_p_values(
    n_control: int, n_experimental: int, alternative: Alternative,
    rows: slice | None = None, columns: slice | None = None, *, in_tails: bool = True,
) -> Floats:  # fmt: skip
    """P-values by events of control (rows) and experimental (columns).

    ``greater``: the experimental arm has more events. ``two-sided`` adds all tables that are
    not more probable than the observed one, with R's relative slack of 1e-7. Not `in_tails`
    leaves out less than 1e-15 of each tail, and gives p-values beyond as that of its edge.
    """
    given = _Given.all_margins(n_control, n_experimental, rows, columns, in_tails)
    return np.minimum(given.at_tables(_TAILS[alternative](given.mass)), 1.0)


def fisher_rejects(
    n_control: int, n_experimental: int, alternative: Alternative, level: float,
    rows: slice, columns: slice,
) -> NDArray[np.bool_]:  # fmt: skip
    """Whether the p-value is at most a level; two-sided by a threshold of the probability."""
    given = _Given.all_margins(n_control, n_experimental, rows, columns, level < _FINE)
    if alternative != "two-sided":
        return given.at_tables(_TAILS[alternative](given.mass) <= level)
    rising = np.sort(given.mass, axis=1)
    rejected = (_sums_with_ties(rising) <= level).sum(axis=1)[:, None]
    highest = np.take_along_axis(rising, np.maximum(rejected - 1, 0), axis=1)
    return given.at_tables((given.mass <= highest) & (rejected > 0))


@dataclass(frozen=True, slots=True)
class _Given:
    """Experimental events given all margins: a row of probabilities for each total of events."""

    mass: Floats
    start: NDArray[np.int64]
    rows: slice
    columns: slice

    @classmethod
    def all_margins(
        cls, n: int, m: int, rows: slice | None, columns: slice | None, in_tails: bool
    ) -> _Given:
        rows = all_counts(n) if rows is None else rows
        columns = all_counts(m) if columns is None else columns
        totals = np.arange(rows.start + columns.start, rows.stop + columns.stop - 1)
        start, width = _band(n, m, totals, in_tails)
        experimental = start[:, None] + np.arange(width)
        control = totals[:, None] - experimental
        possible = (control >= 0) & (control <= n) & (experimental <= m)
        log = log_choose(n)[np.clip(control, 0, n)] + log_choose(m)[np.minimum(experimental, m)]
        log = np.where(possible, log, -np.inf)
        mass = np.exp(log - log.max(axis=1, keepdims=True))
        return cls(mass / mass.sum(axis=1, keepdims=True), start, rows, columns)

    def at_tables(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of each table; beyond the band those of its edge."""
        control = np.arange(self.rows.start, self.rows.stop)[:, None]
        experimental = np.arange(self.columns.start, self.columns.stop)
        place = control + experimental - (self.rows.start + self.columns.start)
        within = np.clip(experimental - self.start[place], 0, values.shape[1] - 1)
        return values[place, within]


def _band(
    n: int, m: int, totals: NDArray[np.int64], in_tails: bool
) -> tuple[NDArray[np.int64], int]:
    """First experimental count of each total and the width (Bernstein's inequality)."""
    share, most = m / (n + m), int(min(totals.max(), (n + m) // 2))
    variance = most * share * (1.0 - share)
    third = NEGLIGIBLE / 3.0
    spread = math.ceil(third + math.sqrt(third**2 + 2.0 * NEGLIGIBLE * variance))
    width = 2 * spread + 2
    if in_tails or width > m:
        return np.zeros(totals.size, dtype=np.int64), m + 1
    return np.maximum(np.floor(totals * share).astype(np.int64) - spread, 0), width


def _more(mass: Floats) -> Floats:
    return np.cumsum(mass[:, ::-1], axis=1)[:, ::-1]


def _fewer(mass: Floats) -> Floats:
    return np.cumsum(mass, axis=1)


def _not_more_probable(mass: Floats) -> Floats:
    """Sum of what is at most as probable; a unimodal mass ties in pairs at most."""
    order = np.argsort(mass, axis=1)
    sums = _sums_with_ties(np.take_along_axis(mass, order, axis=1))
    out = np.empty_like(sums)
    np.put_along_axis(out, order, sums, axis=1)
    return out


def _sums_with_ties(rising: Floats) -> Floats:
    sums = np.cumsum(rising, axis=1)
    tied = rising[:, 1:] <= rising[:, :-1] * (1.0 + _SAME)
    sums[:, :-1] = np.where(tied, sums[:, 1:], sums[:, :-1])
    return sums


_TAILS = {"greater": _more, "less": _fewer, "two-sided": _not_more_probable}
