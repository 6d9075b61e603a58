"""List, show and check definitions, as the command line does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ashworth.definitions.call_models import CallRule
from ashworth.definitions.evidence_models import Study
from ashworth.definitions.her2_models import Her2Calibration, Her2Rule
from ashworth.definitions.kinds import Kind
from ashworth.definitions.loader import KINDS, Catalogue
from ashworth.definitions.models import (
    Assay,
    Definition,
    DynamicsRule,
    Endpoint,
    PositivityRule,
    Reference,
    Subtype,
)
from ashworth.definitions.reading import close_names
from ashworth.errors import DefinitionError
from ashworth.version import __version__
from ashworth.workflows.call_definitions import call_rows
from ashworth.workflows.evidence_definitions import study_rows
from ashworth.workflows.her2_definitions import calibration_rows, rule_rows
from ashworth.workflows.worked_cases import WorkedCases, run_all

UNVERIFIED = "unverified"
_ORIGINS = {
    "source_review": "source review",
    "publication": "publication",
    "derived": "derived here",
    "unverified": "UNVERIFIED",
    "project_choice": "choice of this project",
}


@dataclass(frozen=True, slots=True)
class DefinitionList:
    """What ships and what a user added.

    Attributes
    ----------
    definitions : polars.DataFrame
        kind, id, version, title, origin, unverified_parts, references, n_cases, source.
    n : int
        Number of definitions.
    """

    definitions: pl.DataFrame
    n: int
    method: str
    options: dict[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Give the list."""
        return self.definitions

    def text(self) -> str:
        """List the definitions by kind, one line each."""
        lines: list[str] = []
        for kind in KINDS:
            rows = self.definitions.filter(pl.col("kind") == kind)
            width = max((len(i) for i in rows["id"]), default=0)
            lines += ["", kind.replace("_", " ")] if rows.height else []
            lines += [
                f"  {row['id']:<{width}}  {row['title']}{_mark(row['origin'])}"
                for row in rows.iter_rows(named=True)
            ]
        return "\n".join(lines).strip("\n")


@dataclass(frozen=True, slots=True)
class ShownDefinition:
    """One definition with its values, where each comes from, and its worked cases.

    Attributes
    ----------
    definition : Definition
        The definition itself.
    facts : polars.DataFrame
        item, value, source (reference or origin); the whole definition row by row.
    """

    kind: Kind
    definition: Definition
    facts: pl.DataFrame
    method: str
    n: int
    options: dict[str, Any]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Give the definition row by row."""
        return self.facts

    def text(self) -> str:
        """Write the definition out."""
        d = self.definition
        head = f"{d.id}, version {d.version} ({self.kind.replace('_', ' ')})"
        width = max(len(item) for item in self.facts["item"])
        lines = [
            f"  {item:<{width}}  {value}" + (f"  [{source}]" if source else "")
            for item, value, source in self.facts.iter_rows()
        ]
        return "\n".join([head, d.title, "", *lines])


def list_definitions(folders: Sequence[Path | str] = ()) -> DefinitionList:
    """List every definition that ships, and those in a user's folders.

    Examples
    --------
    >>> list_definitions().table()["id"].head(2).to_list()
    ['cellsearch-ctc', 'cellsearch-ctc-her2']
    """
    catalogue = _catalogue(folders)
    rows = [
        {
            "kind": kind,
            "id": d.id,
            "version": d.version,
            "title": d.title,
            "origin": d.origin,
            "unverified_parts": sum(_ORIGINS[UNVERIFIED] in row[2] for row in _rows(d)),
            "references": ", ".join(sorted(d.cited())),
            "n_cases": len(getattr(d, "cases", ())),
            "source": catalogue.origin_of(kind, d.id),
        }
        for kind in KINDS
        for d in catalogue.all(kind)
    ]
    table = pl.DataFrame(rows)
    return DefinitionList(table, table.height, "definitions by kind and id", _options(folders))


def show_definition(id: str, folders: Sequence[Path | str] = ()) -> ShownDefinition:
    """Show one definition: every value with its source, unverified ones marked.

    Raises
    ------
    DefinitionError
        If no kind has this id; close ids are named.

    Examples
    --------
    >>> shown = show_definition("ctc-metastatic-5")
    >>> print(shown.text().splitlines()[0])
    ctc-metastatic-5, version 1 (positivity rule)
    """
    catalogue = _catalogue(folders)
    kinds = [kind for kind in KINDS if id in catalogue.ids(kind)]
    if not kinds:
        known = [i for kind in KINDS for i in catalogue.ids(kind)]
        close = close_names(id, known)
        remedy = f"did you mean {' or '.join(repr(c) for c in close)}?" if close else "list them"
        raise DefinitionError(
            f"definition '{id}' is unknown; allowed: {', '.join(known)}; mend: {remedy}"
        )
    definition = catalogue.get(kinds[0], id)
    rows = [*_rows(definition), *_reference_rows(definition, catalogue.references())]
    table = pl.DataFrame(
        rows, schema=dict.fromkeys(("item", "value", "source"), pl.String), orient="row"
    )
    options = _options(folders)
    return ShownDefinition(kinds[0], definition, table, "as written", table.height, options)


def check_definitions(folders: Sequence[Path | str] = ()) -> WorkedCases:
    """Read every definition, check that they fit together and run every worked case.

    Raises
    ------
    DefinitionFileError
        With the faults of all files at once: file, line, key path.
    """
    return run_all(folders=folders)


def _catalogue(folders: Sequence[Path | str]) -> Catalogue:
    return Catalogue(tuple(Path(f) for f in folders))


def _options(folders: Sequence[Path | str]) -> dict[str, Any]:
    return {"folders": [Path(f).name for f in folders]}


def _mark(origin: str) -> str:
    return "  [UNVERIFIED]" if origin == UNVERIFIED else ""


Row = tuple[str, str, str]


def _rows(definition: Definition) -> Iterator[Row]:
    """Yield item, value and source of everything that a definition says."""
    yield "origin", _ORIGINS[definition.origin], ""
    for kind, rows in _KINDS_OF_ROWS:
        if isinstance(definition, kind):
            yield from rows(definition)
    for note in definition.notes:
        yield "note", note, ""
    yield "worked cases", str(len(getattr(definition, "cases", ()))), ""


def _assay_rows(assay: Assay) -> Iterator[Row]:
    yield "matrix", assay.matrix.replace("_", " "), ""
    yield "denominator", assay.denominator, ""
    yield "phenotypes", ", ".join(assay.phenotypes), ""
    yield "capture", assay.capture, ""
    yield "identification", assay.identification, ""
    for name, convention in (("clusters", assay.clusters), ("apoptotic", assay.apoptotic)):
        source = convention.reference or _ORIGINS[convention.origin]
        text = f"{convention.count.replace('_', ' ')}: {convention.note}"
        yield name, text, source


def _rule_rows(rule: PositivityRule) -> Iterator[Row]:
    amount = rule.denominator.amount
    per = f"{amount:g} " if amount is not None else ""
    yield "setting", rule.setting, ""
    if rule.timepoint:
        yield "time point", rule.timepoint, ""
    yield "matrix", rule.matrix.replace("_", " "), ""
    yield "assays", ", ".join(rule.assays), ""
    yield "denominator", f"{per}{rule.denominator.kind}", ""
    yield "scale", rule.scale, ""
    for value in rule.values:
        marked = "" if value.origin != UNVERIFIED else f", {_ORIGINS[UNVERIFIED]}"
        yield f"from {value.from_text}", value.text, f"{value.reference}{marked}"
    for level in rule.levels:
        yield f"level {level.name}", f"from {level.at_least}", ""
    if rule.requires:
        yield "requires", ", ".join(rule.requires), ""
    if rule.differs_from:
        yield "differs from", ", ".join(rule.differs_from), ""


def _dynamics_rows(rule: DynamicsRule) -> Iterator[Row]:
    yield "cut-off", f">= {rule.at_least} per {rule.amount:g} ml", ""
    for row in rule.classes:
        yield f"{row.from_status}, then {row.to_status}", row.name, ""
    if rule.caveat:
        yield "caveat", rule.caveat, ""


def _endpoint_rows(endpoint: Endpoint) -> Iterator[Row]:
    yield "abbreviation", endpoint.abbreviation, ""
    yield "standard", endpoint.standard, ""
    for kind, counting in endpoint.outcomes.items():
        code = f" (code {counting.code})" if counting.code is not None else ""
        source = _ORIGINS[counting.origin] if counting.origin else ""
        yield kind, f"{counting.role}{code}: {counting.reason}", source
    closes = ", or else ".join(endpoint.follow_up.closes)
    yield "follow-up closes", f"{closes}: {endpoint.follow_up.reason}", ""
    if endpoint.follow_up.extended_by:
        yield "extended by", "any later fact", ""


def _subtype_rows(subtype: Subtype) -> Iterator[Row]:
    yield "columns", ", ".join(subtype.columns()), ""
    for row in subtype.classes:
        yield row.name, row.title, _ORIGINS[row.origin] if row.origin else ""


def _reference_rows(definition: Definition, references: Mapping[str, Reference]) -> Iterator[Row]:
    for key in sorted(definition.cited()):
        r = references[key]
        title = f" {r.title.rstrip('.')}." if r.title else ""
        number = f" doi {r.doi}" if r.doi else f" {r.nct}" if r.nct else ""
        year = f", {r.year}" if r.year else ""
        text = f"{r.authors.rstrip('.')}.{title} {r.journal}{year}.{number}"
        yield f"reference {key}", text, "" if r.origin != UNVERIFIED else _ORIGINS[UNVERIFIED]


_KINDS_OF_ROWS: tuple[tuple[type[Definition], Callable[[Any], Iterator[Row]]], ...] = (
    (Assay, _assay_rows),
    (PositivityRule, _rule_rows),
    (DynamicsRule, _dynamics_rows),
    (Endpoint, _endpoint_rows),
    (Subtype, _subtype_rows),
    (CallRule, call_rows),
    (Her2Calibration, calibration_rows),
    (Her2Rule, rule_rows),
    (Study, study_rows),
)
