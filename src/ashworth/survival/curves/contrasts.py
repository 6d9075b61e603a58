"""Differences and ratios of two independent estimates, with limits and p-values."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from ashworth.errors import EstimationError, NotEstimableWarning
from ashworth.survival.curves.curve import Curve, Interval
from ashworth.survival.curves.kaplan_meier_curves import KaplanMeier, kaplan_meier
from ashworth.survival.inputs import Floats
from ashworth.survival.results import normal_quantile


@dataclass(frozen=True, slots=True)
class Contrast:
    """One comparison: estimate, standard error, limits and two-sided p; NaN where unknown."""

    estimate: float
    standard_error: float
    lower: float
    upper: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Contrasts:
    """Several comparisons as columns, each of shape (m,)."""

    estimate: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    p_value: Floats


def stack(contrasts: Sequence[Contrast]) -> Contrasts:
    """Turn a sequence of comparisons into columns."""
    rows = [(c.estimate, c.standard_error, c.lower, c.upper, c.p_value) for c in contrasts]
    return Contrasts(*(np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)))


def two_sided(z: float) -> float:
    """Two-sided normal p-value."""
    return float(2.0 * ndtr(-abs(z)))


def difference(a: float, error_a: float, b: float, error_b: float, level: float) -> Contrast:
    """Compare by b - a, with limits on the plain scale."""
    d, error = b - a, float(np.hypot(error_a, error_b))
    half = normal_quantile(level) * error
    return Contrast(d, error, d - half, d + half, two_sided(d / error) if error > 0 else np.nan)


def ratio(a: float, error_a: float, b: float, error_b: float, level: float) -> Contrast:
    """Compare by b / a; standard error and limits are those of the log ratio."""
    if not (a > 0.0 and b > 0.0):
        estimate = b / a if a > 0.0 else np.nan
        return Contrast(estimate, np.nan, np.nan, np.nan, np.nan)
    error = float(np.hypot(error_a / a, error_b / b))
    log_ratio, half = np.log(b / a), normal_quantile(level) * error
    p = two_sided(log_ratio / error) if error > 0 else np.nan
    limits = np.exp([log_ratio - half, log_ratio + half])
    return Contrast(b / a, error, float(limits[0]), float(limits[1]), p)


def compared_curves(
    subject: str, time: Any, event: Any, group: Any, reference: Any, *, entry: Any, weights: Any,
    ci: Interval, level: float, tie_tolerance: float,
) -> tuple[KaplanMeier, Any, list[Any]]:  # fmt: skip
    """Curves by group, the reference label, and the labels that are compared with it.

    Raises
    ------
    EstimationError
        With one group, or a reference that is no label.
    """
    km = kaplan_meier(
        time, event, group=group, entry=entry, weights=weights, ci=ci, level=level,
        tie_tolerance=tie_tolerance,
    )  # fmt: skip
    names = list(km.groups)
    if len(names) < 2:
        raise EstimationError(f"{subject}: one group only ({names[0]!r}); two or more are needed")
    if reference is None:
        reference = names[0]
    if reference not in km.groups:
        found = ", ".join(repr(n) for n in names)
        raise EstimationError(f"{subject}: reference is {reference!r}; allowed: {found}")
    return km, reference, [n for n in names if n != reference]


def check_within_follow_up(subject: str, name: str, at: Floats, groups: dict[Any, Curve]) -> None:
    """Refuse times that are not inside the follow-up of every group."""
    if not (at > 0.0).all():
        raise EstimationError(f"{subject}: {name} is {at.tolist()}; allowed: times after 0")
    for label, curve in groups.items():
        last = float(curve.time[-1])
        if at.max() > last and curve.survival[-1] > 0.0:
            raise EstimationError(
                f"{subject}: {name} {at.max():g} is after the last follow-up {last:g} of group "
                f"{label!r}; choose a time within the follow-up of every group"
            )


def warn_unknown_errors(subject: str, unknown: list[str]) -> None:
    """Name the estimates whose standard error Greenwood's formula cannot give."""
    if unknown:
        text = (
            f"{subject}: no standard error where nobody or everybody had the event "
            f"({'; '.join(unknown)}); limits and p-values there are unknown"
        )
        warnings.warn(text, NotEstimableWarning, stacklevel=3)
