"""Limits of Cox coefficients by the profile partial likelihood."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, Integers, check_level
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.monotone import determined
from ashworth.survival.proportional_hazards.newton import evaluator, maximise
from ashworth.survival.proportional_hazards.result import CoxResult
from ashworth.survival.results import chi_square_p, normal_quantile
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

_EXPANSIONS = 60
_XTOL = 1e-12


@dataclass(frozen=True, slots=True)
class ProfileLimits:
    """Profile-likelihood limits of k coefficients, with Wald's beside them.

    Attributes
    ----------
    names : tuple of str
        Terms, in the order of all arrays.
    coefficients : ndarray, shape (k,)
        Log hazard ratios, infinite ones included.
    lower, upper : ndarray, shape (k,)
        Profile limits of the coefficients. An infinite coefficient has its finite limit on one
        side and infinity on the other; one that the data do not determine has NaN.
    wald_lower, wald_upper : ndarray, shape (k,)
        Coefficient -/+ z standard errors; NaN where the coefficient is infinite.
    chi_square, p_values : ndarray, shape (k,)
        Likelihood ratio test that the coefficient is 0, the others free; it holds for an infinite
        coefficient too.
    level : float
        Confidence level.
    log_likelihood : float
        Log partial likelihood at the maximum, or its limit.
    n, events : int
        Rows and events of the fit.
    method : str
        Name of the method.
    options : mapping
        Options of the fit.
    version : str
        Version of the package.
    """

    names: tuple[str, ...]
    coefficients: Floats
    lower: Floats
    upper: Floats
    wald_lower: Floats
    wald_upper: Floats
    chi_square: Floats
    p_values: Floats
    level: float
    log_likelihood: float
    n: int
    events: int
    method: str
    options: Mapping[str, Any]
    version: str

    def table(self) -> pl.DataFrame:
        """One row per term: hazard ratio with profile limits, then Wald's limits."""
        import polars as pl

        return pl.DataFrame(
            {
                "term": list(self.names),
                "n": [self.n] * len(self.names),
                "events": [self.events] * len(self.names),
                "coefficient": self.coefficients,
                "hazard_ratio": np.exp(self.coefficients),
                "lower": np.exp(self.lower),
                "upper": np.exp(self.upper),
                "wald_lower": np.exp(self.wald_lower),
                "wald_upper": np.exp(self.wald_upper),
                "chi_square": self.chi_square,
                "p_value": self.p_values,
            }
        )


def find_limit(
    fall: Callable[[float], float], inside: float, step: float, quantile: float
) -> float:
    """Where twice the fall of the log likelihood reaches a quantile.

    The root of the fall is nearly linear in the coefficient, so that root is what is searched.

    Parameters
    ----------
    fall : callable
        Twice the fall of the log likelihood below its maximum.
    inside : float
        A value within the limits.
    step : float
        First step, towards the limit; further ones are a quarter of it and double.
    quantile : float
        Chi-square quantile.

    Raises
    ------
    EstimationError
        If the likelihood does not fall far enough within 60 doublings.
    """

    def beyond(b: float) -> float:
        return float(np.sqrt(max(fall(b), 0.0)) - np.sqrt(quantile))

    near, far, more = inside, inside + step, 0.25 * step
    for _ in range(_EXPANSIONS):
        if beyond(far) > 0.0:
            root = brentq(beyond, near, far, xtol=_XTOL, rtol=1e-15, maxiter=200)
            return float(root)  # pyrefly: ignore[bad-argument-type]
        near, far, more = far, far + more, 2.0 * more
    raise EstimationError("the profile likelihood does not fall to the limit within its range")


def _some(design: CoxDesign, others: Integers) -> CoxDesign:
    """Take some columns."""
    return replace(
        design, columns=np.ascontiguousarray(design.columns[others]), scale=design.scale[others],
        largest=design.largest[others], event_sums=design.event_sums[others],
    )  # fmt: skip


def _profile(design: CoxDesign, j: int, *, efron: bool) -> Callable[[float], float]:
    """Log partial likelihood as a function of one (standardised) coefficient."""
    if design.scale.size == 1:
        evaluate = evaluator(design, efron=efron)
        return lambda b: evaluate(np.array([b])).value
    others = _some(design, np.delete(np.arange(design.scale.size), j))
    column = design.columns[j]
    last: list[Floats | None] = [None]

    def value(b: float) -> float:
        offset = design.offset + b * column
        widest = float(np.abs(offset).max(initial=0.0))
        moved = replace(others, offset=offset, widest_offset=widest)
        fit = maximise(moved, efron=efron, start=last[0])
        last[0] = fit.beta if np.isfinite(fit.beta).all() else None
        return fit.best.value

    return value


def _inner_point(fall: Callable[[float], float], sign: float, quantile: float) -> float:
    """A point inside the one-sided limit of an infinite coefficient."""
    point, step = 0.0, sign
    for _ in range(_EXPANSIONS):
        if fall(point) < quantile:
            return point
        point, step = point + step, 2.0 * step
    raise EstimationError("the profile likelihood does not come near its limit")


def _limits(
    value: Callable[[float], float], best: float, centre: float, error: float, quantile: float
) -> tuple[float, float]:
    """Both limits of one standardised coefficient."""

    def fall(b: float) -> float:
        return 2.0 * (best - value(b))

    if np.isinf(centre):
        sign = float(np.sign(centre))
        root = find_limit(fall, _inner_point(fall, sign, quantile), -sign, quantile)
        return (root, np.inf) if sign > 0 else (-np.inf, root)
    step = error * np.sqrt(quantile) if np.isfinite(error) else 1.0
    return find_limit(fall, centre, -step, quantile), find_limit(fall, centre, step, quantile)


def _chosen(fit: CoxResult, terms: Sequence[str] | None) -> list[int]:
    """Places of the wanted terms."""
    if terms is None:
        return list(range(len(fit.names)))
    wanted = [terms] if isinstance(terms, str) else list(terms)
    unknown = [t for t in wanted if t not in fit.names]
    if unknown:
        raise EstimationError(
            f"profile_limits: terms {', '.join(map(repr, unknown))} are not in the model; "
            f"allowed: {', '.join(fit.names)}"
        )
    return [fit.names.index(t) for t in wanted]


def profile_limits(
    fit: CoxResult, level: float = 0.95, *, terms: Sequence[str] | None = None
) -> ProfileLimits:
    r"""Limits of Cox coefficients by the profile partial likelihood.

    Use them where Wald's limits mislead: few events, large effects, and a monotone likelihood,
    whose infinite coefficient has one finite limit. Strata, late entry, weights, offset and ties
    are those of the fit.

    Parameters
    ----------
    fit : CoxResult
        From `cox`.
    level : float
        Confidence level, between 0 and 1.
    terms : sequence of str, optional
        Terms whose limits are wanted; all by default.

    Returns
    -------
    ProfileLimits

    Raises
    ------
    EstimationError
        For a term that is not in the model, or where the other coefficients cannot be fitted.

    Notes
    -----
    The limits are the two values b with

    .. math:: 2\{\ell(\hat\beta) - \max_{\beta_j = b} \ell(\beta)\} = \chi^2_{1,\,level}

    found to 1e-12 of the covariate's standard deviation. Where the likelihood is monotone,
    :math:`\ell(\hat\beta)` is its limit. With weights the limits are those of case weights.

    References
    ----------
    Venzon DJ, Moolgavkar SH (1988). A method for computing profile-likelihood-based confidence
    intervals. Appl Stat 37:87-94.

    Examples
    --------
    >>> from ashworth.survival import cox
    >>> fit = cox([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1], [1, 0, 0, 1, 1, 0], names=["marker"])
    >>> limits = profile_limits(fit)
    >>> print(limits.lower.round(4), limits.upper.round(4))
    [-0.4047] [4.7123]
    """
    quantile = normal_quantile(check_level(level)) ** 2
    whole, chosen = fit.data.design(), _chosen(fit, terms)
    kept = determined(whole, np.arange(whole.scale.size))
    design = _some(whole, kept)
    bounds, chi_square = np.full((len(chosen), 2), np.nan), np.full(len(chosen), np.nan)
    for row, j in enumerate(chosen):
        scale = float(whole.scale[j])
        if np.isnan(fit.coefficients[j]) or j not in kept:
            continue
        with np.errstate(all="ignore"):
            value = _profile(design, int(np.flatnonzero(kept == j)[0]), efron=fit.ties == "efron")
            centre, error = fit.coefficients[j] * scale, fit.standard_errors[j] * scale
            bounds[row] = _limits(value, fit.log_likelihood, centre, error, quantile)
            chi_square[row] = max(2.0 * (fit.log_likelihood - value(0.0)), 0.0)
        bounds[row] /= scale
    wald = fit.confint(level)[chosen]
    return ProfileLimits(
        tuple(fit.names[j] for j in chosen), fit.coefficients[chosen], bounds[:, 0], bounds[:, 1],
        wald[:, 0], wald[:, 1], chi_square, np.array([chi_square_p(c, 1) for c in chi_square]),
        float(level), fit.log_likelihood, fit.n, fit.events,
        f"profile partial likelihood, {fit.ties.capitalize()} ties", dict(fit.options), __version__,
    )  # fmt: skip
