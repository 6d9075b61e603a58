"""Definitions against each other: what one names must exist and fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ashworth.definitions.evidence_models import Study
from ashworth.definitions.her2_models import Her2Rule
from ashworth.definitions.models import (
    Assay,
    Definition,
    PositivityRule,
    Reference,
)
from ashworth.definitions.reading import close_names
from ashworth.errors import Problem


def unknown_references(
    definition: Definition, references: Mapping[str, Reference], name: str
) -> Iterator[Problem]:
    """Yield a problem for every cited key that no list of references has."""
    for key in sorted(definition.cited() - set(references)):
        yield _missing(name, "references", key, list(references))


def contradictions(definitions: Sequence[Definition]) -> list[Problem]:
    """List what does not fit between rules and the assays and rules that they name."""
    assays = {d.id: d for d in definitions if isinstance(d, Assay)}
    rules = {d.id: d for d in definitions if isinstance(d, PositivityRule)}
    problems = [p for rule in rules.values() for p in _rule_problems(rule, assays, rules)]
    return problems + list(_her2_problems(definitions)) + list(_study_problems(definitions))


def _study_problems(definitions: Sequence[Definition]) -> Iterator[Problem]:
    """Yield assays and cohorts that a study names and nobody defines, or itself."""
    assays = [d.id for d in definitions if isinstance(d, Assay)]
    studies = [d for d in definitions if isinstance(d, Study)]
    cohorts = sorted({s.cohort for s in studies})
    for study in studies:
        name = f"study/{study.id}.yaml"
        if study.assay_definition is not None and study.assay_definition not in assays:
            yield _missing(name, "assay_definition", study.assay_definition, assays)
        others = [c for c in cohorts if c != study.cohort]
        for cohort in study.contains:
            if cohort not in others:
                yield _missing(name, "contains", cohort, others)


def _her2_problems(definitions: Sequence[Definition]) -> Iterator[Problem]:
    rules = {d.id: d for d in definitions if isinstance(d, Her2Rule)}
    for rule in rules.values():
        others = [r for r in rules if r != rule.id]
        for id in rule.differs_from:
            if id not in others:
                yield _missing(f"her2_rule/{rule.id}.yaml", "differs_from", id, others)


def _rule_problems(
    rule: PositivityRule, assays: Mapping[str, Assay], rules: Mapping[str, PositivityRule]
) -> Iterator[Problem]:
    name = f"positivity_rule/{rule.id}.yaml"
    for id in rule.differs_from:
        if id not in rules or id == rule.id:
            yield _missing(name, "differs_from", id, [r for r in rules if r != rule.id])
    for id in rule.assays:
        if id not in assays:
            yield _missing(name, "assays", id, list(assays))
        else:
            yield from _misfits(rule, assays[id], name)


def _misfits(rule: PositivityRule, assay: Assay, name: str) -> Iterator[Problem]:
    pairs = (
        ("matrix", rule.matrix, (assay.matrix,)),
        ("denominator.kind", rule.denominator.kind, (assay.denominator,)),
        ("phenotype", rule.phenotype, assay.phenotypes),
    )
    for key, found, allowed in pairs:
        if found not in allowed:
            remedy = f"let the rule and the assay '{assay.id}' agree"
            yield Problem(name, None, key, f"'{found}'", ", ".join(allowed), remedy)


def _missing(name: str, key: str, found: str, known: Sequence[str]) -> Problem:
    close = close_names(found, known)
    remedy = f"write '{close[0]}'" if close else "add the definition or correct the name"
    return Problem(name, None, key, f"'{found}', which does not exist", "an existing name", remedy)
