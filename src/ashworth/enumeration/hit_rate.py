"""Detection probability against the spiked level: probit or logit, and its limit of detection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, expit, log_expit, log_ndtr, logit, ndtr, ndtri, xlogy

from ashworth.enumeration.detection_limits import demand_shares, warn_if_few
from ashworth.errors import EstimationError, InputError, Problem
from ashworth.version import __version__

Link: TypeAlias = Literal["probit", "logit"]
Scale: TypeAlias = Literal["log10", "linear"]
Floats = NDArray[np.float64]
_ROUNDS = 100
_LOG_ROOT_2PI = 0.5 * np.log(2.0 * np.pi)


@dataclass(frozen=True, slots=True)
class DetectionCurve:
    """A fitted curve of detection.

    Attributes
    ----------
    intercept, slope : float
        On the scale of the link, per unit of log10 level (or level).
    covariance : ndarray, shape (2, 2)
        Of intercept and slope: inverse expected information.
    limit_of_detection, lower, upper : float
        Level that is detected with `probability`, with Fieller's limits; 0 and infinite where the
        slope is not clearly above 0.
    standard_error : float
        Of the limit on the scale of the fit (log10 level, or level), by the delta method.
    deviance : float
        Against one probability per level, with its degrees of freedom and p value: a small one
        says that the curve does not fit.
    n, n_detected, n_levels : int
        Replicates in the fit, those detected, levels.
    n_blank : int
        Replicates at level 0, which a log10 scale cannot use.
    """

    intercept: float
    slope: float
    covariance: Floats
    limit_of_detection: float
    lower: float
    upper: float
    standard_error: float
    probability: float
    level: float
    deviance: float
    degrees_of_freedom: int
    p_value: float
    n: int
    n_detected: int
    n_levels: int
    n_blank: int
    method: str
    options: dict[str, str]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row: limit_of_detection, lower, upper, probability, n, n_levels, method."""
        names = ("limit_of_detection", "lower", "upper", "probability", "n", "n_levels", "method")
        return pl.DataFrame({name: [getattr(self, name)] for name in names})

    def detected(self, levels: ArrayLike) -> Floats:
        """Probability of detection at levels above 0."""
        given = np.asarray(levels, dtype=float)
        x = np.log10(given) if self.options["scale"] == "log10" else given
        score = self.intercept + self.slope * x
        return np.asarray(ndtr(score) if self.options["link"] == "probit" else expit(score))


def detection_curve(
    levels: ArrayLike,
    detected: ArrayLike,
    trials: ArrayLike = 1,
    *,
    link: Link = "probit",
    scale: Scale = "log10",
    probability: float = 0.95,
    level: float = 0.95,
) -> DetectionCurve:
    r"""Fit the probability of detection against the spiked level.

    The way of EP17-A2 for methods whose blanks are negative; there is no natural response in the
    model.

    Parameters
    ----------
    levels : array_like, shape (k,)
        Spiked cells per unit (or per sample), >= 0.
    detected : array_like of int, shape (k,)
        Replicates called positive.
    trials : array_like of int, shape (k,) or scalar
        Replicates; 1 where each row is a replicate.
    link : {'probit', 'logit'}
        Gaussian or logistic tolerance.
    scale : {'log10', 'linear'}
        Of the level. With log10, replicates at level 0 are left out and counted in `n_blank`.
    probability : float
        Detection probability at the limit of detection.
    level : float
        Of the limits.

    Returns
    -------
    DetectionCurve

    Raises
    ------
    InputError
        With all problems: a spike without its level, a negative level, more detected than tried.
    EstimationError
        Everything detected or nothing; levels that split the two without overlap, so that the
        likelihood has no maximum; a curve that falls.

    Warns
    -----
    FewMeasurementsWarning
        Fewer than 60 replicates.

    Notes
    -----
    Maximum likelihood by Fisher scoring. Fieller's limits are the levels x at which
    :math:`(b_0 + b_1 x - t)^2 = z^2 (v_{00} + 2 x v_{01} + x^2 v_{11})`.

    References
    ----------
    CLSI EP17-A2, 2012. Finney DJ. Probit Analysis, 3rd ed., 1971.

    Examples
    --------
    >>> fit = detection_curve([1, 2, 4, 8, 16], [6, 11, 16, 19, 20], 20)
    >>> round(fit.limit_of_detection, 2), fit.detected([2, 8]).round(2).tolist()
    (7.95, [0.56, 0.95])
    """
    x, hits, tried = _checked(levels, detected, trials)
    demand_shares(probability=probability, level=level)
    if link not in ("probit", "logit") or scale not in ("log10", "linear"):
        raise ValueError(f"found {link!r}, {scale!r}; allowed: probit, logit; log10, linear")
    blank = (x == 0) & (scale == "log10")
    n_blank = int(tried[blank].sum())
    x, hits, tried = x[~blank], hits[~blank], tried[~blank]
    warn_if_few(int(tried.sum()), "spiked samples")
    x = np.log10(x) if scale == "log10" else x
    _demand_overlap(x, hits, tried)
    coefficients, covariance = _fit(x, hits, tried, link)
    if coefficients[1] <= 0:
        raise EstimationError(
            f"found a detection probability that falls with the level (slope "
            f"{coefficients[1]:.3g}); allowed: one that rises; mend: check levels and calls"
        )
    target = float(ndtri(probability) if link == "probit" else logit(probability))
    at, error = _inverse(coefficients, covariance, target)
    back = (lambda v: float(10.0**v)) if scale == "log10" else float
    low, high = (back(v) for v in _fieller(coefficients, covariance, target, level))
    deviance, degrees = _deviance(x, hits, tried, coefficients, link)
    return DetectionCurve(
        float(coefficients[0]), float(coefficients[1]), covariance, back(at), low, high, error,
        probability, level, deviance, degrees,
        float(chdtrc(degrees, deviance)) if degrees > 0 else float("nan"), int(tried.sum()),
        int(hits.sum()), np.unique(x).size, n_blank, f"{link} of {scale} level, Fieller limits",
        {"link": link, "scale": scale},
    )  # fmt: skip


def _checked(
    levels: ArrayLike, detected: ArrayLike, trials: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Levels, detected and tried as arrays; every fault at once."""
    x = np.atleast_1d(np.asarray(levels, dtype=float))
    hits = np.atleast_1d(np.asarray(detected, dtype=float))
    tried = np.asarray(trials, dtype=float)
    if x.ndim > 1 or x.shape != hits.shape or tried.size not in (1, x.size) or not x.size:
        found = f"{x.size} levels, {hits.size} detected, {tried.size} trials"
        raise InputError(
            [
                Problem(
                    "spikes", None, None, found, "one of each per row", "give columns of a length"
                )
            ]
        )
    tried = np.array(np.broadcast_to(tried.ravel(), x.shape))
    whole = (hits >= 0) & (hits <= tried) & (hits == np.floor(hits)) & (tried == np.floor(tried))
    checks = (
        (np.isfinite(x) & (x >= 0), "level", x, "a spiked level, at least 0",
         "give the level of every spike"),
        (whole & (tried > 0), "detected", hits, "whole numbers, at most the trials (1 or more)",
         "correct the row"),
    )  # fmt: skip
    problems = [
        Problem("spikes", int(i) + 1, column, f"{values[i]:g}", allowed, remedy)
        for good, column, values, allowed, remedy in checks
        for i in np.flatnonzero(~good)
    ]
    if problems:
        raise InputError(problems)
    return x, hits, tried


def _demand_overlap(x: Floats, hits: Floats, tried: Floats) -> None:
    """Refuse data whose likelihood has no maximum."""
    yes, no = x[hits > 0], x[hits < tried]
    rising = yes.size and no.size and yes.min() < no.max()
    if not (rising and no.min() < yes.max()):
        raise EstimationError(
            "found no level at which some are detected with a higher one at which some are not; "
            "allowed: levels that overlap; mend: add replicates between the highest level with a "
            "miss and the lowest with a hit"
        )


def _terms(score: Floats, link: Link) -> tuple[Floats, Floats, Floats]:
    """Logs of the probabilities of hit and miss and of the density of the tolerance."""
    if link == "probit":
        return log_ndtr(score), log_ndtr(-score), -0.5 * score**2 - _LOG_ROOT_2PI
    return log_expit(score), log_expit(-score), log_expit(score) + log_expit(-score)


def _fit(x: Floats, hits: Floats, tried: Floats, link: Link) -> tuple[Floats, Floats]:
    """Maximum likelihood by Fisher scoring with halved steps."""
    centre, spread = float(np.mean(x)), float(np.std(x))
    design = np.column_stack([np.ones_like(x), (x - centre) / spread])

    def state(beta: Floats) -> tuple[float, Floats, Floats]:
        yes, no, density = _terms(design @ beta, link)
        pull = hits * np.exp(density - yes) - (tried - hits) * np.exp(density - no)
        weight = tried * np.exp(2.0 * density - yes - no)
        value = float(np.sum(hits * yes + (tried - hits) * no))
        return value, design.T @ pull, design.T @ (weight[:, None] * design)

    beta = np.zeros(2)
    value, score, information = state(beta)
    for _ in range(_ROUNDS):
        step = np.linalg.solve(information, score)
        new = state(beta + step)
        while not new[0] >= value - 1e-12 * abs(value):
            step = step / 2.0
            new = state(beta + step)
        beta = beta + step
        value, score, information = new
        if float(score @ np.linalg.solve(information, score)) < 1e-20:
            break
    else:
        raise EstimationError("found no maximum of the likelihood; mend: check levels and calls")
    turn = np.array([[1.0, -centre / spread], [0.0, 1.0 / spread]])
    inverse = np.asarray(np.linalg.inv(information), dtype=np.float64)
    return np.asarray(turn @ beta, dtype=float), np.asarray(turn @ inverse @ turn.T, dtype=float)


def _inverse(coefficients: Floats, covariance: Floats, target: float) -> tuple[float, float]:
    """Level on the scale of the fit, and its standard error by the delta method."""
    at = float((target - coefficients[0]) / coefficients[1])
    gradient = -np.array([1.0, at]) / coefficients[1]
    return at, float(np.sqrt(gradient @ covariance @ gradient))


def _fieller(
    coefficients: Floats, covariance: Floats, target: float, level: float
) -> tuple[float, float]:
    """Fieller's limits of the level; infinite where the slope is not clearly above 0."""
    z2 = float(ndtri((1.0 + level) / 2.0)) ** 2
    offset, slope = coefficients[0] - target, coefficients[1]
    a = slope**2 - z2 * covariance[1, 1]
    b = offset * slope - z2 * covariance[0, 1]
    c = offset**2 - z2 * covariance[0, 0]
    if a <= 0:
        return -np.inf, np.inf
    root = np.sqrt(max(b * b - a * c, 0.0))
    return float((-b - root) / a), float((-b + root) / a)


def _deviance(
    x: Floats, hits: Floats, tried: Floats, coefficients: Floats, link: Link
) -> tuple[float, int]:
    """Deviance against one probability per level, with its degrees of freedom."""
    levels, group = np.unique(x, return_inverse=True)
    found, n = np.bincount(group, hits), np.bincount(group, tried)
    yes, no, _ = _terms(coefficients[0] + coefficients[1] * levels, link)
    full = xlogy(found, found / n) + xlogy(n - found, (n - found) / n)
    return float(2.0 * np.sum(full - found * yes - (n - found) * no)), levels.size - 2
