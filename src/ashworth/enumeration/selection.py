"""Which tubes a rule may look at, and why a time point has none."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from ashworth.definitions.models import Assay, PositivityRule
from ashworth.enumeration.tubes import combine_tubes, demand_columns, join_runs
from ashworth.errors import InputError, Problem

POINT = ["patient_id", "timepoint"]
_OUTCOMES = ("insufficient_volume", "not_evaluable", "failed", "not_done")
_COLUMNS = {
    "nucleated_cells_screened": "nucleated_cells",
    "morphological_category": "morphological_category",
    "isotype_control": "isotype_control",
}
_ABSENT = ("", "false", "no", "not_done", "unknown")


def demand_fit(rule: PositivityRule, assay: Assay) -> None:
    """Raise `InputError` if the rule was not made for the assay."""
    checks = (
        (assay.id in rule.assays, "assay", assay.id, ", ".join(rule.assays)),
        (assay.matrix == rule.matrix, "matrix", assay.matrix, rule.matrix),
        (rule.phenotype in assay.phenotypes, "phenotype", rule.phenotype,
         ", ".join(assay.phenotypes)),
    )  # fmt: skip
    problems = [
        Problem("definitions", None, what, f"'{found}' with rule '{rule.id}'", allowed,
                "choose an assay that the rule names")
        for fits, what, found, allowed in checks
        if not fits
    ]  # fmt: skip
    if problems:
        raise InputError(problems, subject="the choice of rule and assay")


def select_tubes(
    specimens: pl.DataFrame,
    assay_runs: pl.DataFrame,
    counts: pl.DataFrame,
    rule: PositivityRule,
    assay: Assay,
    caller: str | None,
    fulfilled: Collection[str],
) -> pl.DataFrame:
    """One row per patient and time point: totals to judge, or the reason why there are none.

    Returns
    -------
    polars.DataFrame
        patient_id, timepoint, specimen_day, n_cells, denominator, reason (null where the rule
        can be applied), sorted by patient and time point.
    """
    demand_columns(specimens=specimens, assay_runs=assay_runs, counts=counts)
    draws = specimens.filter(pl.col("matrix") == rule.matrix)
    points = draws.group_by(POINT).agg(pl.col("collected_day").min().alias("specimen_day"))
    tubes = _tubes(specimens, assay_runs, counts, rule, assay, caller)
    totals = combine_tubes(tubes, specimens, assay_runs).table()
    joined = join_runs(tubes, specimens, assay_runs)
    kind = rule.denominator.kind
    return (
        points.join(
            totals.select(*POINT, "n_cells", pl.col(kind).alias("denominator")),
            on=POINT, how="left",
        )
        .join(_missing_requirements(joined, rule, fulfilled), on=POINT, how="left")
        .join(_why_nothing(draws, assay_runs, rule, assay), on=POINT, how="left")
        .with_columns(
            pl.when(pl.col("n_cells").is_null())
            .then(pl.col("nothing").fill_null("no assay run"))
            .otherwise(pl.col("missing"))
            .alias("reason")
        )
        .drop("nothing", "missing")
        .sort(POINT)
    )  # fmt: skip


def _tubes(
    specimens: pl.DataFrame,
    assay_runs: pl.DataFrame,
    counts: pl.DataFrame,
    rule: PositivityRule,
    assay: Assay,
    caller: str | None,
) -> pl.DataFrame:
    """Keep counts of this assay, phenotype, matrix and caller."""
    joined = join_runs(counts, specimens, assay_runs)
    mine = (
        (pl.col("assay") == assay.id)
        & (pl.col("phenotype") == rule.phenotype)
        & (pl.col("matrix") == rule.matrix)
    )
    if caller is not None:
        mine = mine & (pl.col("caller") == caller)
    kept = joined.filter(mine)
    _demand_one_caller(kept)
    inherited = [c for c in ("assay", "outcome", "matrix", "timepoint", "collected_day")
                 if c not in counts.columns]  # fmt: skip
    return kept.drop(inherited)


def _demand_one_caller(kept: pl.DataFrame) -> None:
    """Two callers of one time point would count the same cells twice."""
    several = (
        kept.group_by(POINT)
        .agg(pl.col("caller").unique().sort().alias("callers"))
        .filter(pl.col("callers").list.len() > 1)
        .sort(POINT)
    )
    if several.height:
        raise InputError(
            [
                Problem("counts", None, "caller",
                        f"{', '.join(row['callers'])} for patient {row['patient_id']}, "
                        f"time point {row['timepoint']}",
                        "one caller", "choose one by caller=...")
                for row in several.iter_rows(named=True)
            ]
        )  # fmt: skip


def _missing_requirements(
    joined: pl.DataFrame, rule: PositivityRule, fulfilled: Collection[str]
) -> pl.DataFrame:
    """Time points with a tube that lacks what the rule requires, and what is lacking."""
    open_ones = [r for r in rule.requires if r not in fulfilled]
    flags = [_lacks(joined, r).any().alias(r) for r in open_ones]
    uncertain = pl.lit(False)
    if {"morphological_category", "isotype_control"} <= set(rule.requires):
        uncertain = _probable_without_control(joined).any()
    text = pl.concat_str(
        [pl.lit(""), *(pl.when(pl.col(r)).then(pl.lit(r.replace("_", " "))) for r in open_ones)],
        separator=", ",
        ignore_nulls=True,
    ).str.strip_prefix(", ")
    missing = (
        pl.when(text != "")
        .then(pl.lit("required but missing: ") + text)
        .when(pl.col("uncertain"))
        .then(pl.lit("probable tumour cells with a positive isotype control"))
    )
    return (
        joined.group_by(POINT)
        .agg(*flags, uncertain.alias("uncertain"))
        .select(*POINT, missing.alias("missing"))
        .filter(pl.col("missing").is_not_null())
    )


def _lacks(joined: pl.DataFrame, requirement: str) -> pl.Expr:
    """Tell which tubes lack a requirement; without cells there is no category to give."""
    column = _COLUMNS[requirement]
    needed = pl.col("n_cells") > 0 if column == "morphological_category" else pl.lit(True)
    if column not in joined.columns:
        return needed
    text = pl.col(column).cast(pl.String).str.to_lowercase()
    return needed & (text.is_null() | text.is_in(_ABSENT))


def _probable_without_control(joined: pl.DataFrame) -> pl.Expr:
    """Tell which tubes hold probable tumour cells beside a positive isotype control.

    Such cells count only if the control is negative (Borgen et al., Cytotherapy 1999).
    """
    if not {"morphological_category", "isotype_control"} <= set(joined.columns):
        return pl.lit(False)
    probable = pl.col("morphological_category") == "probable_tumour_cell"
    stained = pl.col("isotype_control") == "positive"
    return ((pl.col("n_cells") > 0) & probable & stained).fill_null(value=False)


def _why_nothing(
    draws: pl.DataFrame, assay_runs: pl.DataFrame, rule: PositivityRule, assay: Assay
) -> pl.DataFrame:
    """Reason of a time point without a count: the best outcome that a run of the assay had."""
    rank = {outcome: i for i, outcome in enumerate(_OUTCOMES)}
    words = {i: outcome.replace("_", " ") for outcome, i in rank.items()}
    words |= {-1: f"done, but no count of phenotype {rule.phenotype}"}
    words |= {len(rank): f"no run of assay {assay.id} (another assay was run)"}
    order = (
        pl.when(pl.col("assay") != assay.id)
        .then(len(rank))
        .otherwise(pl.col("outcome").replace_strict(rank, default=-1, return_dtype=pl.Int64))
    )
    return (
        assay_runs.join(draws.select("specimen_id", *POINT), on=["patient_id", "specimen_id"])
        .group_by(POINT)
        .agg(order.min().alias("order"))
        .select(*POINT, pl.col("order").replace_strict(words, return_dtype=pl.String)
                .alias("nothing"))
    )  # fmt: skip
