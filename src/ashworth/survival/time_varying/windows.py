"""Hazard ratios in windows of follow-up, with the test that they are equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Faults,
    Floats,
    Integers,
    check_level,
    check_option,
    native,
)
from ashworth.survival.proportional_hazards.data import CoxData, read_cox_data
from ashworth.survival.proportional_hazards.model import cox
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import TestResult, chi_square_p
from ashworth.survival.time_varying.splitting import (
    SplitFollowUp,
    on_observed_times,
    refuse_empty_windows,
    split_follow_up,
    window_edges,
    window_label,
)
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class HazardRatioWindows:
    """Hazard ratios of p markers in k windows, one row per marker and window.

    Attributes
    ----------
    names : tuple of str, length k p
        Marker of each row.
    start, stop : ndarray, shape (k p,)
        The window (start, stop]; the last one ends at infinity.
    at_risk : ndarray of int, shape (k p,)
        Rows of the caller that were at risk in the window.
    n_events : ndarray of int, shape (k p,)
        Events in the window.
    person_time : ndarray, shape (k p,)
        Time at risk in the window, in the unit of time.
    coefficients, standard_errors : ndarray, shape (k p,)
        Log hazard ratios and standard errors; NaN in a window without events.
    equality_test : TestResult
        Test that the hazard ratios of all windows are equal: by the likelihood ratio, or with
        clusters Wald's test by the robust variance.
    fit, common_fit : CoxResult
        The model by windows, and the one with one hazard ratio for all.
    method, n, events, options, version
        As in every result.
    """

    names: tuple[str, ...]
    start: Floats
    stop: Floats
    at_risk: Integers
    n_events: Integers
    person_time: Floats
    coefficients: Floats
    standard_errors: Floats
    equality_test: TestResult
    fit: CoxResult
    common_fit: CoxResult
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str

    @property
    def hazard_ratios(self) -> Floats:
        """Hazard ratios, shape (k p,)."""
        return np.exp(self.coefficients)

    def table(self, level: float = 0.95) -> pl.DataFrame:
        """One row per marker and window with hazard ratio, Wald limits at `level`, and p."""
        import polars as pl

        check_level(level)
        limits = np.exp(self.fit.confint(level))[: len(self.names)]
        return pl.DataFrame(
            {
                "marker": list(self.names),
                "start": self.start,
                "stop": self.stop,
                "at_risk": self.at_risk,
                "events": self.n_events,
                "person_time": self.person_time,
                "coefficient": self.coefficients,
                "standard_error": self.standard_errors,
                "hazard_ratio": self.hazard_ratios,
                "lower": limits[:, 0],
                "upper": limits[:, 1],
                "p_value": self.fit.p_values[: len(self.names)],
            }
        )


def hazard_ratio_windows(
    time: Any,
    event: Any,
    marker: Any,
    breaks: float | Sequence[float],
    *,
    names: Sequence[str] | None = None,
    adjust: Any = None,
    entry: Any = None,
    strata: Any = None,
    weights: Any = None,
    cluster: Any = None,
    ties: Literal["efron", "breslow"] = "efron",
    tie_tolerance: float = TIE_TOLERANCE,
) -> HazardRatioWindows:
    r"""Estimate the hazard ratio of a marker in windows of follow-up.

    Use it to ask whether a marker still tells late recurrences (0-2, 2-5, after 5 years). Breaks
    must be named before the data are seen. Patients in a later window are those who came that
    far: its hazard ratio is not that of all patients.

    Parameters
    ----------
    time, event, entry, strata, weights, cluster, ties, tie_tolerance
        As for `cox`; the rows of one subject that the breaks make need no cluster.
    marker : array-like, shape (n,) or (n, p), or a frame or dict of columns
        Numbers without missing values; each column has its own hazard ratio in every window.
    breaks : float or sequence of float
        Ends of all windows but the last, ascending, in the unit of `time`. Windows are
        (0, b1], (b1, b2], ...: an event at a break belongs to the window that ends there.
    names : sequence of str, optional
        Names of the marker's columns.
    adjust : array-like, frame or dict, optional
        Covariates with one hazard ratio over all windows.

    Returns
    -------
    HazardRatioWindows

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events, with breaks that are not ascending, or with a window in which nobody is at
        risk.

    Warns
    -----
    NotEstimableWarning
        With a window without events, whose hazard ratio is NaN.
    MonotoneLikelihoodWarning
        With a window in which all events have the largest (or least) value at risk.

    Notes
    -----
    Follow-up is cut at the breaks as by R's ``survSplit``. With the indicator :math:`w_k(t)` of
    window k the hazard is

    .. math:: \lambda(t) = \lambda_0(t) \exp\Bigl(\sum_k \beta_k w_k(t) x + \gamma z\Bigr)

    The test of :math:`\beta_1 = \dots = \beta_K` compares twice the log partial likelihood with
    that of one common coefficient. Windows without events take no part. A likelihood ratio needs
    independent rows: with `cluster` Wald's test by the robust variance stands in its place. A
    break that equals an observed time within `tie_tolerance` is that time.

    References
    ----------
    .. [1] Therneau TM, Grambsch PM (2000). Modeling survival data: extending the Cox model.
       Springer, section 6.5.
    .. [2] Sparano J, O'Neill A, Alpaugh K et al. (2018). Association of circulating tumor cells
       with late recurrence of estrogen receptor-positive breast cancer. JAMA Oncol 4:1700-1706.

    Examples
    --------
    >>> time = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    >>> found = hazard_ratio_windows(time, [1] * 9 + [0], [1, 1, 0, 1, 0, 0, 1, 0, 1, 0], 5)
    >>> found.n_events.tolist(), [round(float(h), 2) for h in found.hazard_ratios]
    ([5, 4], [2.13, 1.32])
    >>> round(found.equality_test.p_value, 3)
    0.725
    """
    check_option(ties, "ties", ("efron", "breslow"))
    subject = "hazard_ratio_windows"
    data = read_cox_data(
        subject, time, event, marker, names=names, entry=entry, strata=strata, cluster=cluster,
        weights=weights, offset=None, tie_tolerance=tie_tolerance,
    )  # fmt: skip
    edges = window_edges(breaks, data)
    cut = split_follow_up(data, on_observed_times(edges, data.time, tie_tolerance))
    refuse_empty_windows(cut, edges)
    common, labels = _adjusting(subject, adjust, data, native(time).size)
    z, x = common[cut.row], data.covariates[cut.row]
    by_window = [x * (cut.window == k)[:, None] for k in range(edges.size - 1)]
    order = [(j, k) for j in range(x.shape[1]) for k in range(edges.size - 1)]
    columns = np.column_stack([by_window[k][:, j] for j, k in order])
    terms = [f"{data.names[j]} {window_label(edges[k], edges[k + 1])}" for j, k in order]
    options = {
        "entry": cut.start, "strata": None if data.stratum is None else data.stratum[cut.row],
        "weights": None if data.weights is None else data.weights[cut.row], "ties": ties,
        "tie_tolerance": 0.0, "cluster": None if data.cluster is None else data.cluster[cut.row],
    }  # fmt: skip
    fit = cox(cut.stop, cut.event, np.hstack([columns, z]), names=[*terms, *labels], **options)
    one = cox(cut.stop, cut.event, np.hstack([x, z]), names=[*data.names, *labels], **options)
    return _result(data, edges, cut, order, (fit, one), breaks, adjusted=labels)


def _adjusting(subject: str, adjust: Any, data: CoxData, n: int) -> tuple[Floats, tuple[str, ...]]:
    """Check the common covariates; rows follow those of the marker."""
    from ashworth.survival.proportional_hazards.covariates import (
        check_covariates,
        covariate_matrix,
    )

    if adjust is None:
        return np.empty((data.time.size, 0)), ()
    faults = Faults(subject)
    z, names = covariate_matrix(adjust, None, faults)
    check_covariates(z, names, faults)
    if z.shape[0] != n:
        faults.note("adjust", f"{z.shape[0]} rows", f"{n}, as many as time", "align the columns")
    twice = sorted(set(names) & set(data.names))
    if twice:
        remedy = "leave the marker out of adjust, or rename"
        faults.note("adjust", f"{', '.join(twice)}, a marker", "other covariates", remedy)
    faults.stop()
    return z[data.rows], names


def _equality(fit: CoxResult, one: CoxResult, n: int, events: int) -> TestResult:
    """Likelihood-ratio test of the windows against one hazard ratio."""
    df = fit.likelihood_ratio_test.df - one.likelihood_ratio_test.df
    rise = float(2.0 * (fit.log_likelihood - one.log_likelihood))
    method = "likelihood ratio test of equal hazard ratios"
    return TestResult(rise, df, chi_square_p(rise, df), method, n, events)


def _robust_equality(
    fit: CoxResult, order: Sequence[tuple[int, int]], n: int, events: int
) -> TestResult:
    """Wald's test of equal coefficients of each marker, from the fit's covariance."""
    contrasts = []
    for marker in sorted({j for j, _ in order}):
        places = [i for i, (j, _) in enumerate(order) if j == marker]
        known = [i for i in places if np.isfinite(fit.coefficients[i])]
        for other in known[1:]:
            row = np.zeros(fit.coefficients.size)
            row[other], row[known[0]] = 1.0, -1.0
            contrasts.append(row)
    method, df = "robust Wald test of equal hazard ratios", len(contrasts)
    if not contrasts:
        return TestResult(float("nan"), 0, float("nan"), method, n, events)
    used = np.isfinite(fit.coefficients)
    c = np.array(contrasts)[:, used]
    gap = c @ fit.coefficients[used]
    spread = c @ fit.covariance[np.ix_(used, used)] @ c.T
    statistic = float(gap @ np.linalg.solve(spread, gap))
    return TestResult(statistic, df, chi_square_p(statistic, df), method, n, events)


def _result(
    data: CoxData, edges: Floats, cut: SplitFollowUp, order: Sequence[tuple[int, int]],
    fits: tuple[CoxResult, CoxResult], breaks: Any, *, adjusted: Sequence[str],
) -> HazardRatioWindows:  # fmt: skip
    fit, one = fits
    k, m = edges.size - 1, len(order)
    window = np.array([w for _, w in order])
    events = np.bincount(cut.window[cut.event], minlength=k)
    time = np.bincount(cut.window, weights=cut.stop - cut.start, minlength=k).astype(np.float64)
    n, n_events = data.time.size, int(data.event.sum())
    test = (
        _equality(fit, one, n, n_events)
        if data.cluster is None
        else _robust_equality(fit, order, n, n_events)
    )
    options = {
        "breaks": tuple(float(b) for b in edges[1:-1]), "adjust": tuple(adjusted),
        "ties": fit.ties, "entry": data.entry is not None, "strata": data.stratum is not None,
        "weights": data.weights is not None, "cluster": data.cluster is not None,
    }  # fmt: skip
    return HazardRatioWindows(
        tuple(data.names[j] for j, _ in order), edges[window], edges[window + 1],
        np.bincount(cut.window, minlength=k)[window], events[window], time[window],
        fit.coefficients[:m], fit.standard_errors[:m], test, fit, one,
        "Cox model with a hazard ratio per window of follow-up", n, n_events, options, __version__,
    )  # fmt: skip
