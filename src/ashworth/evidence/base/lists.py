"""The studies and the conflicts of the evidence base, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ashworth.definitions.evidence_models import Conflict, Study
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Studies:
    """The studies, in order of their ids; iterating gives them one by one.

    Attributes
    ----------
    studies : tuple of Study
    n : int
        Their number.
    """

    studies: tuple[Study, ...]
    n: int = field(init=False)
    method: str = "studies as defined"
    options: dict[str, Any] = field(default_factory=dict)
    version: str = __version__

    def __post_init__(self) -> None:
        """Count."""
        object.__setattr__(self, "n", len(self.studies))

    def __iter__(self) -> Iterator[Study]:
        """Go through the studies."""
        return iter(self.studies)

    def __len__(self) -> int:
        """Count the studies."""
        return self.n

    def table(self) -> pl.DataFrame:
        """Give one row per study: what it is, and how much of it is verified."""
        import polars as pl

        rows = [
            {
                "study": s.id, "title": s.title, "kind": s.study_kind, "year": s.year,
                "setting": s.setting, "specimen": s.specimen, "assay": s.assay,
                "volume_ml": s.volume_ml, "cutoff": s.cutoff.text if s.cutoff else None,
                "review_references": ", ".join(map(str, s.review_references)),
                "cohort": s.cohort, "contains": ", ".join(s.contains),
                "statistics": len(s.statistics),
                "unverified": sum(x.origin == "unverified" for x in s.statistics),
                "conflicts": len(s.conflicts),
            }
            for s in self.studies
        ]  # fmt: skip
        return pl.DataFrame(rows, schema_overrides={"volume_ml": pl.Float64, "cutoff": pl.String})


@dataclass(frozen=True, slots=True)
class Conflicts:
    """What documents disagree about.

    Attributes
    ----------
    conflicts : tuple of (str, Conflict)
        Study id and conflict.
    n : int
        Number of conflicts.
    """

    conflicts: tuple[tuple[str, Conflict], ...]
    n: int = field(init=False)
    method: str = "conflicts as recorded"
    options: dict[str, Any] = field(default_factory=dict)
    version: str = __version__

    def __post_init__(self) -> None:
        """Count."""
        object.__setattr__(self, "n", len(self.conflicts))

    def __iter__(self) -> Iterator[tuple[str, Conflict]]:
        """Go through study ids and conflicts."""
        return iter(self.conflicts)

    def __len__(self) -> int:
        """Count the conflicts."""
        return self.n

    def table(self) -> pl.DataFrame:
        """Give one row per document of a conflict."""
        import polars as pl

        names = ("study", "conflict", "about", "document", "says", "origin", "consequence")
        rows = [
            (study, c.id, c.about, saying.document, saying.says, saying.origin, c.consequence)
            for study, c in self.conflicts
            for saying in c.sayings
        ]
        return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
