"""Rules between specimens, runs and counts."""

from __future__ import annotations

from typing import Any

import polars as pl

from ashworth.errors import Problem
from ashworth.records.anti_joins import Expectations, Tables, orphans, row_problems
from ashworth.records.cells import quoted
from ashworth.records.checks import ROW

_SPECIMEN = ["patient_id", "specimen_id"]
_RUN = [*_SPECIMEN, "run_id"]
_DENOMINATORS = {
    "volume_ml": "the volume analysed in ml",
    "nucleated_cells": "the nucleated cells screened",
}


def specimen_known(tables: Tables, expectations: Expectations) -> list[Problem]:
    """Every run, cell, call, count and marker has its specimen, of the same patient."""
    problems = []
    for table in ("assay_runs", "cells", "calls", "counts", "markers"):
        lost = orphans(tables, table, "specimens", _SPECIMEN)
        if lost is not None:
            owners = tables["specimens"].group_by("specimen_id").agg(pl.col("patient_id").first())
            lost = lost.join(owners, on="specimen_id", how="left", suffix="_owner").sort(ROW)
            problems += row_problems(
                lost, table, "specimen_id", found=_stray_specimen,
                allowed="a specimen of that patient in specimens",
                remedy="correct patient_id or specimen_id, or add the specimen",
            )  # fmt: skip
    return problems


def _stray_specimen(row: dict[str, Any]) -> str:
    found = f"{quoted(row['specimen_id'])} of patient {quoted(row['patient_id'])}"
    owner = row["patient_id_owner"]
    return found if owner is None else f"{found}, but in specimens it is of patient {quoted(owner)}"


def run_known(tables: Tables, expectations: Expectations) -> list[Problem]:
    """Every cell, call and count has its run, where runs are given."""
    problems = []
    for table in ("cells", "calls", "counts"):
        lost = orphans(tables, table, "assay_runs", _RUN)
        if lost is not None:
            problems += row_problems(
                lost.sort(ROW), table, "run_id",
                found=lambda r: f"run {quoted(r['run_id'])} of specimen {quoted(r['specimen_id'])}",
                allowed="a run of that specimen in assay_runs",
                remedy="add the run with its assay and outcome, or correct run_id",
            )  # fmt: skip
    return problems


def cell_known(tables: Tables, expectations: Expectations) -> list[Problem]:
    """Every call has its cell, where cells are given."""
    lost = orphans(tables, "calls", "cells", [*_RUN, "cell_id"])
    if lost is None:
        return []
    return row_problems(
        lost.sort(ROW), "calls", "cell_id",
        found=lambda r: f"cell {quoted(r['cell_id'])} of run {quoted(r['run_id'])}",
        allowed="a cell of that run in cells",
        remedy="add the cell, or correct cell_id",
    )  # fmt: skip


def only_done_runs_count(tables: Tables, expectations: Expectations) -> list[Problem]:
    """A run that failed or was not done has no count: zero is another thing."""
    if not {"counts", "assay_runs"} <= set(tables):
        return []
    runs = tables["assay_runs"].select(*_RUN, "outcome").unique(_RUN, keep="any")
    counted = tables["counts"].join(runs, on=_RUN, how="inner")
    return row_problems(
        counted.filter(pl.col("outcome") != "done").sort(ROW), "counts", "n_cells",
        found=lambda r: f"a count of {r['n_cells']} from a run with outcome '{r['outcome']}'",
        allowed="counts of runs with outcome done",
        remedy="delete the count, or set the run's outcome to done",
    )  # fmt: skip


def done_runs_have_counts(tables: Tables, expectations: Expectations) -> list[Problem]:
    """A run that is done has a count, be it zero."""
    lost = orphans(tables, "assay_runs", "counts", _RUN)
    if lost is None:
        return []
    return row_problems(
        lost.filter(pl.col("outcome") == "done").sort(ROW), "assay_runs", "outcome",
        found=lambda r: f"'done' for run {quoted(r['run_id'])} of specimen "
        f"{quoted(r['specimen_id'])}, which has no count",
        allowed="a count in counts, zero included",
        remedy="add the count, or give the outcome that it had (failed, not_evaluable, not_done)",
    )  # fmt: skip


def assay_known(tables: Tables, expectations: Expectations) -> list[Problem]:
    """Every assay has a definition, where definitions are given."""
    known = sorted(expectations.denominators)
    if not known or "assay_runs" not in tables:
        return []
    strange = tables["assay_runs"].filter(~pl.col("assay").is_in(known))
    return row_problems(
        strange, "assay_runs", "assay",
        found=lambda r: quoted(r["assay"]),
        allowed="a defined assay: " + ", ".join(known),
        remedy="correct the id, or add the definition of the assay",
    )  # fmt: skip


def with_assay(tables: Tables, expectations: Expectations) -> pl.DataFrame:
    """Return the counts with the assay of their run."""
    counts = tables["counts"]
    if "assay_runs" not in tables:
        return counts.with_columns(pl.lit(expectations.assay, dtype=pl.String).alias("assay"))
    runs = tables["assay_runs"].select(*_RUN, "assay").unique(_RUN, keep="any")
    return counts.join(runs, on=_RUN, how="left", maintain_order="left")


def denominator_given(tables: Tables, expectations: Expectations) -> list[Problem]:
    """Every count has the denominator that its assay demands."""
    if "counts" not in tables:
        return []
    problems = []
    counts = with_assay(tables, expectations)
    for column, words in _DENOMINATORS.items():
        assays = [a for a, kind in expectations.denominators.items() if kind == column]
        demanded = counts.filter(pl.col("assay").is_in(assays))
        bare = demanded.filter(pl.col(column).is_null())
        if demanded.height and bare.height == counts.height:
            problems.append(_no_denominator(column, words, bare["assay"].unique().sort()))
            continue
        problems += row_problems(
            bare, "counts", column, found="no value",
            allowed=lambda r, w=words: f"{w}, which assay '{r['assay']}' demands",
            remedy=f"fill {column} with {words}, not with what was drawn or planned",
        )  # fmt: skip
    if expectations.denominators:
        return problems
    bare = counts.filter(pl.col("volume_ml").is_null() & pl.col("nucleated_cells").is_null())
    return row_problems(
        bare, "counts", "volume_ml", found="no value, and none in nucleated_cells",
        allowed=" or ".join(_DENOMINATORS.values()),
        remedy="fill volume_ml or nucleated_cells: a count without a denominator has no status",
    )  # fmt: skip


def _no_denominator(column: str, words: str, assays: pl.Series) -> Problem:
    """One problem for a column that is absent or empty in every row."""
    return Problem(
        "counts", None, column, "no value in any row",
        f"{words}, which {', '.join(assays)} demands for every count",
        f"add the column {column} with {words}, not with what was drawn or planned",
    )  # fmt: skip


def matrix_fits(tables: Tables, expectations: Expectations) -> list[Problem]:
    """An assay of blood is run on blood, one of bone marrow on bone marrow."""
    if not {"specimens", "assay_runs"} <= set(tables) or not expectations.matrices:
        return []
    matrices = pl.DataFrame(
        {"assay": list(expectations.matrices), "wanted": list(expectations.matrices.values())}
    )
    drawn = tables["specimens"].select(*_SPECIMEN, "matrix").unique(_SPECIMEN, keep="any")
    runs = tables["assay_runs"].join(matrices, on="assay").join(drawn, on=_SPECIMEN)
    return row_problems(
        runs.filter(pl.col("matrix") != pl.col("wanted")).sort(ROW), "assay_runs", "assay",
        found=lambda r: f"'{r['assay']}' on {r['matrix']}",
        allowed=lambda r: f"'{r['assay']}' on {r['wanted']}",
        remedy="correct the assay, or the matrix in specimens",
    )  # fmt: skip


def laboratory_days_in_order(tables: Tables, expectations: Expectations) -> list[Problem]:
    """Draw before receipt before analysis; the same day is allowed."""
    if "specimens" not in tables:
        return []
    problems = []
    pairs = (
        ("collected_day", "received_day"),
        ("received_day", "analysed_day"),
        ("collected_day", "analysed_day"),
    )
    for earlier, later in pairs:
        wrong = tables["specimens"].filter(pl.col(later) < pl.col(earlier))
        if (earlier, later) == ("collected_day", "analysed_day"):
            wrong = wrong.filter(pl.col("received_day").is_null())
        problems += row_problems(
            wrong, "specimens", later,
            found=lambda r, e=earlier, t=later: f"day {r[t]}, before {e} {r[e]}",
            allowed=f"{earlier} or later",
            remedy="correct one of the two days",
        )  # fmt: skip
    return problems


def analysed_within_drawn(tables: Tables, expectations: Expectations) -> list[Problem]:
    """No more is analysed than was drawn: per count, and over the runs of one assay."""
    if not {"counts", "specimens"} <= set(tables):
        return []
    drawn = tables["specimens"].select(*_SPECIMEN, pl.col("volume_ml").alias("drawn_ml"))
    counts = with_assay(tables, expectations).drop_nulls("volume_ml")
    counts = counts.join(drawn.unique(_SPECIMEN, keep="any"), on=_SPECIMEN)
    per_run = counts.group_by(*_RUN, "assay").agg(pl.col("volume_ml").max(), pl.col(ROW).min())
    total = per_run.group_by(*_SPECIMEN, "assay").agg(
        pl.col("volume_ml").sum().alias("total_ml"), pl.len().alias("n_runs")
    )
    joined = counts.join(total, on=[*_SPECIMEN, "assay"], nulls_equal=True).sort(ROW)
    limit = pl.col("drawn_ml") * (1 + 1e-9)
    over = joined.filter((pl.col("volume_ml") > limit) | (pl.col("total_ml") > limit))
    return row_problems(
        over, "counts", "volume_ml", found=_analysed,
        allowed=lambda r: f"at most the {r['drawn_ml']:g} ml drawn",
        remedy="correct the volume analysed here or the volume drawn in specimens",
    )  # fmt: skip


def _analysed(row: dict[str, Any]) -> str:
    runs = f" ({row['total_ml']:g} ml over {row['n_runs']} runs)" if row["n_runs"] > 1 else ""
    return f"{row['volume_ml']:g} ml analysed{runs}"
