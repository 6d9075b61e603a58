"""What the checks return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import polars as pl

Verdict = Literal["holds", "holds only if", "cannot hold", "cannot be checked"]
VERDICTS: tuple[Verdict, ...] = ("holds", "holds only if", "cannot hold", "cannot be checked")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of one statistic.

    Attributes
    ----------
    study, statistic, label : str
        Where it stands, and what it is.
    check : str
        Name of the check.
    verdict : {'holds', 'holds only if', 'cannot hold', 'cannot be checked'}
    claim : str
        What is printed.
    arithmetic : str
        What the numbers give.
    condition : str
        On what it depends, or why it cannot be checked; empty where it holds.
    document, origin : str
        Where the printed numbers come from.
    """

    study: str
    statistic: str
    label: str
    check: str
    verdict: Verdict
    claim: str
    arithmetic: str
    condition: str = ""
    document: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Documents that disagree about one thing; no arithmetic decides between them.

    Attributes
    ----------
    study, id, about : str
    sayings : tuple of (str, str)
        Document, and what it says.
    consequence : str
        What follows for the use of the number.
    """

    study: str
    id: str
    about: str
    sayings: tuple[tuple[str, str], ...]
    consequence: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """Every check of every statistic, and the documents that disagree.

    Attributes
    ----------
    findings : tuple of Finding
        In the order of studies and statistics.
    disagreements : tuple of Disagreement
        Conflicts between documents.
    studies : tuple of (str, str)
        Id and title, in order.
    n : int
        Statistics that were looked at.
    left_out : int
        Unverified statistics that were not.
    events : None
        No patients enter here.
    method : str
        What was done.
    options : mapping
        What was chosen.
    version : str
        Version of the package.
    """

    findings: tuple[Finding, ...]
    disagreements: tuple[Disagreement, ...]
    studies: tuple[tuple[str, str], ...]
    n: int
    left_out: int
    method: str
    options: Mapping[str, Any]
    version: str
    events: None = None

    def table(self) -> pl.DataFrame:
        """One row per check."""
        import polars as pl

        names = Finding.__slots__
        rows = [{name: getattr(f, name) for name in names} for f in self.findings]
        return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String))

    def conflicts(self) -> pl.DataFrame:
        """One row per document of a conflict."""
        import polars as pl

        rows = [
            {"study": d.study, "conflict": d.id, "about": d.about, "document": document,
             "says": says, "consequence": d.consequence}
            for d in self.disagreements
            for document, says in d.sayings
        ]  # fmt: skip
        names = ("study", "conflict", "about", "document", "says", "consequence")
        return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String))

    def counts(self) -> dict[str, int]:
        """How many checks came to each verdict."""
        return {v: sum(f.verdict == v for f in self.findings) for v in VERDICTS}

    @property
    def without_check(self) -> int:
        """Statistics that no check could take up."""
        seen = {
            (f.study, f.statistic) for f in self.findings if f.statistic not in ("design", "flow")
        }
        return self.n - len(seen)
