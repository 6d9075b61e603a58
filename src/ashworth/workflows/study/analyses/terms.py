"""The adjusted model of one endpoint: its columns and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ashworth.errors import EstimationError
from ashworth.workflows.study.analyses.context import Context, Rows, covariate_matrix
from ashworth.workflows.study.coding import Coding


@dataclass(frozen=True, slots=True)
class Model:
    """Marker and adjusting covariates on complete cases.

    Attributes
    ----------
    rows : Rows
        Patients with all covariates.
    matrix : ndarray, shape (n, p)
        The marker (1 in the high group) first.
    labels : tuple of str
        Labels of the columns for people.
    left_out : int
        Patients without a covariate.
    """

    rows: Rows
    matrix: NDArray[np.float64]
    labels: tuple[str, ...]
    left_out: int


def adjusted_model(context: Context, rows: Rows, codings: Sequence[Coding]) -> Model:
    """Put the marker and the covariates together.

    Raises
    ------
    EstimationError
        If only one marker group has patients.
    """
    z, _, complete = covariate_matrix(rows, codings)
    kept = rows.take(complete)
    if np.unique(kept.high).size < 2:
        raise EstimationError("only one marker group has patients")
    groups = context.results.groups
    labels = [f"{groups.name}: {groups.high} against {groups.low}"]
    for coding in codings:
        labels += term_labels(coding)
    matrix = np.column_stack([kept.high, z[complete]])
    return Model(kept, matrix, tuple(labels), rows.n - kept.n)


def term_labels(coding: Coding) -> list[str]:
    """Labels of a covariate's columns, with the level they are compared with."""
    if coding.kind == "number":
        return [coding.number_label]
    first, *others = [level.replace("_", " ") for level in coding.levels]
    return [f"{coding.label}: {level} against {first}" for level in others]


def missing_words(model: Model) -> str:
    """Patients left out for a missing covariate, as a sentence; else ''."""
    if not model.left_out:
        return ""
    return f"{model.left_out:,} patients are left out for a missing covariate."
