"""The chapter on protocols in the reference page of the definitions."""

from __future__ import annotations

from collections.abc import Iterator

from ashworth.definitions import load_all
from ashworth.definitions.protocols.model import Protocol

_NAMES = ("id", "title", "version", "phase", "setting", "registered as", "unknown")


def protocols_section() -> Iterator[str]:
    """Yield the lines of the chapter on protocols: one table.

    Examples
    --------
    >>> next(protocols_section()).strip()
    '## Protocols'
    """
    yield "## Protocols\n"
    yield (
        "Trials as documents that run; `ashworth trial show ID` prints one. *Unknown*: what no "
        "source that was read tells.\n"
    )
    yield _line(_NAMES)
    yield "|" + "---|" * len(_NAMES)
    for protocol in load_all("protocol"):
        if isinstance(protocol, Protocol):
            yield _line(_cells(protocol))


def _cells(protocol: Protocol) -> tuple[str, ...]:
    return (
        f"`{protocol.id}`", protocol.title, str(protocol.version), protocol.phase,
        protocol.setting, ", ".join(protocol.registry_ids) or "unknown",
        "; ".join(protocol.unknowns),
    )  # fmt: skip


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', '/').split()) for cell in cells)} |"
