"""Run the worked cases of definitions: what each must answer, asked of the room that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from ashworth.definitions.call_models import CallRule
from ashworth.definitions.cases import EventCase, StatusCase
from ashworth.definitions.her2_models import Her2Calibration, Her2Rule
from ashworth.definitions.loader import Catalogue
from ashworth.definitions.models import (
    Assay,
    DatedCutoff,
    Definition,
    Denominator,
    DynamicsRule,
    Endpoint,
    PositivityRule,
    Subtype,
)
from ashworth.definitions.protocols.model import Protocol
from ashworth.enumeration import dynamics, statuses
from ashworth.errors import InputError
from ashworth.survival.endpoints import derive_events
from ashworth.survival.subtypes import classify_subtype
from ashworth.version import __version__
from ashworth.workflows.call_definitions import call_answers
from ashworth.workflows.her2_definitions import calibration_answers, rule_answers
from ashworth.workflows.protocol_cases import protocol_answers

_SCHEMA = {
    "definition": pl.String,
    "case": pl.String,
    "expected": pl.String,
    "found": pl.String,
    "holds": pl.Boolean,
}
Answer = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class WorkedCases:
    """Worked cases and what the package answers.

    Attributes
    ----------
    cases : polars.DataFrame
        definition, case, expected, found, holds; in order of kind and id, cases as written.
    n, n_failed : int
        Number of cases, and of those that do not hold.
    n_definitions : int
        Number of definitions that were read.
    """

    cases: pl.DataFrame
    n: int
    n_failed: int
    n_definitions: int
    method: str
    options: dict[str, Any]
    version: str = __version__

    @property
    def holds(self) -> bool:
        """Tell whether every case holds."""
        return self.n_failed == 0

    def table(self) -> pl.DataFrame:
        """Give the cases."""
        return self.cases

    def text(self) -> str:
        """Describe the failures, one line each, and count."""
        failed = self.cases.filter(~pl.col("holds"))
        lines = [
            f"{definition}: {case}: expected {expected}, found {found}"
            for definition, case, expected, found, _ in failed.iter_rows()
        ]
        how_many = f"{self.n_failed} of {self.n} worked cases fail" if lines else (
            f"all {self.n} worked cases hold"
        )  # fmt: skip
        return "\n".join([*lines, f"{how_many} ({self.n_definitions} definitions)"])


def run_all(
    definitions: Sequence[Definition] | None = None, *, folders: Sequence[Path | str] = ()
) -> WorkedCases:
    """Run every worked case of every definition.

    Parameters
    ----------
    definitions : sequence of Definition, optional
        What to check; by default the shipped definitions and those in `folders`.
    folders : sequence of paths
        Folders with a user's own definitions.

    Returns
    -------
    WorkedCases

    Raises
    ------
    DefinitionFileError
        If a file is malformed, with all its faults.

    Examples
    --------
    >>> result = run_all()
    >>> result.holds
    True
    """
    catalogue = Catalogue(tuple(Path(f) for f in folders))
    chosen = catalogue.all() if definitions is None else tuple(definitions)
    beside = {
        (type(d), d.id): d
        for d in (*catalogue.all("assay"), *catalogue.all("her2_calibration"), *chosen)
    }
    rows = [(d.id, *answer) for d in chosen for answer in _answers(d, beside)]
    table = pl.DataFrame([(*row, row[2] == row[3]) for row in rows], schema=_SCHEMA, orient="row")
    return WorkedCases(
        cases=table,
        n=table.height,
        n_failed=int((~table["holds"]).sum()),
        n_definitions=len(chosen),
        method="every worked case, answered by the room that uses the definition",
        options={"folders": [Path(f).name for f in folders]},
    )


def _answers(
    definition: Definition, beside: Mapping[tuple[type[Definition], str], Definition]
) -> Iterator[Answer]:
    """Yield name, expected and found answer of each case; `beside` holds what it may name."""
    if isinstance(definition, PositivityRule):
        assay = beside[Assay, definition.assays[0]]
        assert isinstance(assay, Assay)
        yield from _of_rule(definition, assay)
    elif isinstance(definition, DynamicsRule):
        yield from _of_dynamics(definition)
    elif isinstance(definition, Endpoint):
        yield from _of_endpoint(definition)
    elif isinstance(definition, Subtype):
        yield from _of_subtype(definition)
    elif isinstance(definition, CallRule):
        yield from call_answers(definition)
    elif isinstance(definition, Her2Calibration):
        yield from calibration_answers(definition)
    elif isinstance(definition, Her2Rule):
        known = {d.id: d for d in beside.values() if isinstance(d, Her2Calibration)}
        yield from rule_answers(definition, known)
    elif isinstance(definition, Protocol):
        yield from protocol_answers(definition)


def _of_rule(rule: PositivityRule, assay: Assay) -> Iterator[Answer]:
    """Send the counts of all cases with one date through enumeration; one patient per case."""
    for on in dict.fromkeys(case.on for case in rule.cases):
        cases = [case for case in rule.cases if case.on == on]
        yield from _on_one_day(rule, assay, cases, on)


def _on_one_day(
    rule: PositivityRule, assay: Assay, cases: Sequence[StatusCase], on: date | None
) -> Iterator[Answer]:
    keys = _keys(len(cases))
    specimens = pl.DataFrame(
        keys | {"matrix": rule.matrix, "timepoint": "only", "collected_day": 0}
    )
    runs = pl.DataFrame(
        keys | {"run_id": "r", "assay": assay.id, "outcome": [case.given.outcome for case in cases]}
    )
    counts = pl.DataFrame([*_count_rows(rule, cases)], schema=_COUNTS)
    found = _or_refusal(
        lambda: (
            statuses(
                specimens, runs, counts, rule,
                assay=assay, on=on, missing_denominator="not_assessable",
            )
            .table()["status", "level"]
            .rows()
        )
    )  # fmt: skip
    for i, case in enumerate(cases):
        want = case.expect
        got = found if isinstance(found, str) else _status_text(*found[i])
        yield case.name, _status_text(want.status, want.level), got


def _keys(n: int) -> dict[str, Any]:
    """Number patients and their only specimens in the order of the cases."""
    return {
        "patient_id": [f"{i:04d}" for i in range(n)],
        "specimen_id": [f"s{i:04d}" for i in range(n)],
    }


_COUNTS = {
    "patient_id": pl.String,
    "specimen_id": pl.String,
    "run_id": pl.String,
    "phenotype": pl.String,
    "caller": pl.String,
    "n_cells": pl.Int64,
    "volume_ml": pl.Float64,
    "nucleated_cells": pl.Float64,
    "morphological_category": pl.String,
    "isotype_control": pl.String,
}


def _count_rows(rule: PositivityRule, cases: Sequence[StatusCase]) -> Iterator[dict[str, Any]]:
    """Yield a row of `counts` for every case with a count."""
    for i, case in enumerate(cases):
        given = case.given
        if given.n_cells is None:
            continue
        there = given.fulfilled or ()
        yield {
            "patient_id": f"{i:04d}",
            "specimen_id": f"s{i:04d}",
            "run_id": "r",
            "phenotype": rule.phenotype,
            "caller": "worked case",
            "n_cells": given.n_cells,
            "volume_ml": given.volume_ml,
            "nucleated_cells": given.nucleated_cells,
            "morphological_category": "given" if "morphological_category" in there else None,
            "isotype_control": "given" if "isotype_control" in there else None,
        }


def _status_text(status: str, level: str | None) -> str:
    return status if level is None else f"{status}, level {level}"


def _or_refusal(ask: Callable[[], Any]) -> Any:
    """Give the answer, or the first problem of a refusal as text."""
    try:
        return ask()
    except InputError as error:
        return f"refused: {error.problems[0].found}"


def _of_dynamics(rule: DynamicsRule) -> Iterator[Answer]:
    """Call both counts by the rule's cut-off, then class the pair; one patient per case."""
    cutoff = _cutoff_of(rule)
    before = [(case.given.n_from, case.given.volume_from_ml) for case in rule.cases]
    after = [(case.given.n_to, case.given.volume_to_ml) for case in rule.cases]
    found = _or_refusal(
        lambda: (
            dynamics(_statuses_on(0, before, cutoff), _statuses_on(28, after, cutoff), rule)
            .table()["dynamics_class"]
            .to_list()
        )
    )
    for i, case in enumerate(rule.cases):
        got = found if isinstance(found, str) else found[i] or "no class"
        yield case.name, case.expect.dynamics_class or "no class", got


def _cutoff_of(rule: DynamicsRule) -> PositivityRule:
    """Make the positivity rule that a dynamics rule implies."""
    return PositivityRule(
        id=rule.id,
        version=rule.version,
        title=rule.title,
        origin=rule.origin,
        references=rule.references,
        setting="metastatic",
        matrix=rule.matrix,
        assays=("worked-case",),
        phenotype="ctc",
        denominator=Denominator(kind="volume_ml", amount=rule.amount),
        values=(DatedCutoff(from_text="1900", at_least=rule.at_least, reference="none"),),
        cases=(_ANY_CASE,),
    )


_ANY_CASE = StatusCase.model_validate(
    {"name": "not run", "given": {}, "expect": {"status": "not_assessable"}}
)


def _statuses_on(
    day: int, counts: Sequence[tuple[int, float | None]], rule: PositivityRule
) -> pl.DataFrame:
    """Call one count per patient and lay them out as `statuses`."""
    keys = _keys(len(counts))
    specimens = pl.DataFrame(
        keys | {"matrix": rule.matrix, "timepoint": f"day {day}", "collected_day": day}
    )
    runs = pl.DataFrame(keys | {"run_id": "r", "assay": _ANY_ASSAY.id, "outcome": "done"})
    table = pl.DataFrame(
        keys
        | {"run_id": "r", "phenotype": "ctc", "caller": "worked case"}
        | {"n_cells": [n for n, _ in counts]}
        | {"volume_ml": pl.Series([volume for _, volume in counts], dtype=pl.Float64)}
    )
    return statuses(
        specimens,
        runs,
        table,
        rule,
        assay=_ANY_ASSAY.model_copy(update={"matrix": rule.matrix}),
        missing_denominator="not_assessable",
    ).table()


_ANY_ASSAY = Assay.model_validate(
    {
        "id": "worked-case", "version": 1, "title": "worked case", "origin": "project_choice",
        "references": (), "matrix": "blood", "denominator": "volume_ml",
        "phenotype": "ctc", "phenotypes": ("ctc",), "capture": "", "identification": "",
        "clusters": {"count": "unknown", "note": "", "origin": "project_choice"},
        "apoptotic": {"count": "unknown", "note": "", "origin": "project_choice"},
    }
)  # fmt: skip


def _of_endpoint(endpoint: Endpoint) -> Iterator[Answer]:
    """Derive all cases at once, one patient per case; one by one if any is refused."""
    ready = [i for i, case in enumerate(endpoint.cases) if not case.expect.refused]
    found = _derived(endpoint, [endpoint.cases[i] for i in ready])
    answers = dict(zip(ready, found, strict=True)) if found else {}
    for i, case in enumerate(endpoint.cases):
        want = case.expect
        expected = "refused" if want.refused else f"day {want.exit_day}, code {want.event_code}"
        single = answers.get(i) or (_derived(endpoint, [case]) or ["refused"])[0]
        yield case.name, expected, single


def _derived(endpoint: Endpoint, cases: Sequence[EventCase]) -> list[str] | None:
    """Derive the events of some cases as text, or None if the facts are refused."""
    patients = pl.DataFrame({"patient_id": [f"{i:04d}" for i in range(len(cases))]})
    facts = pl.DataFrame(
        [(f"{i:04d}", fact.day, fact.kind) for i, c in enumerate(cases) for fact in c.given],
        schema={"patient_id": pl.String, "day": pl.Int64, "kind": pl.String},
        orient="row",
    )
    try:
        events = derive_events(facts, endpoint, patients=patients).events
    except InputError:
        return None
    rows = {p: f"day {d}, code {c}" for p, _, _, d, c in events.iter_rows()}
    return [rows.get(p, "excluded") for p in patients["patient_id"]]


def _of_subtype(subtype: Subtype) -> Iterator[Answer]:
    """Class one patient per case; columns that a case leaves out are null."""
    columns = subtype.columns()
    rows = [
        {"patient_id": f"{i:04d}", **{c: case.given.get(c) for c in columns}}
        for i, case in enumerate(subtype.cases)
    ]
    table = pl.DataFrame(rows, infer_schema_length=None)
    found = classify_subtype(table, subtype).classes["subtype"].to_list()
    for case, answer in zip(subtype.cases, found, strict=True):
        yield case.name, case.expect.subtype or "unknown", answer or "unknown"
