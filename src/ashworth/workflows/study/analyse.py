"""Tables to results: everything that the report shows, computed; no files, no drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.definitions import Assay, DynamicsRule, Endpoint, PositivityRule, load
from ashworth.errors import InputError, Problem
from ashworth.workflows.study.clock import AnalysisSet, start_clock
from ashworth.workflows.study.coding import Coding, code_covariates, level_texts
from ashworth.workflows.study.events import Course, study_events
from ashworth.workflows.study.flow import cohort_flow
from ashworth.workflows.study.groups import (
    MarkerGroups,
    groups_from_covariate,
    groups_from_statuses,
)
from ashworth.workflows.study.marker import CountedMarker, count_marker
from ashworth.workflows.study.models import CoxModels, cox_models, subgroup_effects
from ashworth.workflows.study.settings import StudySettings
from ashworth.workflows.study.survival_by_status import SurvivalByStatus, survival_by_status
from ashworth.workflows.study.table_one import table_one

Progress = Callable[[str, int, int], None]
DEFAULT_DESCRIBE = (
    "age_years", "menopausal_status", "histology", "grade", "er_status", "pr_status",
    "her2_status", "ki67_percent", "pt", "pn", "line", "de_novo",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EndpointResult:
    """One endpoint by the status of one time point."""

    endpoint: Endpoint
    survival: SurvivalByStatus
    models: CoxModels | None
    subgroups: pl.DataFrame | None


@dataclass(frozen=True, slots=True)
class StudyResults:
    """All that a study's report shows.

    Attributes
    ----------
    settings : StudySettings
    endpoints : tuple of Endpoint
    groups : MarkerGroups
    marker : CountedMarker or None
        Statuses, positivity and dynamics; None for a covariate marker.
    rule, assay, dynamics_rule : definitions or None
    patients : polars.DataFrame
    events : polars.DataFrame
    table_one : polars.DataFrame
    flow : polars.DataFrame
    results : tuple of EndpointResult
        Every endpoint at every time point, in the order of the study file.
    by_dynamics : tuple of SurvivalByStatus
        Every endpoint by dynamics class, from the second draw on.
    codings : tuple of Coding
        Covariates of the adjusted models.
    course : Course
        Events, and who was never at risk.
    strata : polars.DataFrame or None
        patient_id, stratum (integer), where the study is stratified.
    tables_present : frozenset of str
        Names of the tables that the study brought.
    notes : tuple of str
        Sections without data, and the priors in use.
    """

    settings: StudySettings
    endpoints: tuple[Endpoint, ...]
    groups: MarkerGroups
    marker: CountedMarker | None
    rule: PositivityRule | None
    assay: Assay | None
    dynamics_rule: DynamicsRule | None
    patients: pl.DataFrame
    events: pl.DataFrame
    table_one: pl.DataFrame
    flow: pl.DataFrame
    results: tuple[EndpointResult, ...]
    by_dynamics: tuple[SurvivalByStatus, ...]
    codings: tuple[Coding, ...]
    course: Course
    strata: pl.DataFrame | None
    tables_present: frozenset[str]
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Plan:
    """What every endpoint's analysis needs."""

    course: Course
    patients: pl.DataFrame
    groups: MarkerGroups
    codings: Sequence[Coding]
    subgroups: Sequence[Coding]
    settings: StudySettings
    strata: pl.DataFrame | None


def analyse(
    tables: Mapping[str, pl.DataFrame], settings: StudySettings, *, progress: Progress | None = None
) -> StudyResults:
    """Analyse a study.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        Validated tables (`records`): patients; outcomes or events; for a counted marker also
        specimens, counts and assay_runs.
    settings : StudySettings
        What `study.toml` declares.
    progress : callable, optional
        Called with (label, done, total).

    Returns
    -------
    StudyResults

    Raises
    ------
    InputError
        If a declared column, definition or stratum is not there.
    ImmortalTimeError
        If the clock would start before a status is known.
    """
    tell = progress or (lambda *_: None)
    patients = tables["patients"].sort("patient_id")
    codings = code_covariates(settings.adjust, patients, settings, key="adjust")
    subgroups = code_covariates(settings.subgroups, patients, settings, key="subgroups")
    _demand_factors(subgroups)
    describe = code_covariates(_describe(patients, settings), patients, settings, key="describe")
    strata = _strata(patients, settings)
    endpoints = tuple(load("endpoint", e) for e in settings.endpoints)
    tell("events", 1, 4 + len(endpoints))
    course = study_events(tables, endpoints)
    tell("statuses", 2, 4 + len(endpoints))
    marker, rule, assay, dynamics_rule = _counted(tables, settings)
    groups = (
        groups_from_covariate(patients, settings)
        if marker is None or rule is None
        else groups_from_statuses(marker.statuses, settings, rule)
    )
    plan = _Plan(course, patients, groups, codings, subgroups, settings, strata)
    results: list[EndpointResult] = []
    empty: list[str] = []
    for place, endpoint in enumerate(endpoints):
        tell(endpoint.abbreviation, 3 + place, 4 + len(endpoints))
        for timepoint in groups.timepoints:
            result = _endpoint(plan, endpoint, timepoint.name)
            if result is None:
                empty.append(f"{endpoint.abbreviation}, {timepoint.title}: nobody is at risk.")
            else:
                results.append(result)
    _demand_any(results, patients, marker)
    first, point = results[0], groups.timepoints[0].name
    return StudyResults(
        settings=settings,
        endpoints=endpoints,
        groups=groups,
        marker=marker,
        rule=rule,
        assay=assay,
        dynamics_rule=dynamics_rule,
        patients=patients,
        events=course.events,
        table_one=table_one(groups.at(point), patients, describe, groups),
        flow=cohort_flow(
            patients, groups, None if marker is None else marker.statuses,
            first.survival.analysis, settings, first.endpoint.abbreviation,
        ),
        results=tuple(results),
        by_dynamics=_by_dynamics(plan, marker, endpoints),
        codings=codings,
        course=course,
        strata=strata,
        tables_present=frozenset(tables),
        notes=(*_notes(tables, settings, marker), *empty),
    )  # fmt: skip


def _demand_factors(subgroups: Sequence[Coding]) -> None:
    """Refuse subgroups by a number."""
    numbers = [c.column for c in subgroups if c.kind == "number"]
    if numbers:
        raise InputError(
            [Problem("study.toml", None, "subgroups", f"'{c}', which is a number",
                     "columns with categories",
                     f"add a column with classes to patients.csv, or give categories under "
                     f"[covariates.{c}]") for c in numbers],
            subject="study.toml",
        )  # fmt: skip


def _describe(patients: pl.DataFrame, settings: StudySettings) -> tuple[str, ...]:
    """Columns of table 1: as declared, else the usual ones that hold data and the covariates."""
    if settings.describe:
        return settings.describe
    usual = [c for c in DEFAULT_DESCRIBE if c in patients.columns]
    filled = [c for c in usual if level_texts(patients, c).drop_nulls().len()]
    own = [c for c in settings.covariates if c in patients.columns and c not in filled]
    return tuple(c for c in [*filled, *own] if c != settings.marker)


def _strata(patients: pl.DataFrame, settings: StudySettings) -> pl.DataFrame | None:
    """Stratum of every patient, as an integer."""
    if not settings.stratify:
        return None
    absent = [c for c in settings.stratify if c not in patients.columns]
    present = [c for c in settings.stratify if c in patients.columns]
    gaps = [(c, patients[c].null_count()) for c in present if patients[c].null_count()]
    problems = [
        Problem("study.toml", None, "stratify", f"'{c}', not a column of patients",
                f"one of {', '.join(patients.columns)}", "correct the name or leave it out")
        for c in absent
    ] + [
        Problem("patients", None, c, f"{n} patients without a value", "a value for every patient",
                "fill the column, or do not stratify by it")
        for c, n in gaps
    ]  # fmt: skip
    if problems:
        raise InputError(problems, subject="the strata")
    ranks = patients.select(
        pl.struct(settings.stratify).rank("dense").cast(pl.Int64).alias("stratum")
    )
    return patients.select("patient_id").hstack(ranks)


def _counted(
    tables: Mapping[str, pl.DataFrame], settings: StudySettings
) -> tuple[CountedMarker | None, PositivityRule | None, Assay | None, DynamicsRule | None]:
    """Statuses from counts, with the definitions they rest on."""
    if not settings.counted:
        return None, None, None, None
    assert settings.rule is not None
    assert settings.assay is not None
    rule = load("positivity_rule", settings.rule)
    assay = load("assay", settings.assay)
    dynamics = load("dynamics_rule", settings.dynamics) if settings.dynamics else None
    return count_marker(tables, settings, rule, assay, dynamics), rule, assay, dynamics


def _demand_any(
    results: Sequence[EndpointResult], patients: pl.DataFrame, marker: CountedMarker | None
) -> None:
    """Refuse a study in which nobody has a status and follow-up after it."""
    if results:
        return
    found = f"none of {patients.height} patients with a status and follow-up after it"
    if marker is not None:
        reasons = marker.statuses.filter(pl.col("status") == "not_assessable")["reason"]
        counted = reasons.value_counts(sort=True).head(3).iter_rows()
        found += "; not assessable: " + "; ".join(f"{reason} ({n})" for reason, n in counted)
    raise InputError(
        [Problem("study.toml", None, None, found, "at least one such patient",
                 "compare rule, assay and volumes with the specimens (a requirement that the "
                 "laboratory fulfils for all is declared by fulfilled = [...])")],
        subject="the study",
    )  # fmt: skip


def _endpoint(plan: _Plan, endpoint: Endpoint, timepoint: str) -> EndpointResult | None:
    """One endpoint by the status of one time point; None where nobody is at risk."""
    settings, patients = plan.settings, plan.patients
    analysis = start_clock(
        plan.groups.at(timepoint), plan.course, endpoint=endpoint.id, clock=settings.clock
    )
    if not analysis.n:
        return None
    strata = _aligned(plan.strata, analysis)
    survival = survival_by_status(analysis, settings, strata, by_group=plan.groups.ordinal)
    models = effects = None
    if survival.test is not None:
        models = cox_models(analysis, patients, plan.codings, plan.groups, settings, strata)
        if plan.subgroups:
            effects = subgroup_effects(analysis, patients, plan.subgroups, settings, strata)
    return EndpointResult(endpoint, survival, models, effects)


def _aligned(strata: pl.DataFrame | None, analysis: AnalysisSet) -> NDArray[np.int64] | None:
    """Strata in the order of the analysis."""
    if strata is None:
        return None
    joined = analysis.frame.select("patient_id").join(
        strata, on="patient_id", how="left", maintain_order="left"
    )
    return joined["stratum"].to_numpy()


def _by_dynamics(
    plan: _Plan, marker: CountedMarker | None, endpoints: Sequence[Endpoint]
) -> tuple[SurvivalByStatus, ...]:
    """Survival from the second draw on, by dynamics class."""
    if marker is None or marker.dynamics is None:
        return ()
    members = (
        marker.dynamics.filter(pl.col("dynamics_class").is_not_null())
        .select(
            "patient_id",
            pl.col("to_timepoint").alias("timepoint"),
            pl.col("to_day").alias("clock_day"),
            pl.col("dynamics_class").alias("group"),
            pl.lit(0, dtype=pl.Int64).alias("rank"),
            pl.lit(value=True).alias("high"),
        )
        .sort("patient_id")
    )
    sets = [start_clock(members, plan.course, endpoint=e.id, clock="specimen") for e in endpoints]
    return tuple(
        survival_by_status(s, plan.settings, _aligned(plan.strata, s), by_group=True)
        for s in sets
        if s.n
    )


def _notes(
    tables: Mapping[str, pl.DataFrame], settings: StudySettings, marker: CountedMarker | None
) -> tuple[str, ...]:
    """Name the sections that have no data, and the priors in use."""
    out = list(marker.notes) if marker is not None else []
    if settings.counted and marker is not None and marker.dynamics is None:
        out.append("Dynamics: no dynamics rule, or fewer than two time points.")
    for table in ("treatments", "markers", "assessments"):
        if table not in tables:
            out.append(f"{table.capitalize()}: no {table}.csv in the study folder.")
    return tuple(out)
