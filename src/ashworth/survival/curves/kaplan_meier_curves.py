"""The Kaplan-Meier estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.survival.curves.curve import INTERVALS, Curve, Interval, curve_limits
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Booleans,
    Faults,
    Floats,
    check_level,
    check_option,
    in_time_order,
    is_sorted,
    labels,
    merge_near_ties,
    observations,
    whole_days,
)
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class KaplanMeier:
    """Kaplan-Meier curves by group.

    With one group ``.time``, ``.survival``, ``.lower``, ``.upper``, ``.standard_error``,
    ``.at_risk``, ``.n_events``, ``.n_censored`` and ``.median`` are that curve's; with several
    they are dicts by label. ``km[label]`` is one `Curve`.

    Attributes
    ----------
    groups : dict
        Curves by label, sorted; the label is ``"all"`` without groups.
    method : str
        Name of the estimator.
    n, events : int
        Rows and events of all groups.
    options : mapping
        Kind and level of the limits, late entry, weights.
    version : str
        Version of the package.
    """

    groups: dict[Any, Curve]
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str

    def __getitem__(self, label: Any) -> Curve:
        return self.groups[label]

    def _each(self, name: str) -> Any:
        values = {label: getattr(curve, name) for label, curve in self.groups.items()}
        return next(iter(values.values())) if len(values) == 1 else values

    @property
    def time(self) -> Any:
        """Distinct times."""
        return self._each("time")

    @property
    def survival(self) -> Any:
        """Survival just after each time."""
        return self._each("survival")

    @property
    def standard_error(self) -> Any:
        """Greenwood's standard error of survival."""
        return self._each("standard_error")

    @property
    def lower(self) -> Any:
        """Lower limits of survival."""
        return self._each("lower")

    @property
    def upper(self) -> Any:
        """Upper limits of survival."""
        return self._each("upper")

    @property
    def at_risk(self) -> Any:
        """Numbers at risk just before each time."""
        return self._each("at_risk")

    @property
    def n_events(self) -> Any:
        """Events at each time."""
        return self._each("n_events")

    @property
    def n_censored(self) -> Any:
        """Censorings at each time."""
        return self._each("n_censored")

    @property
    def median(self) -> Any:
        """Median survival time."""
        return self._each("median")

    @property
    def median_limits(self) -> Any:
        """Limits of the median."""
        return self._each("median_limits")

    def survival_at(self, times: Any) -> Any:
        """`Curve.survival_at` of the one group, or a dict by label."""
        values = {label: c.survival_at(times) for label, c in self.groups.items()}
        return next(iter(values.values())) if len(values) == 1 else values

    def table(self) -> pl.DataFrame:
        """One row per group and time, with a first row at time 0."""
        import polars as pl

        parts = [_curve_table(str(label), curve) for label, curve in self.groups.items()]
        return pl.concat([pl.DataFrame(p) for p in parts])

    def risk_table(self, times: Any) -> pl.DataFrame:
        """Per group and time: at risk just before it, censorings and events before it."""
        import polars as pl

        at = np.atleast_1d(np.asarray(times, dtype=np.float64))
        parts = []
        for label, curve in self.groups.items():
            at_risk, censored, events = curve.risk_numbers(at)
            parts.append(
                {
                    "group": [str(label)] * at.size,
                    "time": at,
                    "at_risk": at_risk,
                    "n_censored": censored,
                    "n_events": events,
                }
            )
        return pl.concat([pl.DataFrame(p) for p in parts])


def _curve_table(label: str, curve: Curve) -> dict[str, Any]:
    at_zero = float(curve.risk_numbers(0.0)[0][0])
    first = {
        "time": 0.0, "at_risk": at_zero, "n_events": 0.0, "n_censored": 0.0,
        "survival": 1.0, "standard_error": 0.0, "lower": 1.0, "upper": 1.0,
    }  # fmt: skip
    columns = {k: np.concatenate([[v], getattr(curve, k)]) for k, v in first.items()}
    return {"group": [label] * (curve.time.size + 1), **columns}


def _tally(time: Floats, event: Booleans, weights: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Distinct times, and per time the (weighted) events and all who leave."""
    if whole_days(time) and time.max() <= 4 * time.size + 100_000:
        place = time.astype(np.int64)
        present = np.flatnonzero(np.bincount(place))
        distinct, size = present.astype(np.float64), int(place.max()) + 1
    elif weights is None:
        order = slice(None) if is_sorted(time) else np.argsort(time)
        ordered = time[order]
        first = np.flatnonzero(np.concatenate([[True], ordered[1:] > ordered[:-1]]))
        died = np.add.reduceat(event[order].astype(np.float64), first)
        return ordered[first], died, np.diff(first, append=time.size).astype(np.float64)
    else:
        distinct, place = np.unique(time, return_inverse=True)
        present, size = slice(None), distinct.size
    w = None if weights is None else weights
    leave = np.bincount(place, weights=w, minlength=size)[present]
    died = np.bincount(place[event], weights=None if w is None else w[event], minlength=size)[
        present
    ]
    return distinct, died.astype(np.float64), leave.astype(np.float64)


def _entries(
    time: Floats, entry: Floats | None, weights: Floats | None
) -> tuple[Floats, Floats, Floats]:
    """Weight that enters at or after each time; entry times, and the weight entered before each."""
    if entry is None:
        return np.zeros(time.size), np.zeros(0), np.zeros(0)
    order = np.argsort(entry, kind="stable")
    sizes = np.ones(entry.size) if weights is None else weights[order]
    before = np.concatenate([[0.0], np.cumsum(sizes)])
    started = entry[order]
    return before[-1] - before[np.searchsorted(started, time, side="left")], started, before


def estimate_curve(
    time: Floats, event: Booleans, entry: Floats | None, weights: Floats | None, ci: str,
    level: float,
) -> Curve:  # fmt: skip
    """Kaplan-Meier curve of one group of checked rows."""
    distinct, died, leave = _tally(time, event, weights)
    outside, started, entered = _entries(distinct, entry, weights)
    at_risk = np.cumsum(leave[::-1])[::-1] - outside
    if weights is not None:
        at_risk = np.maximum(at_risk, leave)
    left = at_risk - died
    if weights is not None:
        left = np.where(left > 1e-12 * at_risk, left, 0.0)
    share = np.divide(left, at_risk, out=np.ones_like(left), where=at_risk > 0)
    survival: Floats = np.cumprod(share).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(died > 0, died / (at_risk * left), 0.0)
    error = np.sqrt(np.cumsum(terms))
    with np.errstate(invalid="ignore"):
        standard_error: Floats = survival * error
    lower, upper = curve_limits(survival, error, ci, level)
    n = float(time.size if weights is None else weights.sum())
    return Curve(
        distinct, at_risk, died, leave - died, survival, standard_error, lower, upper, error,
        n, float(died.sum()), ci, level, started, entered,
    )  # fmt: skip


def kaplan_meier(
    time: Any,
    event: Any,
    *,
    group: Any = None,
    entry: Any = None,
    weights: Any = None,
    ci: Interval = "log-log",
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> KaplanMeier:
    r"""Estimate survival curves by the Kaplan-Meier method.

    Use it for the probability to be free of an event when follow-up ends early for some.

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, in any unit, 0 or later.
    event : array-like of bool or 0/1, shape (n,)
        1 event, 0 censored; at equal times events come before censorings.
    group : array-like, shape (n,), optional
        Labels; one curve each.
    entry : array-like, shape (n,), optional
        Late entry: at risk at t if ``entry < t <= time``.
    weights : array-like, shape (n,), optional
        Case weights, 0 or more. Greenwood's formula then uses weighted numbers.
    ci : {"log-log", "log", "plain", "logit", "arcsin"}
        Scale of the limits (R's default is ``"log"``).
    level : float
        Confidence level.
    tie_tolerance : float
        Times closer than this, absolutely or relative to the mean time, are one time; 0 turns it
        off. Whole days are never merged.

    Returns
    -------
    KaplanMeier
        Curves with quantiles, restricted means, numbers at risk, and ``.table()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.

    Notes
    -----
    With d events among r at risk,

    .. math:: S(t) = \prod_{t_i \le t} \frac{r_i - d_i}{r_i},\quad
              \mathrm{var} \log S(t) = \sum_{t_i \le t} \frac{d_i}{r_i (r_i - d_i)}

    All censored: survival stays 1 and quantiles are NaN. When a risk set empties under late entry,
    survival is 0 from there on.

    References
    ----------
    .. [1] Kaplan EL, Meier P (1958). Nonparametric estimation from incomplete observations.
       J Am Stat Assoc 53:457-481.
    .. [2] Brookmeyer R, Crowley J (1982). A confidence interval for the median survival time.
       Biometrics 38:29-41.

    Examples
    --------
    >>> km = kaplan_meier([2, 3, 3, 5, 8], [1, 1, 0, 1, 0])
    >>> [round(float(s), 3) for s in km.survival], km.median
    ([0.8, 0.6, 0.3, 0.3], 5.0)
    """
    check_option(ci, "ci", INTERVALS)
    check_level(level)
    faults = Faults("kaplan_meier")
    names, codes = (["all"], None) if group is None else labels(group, "group", faults)
    seen = observations(time, event, entry, weights, faults, ("group", codes))
    seen, (codes,) = in_time_order(seen, codes)
    t, e = merge_near_ties(seen.time, seen.entry, tie_tolerance)
    groups = {}
    for g, name in enumerate(names):
        which = slice(None) if codes is None else codes == g
        started = None if e is None else e[which]
        weight = None if seen.weights is None else seen.weights[which]
        groups[name] = estimate_curve(t[which], seen.event[which], started, weight, ci, level)
    options = {"ci": ci, "level": level, "entry": entry is not None, "weights": weights is not None}
    n, events = t.size, int(seen.event.sum())
    return KaplanMeier(groups, "Kaplan-Meier", n, events, options, __version__)
