"""Cumulative incidence with competing risks by Aalen and Johansen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.competing_risks.aalen_johansen import (
    Incidence,
    aalen_variance,
    estimate_incidence,
    greenwood_variance,
    jackknife_variance,
)
from ashworth.survival.competing_risks.codes import CodedRows, read_codes
from ashworth.survival.competing_risks.curve import (
    INCIDENCE_INTERVALS,
    IncidenceCurve,
    IncidenceInterval,
    incidence_limits,
)
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Faults,
    Floats,
    check_level,
    check_option,
    labels,
)
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

IncidenceVariance = Literal["jackknife", "greenwood", "aalen"]


@dataclass(frozen=True, slots=True)
class CumulativeIncidence:
    """Aalen-Johansen curves by group and cause; ``fit[label, cause]`` is one `IncidenceCurve`.

    Attributes
    ----------
    groups : dict
        By label (sorted; ``"all"`` without groups) a dict of curves by cause.
    causes : tuple of int
        Codes that occur in any group.
    method : str
        Name of the estimator.
    n : int
        Rows of all groups.
    events : dict
        Events of all groups by cause.
    options : mapping
        Kind and level of the limits, variance, late entry, weights.
    version : str
        Version of the package.
    """

    groups: dict[Any, dict[int, IncidenceCurve]]
    causes: tuple[int, ...]
    method: str
    n: int
    events: dict[int, int]
    options: Mapping[str, Any]
    version: str

    def __getitem__(self, key: tuple[Any, int]) -> IncidenceCurve:
        label, cause = key
        return self.groups[label][cause]

    def _curves(self) -> list[tuple[str, int, IncidenceCurve]]:
        return [(str(g), k, c) for g, by in self.groups.items() for k, c in by.items()]

    def table(self) -> pl.DataFrame:
        """One row per group, cause and time, with a first row at time 0."""
        import polars as pl

        return pl.concat([pl.DataFrame(_curve_table(*c)) for c in self._curves()])

    def at(self, times: Any) -> pl.DataFrame:
        """One row per group, cause and chosen time: incidence, standard error, limits."""
        import polars as pl

        parts = []
        for label, cause, curve in self._curves():
            found = curve.incidence_at(times)
            names = ("time", "incidence", "standard_error", "lower", "upper")
            columns = {name: getattr(found, name) for name in names}
            size = found.time.size
            parts.append(pl.DataFrame({"group": [label] * size, "cause": [cause] * size} | columns))
        return pl.concat(parts)

    def risk_table(self, times: Any) -> pl.DataFrame:
        """Per group, cause and time: at risk just before it; what happened before it."""
        import polars as pl

        at = np.atleast_1d(np.asarray(times, dtype=np.float64))
        names = ("at_risk", "n_censored", "n_events", "n_competing")
        parts = []
        for label, cause, curve in self._curves():
            head = {"group": [label] * at.size, "cause": [cause] * at.size, "time": at}
            found = zip(names, curve.risk_numbers(at), strict=True)
            parts.append(pl.DataFrame(head | dict(found)))
        return pl.concat(parts)


def _curve_table(label: str, cause: int, curve: IncidenceCurve) -> dict[str, Any]:
    first = {
        "time": 0.0, "at_risk": float(curve.risk_numbers(0.0)[0][0]), "n_events": 0.0,
        "n_competing": 0.0, "n_censored": 0.0, "incidence": 0.0, "standard_error": 0.0,
        "lower": np.nan, "upper": np.nan, "event_free": 1.0,
    }  # fmt: skip
    columns = {k: np.concatenate([[v], getattr(curve, k)]) for k, v in first.items()}
    size = curve.time.size + 1
    return {"group": [label] * size, "cause": [cause] * size, **columns}


def _entered(entry: Floats | None, weights: Floats | None) -> tuple[Floats, Floats]:
    if entry is None:
        return np.zeros(0), np.zeros(0)
    order = np.argsort(entry, kind="stable")
    sizes = np.ones(entry.size) if weights is None else weights[order]
    return entry[order], np.concatenate([[0.0], np.cumsum(sizes)])


def _variance(fit: Incidence, rows: CodedRows, index: int, kind: str) -> Floats:
    if kind == "aalen":
        return aalen_variance(fit, index)
    if kind == "greenwood" or (rows.weights is None and rows.entry is None):
        return greenwood_variance(fit, index)
    weights = np.ones(rows.time.size) if rows.weights is None else rows.weights
    return jackknife_variance(fit, rows.code, index, rows.causes[index], weights)


def group_curves(
    rows: CodedRows, ci: str, level: float, variance: str
) -> dict[int, IncidenceCurve]:
    """Curves of all `rows.causes` in one group."""
    fit = estimate_incidence(rows.time, rows.code, rows.causes, rows.entry, rows.weights)
    n = float(rows.time.size if rows.weights is None else rows.weights.sum())
    died, late = fit.deaths.sum(axis=0), _entered(rows.entry, rows.weights)
    curves = {}
    for j, cause in enumerate(rows.causes):
        own, f = fit.deaths[j], fit.incidence[j]
        error = np.sqrt(_variance(fit, rows, j, variance))
        lower, upper = incidence_limits(f, error, ci, level)
        curves[cause] = IncidenceCurve(
            cause, fit.time, fit.at_risk, own, died - own, fit.n_censored, f, error, lower, upper,
            fit.event_free, n, float(own.sum()), ci, level, *late,
        )  # fmt: skip
    return curves


def take_rows(rows: CodedRows, which: Any) -> CodedRows:
    """Take some rows; the causes stay those of all rows."""
    late = None if rows.entry is None else rows.entry[which]
    weights = None if rows.weights is None else rows.weights[which]
    return CodedRows(rows.time[which], rows.code[which], late, weights, rows.causes)


def cumulative_incidence(
    time: Any,
    event_code: Any,
    *,
    group: Any = None,
    entry: Any = None,
    weights: Any = None,
    ci: IncidenceInterval = "log-log",
    level: float = 0.95,
    variance: IncidenceVariance = "jackknife",
    tie_tolerance: float = TIE_TOLERANCE,
) -> CumulativeIncidence:
    r"""Estimate the probability of each kind of event over time, when one kind precludes the other.

    Use it for recurrence where some die first: one minus Kaplan-Meier overstates the risk there.

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, in any unit, 0 or later.
    event_code : array-like of int, shape (n,)
        What ended it: 0 censored, 1, 2, ... the first event by its kind.
    group : array-like, shape (n,), optional
        Labels; one set of curves each.
    entry : array-like, shape (n,), optional
        Late entry: at risk at t if ``entry < t <= time``. One row per patient.
    weights : array-like, shape (n,), optional
        Case weights, 0 or more.
    ci : {"log-log", "log", "plain"}
        Scale of the limits, of the incidence itself; R's default is ``"log"``.
    level : float
        Confidence level.
    variance : {"jackknife", "greenwood", "aalen"}
        ``"jackknife"`` is R's ``survival::survfit`` (infinitesimal jackknife); without weights and
        late entry it equals ``"greenwood"``, the delta method with multinomial increments, which is
        ``etm``'s. ``"aalen"`` is ``cmprsk::cuminc``'s. Only the jackknife goes with weights.
    tie_tolerance : float
        As for `kaplan_meier`.

    Returns
    -------
    CumulativeIncidence
        Curves by group and cause, with ``.at(times)``, ``.risk_table(times)``, ``.table()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without any event, or with weights and another variance than the jackknife.

    Notes
    -----
    With :math:`d_k` events of kind k and d of all kinds among Y at risk,

    .. math:: F_k(t) = \sum_{u \le t} S(u-) \frac{d_k}{Y},\quad
              S(u) = \prod_{v \le u} \Bigl(1 - \frac{d}{Y}\Bigr)

    Events come before censorings at equal times; events of several kinds at one time share its
    risk set. Where nobody had the event yet the incidence is 0 and its limits are NaN.

    References
    ----------
    .. [1] Aalen OO, Johansen S (1978). An empirical transition matrix for non-homogeneous Markov
       chains based on censored observations. Scand J Stat 5:141-150.
    .. [2] Andersen PK, Borgan O, Gill RD, Keiding N (1993). Statistical models based on counting
       processes. Springer, section IV.4.

    Examples
    --------
    >>> fit = cumulative_incidence([2, 3, 3, 5, 8], [1, 2, 0, 1, 0])
    >>> [round(float(f), 3) for f in fit["all", 1].incidence_at([2, 5]).incidence]
    [0.2, 0.5]
    """
    check_option(ci, "ci", INCIDENCE_INTERVALS)
    check_option(variance, "variance", ("jackknife", "greenwood", "aalen"))
    check_level(level)
    if variance != "jackknife" and weights is not None:
        raise EstimationError(
            f"cumulative_incidence: variance={variance!r} with weights; allowed: 'jackknife'"
        )
    faults = Faults("cumulative_incidence")
    names, codes = (["all"], None) if group is None else labels(group, "group", faults)
    rows = read_codes(
        time, event_code, entry, weights, faults, ("group", codes), tie_tolerance=tie_tolerance
    )
    if not rows.causes:
        raise EstimationError(f"cumulative_incidence: no events among {rows.time.size} rows")
    groups = {
        name: group_curves(
            take_rows(rows, slice(None) if codes is None else codes == g), ci, level, variance
        )
        for g, name in enumerate(names)
    }
    options = {
        "ci": ci, "level": level, "variance": variance, "entry": entry is not None,
        "weights": weights is not None,
    }  # fmt: skip
    events = {k: int(np.count_nonzero(rows.code == k)) for k in rows.causes}
    return CumulativeIncidence(
        groups, rows.causes, "Aalen-Johansen", rows.time.size, events, options, __version__
    )
