"""Differences in concordance between scores on the same rows."""

from __future__ import annotations

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import check_level, check_option
from ashworth.survival.prognostic_value.concordance_result import (
    Concordance,
    ConcordanceDifference,
    two_sided_p,
)
from ashworth.survival.results import normal_quantile
from ashworth.version import __version__


def compare_concordance(
    found: Concordance, reference: str | None = None, *, level: float | None = None
) -> ConcordanceDifference:
    """Difference in concordance of each score from a reference score on the same rows.

    Parameters
    ----------
    found : Concordance
        Of two or more scores, from `concordance`, `cox_concordance` or `uno_concordance`.
    reference : str, optional
        Name of the score to subtract; the first by default.
    level : float, optional
        Level of the limits; that of `found` by default.

    Returns
    -------
    ConcordanceDifference

    Raises
    ------
    EstimationError
        With one score only, or an unknown reference.

    Notes
    -----
    The variance of a difference comes from the joint influence of each row on both values; the
    test is Wald's. For nested models it is weak and its p-value is not the one to judge an added
    marker by: use the likelihood-ratio test.

    References
    ----------
    .. [1] Therneau TM, Watson DA (2017). The concordance statistic and the Cox model. Mayo Clinic
       Department of Health Science Research, Technical Report 85.

    Examples
    --------
    >>> from ashworth.survival import concordance
    >>> scores = {"a": [2, 1, 0, 3, 3, 0], "b": [1, 2, 0, 2, 1, 0]}
    >>> found = concordance([5, 8, 12, 3, 9, 14], [1, 1, 0, 1, 1, 1], scores)
    >>> difference = compare_concordance(found)
    >>> difference.names, round(float(difference.difference[0]), 4)
    (('b',), 0.0357)
    """
    names = found.names
    if len(names) < 2:
        raise EstimationError("compare_concordance: one score only; two or more are needed")
    base = names[0] if reference is None else check_option(reference, "reference", names)
    width = check_level(found.level if level is None else level)
    r = names.index(base)
    others = [k for k in range(len(names)) if k != r]
    part = found.influence[:, others] - found.influence[:, [r]]
    difference, error = found.concordance[others] - found.concordance[r], np.sqrt((part**2).sum(0))
    half = normal_quantile(width) * error
    z, p = two_sided_p(difference, error)
    return ConcordanceDifference(
        tuple(names[k] for k in others), base, difference, error, difference - half,
        difference + half, z, p, found.n, found.events, width, f"difference in {found.method}",
        found.options, __version__,
    )  # fmt: skip
