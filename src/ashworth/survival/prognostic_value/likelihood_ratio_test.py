"""How much of the prognosis a marker adds, by the likelihood of two nested Cox models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats
from ashworth.survival.proportional_hazards.data import CoxData
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import chi_square_p
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

_SPANNED = 1e-8


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """Two nested Cox models on the same rows.

    Attributes
    ----------
    base_chi_square, extended_chi_square : float
        Likelihood-ratio chi-squares of the models against no covariates.
    base_df, extended_df : int
        Their degrees of freedom.
    statistic, df, p_value : float, int, float
        Test that the added covariates say nothing: the difference of the two.
    adequacy : float
        Share of the extended model's chi-square that the base model reaches, 0 to 1.
    new_information : float
        1 - adequacy: the share that only the added covariates hold.
    base_names, added_names : tuple of str
        Covariates of the base model, and the names that only the extended model has.
    base_aic, extended_aic : float
        -2 log partial likelihood + 2 df.
    method : str
        Name of the test.
    n, events : int
        Rows and events of both models.
    options : mapping
        Treatment of ties.
    version : str
        Version of the package.
    """

    base_chi_square: float
    extended_chi_square: float
    base_df: int
    extended_df: int
    statistic: float
    df: int
    p_value: float
    adequacy: float
    new_information: float
    base_names: tuple[str, ...]
    added_names: tuple[str, ...]
    base_aic: float
    extended_aic: float
    method: str
    n: int
    events: int
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """Rows base, extended and added, with chi-square, df, p-value and share."""
        import polars as pl

        chi = [self.base_chi_square, self.extended_chi_square, self.statistic]
        df = [self.base_df, self.extended_df, self.df]
        return pl.DataFrame(
            {
                "model": ["base", "extended", "added"],
                "n": [self.n] * 3,
                "events": [self.events] * 3,
                "chi_square": chi,
                "df": df,
                "p_value": [chi_square_p(c, d) for c, d in zip(chi, df, strict=True)],
                "share": [self.adequacy, 1.0, self.new_information],
                "aic": [self.base_aic, self.extended_aic, None],
            }
        )


def _same(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b)


def _differences(base: CoxData, extended: CoxData) -> list[str]:
    """Name what two fits do not share."""
    names = ("time", "event", "entry", "stratum", "weights", "offset")
    return [n for n in names if not _same(getattr(base, n), getattr(extended, n))]


def _within_strata(data: CoxData) -> Floats:
    """Covariates less their means within strata: what a Cox model can see of them."""
    x = data.covariates
    code = np.zeros(x.shape[0], np.int64) if data.stratum is None else data.stratum
    counts = np.bincount(code).astype(np.float64)
    means = np.stack([np.bincount(code, column) for column in x.T], axis=1)
    return x - (means / np.maximum(counts, 1.0)[:, None])[code]


def _not_nested(base: CoxData, extended: CoxData) -> list[str]:
    """Base covariates that are no linear combination of the extended model's."""
    wide, narrow = _within_strata(extended), _within_strata(base)
    size = np.sqrt((wide * wide).sum(axis=0))
    fitted = np.linalg.lstsq(wide / np.where(size > 0, size, 1.0), narrow, rcond=None)[0]
    left = narrow - (wide / np.where(size > 0, size, 1.0)) @ fitted
    norm = np.sqrt((narrow * narrow).sum(axis=0))
    far = np.sqrt((left * left).sum(axis=0)) > _SPANNED * np.maximum(norm, 1e-300)
    return [n for n, f in zip(base.names, far, strict=True) if f]


def _check(base: CoxResult, extended: CoxResult) -> None:
    if base.data.time.size != extended.data.time.size:
        raise EstimationError(
            f"likelihood_ratio: the models have {base.n} and {extended.n} rows; fit both on the "
            "rows that have all covariates of the larger one"
        )
    apart = _differences(base.data, extended.data)
    if base.ties != extended.ties:
        apart.append("ties")
    if apart:
        raise EstimationError(
            f"likelihood_ratio: the models differ in {', '.join(apart)}; both need the same rows "
            "in the same order, with the same strata, weights, offset and ties"
        )
    outside = _not_nested(base.data, extended.data)
    if outside:
        raise EstimationError(
            f"likelihood_ratio: the extended model does not contain {', '.join(outside)}; models "
            "that are not nested have no likelihood-ratio test, compare their AIC instead"
        )


def likelihood_ratio(base: CoxResult, extended: CoxResult) -> LikelihoodRatio:
    r"""Test what covariates add to a Cox model, and say which share of the whole they are.

    Use it first when the question is whether a marker adds to known factors: of all measures of
    added value it has the most power, and it depends on no horizon and no cut-off.

    Parameters
    ----------
    base, extended : CoxResult
        Fits of `cox` on the same rows in the same order; every covariate of `base` is in
        `extended`, itself or as a combination.

    Returns
    -------
    LikelihoodRatio
        ``.statistic .df .p_value`` of the addition, ``.adequacy``, ``.new_information``.

    Raises
    ------
    EstimationError
        Models on other rows, with other strata, weights, offsets or ties, or not nested; weights
        that are no counts, and clusters, make the test meaningless and are refused.

    Notes
    -----
    With the chi-squares of both models against no covariates,

    .. math:: LR = \chi^2_{ext} - \chi^2_{base},\qquad A = \chi^2_{base} / \chi^2_{ext}

    The degrees of freedom count what the data determine: a collinear column adds none. A monotone
    likelihood is taken at its limit. The adequacy index is that of Califf and Harrell; it is NaN
    where the extended model has a chi-square of 0.

    References
    ----------
    .. [1] Harrell FE (2015). Regression modeling strategies, 2nd ed, 9.8.4. Springer.
    .. [2] Califf RM, Phillips HR, Hindman MC, et al (1985). Prognostic value of a coronary artery
       jeopardy score. J Am Coll Cardiol 5:1055-1063.

    Examples
    --------
    >>> from ashworth.survival import cox
    >>> time, event = [5, 8, 12, 3, 9, 14, 2, 7], [1, 1, 0, 1, 1, 1, 1, 0]
    >>> age, marker = [61, 50, 44, 70, 52, 47, 58, 49], [1, 0, 0, 1, 1, 0, 1, 0]
    >>> base = cox(time, event, {"age": age})
    >>> found = likelihood_ratio(base, cox(time, event, {"age": age, "marker": marker}))
    >>> round(found.statistic, 4), found.df, round(found.adequacy, 3)
    (0.1147, 1, 0.983)
    """
    _check(base, extended)
    if "robust" in (base.variance, extended.variance):
        raise EstimationError(
            "likelihood_ratio: a model with a robust variance has dependent rows; their likelihood "
            "has no chi-square law, use the robust Wald test"
        )
    weights = extended.data.weights
    if weights is not None and not (weights == np.floor(weights)).all():
        raise EstimationError(
            "likelihood_ratio: weights that are no counts; their likelihood has no chi-square law, "
            "use a robust Wald test"
        )
    one, two = base.likelihood_ratio_test, extended.likelihood_ratio_test
    statistic, df = max(two.statistic - one.statistic, 0.0), two.df - one.df
    adequacy = one.statistic / two.statistic if two.statistic > 0 else float("nan")
    added = tuple(n for n in extended.names if n not in base.names)
    return LikelihoodRatio(
        one.statistic, two.statistic, one.df, two.df, statistic, df, chi_square_p(statistic, df),
        adequacy, 1.0 - adequacy, base.names, added,
        2.0 * (one.df - base.log_likelihood), 2.0 * (two.df - extended.log_likelihood),
        "likelihood ratio test of nested Cox models", extended.n, extended.events,
        {"ties": extended.ties}, __version__,
    )  # fmt: skip
