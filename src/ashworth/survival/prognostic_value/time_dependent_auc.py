"""Area under the time-dependent ROC curve, with inverse probability of censoring weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.survival.inputs import TIE_TOLERANCE, Faults, Floats, check_level, check_option
from ashworth.survival.prognostic_value.concordance_index import score_names
from ashworth.survival.prognostic_value.concordance_result import cut_limits
from ashworth.survival.prognostic_value.ipcw import (
    FollowUp,
    Horizon,
    horizon,
    read_follow_up,
    read_times,
    refuse_times,
    standard_error,
    weights_influence,
)
from ashworth.survival.proportional_hazards.covariates import check_covariates, covariate_matrix
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class TimeDependentAuc:
    """AUC of m markers at k times.

    Attributes
    ----------
    names : tuple of str
        Markers, in the order of all arrays.
    times : ndarray, shape (k,)
        Times that were asked for.
    auc, standard_errors, lower, upper : ndarray, shape (m, k)
        AUC, its standard error and normal limits at `level`, cut at 0 and 1.
    cases, controls, censored : ndarray of int, shape (k,)
        Rows with the event by each time, rows that are controls, rows censored before.
    n, events, competing : int
        Rows, events of interest and competing events.
    level : float
        Level of the limits.
    method, options, version
        Name of the estimator, what was chosen, version of the package.
    influence : ndarray, shape (n, m, k)
        Each row's influence on each AUC.
    """

    names: tuple[str, ...]
    times: Floats
    auc: Floats
    standard_errors: Floats
    lower: Floats
    upper: Floats
    cases: np.ndarray
    controls: np.ndarray
    censored: np.ndarray
    n: int
    events: int
    competing: int
    level: float
    method: str
    options: Mapping[str, Any]
    version: str
    influence: Floats = field(repr=False, compare=False)

    def table(self) -> pl.DataFrame:
        """One row per marker and time."""
        import polars as pl

        m, k = len(self.names), self.times.size
        return pl.DataFrame(
            {
                "marker": np.repeat(self.names, k).tolist(),
                "time": np.tile(self.times, m),
                "n": [self.n] * (m * k),
                "cases": np.tile(self.cases, m),
                "controls": np.tile(self.controls, m),
                "censored": np.tile(self.censored, m),
                "auc": self.auc.ravel(),
                "standard_error": self.standard_errors.ravel(),
                "lower": self.lower.ravel(),
                "upper": self.upper.ravel(),
            }
        )


def _won(score: Floats, case_mass: Floats, control_mass: Floats) -> tuple[Floats, Floats]:
    """Per row: mass of controls below it, and of cases above it; ties count one half."""
    rank = np.unique(score, return_inverse=True)[1]
    controls, cases = np.bincount(rank, control_mass), np.bincount(rank, case_mass)
    below = np.cumsum(controls) - controls / 2.0
    above = cases.sum() - np.cumsum(cases) + cases / 2.0
    return below[rank], above[rank]


def _area(seen: FollowUp, at: Horizon, score: Floats, controls: np.ndarray) -> tuple[float, Floats]:
    """AUC at one time and each row's influence."""
    a, b = np.where(at.case, at.weight, 0.0), np.where(controls, at.weight, 0.0)
    below, above = _won(score, a, b)
    pairs = a.sum() * b.sum()
    auc = float(a @ below / pairs)
    parts = (a * (below - auc * b.sum()) + b * (above - auc * a.sum())) / pairs
    known = parts * (at.case | controls)
    return auc, known + weights_influence(seen, at, known)


def time_dependent_auc(
    time: Any,
    event: Any,
    marker: Any,
    times: Any,
    *,
    names: Sequence[str] | None = None,
    controls: Literal["without_event", "event_free"] = "without_event",
    weight_errors: Literal["martingale", "jackknife"] = "martingale",
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> TimeDependentAuc:
    r"""Cumulative/dynamic AUC: who has the event by t against who has not.

    Use it for discrimination at a clinical horizon, such as 5 years. The value is the probability
    that a case (event by t) has a higher marker than a control; ties count one half.

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, 0 or later.
    event : array-like of int or bool, shape (n,)
        0 censored, 1 the event of interest, 2 and more competing events.
    marker : array-like, shape (n,) or (n, m), or a frame or dict of columns
        Markers or predicted risks; high values go with early events.
    times : float or array-like, shape (k,)
        Horizons, rising.
    names : sequence of str, optional
        Names of the markers.
    controls : {"without_event", "event_free"}
        With competing events: whether those who had one by t are controls (``without_event``) or
        only those free of every event at t (``event_free``).
    weight_errors : {"martingale", "jackknife"}
        How the uncertainty of the censoring weights enters the standard error: by the first-order
        counting process (as riskRegression's ``Score``) or by the derivative of the estimate itself
        with respect to each patient's weight. They differ by terms of order 1/n.
    level : float
        Level of the limits.
    tie_tolerance : float
        As for `cox`.

    Returns
    -------
    TimeDependentAuc

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        At a time before the first event, or beyond the last follow-up. Late entry is not
        supported: the censoring weights assume follow-up from 0.

    Notes
    -----
    With G the Kaplan-Meier curve of the censoring, events before censorings at equal times, cases
    weigh :math:`W_i = 1/G(T_i-)`, controls followed beyond t weigh :math:`1/G(t)`, controls with a
    competing event :math:`1/G(T_j-)`:

    .. math:: AUC(t) = \frac{\sum_{i}\sum_{j} W_i W_j \{1(M_i > M_j) + \tfrac12 1(M_i = M_j)\}}
              {\sum_i W_i \sum_j W_j}

    The standard error is that of the influence function, which includes that G is estimated.
    Censoring must not depend on the marker.

    References
    ----------
    .. [1] Uno H, Cai T, Tian L, Wei LJ (2007). Evaluating prediction rules for t-year survivors
       with censored regression models. J Am Stat Assoc 102:527-537.
    .. [2] Blanche P, Dartigues JF, Jacqmin-Gadda H (2013). Estimating and comparing time-dependent
       areas under receiver operating characteristic curves for censored event times with competing
       risks. Stat Med 32:5381-5397.

    Examples
    --------
    >>> found = time_dependent_auc([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 0, 1], [2, 1, 0, 3, 3, 0], 8)
    >>> round(float(found.auc[0, 0]), 4)
    0.7222
    """
    check_option(controls, "controls", ("without_event", "event_free"))
    check_level(level)
    faults = Faults("time_dependent_auc")
    x, terms = covariate_matrix(marker, names, faults)
    check_covariates(x, terms, faults)
    at = read_times(times, "time_dependent_auc", faults)
    seen = read_follow_up(time, event, faults, tie_tolerance, weight_errors, ("marker", x))
    refuse_times("time_dependent_auc", seen, at, cases=True)
    options = {"controls": controls, "weight_errors": weight_errors, "tie_tolerance": tie_tolerance}
    labels = tuple("marker" if n == "score" else n for n in score_names(terms, names, marker))
    return _result(seen, x, at, labels, level, options)


def _result(
    seen: FollowUp, x: Floats, times: Floats, names: tuple[str, ...], level: float,
    options: dict[str, Any],
) -> TimeDependentAuc:  # fmt: skip
    n, m, k = seen.time.size, len(names), times.size
    auc, influence = np.empty((m, k)), np.empty((n, m, k))
    counts = np.empty((3, k), dtype=np.int64)
    for j, t in enumerate(times.tolist()):
        at = horizon(seen, t)
        control = at.later | at.competed if options["controls"] == "without_event" else at.later
        known = at.case | at.later | at.competed
        counts[:, j] = [np.count_nonzero(v) for v in (at.case, control, ~known)]
        for i in range(m):
            auc[i, j], influence[:, i, j] = _area(seen, at, x[:, i], control)
    error = standard_error(influence)
    lower, upper = cut_limits(auc, error, level)
    return TimeDependentAuc(
        names, times, auc, error, lower, upper, counts[0], counts[1], counts[2], n, seen.events,
        seen.competing, level,
        "cumulative/dynamic AUC, inverse probability of censoring weights (Kaplan-Meier)", options,
        __version__, influence,
    )  # fmt: skip
