"""Random values for the gaps of one column, from a regression on the others."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Booleans, Floats


def require_scikit_learn() -> None:
    """Say how to install scikit-learn where it is absent."""
    try:
        import sklearn.linear_model  # noqa: F401
    except ImportError as error:
        raise EstimationError(
            "impute needs scikit-learn; install the extra: pip install 'ashworth[imputation]'"
        ) from error


def one_thread() -> Any:
    """Context in which linear algebra runs on one thread: small problems, and the same bits."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1)


def draw_number(
    x: Floats, values: Floats, missing: Booleans, donors: int, rng: np.random.Generator
) -> Floats:
    """Predictive mean matching with coefficients drawn from their posterior.

    Parameters
    ----------
    x : ndarray, shape (n, q)
        Predictors without gaps.
    values : ndarray, shape (n,)
        The column; arbitrary where `missing`.
    missing : ndarray of bool, shape (n,)
        The gaps.
    donors : int
        How many of the closest observed patients may lend their value.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray
        One observed value for every gap.
    """
    from sklearn.linear_model import BayesianRidge

    known = values[~missing]
    fit: Any = BayesianRidge()
    fit.fit(x[~missing], known)
    coefficients = rng.multivariate_normal(fit.coef_, fit.sigma_, method="svd")
    expected = fit.predict(x[~missing])
    wanted = x[missing] @ coefficients + fit.intercept_
    order = np.argsort(expected, kind="stable")
    return known[order[_near(expected[order], wanted, donors, rng)]]


def _near(ordered: Floats, wanted: Floats, donors: int, rng: np.random.Generator) -> np.ndarray:
    """Place of a random one of the `donors` closest values in an ordered array."""
    k = min(donors, ordered.size)
    left = np.searchsorted(ordered, wanted) - k
    window = np.clip(left[:, None] + np.arange(2 * k), 0, ordered.size - 1)
    distance = np.abs(ordered[window] - wanted[:, None])
    outside = (left[:, None] + np.arange(2 * k)) != window
    closest = np.argsort(np.where(outside, np.inf, distance), axis=1, kind="stable")[:, :k]
    pick = rng.integers(0, k, wanted.size)
    rows = np.arange(wanted.size)
    return window[rows, closest[rows, pick]]


def draw_factor(x: Floats, values: Floats, missing: Booleans, rng: np.random.Generator) -> Floats:
    """Levels drawn from multinomial regression on a bootstrap sample of the observed patients.

    Parameters and result as for `draw_number`; values are codes of levels.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    known = np.flatnonzero(~missing)
    sample = rng.choice(known, known.size)
    codes = values[sample]
    size = int(missing.sum())
    if (codes == codes[0]).all():
        return np.full(size, codes[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit: Any = LogisticRegression(max_iter=200)
        fit.fit(x[sample], codes)
    chance = np.cumsum(fit.predict_proba(x[missing]), axis=1)
    place = (rng.random(size)[:, None] > chance).sum(axis=1)
    return fit.classes_[np.minimum(place, fit.classes_.size - 1)]
