"""Results of the randomisation workflows, with the words for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ashworth.storage.allocations import Verification
from ashworth.trials.randomisation.metrics import RandomisationMetrics

NOTICE = "Research use only; not a medical device."


@dataclass(frozen=True, slots=True)
class OpenedLog:
    """A log that was opened: its head, to keep outside."""

    where: str
    head: str
    scheme_hash: str
    rehearsal: bool

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        yield f"log opened: {self.where}" + (" (rehearsal: no real patients)" * self.rehearsal)
        yield f"scheme: {self.scheme_hash}"
        yield f"head, to keep outside the database: {self.head}"
        yield NOTICE


@dataclass(frozen=True, slots=True)
class AllocatedPatient:
    """The arm of a patient, and nothing that tells the next."""

    patient: str
    arm: str

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        yield f"{self.patient}: {self.arm}"


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record that was added: a correction or a changed role."""

    what: str
    head: str

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        yield self.what
        yield f"head, to keep outside the database: {self.head}"


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """What verification checked and found."""

    found: Verification

    @property
    def valid(self) -> bool:
        """Nothing was found."""
        return self.found.valid

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {**asdict(self.found), "valid": self.valid}

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        v = self.found
        yield f"{v.records} records, {v.allocations} allocations: " + (
            "as written" if v.valid else f"{len(v.problems)} faults"
        )
        yield from (f"- {problem}" for problem in v.problems)
        yield (
            "checked: hashes, chain, columns"
            + ", signatures" * v.signatures
            + (", every arm drawn anew" * v.arms)
            + ", the anchor" * v.anchored
        )
        if not v.signatures:
            yield "not checked without the key: signatures, arms"
        if not v.anchored:
            yield "not checked without an anchor: whether the tail was cut off"
        yield f"head: {v.head}"


@dataclass(frozen=True, slots=True)
class SeenAllocations:
    """Allocations as shown to who may see them."""

    rows: tuple[Mapping[str, Any], ...]
    out: Path | None

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {"allocations": [dict(r) for r in self.rows],
                "out": None if self.out is None else str(self.out)}  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        yield f"{len(self.rows)} allocations; that they were seen is in the log"
        if self.out is not None:
            yield f"written: {self.out}"


@dataclass(frozen=True, slots=True)
class SchemeMetrics:
    """Balance and predictability of a scheme, simulated."""

    found: RandomisationMetrics

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return asdict(self.found)

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        m = self.found
        yield f"{m.method}: {m.replicates} simulated sequences of {m.n} patients"
        for row in m.table().iter_rows(named=True):
            if row["simulated"] is not None:
                error = "" if row["mcse"] is None else f" (MCSE {row['mcse']:.4f})"
                yield f"  {row['metric']}: {row['simulated']:.4f}{error}"
        yield NOTICE
