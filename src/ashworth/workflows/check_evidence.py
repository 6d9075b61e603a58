"""Check printed numbers: those of the evidence base, or of anyone's tables."""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ashworth.definitions.loader import load_all
from ashworth.errors import InputError, Problem
from ashworth.evidence.consistency.check import check_dossiers, check_statistics
from ashworth.evidence.consistency.findings import VERDICTS, Finding, Findings
from ashworth.evidence.consistency.records import Dossier
from ashworth.evidence.consistency.tables import dossiers_of_table

MARKS = {"holds": "✓", "holds only if": "~", "cannot hold": "✗", "cannot be checked": "?"}
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class CheckedEvidence:
    """Findings with the words for a terminal.

    Attributes
    ----------
    findings : Findings
    source : str
        What was checked.
    """

    findings: Findings
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        f = self.findings
        return {
            "source": self.source, "statistics": f.n, "left_out_unverified": f.left_out,
            "counts": f.counts(), "findings": f.table().to_dicts(),
            "conflicts": f.conflicts().to_dicts(), "version": f.version,
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Findings by study, then conflicts, then what does not hold as printed, then counts."""
        for study, title in self.findings.studies:
            yield from _study(study, title, self.findings.findings)
        yield from _conflicts(self.findings)
        yield from _recap(self.findings)
        yield from _counts(self)


def check_evidence(
    files: Sequence[Path] = (),
    *,
    studies: Sequence[str] = (),
    unverified: bool = False,
    decimal: Literal["point", "comma"] = "point",
) -> CheckedEvidence:
    """Check the evidence base, or tables of statistics where files are named."""
    if files:
        return _of_files(files, studies, unverified, decimal)
    known = {s.id: s for s in load_all("study")}
    _known(studies, sorted(known), "--study")
    chosen = [known[s] for s in (studies or sorted(known))]
    return CheckedEvidence(check_statistics(chosen, unverified=unverified), "the evidence base")


def _known(asked: Sequence[str], known: Sequence[str], where: str) -> None:
    unknown = [s for s in asked if s not in known]
    if unknown:
        allowed = ", ".join(known)
        raise InputError(
            [Problem("command", None, where, s, allowed, "name one of them") for s in unknown],
            subject="the command",
        )


def _of_files(
    files: Sequence[Path], studies: Sequence[str], unverified: bool, decimal: str
) -> CheckedEvidence:
    """Read every file, all faults of all files at once."""
    dossiers: list[Dossier] = []
    problems: list[Problem] = []
    for file in files:
        try:
            columns, lines = _read(file)
            dossiers += dossiers_of_table(columns, name=file.name, lines=lines, decimal=decimal)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems, subject=", ".join(f.name for f in files))
    _known(studies, sorted({d.study for d in dossiers}), "--study")
    kept = [d for d in dossiers if not studies or d.study in studies]
    return CheckedEvidence(check_dossiers(kept, unverified=unverified), _names(files))


def _names(files: Sequence[Path]) -> str:
    return ", ".join(f.name for f in files)


def _read(file: Path) -> tuple[dict[str, list[str]], list[int]]:
    """Columns of a CSV file as text, with the line of each row; the header tells the separator."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise _bad_file(file, f"{file}, {reason}", "a readable CSV file in UTF-8",
                        "correct the path, or save the file as CSV UTF-8") from None  # fmt: skip
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(text.splitlines(), delimiter=separator)
    names = [name.strip() for name in next(reader, [])]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise _bad_file(file, f"column {', '.join(twice)} twice", "each column once",
                        "rename or remove one")  # fmt: skip
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise _bad_file(file, f"line {reader.line_num}, {error}", "a readable CSV file in UTF-8",
                        "look for a quote that is not closed") from None  # fmt: skip
    uneven = [
        Problem(file.name, line, None, f"{len(row)} cells", f"{len(names)}, as in the header",
                "quote cells that contain the separator")
        for line, row in rows if len(row) != len(names)
    ]  # fmt: skip
    if uneven:
        raise InputError(uneven, subject=file.name)
    columns = {name: [row[k] for _, row in rows] for k, name in enumerate(names)}
    return columns, [line for line, _ in rows]


def _bad_file(file: Path, found: str, allowed: str, remedy: str) -> InputError:
    return InputError([Problem(file.name, None, None, found, allowed, remedy)], subject=file.name)


def _study(study: str, title: str, findings: Sequence[Finding]) -> Iterator[str]:
    """One study: each statistic with its checks."""
    own = [f for f in findings if f.study == study]
    if not own:
        return
    yield from textwrap.wrap(study if title in ("", study) else f"{study}: {title}", _WIDTH)
    last = ""
    for f in own:
        if f.statistic != last:
            source = f"  [{f.document}]" if f.document else ""
            yield from _wrapped("  ", f"{f.statistic}: {f.label}{source}")
            last = f.statistic
        yield from _finding(f)
    yield ""


def _finding(f: Finding) -> Iterator[str]:
    """A check in words: what is printed, the verdict with its condition, the arithmetic."""
    verdict = "" if f.verdict == "holds" else f"; {f.verdict}{_joined(f)}"
    yield from _wrapped(f"    {MARKS[f.verdict]} ", f"{f.check}: {f.claim}{verdict}")
    if f.arithmetic:
        yield from _wrapped("      ", f.arithmetic)


def _joined(f: Finding) -> str:
    if not f.condition:
        return ""
    return f" {f.condition}" if f.verdict == "holds only if" else f": {f.condition}"


def _wrapped(start: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent="      ",
                         break_on_hyphens=False)  # fmt: skip


def _conflicts(findings: Findings) -> Iterator[str]:
    """Documents that disagree."""
    if not findings.disagreements:
        return
    yield "CONFLICTS BETWEEN DOCUMENTS (no arithmetic decides)"
    for d in findings.disagreements:
        yield f"  {d.study}: {d.about}"
        for document, says in d.sayings:
            yield from _wrapped(f"    {document}: ", says)
        if d.consequence:
            yield from _wrapped("    -> ", d.consequence)
    yield ""


def _recap(findings: Findings) -> Iterator[str]:
    """Everything that does not hold as it is printed, one entry each."""
    for verdict in ("cannot hold", "holds only if"):
        own = [f for f in findings.findings if f.verdict == verdict]
        if own:
            yield f"{verdict.upper()} ..." if verdict == "holds only if" else verdict.upper()
            for f in own:
                why = f.condition or f.arithmetic
                text = f"{f.study} {f.statistic}, {f.check}: {f.claim}: {why}"
                yield from _wrapped(f"  {MARKS[verdict]} ", text)
            yield ""


def _counts(checked: CheckedEvidence) -> Iterator[str]:
    """How many checks came to which verdict, and what was not checked."""
    f = checked.findings
    counts, hold = f.counts(), ("hold", "hold only if", "cannot hold", "cannot be checked")
    verdicts = ", ".join(f"{MARKS[v]} {counts[v]} {w}" for v, w in zip(VERDICTS, hold, strict=True))
    yield f"{len(f.findings)} checks of {f.n} statistics of {checked.source}:"
    yield f"  {verdicts}."
    if f.without_check:
        yield f"{f.without_check} statistics offer nothing to check them by."
    if f.disagreements:
        yield f"{len(f.disagreements)} conflicts between documents."
    if f.left_out:
        yield f"{f.left_out} unverified statistics left out; --unverified takes them in."
