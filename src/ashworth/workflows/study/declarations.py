"""Whether study.toml fits the definitions, the schema of patients and the patients."""

from __future__ import annotations

import difflib

import polars as pl

from ashworth.definitions import Catalogue, load
from ashworth.definitions.kinds import Kind
from ashworth.errors import InputError, Problem
from ashworth.records.schemas import specs
from ashworth.workflows.study.coding import level_texts
from ashworth.workflows.study.settings import Covariate, StudySettings


def declaration_problems(settings: StudySettings) -> list[Problem]:
    """Ids that no definition has, parts that do not belong together, columns declared twice."""
    standard = specs("patients")
    problems = _unknown_definitions(settings) or _misfits(settings)
    for name, spec in settings.covariates.items():
        if name in standard:
            problems += _redeclared(name, spec)
    return problems


def _unknown_definitions(settings: StudySettings) -> list[Problem]:
    """Every id in study.toml that no definition has."""
    named: list[tuple[str, Kind, str | None]] = [
        ("assay", "assay", settings.assay),
        ("rule", "positivity_rule", settings.rule),
        ("dynamics", "dynamics_rule", settings.dynamics),
        *(("endpoints", "endpoint", e) for e in settings.endpoints),
    ]
    problems = []
    for key, kind, name in named:
        ids = Catalogue().ids(kind)
        if name is None or name in ids:
            continue
        near = difflib.get_close_matches(name, ids, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else "see: ashworth definitions list"
        problems.append(
            Problem("study.toml", None, key, f"'{name}'", f"one of {', '.join(ids)}", remedy)
        )
    return problems


def _misfits(settings: StudySettings) -> list[Problem]:
    """Assay and dynamics that do not belong to the rule."""
    if settings.rule is None or settings.assay is None:
        return []
    rule = load("positivity_rule", settings.rule)
    problems = []
    if settings.assay not in rule.assays:
        problems.append(
            Problem("study.toml", None, "assay", f"'{settings.assay}' with rule '{rule.id}'",
                    f"one of {', '.join(rule.assays)}", "choose the assay that the rule is for")
        )  # fmt: skip
    if settings.dynamics is None:
        return problems
    dynamics = load("dynamics_rule", settings.dynamics)
    if (dynamics.at_least, dynamics.amount) != (rule.cutoff().at_least, rule.denominator.amount):
        found = (
            f"'{dynamics.id}' (at least {dynamics.at_least} per {dynamics.amount:g} ml) "
            f"with rule '{rule.id}'"
        )
        allowed = "a dynamics rule with the rule's own cut-off and amount"
        remedy = "choose another dynamics rule, or leave it out"
        problems.append(Problem("study.toml", None, "dynamics", found, allowed, remedy))
    return problems


def _redeclared(name: str, spec: Covariate) -> list[Problem]:
    """What cannot be declared for a column that the schema of patients has."""
    return [
        Problem("study.toml", None, f"covariates.{name}.{key}", "a declaration",
                "label, unit, per, transform and categories (their order) for a standard column",
                "remove it: the schema of patients has its own type and limits")
        for key in ("type", "minimum", "maximum") if key in spec.model_fields_set
    ]  # fmt: skip


def demand_fit(patients: pl.DataFrame, settings: StudySettings) -> None:
    """Refuse patients that contradict study.toml."""
    problems = []
    others = patients.filter(pl.col("setting") != settings.setting)
    if others.height:
        seen = ", ".join(sorted(set(others["setting"].to_list())))
        problems.append(
            Problem("study.toml", None, "setting",
                    f"'{settings.setting}', but {others.height} of {patients.height} patients have "
                    f"{seen}", "the setting of the patients",
                    "correct the setting here or in patients")
        )  # fmt: skip
    for name, spec in settings.covariates.items():
        if name not in patients.columns or not spec.categories:
            continue
        texts = level_texts(patients, name).drop_nulls()
        wrong = sorted(set(texts.to_list()).difference(spec.categories))
        if wrong:
            problems.append(
                Problem("patients", None, name, f"{', '.join(wrong[:5])}",
                        f"the categories of study.toml: {', '.join(spec.categories)}",
                        f"add the level under [covariates.{name}], or correct the cells")
            )  # fmt: skip
    problems += _marker_problems(patients, settings)
    if problems:
        raise InputError(problems, subject="the study")


def _marker_problems(patients: pl.DataFrame, settings: StudySettings) -> list[Problem]:
    """A marker that is no number, or a cut that leaves one side empty."""
    column, cut = settings.marker, settings.cut
    if column is None or cut is None:
        return []
    numbers = [c for c in patients.columns if patients.schema[c].is_numeric()]
    if column not in numbers:
        near = difflib.get_close_matches(column, numbers, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else f"declare it under [covariates.{column}]"
        allowed = f"a number among the columns of patients: {', '.join(numbers)}"
        return [Problem("study.toml", None, "marker", f"'{column}'", allowed, remedy)]
    values = patients[column].drop_nulls()
    if not 0 < (values >= cut).sum() < values.len():
        seen = f"{values.min()} to {values.max()}" if values.len() else "no values at all"
        return [Problem("study.toml", None, "cut", f"{cut:g}, which leaves one group empty",
                        f"a cut inside the data: {seen}", "choose another cut")]  # fmt: skip
    return []
