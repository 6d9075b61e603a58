"""Concordance of the linear predictors of Cox models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats
from ashworth.survival.prognostic_value.concordance_index import TimeWeight, concordance
from ashworth.survival.prognostic_value.concordance_result import Concordance
from ashworth.survival.prognostic_value.concordance_share import added_terms
from ashworth.survival.proportional_hazards.result import CoxResult


def linear_predictor(fit: CoxResult) -> Floats:
    """Linear predictor of the fitted rows; equal covariates give equal numbers to the last bit.

    Terms are added one by one: a matrix product may round equal rows differently, which would
    break ties.
    """
    if not np.isfinite(fit.coefficients[~np.isnan(fit.coefficients)]).all():
        raise EstimationError(
            "a coefficient is infinite, so the linear predictor has no finite values; leave the "
            "covariate out or pass your own score"
        )
    known = ~np.isnan(fit.coefficients)
    total = added_terms(fit.data.covariates[:, known], fit.coefficients[known])
    return total if fit.data.offset is None else total + fit.data.offset


def _same_rows(first: CoxResult, other: CoxResult) -> bool:
    def same(name: str) -> bool:
        a, b = getattr(first.data, name), getattr(other.data, name)
        return a is b or (a is not None and b is not None and np.array_equal(a, b))

    return all(same(n) for n in ("time", "event", "entry", "stratum", "weights", "cluster", "rows"))


def cox_concordance(
    *fits: CoxResult,
    names: Sequence[str] | None = None,
    time_weight: TimeWeight = "n",
    until: float | None = None,
    level: float = 0.95,
) -> Concordance:
    """Concordance of the linear predictors of Cox models fitted to the same rows.

    Use it with `compare_concordance` to ask what a marker adds to a model. The value is the
    apparent one: a model orders its own data better than new data.

    Parameters
    ----------
    *fits : CoxResult
        Models with the same rows, strata, weights and clusters.
    names : sequence of str, optional
        Names of the models; ``model 1``, ``model 2``, ... by default.
    time_weight, until, level
        As for `concordance`.

    Returns
    -------
    Concordance
        Pairs within the strata of the fit, with its weights, late entry and clusters.

    Raises
    ------
    EstimationError
        Where the models stand on different rows, or a coefficient is infinite.

    Examples
    --------
    >>> from ashworth.survival import cox
    >>> time, event = [5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1]
    >>> age, marker = [61, 50, 47, 55, 70, 58], [1, 0, 0, 1, 0, 1]
    >>> base, both = cox(time, event, age), cox(time, event, {"age": age, "marker": marker})
    >>> cox_concordance(base, both).concordance.round(4).tolist()
    [0.5714, 0.6429]
    """
    if not fits:
        raise EstimationError("cox_concordance: no models; pass one or more CoxResult")
    for k, other in enumerate(fits[1:], start=2):
        if not _same_rows(fits[0], other):
            raise EstimationError(
                f"cox_concordance: model {k} stands on other rows, strata, weights or clusters "
                "than model 1; fit both on the rows that are complete for both"
            )
    data = fits[0].data
    terms = names or [f"model {k}" for k in range(1, len(fits) + 1)]
    scores = np.stack([linear_predictor(f) for f in fits], axis=1)
    return concordance(
        data.time, data.event, scores, names=terms, entry=data.entry, strata=data.stratum,
        weights=data.weights, cluster=data.cluster, time_weight=time_weight, until=until,
        level=level, tie_tolerance=0.0,
    )  # fmt: skip
