"""Agreement of two ordinal scores: weighted kappa."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ashworth.classification import agreement_measures as measures
from ashworth.classification.agreement_measures import Measure, Weighting
from ashworth.errors import InputError, Problem
from ashworth.version import __version__


@dataclass(frozen=True, slots=True)
class OrdinalAgreement:
    """Agreement of two ordinal scores.

    Attributes
    ----------
    counts : polars.DataFrame
        first (category), then one column per category of the second reader.
    measures : polars.DataFrame
        measure, estimate, standard_error, lower, upper; rows observed_agreement, kappa,
        kappa_linear, kappa_quadratic.
    n : int
        Pairs.
    """

    counts: pl.DataFrame
    measures: pl.DataFrame
    n: int
    level: float
    method: str
    options: dict[str, str]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Return the measures, one per row."""
        return self.measures


def ordinal_agreement(
    first: Sequence[str], second: Sequence[str], *, categories: Sequence[str], level: float = 0.95
) -> OrdinalAgreement:
    """Weighted kappa of two ordinal scores of the same cells, e.g. HER2 by immunofluorescence.

    Parameters
    ----------
    first, second : sequence of str, length n
        Scores of the two readers, in the same order of cells.
    categories : sequence of str
        All categories from the lowest to the highest, two or more.
    level : float
        Of the limits.

    Returns
    -------
    OrdinalAgreement

    Raises
    ------
    InputError
        With all problems: unequal lengths, no pair, a score that is missing or no category.

    Notes
    -----
    Weights of agreement 1 - d / (k - 1) and 1 - (d / (k - 1))^2 at a distance of d categories.

    References
    ----------
    Cohen J. Psychol Bull 1968;70:213. Fleiss JL, Cohen J, Everitt BS. Psychol Bull 1969;72:323.

    Examples
    --------
    >>> scale = ["0", "1+", "2+", "3+"]
    >>> found = ordinal_agreement(["0", "1+", "3+", "2+"], ["0", "2+", "3+", "2+"],
    ...                           categories=scale)
    >>> found.table()["estimate"].round(3).to_list()
    [0.75, 0.667, 0.8, 0.9]
    """
    counts = _cross_table(first, second, categories)
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; allowed: above 0 and below 1")
    k, n = len(categories), counts.sum()
    rows: dict[str, Measure] = {
        "observed_agreement": measures.proportion(np.trace(counts), n, level)
    }
    kinds: tuple[tuple[str, Weighting], ...]
    kinds = (("kappa", "identity"), ("kappa_linear", "linear"), ("kappa_quadratic", "quadratic"))
    for name, weighting in kinds:
        rows[name] = measures.kappa(counts, measures.weights(k, weighting), level)
    shown = pl.DataFrame({"first": list(categories)}).with_columns(
        pl.Series(name, counts[:, j].astype(np.int64)) for j, name in enumerate(categories)
    )
    return OrdinalAgreement(
        shown, measures.frame_of(rows), int(n), level, "Cohen's weighted kappa",
        {"categories": ", ".join(categories)},
    )  # fmt: skip


def _cross_table(
    first: Sequence[str], second: Sequence[str], categories: Sequence[str]
) -> measures.Floats:
    """Counts of the pairs; every fault at once."""
    if len(categories) < 2 or len(set(categories)) < len(categories):
        raise ValueError(f"categories are {list(categories)}; allowed: two or more, each once")
    if len(first) != len(second) or not len(first):
        found = f"{len(first)} and {len(second)} scores"
        raise InputError(
            [Problem("scores", None, None, found, "as many, one or more", "pair them")]
        )
    place = {c: i for i, c in enumerate(categories)}
    problems = [
        Problem("scores", i + 1, reader, repr(score), "one of " + ", ".join(categories),
                "correct it, or leave the cell out and say so")
        for reader, scores in (("first", first), ("second", second))
        for i, score in enumerate(scores) if score not in place
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    counts = np.zeros((len(categories),) * 2)
    np.add.at(counts, ([place[s] for s in first], [place[s] for s in second]), 1)
    return counts
