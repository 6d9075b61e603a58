"""Restricted mean survival time: difference and ratio between groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.survival.curves.contrasts import (
    check_within_follow_up,
    compared_curves,
    difference,
    ratio,
    stack,
    warn_unknown_errors,
)
from ashworth.survival.inputs import TIE_TOLERANCE, Floats, check_level, check_number
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class RestrictedMeanDifference:
    """Restricted mean survival times of g groups against a reference group, one row each.

    Attributes
    ----------
    group : tuple, length g
        Label of the compared group.
    reference : label
        Group that is subtracted and divided by.
    tau : float
        Horizon.
    mean, mean_reference : ndarray, shape (g,)
        Mean event-free time up to `tau`, in the unit of time.
    standard_error, standard_error_reference : ndarray, shape (g,)
        Their standard errors; NaN without an event before `tau`.
    difference, difference_error, lower, upper, p_value : ndarray, shape (g,)
        Mean minus that of the reference, standard error, limits, two-sided p.
    ratio, ratio_lower, ratio_upper, ratio_p_value : ndarray, shape (g,)
        Mean over that of the reference, with limits and p on the log scale.
    lost_ratio, lost_lower, lost_upper, lost_p_value : ndarray, shape (g,)
        The same for the restricted mean time lost, `tau` minus the mean.
    method, n, events, options, version
        As in every result.
    """

    group: tuple[Any, ...]
    reference: Any
    tau: float
    mean: Floats
    mean_reference: Floats
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
    lost_ratio: Floats
    lost_lower: Floats
    lost_upper: Floats
    lost_p_value: Floats
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per group."""
        import polars as pl

        columns = (
            "mean", "mean_reference", "difference", "difference_error", "lower", "upper",
            "p_value", "ratio", "ratio_lower", "ratio_upper", "ratio_p_value", "lost_ratio",
            "lost_lower", "lost_upper", "lost_p_value",
        )  # fmt: skip
        labels = {"group": [str(g) for g in self.group], "reference": str(self.reference)}
        return pl.DataFrame({**labels, "tau": self.tau, **{c: getattr(self, c) for c in columns}})


def restricted_mean_difference(
    time: Any,
    event: Any,
    group: Any,
    tau: float,
    *,
    reference: Any = None,
    entry: Any = None,
    weights: Any = None,
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> RestrictedMeanDifference:
    r"""Compare the mean event-free time up to a horizon between groups.

    Use it where hazards are not proportional, with a horizon named before the data were seen.

    Parameters
    ----------
    time, event, group, entry, weights, tie_tolerance
        As for `kaplan_meier`.
    tau : float
        Horizon in the unit of `time`, inside the follow-up of every group.
    reference : label, optional
        Group to compare with; the first label in sorted order by default.
    level : float
        Confidence level.

    Returns
    -------
    RestrictedMeanDifference
        One row per group that is not the reference.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        With one group, an unknown reference, or a horizon after the last follow-up of a group.

    Warns
    -----
    NotEstimableWarning
        Where a group has no event before `tau`: its standard error is not known.

    Notes
    -----
    .. math:: \mu(\tau) = \int_0^\tau S(t)\,dt,\quad
              \mathrm{var} = \sum_{t_i < \tau} \Bigl(\int_{t_i}^\tau S\Bigr)^2
              \frac{d_i}{r_i (r_i - d_i)}

    These are the conventions of R's ``survfit(rmean = tau)`` and of survRM2's unadjusted analysis:
    no small-sample factor, ratios on the log scale with :math:`\mathrm{se}(\mu)/\mu` (time lost:
    :math:`\mathrm{se}(\mu)/(\tau - \mu)`). survRM2 chooses the largest possible horizon
    by default; here it must be named.

    References
    ----------
    .. [1] Uno H, Claggett B, Tian L et al. (2014). Moving beyond the hazard ratio in quantifying
       the between-group difference in survival analysis. J Clin Oncol 32:2380-2385.
    .. [2] Royston P, Parmar MKB (2013). Restricted mean survival time. BMC Med Res Methodol 13:152.

    Examples
    --------
    >>> time, group = [2, 3, 5, 8, 9, 1, 2, 4, 6, 9], ["low"] * 5 + ["high"] * 5
    >>> found = restricted_mean_difference(time, [1, 0, 1, 0, 0, 1, 1, 1, 0, 0], group, 6,
    ...                                    reference="low")
    >>> round(float(found.difference[0]), 3), round(float(found.p_value[0]), 3)
    (-1.133, 0.322)
    """
    check_level(level)
    subject = "restricted_mean_difference"
    km, reference, others = compared_curves(
        subject, time, event, group, reference, entry=entry, weights=weights, ci="log-log",
        level=level, tie_tolerance=tie_tolerance,
    )  # fmt: skip
    tau = check_number(tau, "tau", "a time after 0")
    check_within_follow_up(subject, "tau", np.array([tau]), km.groups)
    means = {label: curve.restricted_mean(tau) for label, curve in km.groups.items()}
    known = {g: (mean, error if error > 0.0 else np.nan) for g, (mean, error) in means.items()}
    warn_unknown_errors(
        subject, [f"{g!r} until {tau:g}" for g, (_, error) in known.items() if np.isnan(error)]
    )
    a, error_a = known[reference]
    d = stack([difference(a, error_a, *known[g], level) for g in others])
    r = stack([ratio(a, error_a, *known[g], level) for g in others])
    lost = stack([ratio(tau - a, error_a, tau - known[g][0], known[g][1], level) for g in others])
    options = {"level": level, "entry": entry is not None, "weights": weights is not None}
    return RestrictedMeanDifference(
        tuple(others), reference, tau, np.array([known[g][0] for g in others]),
        np.full(len(others), a), np.array([known[g][1] for g in others]),
        np.full(len(others), error_a),
        d.estimate, d.standard_error, d.lower, d.upper, d.p_value,
        r.estimate, r.lower, r.upper, r.p_value,
        lost.estimate, lost.lower, lost.upper, lost.p_value,
        "difference of restricted mean survival times", km.n, km.events, options, __version__,
    )  # fmt: skip
