"""Counts to statuses, positivity and dynamics for one study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import polars as pl

from ashworth.definitions import Assay, DynamicsRule, PositivityRule
from ashworth.enumeration import dynamics as classify_dynamics
from ashworth.enumeration import fit_population
from ashworth.enumeration import positivity as count_positive
from ashworth.enumeration import statuses as call_statuses
from ashworth.enumeration.fitting import FittedPopulation
from ashworth.errors import EstimationError, InputError, Problem
from ashworth.workflows.study.settings import StudySettings

BINS = ((0, "0"), (1, "1"), (2, "2"), (3, "3–4"), (5, "5–9"), (10, "10–49"), (50, "≥ 50"))


@dataclass(frozen=True, slots=True)
class CountedMarker:
    """What the counts of a study say.

    Attributes
    ----------
    statuses : polars.DataFrame
        One row per patient and time point.
    positivity : polars.DataFrame
        timepoint, n, n_assessable, n_positive, proportion, lower, upper, in study order.
    distribution : polars.DataFrame
        timepoint, count_category, n, share: assessable specimens by count.
    repeatability : polars.DataFrame
        timepoint, count_category, status, n, agreement_probability (mean); empty without a prior.
    dynamics : polars.DataFrame or None
        Classes between the first two time points.
    notes : tuple of str
        Priors that were used, or why there is none.
    """

    statuses: pl.DataFrame
    positivity: pl.DataFrame
    distribution: pl.DataFrame
    repeatability: pl.DataFrame
    dynamics: pl.DataFrame | None
    notes: tuple[str, ...]


def count_marker(
    tables: Mapping[str, pl.DataFrame],
    settings: StudySettings,
    rule: PositivityRule,
    assay: Assay,
    dynamics_rule: DynamicsRule | None,
) -> CountedMarker:
    """Call every specimen's status and what follows from it.

    Raises
    ------
    InputError
        If specimens name a time point that `study.toml` does not, or a declared one has none.
    """
    _demand_timepoints(tables["specimens"], settings)
    parts, notes = [], []
    for point in settings.timepoints:
        specimens = tables["specimens"].filter(pl.col("timepoint") == point.name)
        part, note = _at_timepoint(specimens, tables, settings, rule, assay)
        parts.append(part)
        notes.append(f"{point.title}: {note}")
    statuses = pl.concat(parts).sort("patient_id", "timepoint")
    return CountedMarker(
        statuses=statuses,
        positivity=_positivity(statuses, settings),
        distribution=_distribution(statuses, settings),
        repeatability=_repeatability(statuses, settings),
        dynamics=_dynamics(parts, dynamics_rule),
        notes=tuple(notes),
    )


def _demand_timepoints(specimens: pl.DataFrame, settings: StudySettings) -> None:
    """Refuse specimens and declarations that do not match."""
    declared = [p.name for p in settings.timepoints]
    seen = set(specimens["timepoint"].to_list())
    problems = [
        Problem("specimens", None, "timepoint", f"'{name}'", f"one of {', '.join(declared)}",
                "declare it under [[timepoints]] in study.toml, or correct the name")
        for name in sorted(seen.difference(declared))
    ] + [
        Problem("study.toml", None, "timepoints", f"'{name}', of which there is no specimen",
                f"one of {', '.join(sorted(seen))}", "correct the name or leave it out")
        for name in declared if name not in seen
    ]  # fmt: skip
    if problems:
        raise InputError(problems, subject="the time points")


def _at_timepoint(
    specimens: pl.DataFrame, tables: Mapping[str, pl.DataFrame], settings: StudySettings,
    rule: PositivityRule, assay: Assay,
) -> tuple[pl.DataFrame, str]:  # fmt: skip
    """Statuses of one time point, with the prior fitted to it."""
    keys = ["patient_id", "specimen_id"]
    runs = tables["assay_runs"].join(specimens, on=keys, how="semi")
    counts = tables["counts"].join(specimens, on=keys, how="semi")
    model = None if settings.volume_model == "none" else settings.volume_model
    call = partial(
        call_statuses, specimens, runs, counts, rule,
        assay=assay, model=model, fulfilled=settings.fulfilled, level=settings.level,
    )  # fmt: skip
    first = call()
    population, note = _population(first.statuses, settings)
    if population is None:
        return first.statuses, note
    return call(population=population).statuses, note


def _population(
    statuses: pl.DataFrame, settings: StudySettings
) -> tuple[FittedPopulation | None, str]:
    """Fit the declared prior to the assessable counts, or say why not."""
    if settings.population == "none":
        return None, "no population prior (none declared)"
    counted = statuses.filter(pl.col("n_cells").is_not_null() & pl.col("denominator").is_not_null())
    try:
        fit = fit_population(
            counted["n_cells"].to_numpy(), counted["denominator"].to_numpy(),
            family=settings.population,
            recovery=settings.recovery, blank_rate=settings.blank_rate,
        )  # fmt: skip
    except EstimationError as error:
        return None, f"no population prior ({error})"
    return fit, f"prior {fit.population.describe()}, fitted to {fit.n} counts"


def _positivity(statuses: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Positivity in the order of the study file."""
    table = count_positive(statuses, level=settings.level).positivity
    order = {p.name: i for i, p in enumerate(settings.timepoints)}
    return table.sort(pl.col("timepoint").replace_strict(order, return_dtype=pl.Int64))


def count_category(n_cells: pl.Expr) -> pl.Expr:
    """Bin of a count: 0, 1, 2, 3-4, 5-9, 10-49, 50 and more."""
    expression = pl.lit(BINS[0][1])
    for least, label in BINS[1:]:
        expression = pl.when(n_cells >= least).then(pl.lit(label)).otherwise(expression)
    return expression.alias("count_category")


def _binned(statuses: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Assessable statuses with their bin, and sort keys in study order."""
    points = {p.name: i for i, p in enumerate(settings.timepoints)}
    labels = {label: i for i, (_, label) in enumerate(BINS)}
    return (
        statuses.filter(pl.col("status") != "not_assessable")
        .with_columns(count_category(pl.col("n_cells")))
        .with_columns(
            pl.col("timepoint").replace_strict(points, return_dtype=pl.Int64).alias("_point"),
            pl.col("count_category").replace_strict(labels, return_dtype=pl.Int64).alias("_bin"),
        )
    )


def _distribution(statuses: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Share of assessable patients by count, empty bins included."""
    binned = _binned(statuses, settings)
    totals = binned.group_by("timepoint").len("total")
    points = [p.name for p in settings.timepoints]
    grid = pl.DataFrame({"timepoint": points}).join(
        pl.DataFrame({"count_category": [b for _, b in BINS]}), how="cross"
    )
    seen = binned.group_by("timepoint", "count_category").len("n")
    return (
        grid.join(seen, on=["timepoint", "count_category"], how="left", maintain_order="left")
        .join(totals, on="timepoint", how="left", maintain_order="left")
        .select(
            "timepoint",
            "count_category",
            pl.col("n").fill_null(0).cast(pl.Int64),
            (pl.col("n").fill_null(0) / pl.col("total")).alias("share"),
        )
    )


def _repeatability(statuses: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Mean probability that a second tube agrees, by count."""
    known = _binned(statuses, settings).filter(pl.col("agreement_probability").is_not_null())
    keys = ["_point", "_bin", "timepoint", "count_category", "status"]
    groups = known.select(keys).unique().sort(keys)
    rows = []
    for key in groups.iter_rows(named=True):
        mine = known.filter(*(pl.col(k) == v for k, v in key.items()))
        mean = float(mine["agreement_probability"].to_numpy().mean())
        rows.append((key["timepoint"], key["count_category"], key["status"], mine.height, mean))
    names = ["timepoint", "count_category", "status", "n", "agreement_probability"]
    types = [pl.String, pl.String, pl.String, pl.Int64, pl.Float64]
    return pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")


def _dynamics(parts: list[pl.DataFrame], rule: DynamicsRule | None) -> pl.DataFrame | None:
    """Classes between the first two time points."""
    if rule is None or len(parts) < 2:
        return None
    return classify_dynamics(parts[0], parts[1], rule).dynamics
