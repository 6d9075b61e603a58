"""Tubes of one time point, assay, phenotype and caller add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ashworth.errors import InputError, Problem
from ashworth.version import __version__

KEYS = ("patient_id", "timepoint", "assay", "phenotype", "caller")
DENOMINATORS = ("volume_ml", "nucleated_cells")
_NEEDED = {
    "specimens": ("patient_id", "specimen_id", "matrix", "timepoint", "collected_day"),
    "assay_runs": ("patient_id", "specimen_id", "run_id", "assay", "outcome"),
    "counts": ("patient_id", "specimen_id", "run_id", "phenotype", "caller", "n_cells"),
}
_RUN = ["patient_id", "specimen_id", "run_id"]
_KEY = {
    "specimens": _RUN[:2],
    "assay_runs": _RUN,
    "counts": [*_RUN, "phenotype", "caller"],
}


@dataclass(frozen=True, slots=True)
class TubeTotals:
    """Cells and denominators summed over tubes.

    Attributes
    ----------
    totals : polars.DataFrame
        patient_id, timepoint, assay, phenotype, caller, n_tubes, n_cells, volume_ml,
        nucleated_cells (null where any of the tubes lacks it).
    """

    totals: pl.DataFrame
    n: int
    method: str = "cells and denominators summed over tubes"
    options: tuple[str, ...] = KEYS
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Return the totals, sorted by key."""
        return self.totals


def combine_tubes(
    counts: pl.DataFrame, specimens: pl.DataFrame, assay_runs: pl.DataFrame
) -> TubeTotals:
    """Add up the tubes of one patient, time point, assay, phenotype and caller.

    Parameters
    ----------
    counts, specimens, assay_runs : polars.DataFrame
        Tables of these names. Only counts of runs with outcome ``done``, or
        ``insufficient_volume`` with its count, may be there.

    Returns
    -------
    TubeTotals

    Raises
    ------
    InputError
        With all problems: missing columns, counts without a run or of a run that has no result,
        negative counts, denominators that are not positive.

    Examples
    --------
    >>> keys = {"patient_id": ["p1", "p1"], "specimen_id": ["s1", "s2"]}
    >>> specimens = pl.DataFrame(
    ...     keys | {"matrix": "blood", "timepoint": "baseline", "collected_day": 0})
    >>> runs = pl.DataFrame(keys | {"run_id": "r", "assay": "cellsearch-ctc", "outcome": "done"})
    >>> counts = pl.DataFrame(keys | {"run_id": "r", "phenotype": "ctc", "caller": "reader",
    ...                               "n_cells": [2, 3], "volume_ml": [7.5, 7.5]})
    >>> combine_tubes(counts, specimens, runs).table()["n_cells", "volume_ml"].rows()
    [(5, 15.0)]
    """
    demand_columns(specimens=specimens, assay_runs=assay_runs, counts=counts)
    return TubeTotals(*_sum_tubes(join_runs(counts, specimens, assay_runs)))


def demand_columns(**tables: pl.DataFrame) -> None:
    """Raise `InputError` naming every missing column."""
    problems = [
        Problem(name, None, column, "no such column", "a column of this name", "add the column")
        for name, frame in tables.items()
        for column in _NEEDED[name]
        if column not in frame.columns
    ]
    if problems:
        raise InputError(problems)


def join_runs(
    counts: pl.DataFrame, specimens: pl.DataFrame, assay_runs: pl.DataFrame
) -> pl.DataFrame:
    """Add timepoint, matrix, collected_day, assay and outcome to the counts; check them."""
    _demand_unique(specimens=specimens, assay_runs=assay_runs, counts=counts)
    runs = assay_runs.select(*_RUN, "assay", "outcome", *_extra(assay_runs, counts))
    draws = specimens.select("patient_id", "specimen_id", "matrix", "timepoint", "collected_day")
    numbered = counts.with_columns(
        *(pl.lit(None, dtype=pl.Float64).alias(c) for c in DENOMINATORS if c not in counts.columns)
    )
    if "row" not in counts.columns:
        numbered = numbered.with_row_index("row", offset=2)
    joined = numbered.join(runs, on=_RUN, how="left", maintain_order="left").join(
        draws, on=["patient_id", "specimen_id"], how="left", maintain_order="left"
    )
    problems = _faults(joined)
    if problems:
        raise InputError(problems)
    return joined.with_columns(pl.col(c).cast(pl.Float64) for c in DENOMINATORS)


def _demand_unique(**tables: pl.DataFrame) -> None:
    """Raise `InputError` where a key stands twice: the same cells would count twice."""
    problems = []
    for name, frame in tables.items():
        twice = frame.select(_KEY[name]).filter(pl.struct(_KEY[name]).is_duplicated())
        problems += [
            Problem(name, None, None, f"{', '.join(map(str, key))} more than once",
                    f"one row per {', '.join(_KEY[name])}", "remove or rename the repeated rows")
            for key in twice.unique(maintain_order=True).iter_rows()
        ]  # fmt: skip
    if problems:
        raise InputError(problems)


def _extra(assay_runs: pl.DataFrame, counts: pl.DataFrame) -> list[str]:
    """Columns of the runs that answer a rule's requirements."""
    wanted = ("morphological_category", "isotype_control")
    return [c for c in wanted if c in assay_runs.columns and c not in counts.columns]


def _faults(joined: pl.DataFrame) -> list[Problem]:
    """Every count that cannot be used as it stands."""
    has_result = pl.col("outcome").is_in(["done", "insufficient_volume"])
    checks = (
        (pl.col("n_cells").is_null(), "n_cells", "nothing", "whole cells >= 0",
         "give the count; 'not done' belongs in assay_runs"),
        (pl.col("n_cells") < 0, "n_cells", "a negative count", "whole cells >= 0",
         "correct the count"),
        (pl.col("outcome").is_null(), "run_id", "a run that assay_runs does not have",
         "runs of assay_runs", "add the run, with its assay and outcome"),
        (pl.col("timepoint").is_null(), "specimen_id", "a specimen that specimens does not have",
         "specimens of the table", "add the specimen"),
        (pl.col("outcome").is_not_null() & ~has_result, "n_cells",
         "a count of a run without a result", "counts of runs that were done",
         "remove the count, or correct the run's outcome"),
        *((pl.col(c) <= 0, c, "an amount that is not positive", "amounts > 0", "correct it")
          for c in DENOMINATORS),
    )  # fmt: skip
    return [
        Problem("counts", int(row), column, found, allowed, remedy)
        for condition, column, found, allowed, remedy in checks
        for row in joined.filter(condition)["row"]
    ]


def _sum_tubes(joined: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Totals by key; floats are summed by numpy in row order, so that bytes repeat."""
    ordered = joined.sort(*KEYS, "specimen_id", "run_id")
    groups = ordered.select(KEYS).unique(maintain_order=True)
    group = group_index(ordered, groups, KEYS)
    size = groups.height
    columns: dict[str, pl.Series] = {
        "n_tubes": pl.Series(np.bincount(group, minlength=size)),
        "n_cells": pl.Series(
            np.bincount(group, ordered["n_cells"].to_numpy(), minlength=size).astype(np.int64)
        ),
    }
    for name in DENOMINATORS:
        amounts = ordered[name].fill_null(float("nan")).to_numpy()
        columns[name] = pl.Series(np.bincount(group, amounts, minlength=size)).fill_nan(None)
    return groups.with_columns(s.alias(name) for name, s in columns.items()), size


def group_index(
    frame: pl.DataFrame, groups: pl.DataFrame, keys: Sequence[str]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Position of each row's key among the groups (-1 if absent)."""
    numbered = groups.select(keys).with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("_group")
    )
    joined = frame.select(keys).join(
        numbered, on=list(keys), how="left", maintain_order="left", nulls_equal=True
    )
    return joined["_group"].fill_null(-1).to_numpy()
