"""Survival at a milestone: difference and ratio between groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.survival.curves.contrasts import (
    Contrast,
    check_within_follow_up,
    compared_curves,
    difference,
    ratio,
    stack,
    two_sided,
    warn_unknown_errors,
)
from ashworth.survival.inputs import TIE_TOLERANCE, Floats, check_level, check_option
from ashworth.survival.times import named_times
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class MilestoneDifference:
    """Survival at m milestones of groups against a reference group, one row each.

    Attributes
    ----------
    group : tuple, length m
        Label of the compared group.
    reference : label
        Group that is subtracted and divided by.
    at : ndarray, shape (m,)
        Milestone.
    survival, survival_reference : ndarray, shape (m,)
        Kaplan-Meier survival of both groups.
    standard_error, standard_error_reference : ndarray, shape (m,)
        Greenwood's standard errors; NaN where survival is 0 or 1.
    difference, difference_error, lower, upper, p_value : ndarray, shape (m,)
        Survival minus that of the reference, standard error, limits, two-sided p.
    ratio, ratio_lower, ratio_upper, ratio_p_value : ndarray, shape (m,)
        Survival over that of the reference, with limits and p on the log scale.
    method, n, events, options, version
        As in every result.
    """

    group: tuple[Any, ...]
    reference: Any
    at: Floats
    survival: Floats
    survival_reference: Floats
    standard_error: Floats
    standard_error_reference: Floats
    difference: Floats
    difference_error: Floats
    lower: Floats
    upper: Floats
    p_value: Floats
    ratio: Floats
    ratio_lower: Floats
    ratio_upper: Floats
    ratio_p_value: Floats
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per group and milestone."""
        import polars as pl

        columns = (
            "at", "survival", "survival_reference", "difference", "difference_error", "lower",
            "upper", "p_value", "ratio", "ratio_lower", "ratio_upper", "ratio_p_value",
        )  # fmt: skip
        rows = {"group": [str(g) for g in self.group], "reference": str(self.reference)}
        return pl.DataFrame({**rows, **{c: getattr(self, c) for c in columns}})


@dataclass(frozen=True, slots=True)
class _Point:
    """Survival of one group at one milestone."""

    survival: float
    error: float
    lower: float
    upper: float

    def log_log(self) -> tuple[float, float]:
        """Give log(-log S) and its standard error."""
        log_survival = np.log(self.survival)
        return np.log(-log_survival), self.error / (self.survival * abs(log_survival))


def _square_and_add(a: _Point, b: _Point) -> Contrast:
    """Limits of b - a from the limits of each; p from the difference of log(-log S)."""
    d = b.survival - a.survival
    lower = d - np.hypot(b.survival - b.lower, a.upper - a.survival)
    upper = d + np.hypot(b.upper - b.survival, a.survival - a.lower)
    if not (a.error > 0.0 and b.error > 0.0):
        return Contrast(d, np.nan, np.nan, np.nan, np.nan)
    (x, error_x), (y, error_y) = a.log_log(), b.log_log()
    p = two_sided((y - x) / np.hypot(error_x, error_y))
    return Contrast(d, float(np.hypot(a.error, b.error)), float(lower), float(upper), p)


def _points(curve: Any, at: Floats) -> list[_Point]:
    values = curve.survival_at(at)
    known = (values.survival > 0.0) & (values.survival < 1.0)
    errors = np.where(known, values.standard_error, np.nan)
    columns = (values.survival, errors, values.lower, values.upper)
    return [_Point(*(float(v) for v in row)) for row in zip(*columns, strict=True)]


def milestone_difference(
    time: Any,
    event: Any,
    group: Any,
    at: float | Sequence[float],
    *,
    reference: Any = None,
    entry: Any = None,
    weights: Any = None,
    ci: Literal["plain", "log-log"] = "plain",
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> MilestoneDifference:
    r"""Compare survival at fixed times between groups.

    Use it where hazards are not proportional and a milestone (three-year IDFS) was named before
    the data were seen.

    Parameters
    ----------
    time, event, group, entry, weights, tie_tolerance
        As for `kaplan_meier`.
    at : float or sequence of float
        Milestones in the unit of `time`, inside the follow-up of every group.
    reference : label, optional
        Group to compare with; the first label in sorted order by default.
    ci : {"plain", "log-log"}
        Limits and test of the difference. ``"plain"``: normal with Greenwood's standard error.
        ``"log-log"``: the two groups' log(-log) limits squared and added, and the test of equal
        log(-log S), which hold their level better in small groups.
    level : float
        Confidence level.

    Returns
    -------
    MilestoneDifference
        One row per group and milestone, groups first.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        With one group, an unknown reference, or a milestone after the last follow-up of a group.

    Warns
    -----
    NotEstimableWarning
        Where survival of a group is 0 or 1: Greenwood's formula has no standard error there.

    Notes
    -----
    With survival :math:`S_0, S_1` and Greenwood's errors :math:`e_0, e_1`,

    .. math:: d = S_1 - S_0,\quad \mathrm{se}(d) = \sqrt{e_0^2 + e_1^2},\quad
              \mathrm{se}(\log S_1 / S_0) = \sqrt{(e_0 / S_0)^2 + (e_1 / S_1)^2}

    The ``"log-log"`` limits are :math:`d - \sqrt{(S_1 - l_1)^2 + (u_0 - S_0)^2}` and
    :math:`d + \sqrt{(u_1 - S_1)^2 + (S_0 - l_0)^2}`.

    References
    ----------
    .. [1] Klein JP, Logan B, Harhoff M, Andersen PK (2007). Analyzing survival curves at a fixed
       point in time. Stat Med 26:4505-4519.
    .. [2] Zou GY, Donner A (2008). Construction of confidence limits about effect measures: a
       general approach. Stat Med 27:1693-1702.

    Examples
    --------
    >>> time, group = [2, 3, 5, 8, 9, 1, 2, 4, 6, 9], ["low"] * 5 + ["high"] * 5
    >>> found = milestone_difference(time, [1, 0, 1, 0, 0, 1, 1, 1, 0, 0], group, 5,
    ...                              reference="low")
    >>> round(float(found.difference[0]), 3), round(float(found.p_value[0]), 3)
    (-0.133, 0.687)
    """
    check_option(ci, "ci", ("plain", "log-log"))
    check_level(level)
    subject = "milestone_difference"
    km, reference, others = compared_curves(
        subject, time, event, group, reference, entry=entry, weights=weights, ci="log-log",
        level=level, tie_tolerance=tie_tolerance,
    )  # fmt: skip
    times = named_times(at, subject, "at", "times after 0")
    check_within_follow_up(subject, "at", times, km.groups)
    points = {label: _points(curve, times) for label, curve in km.groups.items()}
    warn_unknown_errors(
        subject,
        [
            f"{label!r} at {t:g}: survival {p.survival:g}"
            for label, row in points.items()
            for t, p in zip(times, row, strict=True)
            if np.isnan(p.error)
        ],
    )
    pairs = [(a, b) for g in others for a, b in zip(points[reference], points[g], strict=True)]
    d = stack([
        _square_and_add(a, b) if ci == "log-log" else
        difference(a.survival, a.error, b.survival, b.error, level)
        for a, b in pairs
    ])  # fmt: skip
    r = stack([ratio(a.survival, a.error, b.survival, b.error, level) for a, b in pairs])
    options = {
        "ci": ci, "level": level, "entry": entry is not None, "weights": weights is not None
    }  # fmt: skip
    return MilestoneDifference(
        tuple(g for g in others for _ in times), reference, np.tile(times, len(others)),
        np.array([b.survival for _, b in pairs]), np.array([a.survival for a, _ in pairs]),
        np.array([b.error for _, b in pairs]), np.array([a.error for a, _ in pairs]),
        d.estimate, d.standard_error, d.lower, d.upper, d.p_value,
        r.estimate, r.lower, r.upper, r.p_value,
        "difference of Kaplan-Meier survival at a milestone", km.n, km.events, options, __version__,
    )  # fmt: skip
