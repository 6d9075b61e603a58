"""The sandwich variance of Cox coefficients, over rows or clusters of rows.

References
----------
.. [1] Lin DY, Wei LJ (1989). The robust inference for the Cox proportional hazards model.
   J Am Stat Assoc 84:1074-1078.
.. [2] Lee EW, Wei LJ, Amato DA (1992). Cox-type regression analysis for large numbers of small
   groups of correlated failure time observations. In: Survival Analysis, State of the Art, 237-247.
"""

from __future__ import annotations

import warnings

import numpy as np

from ashworth.errors import NotEstimableWarning
from ashworth.survival.inputs import Floats, Integers
from ashworth.survival.proportional_hazards.design import CoxDesign
from ashworth.survival.proportional_hazards.risk_sets import (
    risk_sets,
    score_products,
    score_rows,
)

_SINGULAR = 1e-12


def meat(
    design: CoxDesign, beta: Floats, cluster: Integers | None, *, efron: bool
) -> tuple[Floats, Floats]:
    """Score, shape (p,), and the sum of the outer products of the clusters' scores.

    Parameters
    ----------
    design : CoxDesign
        The sorted problem.
    beta : ndarray, shape (p,)
        Coefficients of the standardised columns.
    cluster : ndarray of int, shape (m,), or None
        Cluster of each row of the design; None for rows by themselves.
    efron : bool
        Efron's treatment of ties, else Breslow's.
    """
    sets = risk_sets(design, beta, efron=efron)
    if cluster is None:
        return score_products(sets)
    sums = score_rows(sets, cluster, int(cluster.max(initial=0)) + 1)
    return sums.sum(axis=1), sums @ sums.T


def quadratic(matrix: Floats, vector: Floats, what: str) -> float:
    """``vector' matrix^-1 vector``; NaN with a warning where the matrix is singular."""
    if vector.size == 0:
        return 0.0
    root = np.sqrt(matrix.diagonal())
    scaled = matrix / np.where(root > 0, root * root[:, None], np.inf)
    if not np.linalg.eigvalsh(scaled)[0] > _SINGULAR:
        text = f"the robust variance is singular (too few clusters): {what} is NaN"
        warnings.warn(text, NotEstimableWarning, stacklevel=4)
        return float("nan")
    part = vector / root
    return float(part @ np.linalg.solve(scaled, part))
