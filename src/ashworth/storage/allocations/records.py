"""Records of the log: canonical text, chained by SHA-256, signed by the key."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ashworth.storage.allocations.faults import AllocationLogError
from ashworth.storage.allocations.sealing import keyed
from ashworth.trials.randomisation.allocation import Past
from ashworth.trials.randomisation.scheme import AllocationScheme, allocation_scheme

ROLES = ("administer", "allocate", "see", "correct", "unblind", "verify")
START = "0" * 64


@dataclass(frozen=True, slots=True)
class Head:
    """Number and hash of the last record; printed and kept outside it anchors the log."""

    number: int
    digest: str

    def __str__(self) -> str:
        """``number:hash``, as `verify_log` takes it."""
        return f"{self.number}:{self.digest}"


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it stands in the database."""

    number: int
    kind: str
    previous: str
    digest: str
    mac: str
    patient: str | None
    draw_index: int | None
    request_id: str | None
    body: str

    def content(self) -> dict[str, Any]:
        """What the body says."""
        return json.loads(self.body)


def digest_of(body: str) -> str:
    """SHA-256 of a record's text."""
    return hashlib.sha256(body.encode()).hexdigest()


def mac_of(key: bytes, digest: str) -> str:
    """Sign a record's hash."""
    return keyed(key, "record", digest.encode()).hex()


def composed(key: bytes, head: Head, kind: str, who: str, content: Mapping[str, Any]) -> Record:
    """Next record; a salt keeps its hash from telling the arm."""
    whole: dict[str, Any] = {
        **content, "number": head.number + 1, "kind": kind, "previous": head.digest, "who": who,
        "at": datetime.now(UTC).isoformat(timespec="microseconds"), "salt": secrets.token_hex(16),
    }  # fmt: skip
    body = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = digest_of(body)
    allocated = kind == "allocation"
    return Record(
        head.number + 1, kind, head.digest, digest, mac_of(key, digest),
        whole["patient"] if allocated else None, whole["draw_index"] if allocated else None,
        whole["request_id"] if allocated else None, body,
    )  # fmt: skip


def chain_faults(records: Iterable[Record], key: bytes | None) -> list[str]:
    """Say where the chain is broken, a row says other than its text, or a signature is false."""
    found, head = [], Head(0, START)
    for row in records:
        name = f"record {row.number}"
        if row.number != head.number + 1:
            found.append(f"{name}: found after record {head.number}; records are missing or moved")
        if row.previous != head.digest:
            found.append(f"{name}: its previous hash is not that of record {head.number}")
        if digest_of(row.body) != row.digest:
            found.append(f"{name}: its text was changed: the hash is not that of the text")
        elif key is not None and mac_of(key, row.digest) != row.mac:
            found.append(f"{name}: not written with this key")
        found += [f"{name}: column {c} is not what its text says" for c in _false_columns(row)]
        head = Head(row.number, row.digest)
    return found


def _false_columns(row: Record) -> list[str]:
    try:
        content = row.content()
    except ValueError:
        return ["body"]
    if not isinstance(content, dict):
        return ["body"]
    names = ["number", "kind", "previous"]
    if row.kind == "allocation":
        names += ["patient", "draw_index", "request_id"]
    return [name for name in names if content.get(name) != getattr(row, name)]


@dataclass(frozen=True, slots=True)
class LogState:
    """Everything that the records say together."""

    opening: Mapping[str, Any]
    scheme: AllocationScheme
    allocations: tuple[tuple[int, dict[str, Any]], ...]
    roles: Mapping[str, frozenset[str]]
    head: Head

    def history(self) -> list[Past]:
        """Patients with an arm, oldest first."""
        return [past_of(content) for _, content in self.allocations]


def past_of(content: Mapping[str, Any]) -> Past:
    """One allocation as the rule sees it."""
    return Past(content["arm"], content["factors"], content["block_size"], content["slot"])


def read_state(records: Sequence[Record], key: bytes | None) -> LogState:
    """Check the chain and read it; a changed log is refused."""
    faults = chain_faults(records, key)
    if faults:
        raise AllocationLogError(
            "the log was changed or the key is another's, nothing was written: " + faults[0]
            + f" ({len(faults)} faults in all; run verify)"
        )  # fmt: skip
    if not records or records[0].kind != "open":
        raise AllocationLogError("there is no log here yet: open it first")
    opening = records[0].content()
    roles = {role: set(people) for role, people in opening["roles"].items()}
    for row in records:
        if row.kind == "role":
            content = row.content()
            people = roles.setdefault(content["role"], set())
            (people.add if content["granted"] else people.discard)(content["person"])
    made = tuple((r.number, r.content()) for r in records if r.kind == "allocation")
    return LogState(
        opening, allocation_scheme(**opening["scheme"]), made,
        {role: frozenset(people) for role, people in roles.items()},
        Head(records[-1].number, records[-1].digest),
    )  # fmt: skip
