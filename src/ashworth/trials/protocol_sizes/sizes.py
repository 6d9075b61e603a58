"""`ashworth trial size`: every size of a protocol, computed anew from its own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ashworth.errors import InputError, Problem
from ashworth.trials.protocol_sizes.asked import rows_asked
from ashworth.trials.protocol_sizes.kinds import KINDS
from ashworth.trials.protocols.executable import Executable
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class SizeRow:
    """One size.

    Attributes
    ----------
    id, title, kind, method : str
    given : mapping
        The numbers that differ from row to row, and those that are fixed.
    found : mapping
        What was computed.
    printed : mapping
        What the sources print.
    note : str or None
    """

    id: str
    title: str
    kind: str
    method: str
    given: Mapping[str, Any]
    found: Mapping[str, Any]
    printed: Mapping[str, Any]
    note: str | None


@dataclass(frozen=True, slots=True)
class ProtocolSizes:
    """All sizes of one version of a protocol."""

    protocol: str
    protocol_version: int
    digest: str
    rows: tuple[SizeRow, ...]
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """One row per number."""
        import polars as pl

        rows = [
            {"size": r.id, "given": _words(r.given), "method": r.method, "quantity": name,
             "value": _words(value)}
            for r in self.rows for name, value in r.found.items()
        ]  # fmt: skip
        names = ("size", "given", "method", "quantity", "value")
        return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String))


def protocol_sizes(trial: Executable) -> ProtocolSizes:
    """Compute every size that a protocol asks for.

    Raises
    ------
    InputError
        All sizes that cannot be computed, with line and key.

    Examples
    --------
    >>> from ashworth.trials import load_protocol
    >>> sizes = protocol_sizes(load_protocol("stic-ctc"))
    >>> [round(r.found["events"]) for r in sizes.rows if r.id == "events"]
    [497, 578, 688]
    """
    rows: list[SizeRow] = []
    problems: list[Problem] = []
    for size in trial.protocol.sizes:
        if size.kind not in KINDS:
            line, _ = trial.document.place(("sizes", size.id))
            problems.append(Problem(trial.document.name, line, f"sizes.{size.id}.kind", size.kind,
                                    ", ".join(KINDS), "use one of them"))  # fmt: skip
            continue
        for asked in rows_asked(trial, size):
            try:
                method, found = KINDS[size.kind](asked)
            except InputError as error:
                problems += [_placed(trial, size.id, p) for p in error.problems]
                continue
            rows.append(SizeRow(size.id, size.title, size.kind, method, asked.given, found,
                                size.printed, size.note))  # fmt: skip
    if problems:
        raise InputError(problems, subject=f"the sizes of {trial.protocol.id}")
    document = trial.document
    return ProtocolSizes(trial.protocol.id, document.version, document.digest, tuple(rows))


def _placed(trial: Executable, size: str, problem: Problem) -> Problem:
    """Give a fault of a function's argument the line of the size that asked for it."""
    if problem.row is not None:
        return problem
    line, _ = trial.document.place(("sizes", size))
    key = f"sizes.{size}.given.{problem.column}"
    return Problem(trial.document.name, line, key, problem.found, problem.allowed, problem.remedy)


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_words(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(_words(v) for v in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
