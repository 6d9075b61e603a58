"""The review's tables: what is new since, where sources differ, what is not reproduced."""

from __future__ import annotations

from collections.abc import Iterator

from ashworth.definitions.evidence_models import Study
from ashworth.definitions.protocols.model import Protocol
from ashworth.errors import DefinitionError
from ashworth.evidence import check_statistics
from ashworth.reports.living import Grid, Line, Source, Sourced, Words
from ashworth.workflows.evidence_definitions import said
from ashworth.workflows.review.record_book import ORIGINS, RecordBook, slug

LAST_YEAR = 2019


def grid(name: str, book: RecordBook) -> Grid:
    """Make one table by its name.

    Raises
    ------
    DefinitionError
        If there is no such table.
    """
    makers = {"since": _since, "conflicts": _conflicts, "not-reproduced": _not_reproduced}
    if name not in makers:
        raise DefinitionError(f"review: no table '{name}'; known: {', '.join(makers)}")
    return makers[name](book)


def _sourced(text: str, id: str, title: str, *facts: tuple[str, str]) -> Line:
    return (Sourced(text, Source(slug(id), title, tuple(facts))),)


def _title(study: Study) -> Line:
    facts = (("record", study.id), ("documents", ", ".join(study.references)))
    return _sourced(study.title, f"{study.id} title", study.title, *facts)


def _since(book: RecordBook) -> Grid:
    """Every verified number of every study dated after the review."""
    rows = []
    later = [s for s in book.studies.values() if s.year > LAST_YEAR]
    for study in sorted(later, key=lambda s: (s.year, s.id)):
        for i, statistic in enumerate(s for s in study.statistics if s.origin != "unverified"):
            first = _title(study) if i == 0 else (Words("–"),)
            year = (book.number(f"{study.id}/year"),) if i == 0 else (Words(""),)
            words: Line = (Sourced(said(statistic), book.source_of(study, statistic)),)
            rows.append((first, year, words, (book.cite(statistic.document),)))
    return Grid("since", (Words("Records dated after the review, in order of their year."),),
                ("Study", "Year", "What is printed", "Document"), tuple(rows))  # fmt: skip


def _conflicts(book: RecordBook) -> Grid:
    rows = []
    for study in book.studies.values():
        for conflict in study.conflicts:
            sayings = [s for s in conflict.sayings if s.origin != "unverified"]
            for i, saying in enumerate(sayings):
                head = f"{study.title.split(':')[0]}: {conflict.about}" if i == 0 else "–"
                facts = (("record", study.id), ("document", book.document(saying.document)),
                         ("origin", ORIGINS[saying.origin]),
                         ("consequence", conflict.consequence or "none named"))  # fmt: skip
                id = f"conflict {study.id} {conflict.id} {i}"
                first = _sourced(head, f"{id} about", conflict.about, *facts)
                rows.append((first if i == 0 else (Words("–"),),
                             (book.cite(saying.document),),
                             _sourced(saying.says, id, conflict.about, *facts)))  # fmt: skip
    return Grid("conflicts", (Words("Where documents contradict each other."),),
                ("About", "Document", "What it says"), tuple(rows))  # fmt: skip


def _not_reproduced(book: RecordBook) -> Grid:
    """Everything that does not hold or cannot be checked, and what protocols do not tell."""
    rows = [*_findings(book), *_unverified(book), *_unknowns(book)]
    return Grid(
        "not-reproduced", (Words("What could not be reproduced, and why."),),
        ("Study or trial", "What", "Why"), tuple(rows),
    )  # fmt: skip


def _findings(book: RecordBook) -> Iterator[tuple[Line, ...]]:
    findings = check_statistics(list(book.studies.values())).table()
    kept = findings.filter(findings["verdict"].is_in(["cannot hold", "cannot be checked",
                                                      "holds only if"]))  # fmt: skip
    for i, row in enumerate(kept.iter_rows(named=True)):
        study = book.studies[row["study"]]
        facts = (("record", study.id), ("statistic", row["statistic"]), ("check", row["check"]),
                 ("claim", row["claim"]), ("arithmetic", row["arithmetic"] or "none"))  # fmt: skip
        id = f"finding {i} {row['study']} {row['statistic']}"
        what = f"{row['label']}: {row['claim']}"
        why = f"{row['check']}: {row['verdict']}" + (
            f" ({row['condition']})" if row["condition"] else ""
        )
        yield (_title(study), _sourced(what, id, row["label"], *facts),
               _sourced(why, f"{id} why", row["label"], *facts))  # fmt: skip


def _unverified(book: RecordBook) -> Iterator[tuple[Line, ...]]:
    for study in book.studies.values():
        for statistic in study.statistics:
            if statistic.origin == "unverified":
                facts = (("record", study.id), ("statistic", statistic.id))
                id = f"unverified {study.id} {statistic.id}"
                yield (
                    _title(study),
                    _sourced(statistic.label, id, statistic.label, *facts),
                    (Words("not seen in a source that was read; the number is not printed"),),
                )


def _unknowns(book: RecordBook) -> Iterator[tuple[Line, ...]]:
    for protocol in book.catalogue.all("protocol"):
        assert isinstance(protocol, Protocol)
        facts = (("protocol", protocol.id), ("documents", ", ".join(protocol.references)))
        for i, unknown in enumerate(protocol.unknowns):
            id = f"unknown {protocol.id} {i}"
            yield (_sourced(protocol.title, f"{id} title", protocol.title, *facts),
                   _sourced(unknown, id, unknown, *facts),
                   (Words("no source that was read tells it"),))  # fmt: skip
