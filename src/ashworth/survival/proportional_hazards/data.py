"""The checked rows of a Cox model: what every fit starts from and what is read off it later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import (
    Booleans,
    Faults,
    Floats,
    Integers,
    labels,
    merge_near_ties,
    numbers,
    observations,
)
from ashworth.survival.proportional_hazards.covariates import check_covariates, covariate_matrix
from ashworth.survival.proportional_hazards.design import CoxDesign, build_design
from ashworth.survival.proportional_hazards.order import sort_rows


@dataclass(frozen=True, slots=True)
class CoxData:
    """Checked rows of one fit, those with a positive weight, in the caller's order.

    Attributes
    ----------
    time, event, entry : ndarray, shape (n,)
        Follow-up with near-ties merged; `entry` is None without late entry.
    covariates : ndarray, shape (n, p)
        In the caller's units.
    stratum : ndarray of int, shape (n,), or None
        Index into `stratum_labels`; None for one stratum.
    stratum_labels : tuple
        Sorted labels of the strata; empty where no strata were given.
    cluster : ndarray of int, shape (n,), or None
        Index of each row's cluster.
    weights, offset : ndarray, shape (n,), or None
        None where all weights are 1, or no offset was given.
    names : tuple of str, length p
        Covariates.
    rows : ndarray of int, shape (n,)
        Position of each row in what the caller gave.
    cluster_labels : tuple
        Sorted labels of the clusters; empty where none were given.
    """

    time: Floats
    event: Booleans
    entry: Floats | None
    covariates: Floats
    stratum: Integers | None
    stratum_labels: tuple[Any, ...]
    cluster: Integers | None
    weights: Floats | None
    offset: Floats | None
    names: tuple[str, ...]
    rows: Integers
    cluster_labels: tuple[Any, ...] = ()

    @property
    def n_strata(self) -> int:
        """Number of strata."""
        return max(len(self.stratum_labels), 1)

    def take(self, which: Any) -> CoxData:
        """Take some rows."""

        def some(array: Any) -> Any:
            return None if array is None else array[which]

        return CoxData(
            self.time[which], self.event[which], some(self.entry), self.covariates[which],
            some(self.stratum), self.stratum_labels, some(self.cluster), some(self.weights),
            some(self.offset), self.names, self.rows[which], self.cluster_labels,
        )  # fmt: skip

    def design(self) -> CoxDesign:
        """Sort by cells."""
        order = sort_rows(self.time, self.event, self.entry, self.stratum, self.n_strata)
        return build_design(order, self.covariates, self.weights, self.offset)


def read_cox_data(
    subject: str,
    time: Any,
    event: Any,
    covariates: Any,
    *,
    names: Sequence[str] | None,
    entry: Any,
    strata: Any,
    cluster: Any,
    weights: Any,
    offset: Any,
    tie_tolerance: float,
) -> CoxData:
    """Check all arguments of a Cox-type model together.

    Parameters
    ----------
    subject : str
        Name of the calling function, for messages; the rest is as for `ashworth.survival.cox`.

    Raises
    ------
    InputError
        All faults of the arguments, with their rows.
    EstimationError
        Without events.
    """
    faults = Faults(subject)
    x, terms = covariate_matrix(covariates, names, faults)
    add = None if offset is None else numbers(offset, "offset", faults)
    strata_found, stratum = ([], None) if strata is None else labels(strata, "strata", faults)
    groups, clusters = ([], None) if cluster is None else labels(cluster, "cluster", faults)
    check_covariates(x, terms, faults)
    if add is not None and not np.isfinite(add.sum()):
        remedy = "leave these rows out"
        faults.rows(~np.isfinite(add), "offset", "missing values", "finite numbers", remedy)
    others = (("covariates", x), ("offset", add), ("strata", stratum), ("cluster", clusters))
    seen = observations(time, event, entry, weights, faults, *others)
    t, e = merge_near_ties(seen.time, seen.entry, tie_tolerance)
    data = CoxData(
        t, seen.event, e, x, stratum if len(strata_found) > 1 else None, tuple(strata_found),
        clusters, seen.weights, add, terms, np.arange(t.size), tuple(groups),
    )  # fmt: skip
    if seen.weights is not None and seen.weights.min() <= 0.0:
        data = data.take(seen.weights > 0.0)
    if not data.event.any():
        raise EstimationError(
            f"{subject}: no events among {data.time.size} rows; a hazard ratio needs events"
        )
    return data
