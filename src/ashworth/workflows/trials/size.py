"""Size a protocol: what it asks for, computed from its own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ashworth.trials.protocol_sizes.sizes import ProtocolSizes, SizeRow, protocol_sizes
from ashworth.trials.protocols.executable import Executable, load_protocol
from ashworth.version import __version__


@dataclass(frozen=True, slots=True)
class SizedProtocol:
    """Sizes with the words for a terminal."""

    trial: Executable
    sizes: ProtocolSizes

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {
            "protocol": self.sizes.protocol,
            "protocol_version": self.sizes.protocol_version,
            "digest": self.sizes.digest,
            "sizes": [
                {"id": r.id, "title": r.title, "kind": r.kind, "method": r.method,
                 "given": dict(r.given), "found": dict(r.found), "printed": dict(r.printed),
                 "note": r.note}
                for r in self.sizes.rows
            ],
            "unknowns": list(self.trial.protocol.unknowns),
            "software_version": __version__,
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        yield self.trial.protocol.title
        yield f"protocol {self.sizes.protocol}, version {self.sizes.protocol_version}"
        before = method = None
        for row in self.sizes.rows:
            if row.id != before:
                yield from ("", row.title)
                yield from _remarks(row)
            if (row.id, row.method) != (before, method):
                yield f"  method: {row.method}"
            before, method = row.id, row.method
            yield f"  {_given(row)}{_pairs(row.found)}"
        if self.trial.protocol.unknowns:
            yield from ("", f"Unknown: {'; '.join(self.trial.protocol.unknowns)}")
        yield "Research use only; not a medical device."


def _remarks(row: SizeRow) -> Iterator[str]:
    if row.printed:
        yield f"  the sources print: {_pairs(row.printed)}"
    if row.note:
        yield f"  {row.note}"


def _given(row: SizeRow) -> str:
    return f"{_pairs(row.given)}: " if row.given else ""


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{k.replace('_', ' ')} {_text(v)}" for k, v in values.items())


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(_text(v) for v in value) + ")"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def size(
    protocol: str, *, version: int | None = None, folders: tuple[Path, ...] = ()
) -> SizedProtocol:
    """Compute the sizes of a protocol.

    Raises
    ------
    InputError, DefinitionError, DefinitionFileError
    """
    trial = load_protocol(protocol, version=version, folders=folders)
    return SizedProtocol(trial, protocol_sizes(trial))
