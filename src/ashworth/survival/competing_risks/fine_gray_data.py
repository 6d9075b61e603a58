"""Checked rows of a Fine-Gray model and their sorted form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.competing_risks.censoring import estimate_groups
from ashworth.survival.competing_risks.codes import CodedRows, check_cause, read_codes
from ashworth.survival.competing_risks.subdistribution import Stratum, build_stratum
from ashworth.survival.competing_risks.subdistribution_variance import CensoringRows
from ashworth.survival.inputs import Faults, Floats, Integers, labels
from ashworth.survival.proportional_hazards.covariates import check_covariates, covariate_matrix


@dataclass(frozen=True, slots=True)
class FineGrayData:
    """Checked rows, in the caller's order.

    Attributes
    ----------
    rows : CodedRows
        Times and codes.
    cause : int
        Code of the event of interest.
    covariates : ndarray, shape (n, p)
        In the caller's units.
    names : tuple of str, length p
        Covariates.
    stratum, censoring_group, cluster : ndarray of int, shape (n,), or None
        Indices; None where not given.
    stratum_labels : tuple
        Sorted labels of the strata; empty where none were given.
    censoring_groups : int
        Number of groups with their own censoring distribution.
    """

    rows: CodedRows
    cause: int
    covariates: Floats
    names: tuple[str, ...]
    stratum: Integers | None
    stratum_labels: tuple[Any, ...]
    censoring_group: Integers | None
    censoring_groups: int
    cluster: Integers | None


def read_fine_gray(
    subject: str, time: Any, event_code: Any, covariates: Any, *, cause: int | None,
    names: Sequence[str] | None, strata: Any, cluster: Any, censoring_group: Any,
    tie_tolerance: float,
) -> FineGrayData:  # fmt: skip
    """Check all arguments together; see `ashworth.survival.fine_gray`.

    Without `cause` the lowest code that occurs is taken.
    """
    faults = Faults(subject)
    x, terms = covariate_matrix(covariates, names, faults)
    check_covariates(x, terms, faults)

    def read(values: Any, name: str) -> tuple[list[Any], Integers | None]:
        return ([], None) if values is None else labels(values, name, faults)

    found, stratum = read(strata, "strata")
    _, clusters = read(cluster, "cluster")
    groups, group = read(censoring_group, "censoring_group")
    others = (
        ("covariates", x), ("strata", stratum), ("cluster", clusters), ("censoring_group", group),
    )  # fmt: skip
    rows = read_codes(time, event_code, None, None, faults, *others, tie_tolerance=tie_tolerance)
    if cause is None and not rows.causes:
        raise EstimationError(f"{subject}: no events among {rows.time.size} rows")
    if clusters is not None and np.unique(clusters).size < 2:
        raise EstimationError(f"{subject}: one cluster only; the robust variance needs several")
    chosen = check_cause(rows.causes[0] if cause is None else cause, rows, subject)
    return FineGrayData(
        rows, chosen, x, terms, stratum, tuple(found), group, max(len(groups), 1), clusters
    )


def layout(
    data: FineGrayData, columns: Floats, *, events_at_risk: bool
) -> tuple[tuple[Stratum, ...], CensoringRows, tuple[int, ...]]:
    """Sorted strata that have an event of the cause, the censoring rows, and their indices."""
    time, code = data.rows.time, data.rows.code
    n = time.size
    group = np.zeros(n, dtype=np.int64) if data.censoring_group is None else data.censoring_group
    own = code == data.cause
    competing = (code > 0) & ~own
    censoring = estimate_groups(
        time, code > 0, group, data.censoring_groups, events_at_risk=events_at_risk
    )
    stratum = np.zeros(n, dtype=np.int64) if data.stratum is None else data.stratum
    places = tuple(np.unique(stratum[own]).tolist())
    strata = tuple(
        build_stratum(np.flatnonzero(stratum == s), columns, time, own, competing, group, censoring)
        for s in places
    )
    return strata, CensoringRows(time, group, code > 0, censoring, events_at_risk), places
