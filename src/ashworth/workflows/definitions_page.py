"""Render the reference page of the shipped definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ashworth.definitions.loader import load_all, references
from ashworth.definitions.models import (
    OUTCOME_KINDS,
    Assay,
    Convention,
    DynamicsRule,
    Endpoint,
    PositivityRule,
    Subtype,
)
from ashworth.workflows.call_definitions import call_rules_section
from ashworth.workflows.evidence_definitions import studies_section
from ashworth.workflows.her2_definitions import calibrations_section, rules_section
from ashworth.workflows.protocol_definitions import protocols_section

_INTRO = """# Definitions

Rendered from the shipped YAML by `python -m ashworth.workflows.definitions_page`; do not edit.

Assays, positivity rules, dynamics rules, endpoints, subtypes, HER2 calibrations and HER2 rules are
YAML files, each with its references, dated values and worked cases; protocols are trials that run;
studies are files of printed numbers with their documents. `ashworth definitions list` lists them,
`show ID` writes one out with the source of every value, `check` runs every worked case. Each kind
has a JSON Schema under `ashworth/definitions/schemas`.

**Where values come from.** *source review*: the consensus report that the project started from;
*publication*: another document in the list below, read as far as its note says; *choice of this
project*: ours, and said so; **unverified**: from memory or from a name alone, to be checked
against the original before use.

**Your own.** A folder with `<kind>/<id>.yaml` files (and `references.yaml`) may stand beside the
shipped ones: `load(kind, id, folders=[...])`, `check_definitions(folders=[...])`. An id that ships
is refused, never overridden; a key given twice, an unknown key and a reference that does not
exist are refused with file, line and key path, all faults at once.
"""
_LETTERS = {"event": "E", "censoring": "0", "refused": "?", "ignored": "-"}


def definitions_page() -> str:
    """Give the page as Markdown.

    Examples
    --------
    >>> definitions_page().splitlines()[0]
    '# Definitions'
    """
    parts = (
        [_INTRO.rstrip()],
        _assays(d for d in load_all("assay") if isinstance(d, Assay)),
        _rules(d for d in load_all("positivity_rule") if isinstance(d, PositivityRule)),
        _dynamics(d for d in load_all("dynamics_rule") if isinstance(d, DynamicsRule)),
        _endpoints([d for d in load_all("endpoint") if isinstance(d, Endpoint)]),
        _subtypes(d for d in load_all("subtype") if isinstance(d, Subtype)),
        call_rules_section(),
        calibrations_section(),
        rules_section(),
        protocols_section(),
        studies_section(),
        _references(),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _head(*names: str) -> Iterator[str]:
    yield _row(names)
    yield "|" + "---|" * len(names)


def _assays(assays: Iterable[Assay]) -> Iterator[str]:
    yield "## Assays\n"
    yield from _head("id", "title", "denominator", "phenotypes", "clusters", "apoptotic cells")
    for a in assays:
        counted = (_convention(a.clusters), _convention(a.apoptotic))
        yield _row([f"`{a.id}`", a.title, a.denominator, ", ".join(a.phenotypes), *counted])


def _convention(c: Convention) -> str:
    text = c.count.replace("_", " ")
    return f"{text} (**unverified**)" if c.origin == "unverified" else text


def _rules(rules: Iterable[PositivityRule]) -> Iterator[str]:
    yield "## Positivity rules\n"
    yield "Prevalences by rules that differ are never compared without a model.\n"
    yield from _head("id", "positive", "per", "in print from", "source", "differs from")
    for r in rules:
        value = r.cutoff()
        amount = f"{r.denominator.amount:g} ml" if r.denominator.amount else "nucleated cells"
        per = "ml" if r.scale == "rate_per_ml" else amount
        source = f"`{value.reference}`" + (" (**unverified**)" * (value.origin == "unverified"))
        differs = ", ".join(f"`{d}`" for d in r.differs_from)
        yield _row([f"`{r.id}`", f"{value.text} {_levels(r)}".strip(), per, value.from_text,
                    source, differs])  # fmt: skip


def _levels(rule: PositivityRule) -> str:
    return f"(levels {', '.join(v.name for v in rule.levels)})" if rule.levels else ""


def _dynamics(rules: Iterable[DynamicsRule]) -> Iterator[str]:
    yield "## Dynamics rules\n"
    yield "The change test stands beside the class and does not decide it.\n"
    yield from _head("id", "cut-off", "classes", "caveat")
    for r in rules:
        classes = "; ".join(f"{c.from_status} to {c.to_status}: {c.name}" for c in r.classes)
        cutoff = f">= {r.at_least} per {r.amount:g} ml"
        yield _row([f"`{r.id}`", cutoff, classes, r.caveat or ""])


def _endpoints(endpoints: Sequence[Endpoint]) -> Iterator[str]:
    yield "## Endpoints\n"
    yield (
        "E: event. A number: competing event of that code. 0: no event, at that day. "
        "?: refused, because the endpoint cannot be told from such a fact. -: the patient stays "
        "at risk.\nThe first fact that counts decides; on one day, E before competing before 0. "
        "Without one the patient is censored at the fact in the last row.\n"
    )
    for heading, unverified in (("By standard", False), ("By study, **unverified**", True)):
        group = [e for e in endpoints if (e.origin == "unverified") is unverified]
        yield f"### {heading}\n"
        yield from _head("fact", *(f"`{e.id}`" for e in group))
        for kind in OUTCOME_KINDS:
            yield _row([kind, *(_letter(e, kind) for e in group)])
        yield _row(["censored at", *(", or else ".join(e.follow_up.closes) for e in group)])
        yield ""
    yield "### Why\n"
    yield from _reasons(endpoints)


def _letter(endpoint: Endpoint, kind: str) -> str:
    counting = endpoint.outcomes[kind]  # type: ignore[index]
    return str(counting.code) if counting.code is not None else _LETTERS[counting.role]


def _reasons(endpoints: Sequence[Endpoint]) -> Iterator[str]:
    """List the choices of this project, each reason once with its endpoints."""
    where: dict[tuple[str, str], list[str]] = {}
    for e in endpoints:
        for kind, counting in e.outcomes.items():
            if counting.origin == "project_choice":
                where.setdefault((kind, counting.reason), []).append(e.id)
    for (kind, reason), ids in where.items():
        yield f"- {kind} in {', '.join(f'`{i}`' for i in ids)}: {reason} (choice of this project)"
    for note in dict.fromkeys(note for e in endpoints for note in e.notes):
        ids = ", ".join(f"`{e.id}`" for e in endpoints if note in e.notes)
        yield f"- {ids}: {note}"


def _subtypes(subtypes: Iterable[Subtype]) -> Iterator[str]:
    yield "## Subtypes\n"
    for s in subtypes:
        yield f"### `{s.id}`: {s.title}\n"
        yield from _head("class", "meaning", "origin")
        for row in s.classes:
            yield _row([row.name, row.title, (row.origin or s.origin).replace("_", " ")])
        yield ""
        yield from (f"- {note}" for note in s.notes)
        yield ""


def _references() -> Iterator[str]:
    yield "## References\n"
    for key, r in sorted(references().items()):
        title = f" {r.title.rstrip('.')}." if r.title else ""
        year = f", {r.year}" if r.year else ""
        link = f" <https://doi.org/{r.doi}>." if r.doi else f" {r.nct}." if r.nct else ""
        mark = " **Unverified.**" if r.origin == "unverified" else ""
        note = f" *{r.note}*" if r.note else ""
        yield f"- `{key}`: {r.authors.rstrip('.')}.{title} {r.journal}{year}.{link}{mark}{note}"


if __name__ == "__main__":
    page = Path(__file__).parents[3] / "docs" / "reference" / "definitions.md"
    page.write_text(definitions_page(), encoding="utf-8")
