"""The Brier score of predicted risks, with inverse probability of censoring weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Faults,
    Floats,
    check_level,
    check_option,
    native,
)
from ashworth.survival.prognostic_value.concordance_result import cut_limits
from ashworth.survival.prognostic_value.ipcw import (
    FollowUp,
    horizon,
    read_follow_up,
    read_times,
    refuse_times,
    standard_error,
    weighted_mean,
)
from ashworth.survival.results import normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class BrierScore:
    """Brier score of m models at k times.

    Attributes
    ----------
    names : tuple of str
        Models, in the order of all arrays.
    times : ndarray, shape (k,)
        Times that were asked for.
    score, standard_errors, lower, upper : ndarray, shape (m, k)
        Brier score, its standard error and normal limits at `level`, cut at 0 and 1.
    null_score : ndarray, shape (k,)
        Brier score of the marginal risk (Kaplan-Meier or Aalen-Johansen), the same for everybody.
    scaled, scaled_standard_errors, scaled_lower, scaled_upper : ndarray, shape (m, k)
        Scaled Brier score (index of prediction accuracy) 1 - score / null_score.
    integrated, integrated_standard_errors : ndarray, shape (m,)
        Mean of the score over time; NaN with one time.
    integrated_null : float
        The same of `null_score`.
    cases, censored : ndarray of int, shape (k,)
        Rows with the event by each time, and rows censored before.
    n, events, competing : int
        Rows, events of interest and competing events.
    level : float
        Level of the limits.
    method, options, version
        Name of the estimator, what was chosen, version of the package.
    influence : ndarray, shape (n, m, k)
        Each row's influence on each score.
    """

    names: tuple[str, ...]
    times: Floats
    score: Floats
    standard_errors: Floats
    lower: Floats
    upper: Floats
    null_score: Floats
    scaled: Floats
    scaled_standard_errors: Floats
    scaled_lower: Floats
    scaled_upper: Floats
    integrated: Floats
    integrated_standard_errors: Floats
    integrated_null: float
    cases: np.ndarray
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
        """One row per model and time, the marginal risk first under the name "no model"."""
        import polars as pl

        k, gap = self.times.size, np.full(self.times.size, np.nan)

        def rows(null: Floats, models: Floats) -> Floats:
            return np.concatenate([null, models.ravel()])

        m = len(self.names)
        return pl.DataFrame(
            {
                "model": ["no model"] * k + np.repeat(self.names, k).tolist(),
                "time": np.tile(self.times, m + 1),
                "n": [self.n] * (k * (m + 1)),
                "cases": np.tile(self.cases, m + 1),
                "censored": np.tile(self.censored, m + 1),
                "brier_score": rows(self.null_score, self.score),
                "standard_error": rows(gap, self.standard_errors),
                "lower": rows(gap, self.lower),
                "upper": rows(gap, self.upper),
                "scaled": rows(np.zeros(k), self.scaled),
                "scaled_lower": rows(gap, self.scaled_lower),
                "scaled_upper": rows(gap, self.scaled_upper),
            }
        )


def _one_model(values: Any, name: str, n_times: int, faults: Faults) -> Floats:
    """Risks of one model as (n, k)."""
    array = native(values)
    if array.dtype.kind not in "biuf" or array.ndim not in (1, 2):
        found = f"{array.ndim} dimensions of type {array.dtype}"
        faults.note(name, found, "risks of shape (n,) or (n, k)", "pass one column per time")
        return np.zeros((0, n_times))
    matrix = np.asarray(array, dtype=np.float64)
    matrix = matrix[:, None] if matrix.ndim == 1 else matrix
    if matrix.shape[1] != n_times:
        found = f"{matrix.shape[1]} columns of risks"
        faults.note(name, found, f"{n_times}, one per time", "predict at the times asked for")
        return np.zeros((matrix.shape[0], n_times))
    bad = np.asarray(~((matrix >= 0.0) & (matrix <= 1.0)).all(axis=1))
    remedy = "pass the predicted probability of the event by each time"
    faults.rows(bad, name, "values that are no probabilities", "0 to 1", remedy)
    return matrix


def read_risks(
    risk: Any, n_times: int, faults: Faults
) -> tuple[dict[str, Floats], list[tuple[str, Any]]]:
    """Predicted risks by model, each (n, k), and the columns whose length must be checked."""
    models = risk if isinstance(risk, dict) else {"model": risk}
    if not models:
        faults.note("risk", "no models", "one or more", "pass a dict of predicted risks")
    found = {str(k): _one_model(v, str(k), n_times, faults) for k, v in models.items()}
    return found, list(found.items())


def brier_score(
    time: Any,
    event: Any,
    risk: Any,
    times: Any,
    *,
    integration: Literal["trapezoid", "step"] = "trapezoid",
    weight_errors: Literal["martingale", "jackknife"] = "martingale",
    level: float = 0.95,
    tie_tolerance: float = TIE_TOLERANCE,
) -> BrierScore:
    r"""Mean squared difference between predicted risk and what happened by each time.

    Use it for overall accuracy (discrimination and calibration together); small is good. A scaled
    score of 0 is no better than telling everybody the average risk, below 0 it is worse.

    Parameters
    ----------
    time : array-like, shape (n,)
        End of follow-up, 0 or later.
    event : array-like of int or bool, shape (n,)
        0 censored, 1 the event of interest, 2 and more competing events.
    risk : array-like, shape (n,) or (n, k), or a dict of such by model
        Predicted probability of the event of interest by each of the k times.
    times : float or array-like, shape (k,)
        Times, rising.
    integration : {"trapezoid", "step"}
        The integrated score is a mean over time: by straight lines from the first time to the
        last, or from 0 to the last with each value held until the next time and 0 before the first
        (as riskRegression and pec). Ask for a fine grid of times.
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
    BrierScore

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        At a time beyond the last follow-up. Late entry is not supported.

    Notes
    -----
    With :math:`Y_i = 1` for the event of interest by t, and weights
    :math:`W_i = 1/G(T_i-)` after any event by t, :math:`1/G(t)` for those followed beyond, 0 for
    those censored before (G: Kaplan-Meier of the censoring, events before censorings at equal
    times):

    .. math:: BS(t) = \frac1n \sum_i W_i(t) \{Y_i(t) - r_i(t)\}^2,\quad
              \text{scaled} = 1 - \frac{BS(t)}{F(t)\{1 - F(t)\}}

    F is the weighted mean of Y, which is the Kaplan-Meier (Aalen-Johansen) risk. Standard errors
    are those of the influence function, including that G and F are estimated. A model that was
    fitted to the same rows looks better than it is.

    References
    ----------
    .. [1] Graf E, Schmoor C, Sauerbrei W, Schumacher M (1999). Assessment and comparison of
       prognostic classification schemes for survival data. Stat Med 18:2529-2545.
    .. [2] Kattan MW, Gerds TA (2018). The index of prediction accuracy: an intuitive measure useful
       for evaluating risk prediction models. Diagn Progn Res 2:7.

    Examples
    --------
    >>> risk = [0.8, 0.6, 0.1, 0.9, 0.4, 0.2]
    >>> found = brier_score([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 0, 1], risk, 8)
    >>> round(float(found.score[0, 0]), 4), round(float(found.scaled[0, 0]), 4)
    (0.07, 0.72)
    """
    check_option(integration, "integration", ("trapezoid", "step"))
    check_level(level)
    faults = Faults("brier_score")
    at = read_times(times, "brier_score", faults)
    models, columns = read_risks(risk, at.size, faults)
    seen = read_follow_up(time, event, faults, tie_tolerance, weight_errors, *columns)
    refuse_times("brier_score", seen, at, cases=False)
    options = {
        "integration": integration,
        "weight_errors": weight_errors,
        "tie_tolerance": tie_tolerance,
    }
    return _result(seen, models, at, level, options)


def _mean_over(times: Floats, integration: str) -> Floats:
    """Weights of the times in the mean over time."""
    if times.size < 2:
        return np.full(times.size, np.nan)
    gaps = np.diff(times)
    if integration == "step":
        return np.append(gaps, 0.0) / times[-1]
    return (np.append(gaps, 0.0) + np.append(0.0, gaps)) / 2.0 / (times[-1] - times[0])


def _result(
    seen: FollowUp, models: dict[str, Floats], times: Floats, level: float, options: dict[str, Any]
) -> BrierScore:
    n, m, k = seen.time.size, len(models), times.size
    score, influence = np.empty((m, k)), np.empty((n, m, k))
    null, scaled_influence = np.empty(k), np.empty((n, m, k))
    counts = np.empty((2, k), dtype=np.int64)
    for j, t in enumerate(times.tolist()):
        at = horizon(seen, t)
        counts[:, j] = at.case.sum(), n - np.count_nonzero(at.case | at.later | at.competed)
        happened = at.case.astype(np.float64)
        marginal, moved = weighted_mean(seen, at, happened)
        null[j] = marginal * (1.0 - marginal)
        for i, risk in enumerate(models.values()):
            score[i, j], influence[:, i, j] = weighted_mean(seen, at, (happened - risk[:, j]) ** 2)
            scaled_influence[:, i, j] = _scaled(score[i, j], influence[:, i, j], marginal, moved)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(null > 0, 1.0 - score / null, np.nan)
    return _gather(
        seen, tuple(models), times, score, influence, null, scaled, scaled_influence, counts, level,
        options,
    )  # fmt: skip


def _scaled(score: float, influence: Floats, marginal: float, moved: Floats) -> Floats:
    """Influence on 1 - score / null."""
    null = marginal * (1.0 - marginal)
    if null <= 0.0:
        return np.full(influence.size, np.nan)
    return -influence / null + score / null**2 * (1.0 - 2.0 * marginal) * moved


def _gather(
    seen: FollowUp, names: tuple[str, ...], times: Floats, score: Floats, influence: Floats,
    null: Floats, scaled: Floats, scaled_influence: Floats, counts: np.ndarray, level: float,
    options: dict[str, Any],
) -> BrierScore:  # fmt: skip
    error, scaled_error = standard_error(influence), standard_error(scaled_influence)
    lower, upper = cut_limits(score, error, level)
    half = normal_quantile(level) * scaled_error
    share = _mean_over(times, options["integration"])
    return BrierScore(
        names, times, score, error, lower, upper, null, scaled, scaled_error, scaled - half,
        np.minimum(scaled + half, 1.0), score @ share, standard_error(influence @ share),
        float(null @ share), counts[0], counts[1], seen.time.size, seen.events, seen.competing,
        level, "Brier score, inverse probability of censoring weights (Kaplan-Meier)", options,
        __version__, influence,
    )  # fmt: skip
