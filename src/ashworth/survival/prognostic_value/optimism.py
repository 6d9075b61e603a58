"""How much of a model's apparent performance is optimism: the bootstrap of Efron and Harrell."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.errors import EstimationError, NotEstimableWarning
from ashworth.survival.inputs import Floats, Integers, check_count, check_generator
from ashworth.survival.prognostic_value.concordance_share import (
    added_terms,
    concordance_share,
    risk_order,
)
from ashworth.survival.prognostic_value.refits import (
    Refit,
    draw_rows,
    finite_model,
    refit_samples,
)
from ashworth.survival.proportional_hazards.data import CoxData
from ashworth.survival.proportional_hazards.design import build_design
from ashworth.survival.proportional_hazards.newton import maximise
from ashworth.survival.proportional_hazards.order import sort_rows
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

MEASURES = ("concordance", "dxy", "r2", "slope")


@dataclass(frozen=True, slots=True)
class Optimism:
    """Apparent and optimism-corrected performance of a Cox model.

    Attributes
    ----------
    measures : tuple of str
        ``concordance`` (Harrell's C), ``dxy`` (2 C - 1), ``r2`` (Nagelkerke), ``slope`` of the
        linear predictor.
    apparent : ndarray, shape (4,)
        In the data of the fit; the slope is 1.
    training, test : ndarray, shape (replicates, 4)
        Each refit in its own sample, and in the original data.
    optimism, corrected : ndarray, shape (4,)
        Mean of training - test, and apparent - optimism.
    coefficients : ndarray, shape (replicates, p)
        Coefficients of the refits.
    failed : int
        Samples left out because a coefficient was infinite or not determined.
    method : str
        Name of the estimator.
    n, events : int
        Rows and events.
    options : mapping
        Replicates, and whether clusters were drawn.
    version : str
        Version of the package.
    """

    measures: tuple[str, ...]
    apparent: Floats
    training: Floats
    test: Floats
    optimism: Floats
    corrected: Floats
    coefficients: Floats
    failed: int
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str

    def __getitem__(self, measure: str) -> float:
        """Corrected value of one measure."""
        return float(self.corrected[self.measures.index(measure)])

    def table(self) -> pl.DataFrame:
        """One row per measure: apparent, mean in training and test, optimism, corrected."""
        import polars as pl

        return pl.DataFrame(
            {
                "measure": list(self.measures),
                "apparent": self.apparent,
                "training": self.training.mean(axis=0),
                "test": self.test.mean(axis=0),
                "optimism": self.optimism,
                "corrected": self.corrected,
                "replicates": [self.training.shape[0]] * len(self.measures),
            }
        )


class _Original:
    """The rows of the fit, sorted once for all scores."""

    def __init__(self, data: CoxData, *, efron: bool) -> None:
        self.data, self.efron = data, efron
        self.pairs = risk_order(data.time, data.event, data.entry, data.stratum)
        self.order = sort_rows(data.time, data.event, data.entry, data.stratum, data.n_strata)

    def concordance(self, score: Floats, counts: Floats | None = None) -> float:
        """C of a score, in the rows or in a sample that holds each row `counts` times."""
        shifted = score if self.data.offset is None else score + self.data.offset
        return concordance_share(self.pairs, shifted, counts)

    def refit(self, score: Floats) -> tuple[float, float]:
        """Nagelkerke's R2 and the coefficient of a Cox model on the score alone."""
        design = build_design(self.order, score[:, None], None, self.data.offset)
        if not design.scale[0]:
            return 0.0, float("nan")
        fit = maximise(design, efron=self.efron, start=design.scale)
        r2 = nagelkerke(fit.best.value - fit.null.value, fit.null.value, score.size)
        slope = float(fit.beta[0] / design.scale[0])
        return r2, float("nan") if fit.infinite.any() else slope


def nagelkerke(rise: float, null: float, n: int) -> float:
    """Cox and Snell's R2 over its largest possible value."""
    return math.expm1(-2.0 * rise / n) / math.expm1(2.0 * null / n)


def _row(share: float, r2: float, slope: float) -> list[float]:
    return [share, 2.0 * share - 1.0, r2, slope]


def _performance(original: _Original, refit: Refit) -> tuple[list[float], list[float]]:
    """Measures of one refit in its sample and in the original rows."""
    n = original.data.time.size
    score = added_terms(original.data.covariates, refit.coefficients)
    counts = np.bincount(refit.rows, minlength=n).astype(np.float64)
    r2 = nagelkerke(refit.rise, refit.null, refit.rows.size)
    training = _row(original.concordance(score, counts), r2, 1.0)
    return training, _row(original.concordance(score), *original.refit(score))


def _samples(
    given: Any, data: CoxData, replicates: int, seed: int | np.random.Generator | None
) -> tuple[Iterable[Integers], int]:
    """Drawn samples, or those that the caller gives."""
    if given is None:
        count = check_count(replicates, "replicates", 2)
        rng = check_generator(seed, "bootstrap_optimism")
        return draw_rows(data.time.size, count, rng, data.cluster), count
    rows = np.asarray(given)
    n = data.time.size
    if rows.ndim != 2 or rows.shape[0] < 2 or rows.dtype.kind not in "iu":
        raise EstimationError("samples: allowed is a matrix of row numbers, one sample per row")
    if rows.size == 0 or rows.min() < 0 or rows.max() >= n:
        raise EstimationError(f"samples: row numbers go from 0 to {n - 1}")
    return np.sort(rows.astype(np.int64), axis=1), rows.shape[0]


def bootstrap_optimism(
    fit: CoxResult,
    *,
    replicates: int = 200,
    seed: int | np.random.Generator | None = None,
    samples: Any = None,
) -> Optimism:
    r"""Correct the apparent performance of a Cox model for its optimism.

    Use it for a model that was fitted and judged on the same patients. The model is fitted again
    with the same covariates; a choice of covariates, cut-points or knots made on the data is not
    repeated, and its optimism not counted (see `cut_point_search` for cut-points).

    Parameters
    ----------
    fit : CoxResult
        A fit of `cox` without weights, all coefficients finite. Where it was given clusters, whole
        clusters are drawn.
    replicates : int
        Bootstrap samples.
    seed : int or numpy.random.Generator
        Needed unless `samples` is given.
    samples : array-like of int, shape (replicates, m), optional
        Rows of each sample, from 0, instead of drawn ones.

    Returns
    -------
    Optimism
        Harrell's C, Dxy, Nagelkerke's R2 and the calibration slope: apparent, optimism, corrected.

    Raises
    ------
    EstimationError
        Infinite or undetermined coefficients, weights, no seed, or fewer than two samples that can
        be fitted.

    Warns
    -----
    NotEstimableWarning
        Where samples were left out because a coefficient was infinite or not determined.

    Notes
    -----
    .. math:: corrected = apparent - \frac1B \sum_b (training_b - test_b)

    A sample is true duplication of rows, so that with Efron's ties the copies of an event are tied.
    C is within strata. Equal to ``rms::validate(method = "boot")`` given the same samples; rms
    stops its Newton iterations earlier.

    References
    ----------
    .. [1] Efron B (1983). Estimating the error rate of a prediction rule: improvement on
       cross-validation. J Am Stat Assoc 78:316-331.
    .. [2] Harrell FE, Lee KL, Mark DB (1996). Multivariable prognostic models. Stat Med 15:361-387.

    Examples
    --------
    >>> from ashworth.survival import cox
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(80, 4))
    >>> time = rng.exponential(size=80) * np.exp(-x[:, 0])
    >>> found = bootstrap_optimism(cox(time, time < 2, x), replicates=50, seed=1)
    >>> bool(found["slope"] < 1), found.failed
    (True, 0)
    """
    data = finite_model(fit, "bootstrap_optimism")
    efron = fit.ties == "efron"
    rows, count = _samples(samples, data, replicates, seed)
    original = _Original(data, efron=efron)
    refits = [r for r in refit_samples(data, fit.coefficients, rows, efron=efron) if r is not None]
    failed = count - len(refits)
    if len(refits) < 2:
        raise EstimationError(
            f"bootstrap_optimism: {failed} of {count} samples could not be fitted"
        )
    if failed:
        text = (
            f"bootstrap_optimism: {failed} of {count} samples left out, not all coefficients finite"
        )
        warnings.warn(text, NotEstimableWarning, stacklevel=2)
    both = np.array([_performance(original, r) for r in refits])
    score = added_terms(data.covariates, fit.coefficients)
    r2 = nagelkerke(fit.log_likelihood - fit.log_likelihood_null, fit.log_likelihood_null, fit.n)
    apparent = np.array(_row(original.concordance(score), r2, 1.0))
    optimism = (both[:, 0] - both[:, 1]).mean(axis=0)
    return Optimism(
        MEASURES, apparent, both[:, 0], both[:, 1], optimism, apparent - optimism,
        np.array([r.coefficients for r in refits]), failed, "bootstrap optimism", fit.n, fit.events,
        {"replicates": count, "clusters": data.cluster is not None, "ties": fit.ties}, __version__,
    )  # fmt: skip
