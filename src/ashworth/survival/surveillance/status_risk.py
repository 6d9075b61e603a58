"""Absolute risk after a draw, by status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from ashworth.errors import EstimationError
from ashworth.survival.competing_risks.codes import CodedRows, check_cause, read_codes
from ashworth.survival.competing_risks.curve import (
    INCIDENCE_INTERVALS,
    IncidenceInterval,
    incidence_limits,
)
from ashworth.survival.competing_risks.incidence import group_curves, take_rows
from ashworth.survival.curves.curve import curve_limits
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Faults,
    Floats,
    Integers,
    check_level,
    check_option,
    labels,
    numbers,
)
from ashworth.survival.results import normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class AbsoluteRisk:
    """Risk of the event by t times in k groups of status, arrays of shape (k, t).

    Attributes
    ----------
    status : tuple
        Labels of the groups, sorted.
    reference : label
        The group that differences are taken from.
    time : ndarray, shape (t,)
        Times since the draw.
    risk, standard_error, lower, upper : ndarray, shape (k, t)
        Probability to have had the event by each time. NaN after a group's last follow-up; limits
        are NaN while no event has happened.
    difference, difference_lower, difference_upper, difference_p : ndarray, shape (k, t)
        Risk minus that of the reference (its own row is NaN) with Wald limits and p-value.
    at_risk, cumulative_events, cumulative_competing : ndarray, shape (k, t)
        Still followed just before each time; events and competing events up to and at it.
    n_per_group : ndarray of int, shape (k,)
        Rows.
    cause, level : int, float
        Code of the event, confidence level.
    method : str
        ``"Kaplan-Meier"``, or ``"Aalen-Johansen"`` where other codes compete.
    n, events : int
        Rows, and events of the cause.
    options, version
        What was chosen, version of the package.
    """

    status: tuple[Any, ...]
    reference: Any
    time: Floats
    risk: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    difference: Floats
    difference_lower: Floats
    difference_upper: Floats
    difference_p: Floats
    at_risk: Floats
    cumulative_events: Floats
    cumulative_competing: Floats
    n_per_group: Integers
    cause: int
    level: float
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row per status and time."""
        import polars as pl

        k, t = self.risk.shape
        names = (
            "at_risk", "cumulative_events", "cumulative_competing", "risk", "standard_error",
            "lower", "upper", "difference", "difference_lower", "difference_upper", "difference_p",
        )  # fmt: skip
        return pl.DataFrame(
            {
                "status": [str(s) for s in self.status for _ in range(t)],
                "time": np.tile(self.time, k),
                "n": np.repeat(self.n_per_group, t),
            }
            | {name: getattr(self, name).ravel() for name in names}
        )


def check_times(at: Any) -> Floats:
    """Return ascending horizons: one or more finite times above 0."""
    faults = Faults("at")
    values = numbers(np.atleast_1d(at), "at", faults)
    faults.stop()
    if values.size == 0 or not np.isfinite(values).all() or values.min() <= 0.0:
        raise EstimationError(f"at is {at!r}; allowed: one or more times above 0")
    return np.unique(values)


def risk_limits(
    risk: Floats, error: Floats, ci: str, level: float, *, competing: bool
) -> tuple[Floats, Floats]:
    """Limits as those of the curves: of 1 - risk without competing events, of the risk with them.

    NaN where the risk is 0, or 1, or unknown.
    """
    if competing:
        return incidence_limits(risk, error, ci, level)
    free = 1.0 - risk
    with np.errstate(divide="ignore", invalid="ignore"):
        upper, lower = (1.0 - v for v in curve_limits(free, error / free, ci, level))
    inside = (risk > 0.0) & (risk < 1.0)
    return np.where(inside, lower, np.nan), np.where(inside, upper, np.nan)


def _by_group(
    rows: CodedRows, codes: Integers, k: int, at: Floats, cause: int
) -> tuple[Floats, ...]:
    """Risk, error, at risk, events and competing events, each of shape (k, t)."""
    parts = []
    for g in range(k):
        curve = group_curves(take_rows(rows, codes == g), "plain", 0.95, "jackknife")[cause]
        found = curve.incidence_at(at)
        before = curve.risk_numbers(at)
        after = curve.risk_numbers(np.nextafter(at, np.inf))
        parts.append((found.incidence, found.standard_error, before[0], after[2], after[3]))
    return tuple(np.stack(v) for v in zip(*parts, strict=True))


def absolute_risk_by_status(
    time: Any,
    event_code: Any,
    status: Any,
    at: Any,
    *,
    cause: int = 1,
    reference: Any = None,
    entry: Any = None,
    ci: IncidenceInterval = "log-log",
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> AbsoluteRisk:
    r"""Estimate the risk of an event by 1, 3, 5 years after a draw, by the status it gave.

    Use it to say what a status means to a patient: hazard ratios do not. Time runs from the draw
    whose status it is; patients who had the event before the draw do not belong to it.

    Parameters
    ----------
    time : array-like, shape (n,)
        Follow-up since the draw, in any unit, 0 or later.
    event_code : array-like of int or bool, shape (n,)
        0 censored, 1 event, 2, ... competing events.
    status : array-like, shape (n,)
        Status at the draw: labels of two or more groups.
    at : float or array-like, shape (t,)
        Times since the draw, above 0, in the unit of `time`.
    cause : int
        Code of the event of interest.
    reference : label, optional
        Group that differences are taken from; the first in sorted order by default.
    entry : array-like, shape (n,), optional
        Late entry: at risk at t if ``entry < t <= time``.
    ci : {"log-log", "log", "plain"}
        Scale of the limits, as in `kaplan_meier` (of one minus the risk), and as in
        `cumulative_incidence` (of the risk) where events compete.
    level : float
        Confidence level.
    tie_tolerance : float
        As for `kaplan_meier`.

    Returns
    -------
    AbsoluteRisk
        Risks and differences with limits, numbers at risk, ``.table()``.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        With one status only, an unknown reference, or without events of the cause.

    Notes
    -----
    One minus Kaplan-Meier without competing events, Aalen-Johansen with them. The groups are
    independent: the variance of a difference is the sum of theirs. A difference has no limits where
    a group had no event yet, for its variance is then not known to be 0.

    References
    ----------
    .. [1] Sparano J, O'Neill A, Alpaugh K, et al. (2018). Association of circulating tumor cells
       with late recurrence of estrogen receptor-positive breast cancer. JAMA Oncol 4:1700-1706.

    Examples
    --------
    >>> found = absolute_risk_by_status([1, 2, 3, 4, 5, 6, 2, 4], [1, 1, 0, 1, 0, 0, 0, 1],
    ...                                 ["pos", "pos", "pos", "neg", "neg", "neg", "neg", "pos"], 3)
    >>> [round(float(r), 3) for r in found.risk[:, 0]], round(float(found.difference[1, 0]), 3)
    ([0.0, 0.5], 0.5)
    """
    check_option(ci, "ci", INCIDENCE_INTERVALS)
    check_level(level)
    horizons = check_times(at)
    faults = Faults("absolute_risk_by_status")
    names, codes = labels(status, "status", faults)
    rows = read_codes(
        time, event_code, entry, None, faults, ("status", codes), tie_tolerance=tie_tolerance
    )
    place = _reference(names, reference)
    check_cause(cause, rows, "absolute_risk_by_status")
    risk, error, at_risk, events, others = _by_group(rows, codes, len(names), horizons, cause)
    competing = len(rows.causes) > 1
    lower, upper = risk_limits(risk, error, ci, level, competing=competing)
    return AbsoluteRisk(
        tuple(names), names[place], horizons, risk, error, lower, upper,
        *_differences(risk, error, place, level), at_risk, events, others,
        np.bincount(codes, minlength=len(names)), cause, level,
        "Aalen-Johansen" if competing else "Kaplan-Meier", rows.time.size,
        int(np.count_nonzero(rows.code == cause)),
        {"ci": ci, "cause": cause, "entry": entry is not None, "reference": names[place]},
    )  # fmt: skip


def _reference(names: list[Any], reference: Any) -> int:
    if len(names) < 2:
        raise EstimationError(
            f"absolute_risk_by_status: one status only ({names[0]!r}); two or more are needed"
        )
    if reference is None:
        return 0
    if reference not in names:
        listed = ", ".join(map(repr, names))
        raise EstimationError(f"reference is {reference!r}; allowed: {listed}")
    return names.index(reference)


def _differences(
    risk: Floats, error: Floats, place: int, level: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Differences from the reference with Wald limits and p-values."""
    difference = risk - risk[place]
    known = (error > 0) & (error[place] > 0)
    width = np.where(known, np.sqrt(error**2 + error[place] ** 2), np.nan)
    difference[place], width[place] = np.nan, np.nan
    half = normal_quantile(level) * width
    p = 2.0 * ndtr(-np.abs(difference / width))
    return difference, difference - half, difference + half, p
