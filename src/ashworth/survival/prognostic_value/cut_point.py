"""Search a marker's cut-point, and pay for the search."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from scipy.special import ndtr

from ashworth.errors import AshworthWarning, EstimationError
from ashworth.survival.inputs import (
    TIE_TOLERANCE,
    Booleans,
    Faults,
    Floats,
    Integers,
    check_count,
    check_generator,
    check_level,
    check_number,
    check_option,
    merge_near_ties,
    numbers,
    observations,
)
from ashworth.survival.prognostic_value import maximal_statistic as law
from ashworth.survival.prognostic_value.adjusted_statistic import (
    AdjustedScores,
    adjusted_scores,
    multiplier_maxima,
)
from ashworth.survival.prognostic_value.cut_point_result import CutPointSearch
from ashworth.survival.proportional_hazards.covariates import check_covariates, covariate_matrix
from ashworth.survival.proportional_hazards.model import cox
from ashworth.version import __version__

_EXACT_ROWS = 8
_MOST_CELLS = 30_000_000


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows in the order of the marker."""

    marker: Floats
    time: Floats
    event: Booleans
    covariates: Floats

    def take(self, which: Any) -> _Rows:
        return _Rows(
            self.marker[which], self.time[which], self.event[which], self.covariates[which]
        )


@dataclass(frozen=True, slots=True)
class _Scan:
    """Candidate cuts with the rows below each, and their statistics."""

    cuts: Floats
    below: Integers
    statistics: Floats
    scores: Floats
    adjusted: AdjustedScores | None

    @property
    def best(self) -> int:
        """First cut with the largest absolute statistic."""
        return int(np.argmax(np.abs(self.statistics)))


def _candidates(marker: Floats, minprop: float) -> tuple[Floats, Integers]:
    """Cuts with at least the smallest share of rows on both sides, and the rows below them."""
    n = marker.size
    below = np.flatnonzero(marker[1:] > marker[:-1]) + 1
    least, most = max(1, int(np.floor(n * minprop))), int(np.floor(n * (1.0 - minprop)))
    below = below[(below >= least) & (below <= most)]
    return marker[below], below


def _scan(rows: _Rows, minprop: float) -> _Scan | None:
    """Statistics of all candidates; None without candidates or events."""
    cuts, below = _candidates(rows.marker, minprop)
    if cuts.size == 0 or not rows.event.any():
        return None
    scores = law.log_rank_scores(rows.time, rows.event)
    if rows.covariates.shape[1] == 0:
        statistics = -law.standardised(scores.cumsum()[below - 1], below, scores)
        return _Scan(cuts, below, statistics, scores, None)
    if cuts.size * rows.time.size > _MOST_CELLS:
        raise EstimationError(
            f"cut_point_search: {cuts.size} cuts of {rows.time.size} rows are too many with "
            "covariates; round the marker"
        )
    null = cox(rows.time, rows.event, rows.covariates, ties="breslow", tie_tolerance=0.0)
    finite = np.nan_to_num(null.coefficients, nan=0.0, posinf=np.inf, neginf=-np.inf)
    if not np.isfinite(finite).all():
        return None
    columns = (rows.marker[:, None] >= cuts).astype(np.float64)
    adjusted = adjusted_scores(
        rows.time, rows.event, columns, rows.covariates, rows.covariates @ finite
    )
    return _Scan(cuts, below, adjusted.statistic, scores, adjusted)


def _effect(rows: _Rows, cut: float) -> tuple[float, float]:
    """Log hazard ratio of high against low, and its standard error; NaN where it is not finite."""
    high = (rows.marker >= cut).astype(np.float64)
    if high.min() == high.max() or not rows.event.any():
        return float("nan"), float("nan")
    x = np.concatenate([high[:, None], rows.covariates], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AshworthWarning)
        try:
            fit = cox(rows.time, rows.event, x, tie_tolerance=0.0)
        except EstimationError:
            return float("nan"), float("nan")
    if not np.isfinite(fit.coefficients[0]):
        return float("nan"), float("nan")
    return float(fit.coefficients[0]), float(fit.standard_errors[0])


def _bootstrap(
    rows: _Rows, minprop: float, replicates: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Per sample: the chosen cut, its optimism, and its effect in the rows left out."""
    n, cuts, optimism, held_out = rows.time.size, [], [], []
    for _ in range(replicates):
        drawn = np.sort(rng.integers(0, n, n))
        sample = rows.take(drawn)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AshworthWarning)
            scan = _scan(sample, minprop)
        if scan is None:
            continue
        cut = float(scan.cuts[scan.best])
        cuts.append(cut)
        sign = np.sign(scan.statistics[scan.best])
        optimism.append(sign * (_effect(sample, cut)[0] - _effect(rows, cut)[0]))
        left = rows.take(np.setdiff1d(np.arange(n), drawn))
        held_out.append(sign * _effect(left, cut)[0])
    return np.array(cuts), np.array(optimism), np.array(held_out)


def _simulated(
    scan: _Scan, n: int, permutations: int, rng: np.random.Generator
) -> tuple[str, Floats]:
    """Law of the largest statistic by permutation or by multipliers."""
    if scan.adjusted is not None:
        return "multiplier", multiplier_maxima(scan.adjusted.shares, permutations, rng)
    if n <= _EXACT_ROWS:
        return "exact", law.every_maximum(scan.scores, scan.below)
    return "permutation", law.permuted_maxima(scan.scores, scan.below, permutations, rng)


def _tail(maxima: Floats, b: float, *, exact: bool) -> float:
    """P-value among simulated maxima; the observed one counts among random ones."""
    reached = int((maxima >= b - 1e-9 * max(b, 1.0)).sum())
    return reached / maxima.size if exact else (reached + 1) / (maxima.size + 1)


def _corrections(scan: _Scan, n: int, share: float) -> dict[str, Any]:
    """P-values as functions of the statistic; none of these knows of covariates."""
    if scan.adjusted is not None:
        return {}
    return {
        "gaussian": partial(law.gaussian, below=scan.below, n=n),
        "lausen_1994": partial(law.lausen_1994, below=scan.below, n=n),
        "lausen_1992": partial(law.lausen_1992, low=share, high=1.0 - share),
    }


def _read(
    time: Any, event: Any, marker: Any, covariates: Any, names: Any
) -> tuple[_Rows, tuple[str, ...]]:
    faults = Faults("cut_point_search")
    x = numbers(marker, "marker", faults)
    z, terms = (np.zeros((x.size, 0)), ())
    if covariates is not None:
        z, terms = covariate_matrix(covariates, names, faults)
        check_covariates(z, terms, faults)
    remedy = "leave these rows out, and count them, before the call"
    faults.rows(~np.isfinite(x), "marker", "missing or infinite values", "finite numbers", remedy)
    seen = observations(time, event, None, None, faults, ("marker", x), ("covariates", z))
    if not seen.event.any():
        raise EstimationError(f"cut_point_search: no events among {x.size} rows")
    t, _ = merge_near_ties(seen.time, None, TIE_TOLERANCE)
    order = np.argsort(x, kind="stable")
    return _Rows(x[order], t[order], seen.event[order], z[order]), terms


def cut_point_search(
    time: Any,
    event: Any,
    marker: Any,
    *,
    seed: int | np.random.Generator,
    minprop: float = 0.1,
    covariates: Any = None,
    names: Any = None,
    permutations: int = 1999,
    bootstrap: int = 0,
    p_method: Literal["permutation", "gaussian"] = "permutation",
    level: float = 0.95,
) -> CutPointSearch:
    r"""Search the cut of a marker that separates survival best, with the corrected p-value.

    Use it to ask whether any cut separates, and how stable the chosen one is. A searched cut is no
    validated one; the count itself (`compare_marker_forms`) keeps more information.

    Parameters
    ----------
    time, event : array-like, shape (n,)
        Follow-up, 0 or later, and 1 event, 0 censored. Late entry, strata and weights have no
        permutation law here and are not taken.
    marker : array-like, shape (n,)
        Values; high is ``marker >= cut``.
    seed : int or numpy.random.Generator
        For permutations and bootstrap.
    minprop : float
        Smallest share of rows on either side of a cut, above 0 and below 0.5.
    covariates : array-like, shape (n, p), or a frame or dict of columns, optional
        Adjustment: score statistics given these, with multiplier p-values.
    names : sequence of str, optional
        Names of the covariates.
    permutations : int
        Random permutations (or multipliers), 99 or more. Up to 8 rows all permutations are taken.
    bootstrap : int
        Samples for the distribution of the cut and the correction of the effect; 0 for none.
    p_method : {"permutation", "gaussian"}
        Which corrected p-value is ``.p_value``; all are in ``.corrected``.
    level : float
        1 - level is the corrected p-value that belongs to ``.critical_value``.

    Returns
    -------
    CutPointSearch
        The cut, its statistic, ``.p_value`` (corrected), the statistics of all cuts, and the
        bootstrap distribution of the cut.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events, or without a cut that leaves `minprop` of the rows on both sides.

    Notes
    -----
    With log-rank scores :math:`a_i = \delta_i - \hat\Lambda(t_i)` (Nelson-Aalen) and m rows below
    the cut, :math:`S_m = \sum_{low} a_i` is standardised by its permutation mean and variance,

    .. math:: V_m = \frac{m (n - m)}{n^2 (n - 1)} \Bigl(n \sum a_i^2 - (\sum a_i)^2\Bigr),\qquad
              M = \max_m |S_m| / \sqrt{V_m}

    ``corrected`` holds the conditional Monte Carlo p-value, the normal limit of all cuts together
    ("gaussian", integrated without simulation, up to 1,000 cuts), the improved Bonferroni bound
    ("lausen_1994") and the approximation for continuous markers ("lausen_1992"). Equal to R's
    ``maxstat`` and, with ties in time, to ``coin::maxstat_test`` with mid-rank scores.

    The corrected effect is the apparent one less its bootstrap optimism. Where nothing separates
    that still leaves part of the bias of the search, the effect in rows held out leaves none.

    References
    ----------
    .. [1] Lausen B, Schumacher M (1992). Maximally selected rank statistics. Biometrics 48:73-85.
    .. [2] Hothorn T, Lausen B (2003). On the exact distribution of maximally selected rank
       statistics. Comput Stat Data Anal 43:121-137.
    .. [3] Altman DG, Lausen B, Sauerbrei W, Schumacher M (1994). Dangers of using "optimal"
       cutpoints in the evaluation of prognostic factors. J Natl Cancer Inst 86:829-835.

    Examples
    --------
    >>> time, event = [9, 8, 7, 6, 5, 4, 3, 2], [1] * 8
    >>> found = cut_point_search(time, event, [0, 0, 1, 1, 3, 2, 7, 9], minprop=0.2, seed=1)
    >>> found.cut, round(found.statistic, 3), round(found.p_value, 4)
    (1.0, 2.289, 0.0714)
    """
    check_option(p_method, "p_method", ("permutation", "gaussian"))
    level = check_level(level)
    share = check_number(minprop, "minprop", "above 0 and below 0.5, such as 0.1")
    if not 0.0 < share < 0.5:
        raise EstimationError(f"minprop is {minprop!r}; allowed: above 0 and below 0.5")
    count = check_count(permutations, "permutations", 99)
    samples = check_count(bootstrap, "bootstrap", 0)
    rng = check_generator(seed, "cut_point_search")
    rows, terms = _read(time, event, marker, covariates, names)
    if p_method == "gaussian" and terms:
        raise EstimationError("p_method 'gaussian' knows no covariates; take 'permutation'")
    scan = _scan(rows, share)
    if scan is None:
        raise EstimationError(
            f"cut_point_search: no cut of the marker leaves {share:g} of the {rows.time.size} rows "
            "on both sides, or the covariates have no finite coefficients"
        )
    options = {"minprop": share, "permutations": count, "bootstrap": samples, "level": level,
               "covariates": terms}  # fmt: skip
    return _result(rows, scan, share, count, samples, p_method, level, rng, options)


def _result(
    rows: _Rows, scan: _Scan, share: float, count: int, samples: int, p_method: str, level: float,
    rng: np.random.Generator, options: dict[str, Any],
) -> CutPointSearch:  # fmt: skip
    n, best, events = rows.time.size, scan.best, int(rows.event.sum())
    peak = float(abs(scan.statistics[best]))
    kind, maxima = _simulated(scan, n, count, rng)
    functions = _corrections(scan, n, share)
    corrected = {kind: _tail(maxima, peak, exact=kind == "exact")}
    corrected |= {name: float(f(peak)) for name, f in functions.items()}
    chosen = kind if p_method == "permutation" else "gaussian"
    if chosen == "gaussian":
        critical = law.critical_value(functions["gaussian"], 1.0 - level)
    else:
        critical = float(np.quantile(maxima, level, method="higher"))
    cut = float(scan.cuts[best])
    effect, error = _effect(rows, cut)
    cuts, optimism, held_out = _bootstrap(rows, share, samples, rng)
    sign = np.sign(scan.statistics[best])
    dead_low = np.concatenate([[0], rows.event.cumsum()])[scan.below]
    return CutPointSearch(
        cut, float(rows.marker[scan.below[best] - 1]), peak, corrected[chosen], chosen, corrected,
        float(2.0 * ndtr(-peak)), critical, scan.cuts, scan.statistics, scan.below,
        n - scan.below, dead_low, events - dead_low, effect, error,
        effect - sign * _mean(optimism), sign * _median(held_out), cuts,
        bool(peak > maxima[-1]),
        "maximally selected log-rank statistic" if scan.adjusted is None
        else "maximally selected adjusted score statistic",
        n, events, options, __version__,
    )  # fmt: skip


def _mean(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _median(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")
