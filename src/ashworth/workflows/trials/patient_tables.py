"""A table of patients read as a protocol wants it, each row under its own version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from ashworth.errors import DefinitionError, InputError, Problem
from ashworth.records.formats import InputFormat
from ashworth.records.sources import read_raw
from ashworth.trials.protocols.executable import Executable, load_protocol
from ashworth.trials.protocols.patients import typed_patients

OWN_COLUMNS = ("patient_id", "arm", "protocol_version", "registered_on", "received")


@dataclass(frozen=True, slots=True)
class PatientTable:
    """Patients of a file, typed.

    Attributes
    ----------
    name : str
        Name of the file.
    newest : Executable
        The version that was asked for.
    digests : mapping of int to str
        Versions in use and their hashes.
    ids, trials, values, arms : tuples, one entry per patient
    columns : tuple of str
        Columns of the file.
    """

    name: str
    newest: Executable
    digests: Mapping[int, str]
    ids: tuple[str, ...]
    trials: tuple[Executable, ...]
    values: tuple[dict[str, Any], ...]
    arms: tuple[str | None, ...]
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]

    def column(self, name: str) -> tuple[str | None, ...]:
        """Raw texts of a column; None where there is nothing."""
        texts = (row.get(name) for row in self.rows)
        return tuple(None if t is None or not str(t).strip() else str(t).strip() for t in texts)

    def ignored(self) -> tuple[str, ...]:
        """Columns that are no quantities and have no meaning of their own."""
        protocol = self.newest.protocol
        known = {*OWN_COLUMNS, *protocol.quantities}
        known |= {f"{e}_{part}" for e in protocol.endpoints for part in ("days", "event")}
        return tuple(c for c in self.columns if c not in known)


def read_patients(
    protocol: str,
    path: Path,
    *,
    version: int | None = None,
    decimal: Literal["point", "comma"] = "point",
    folders: tuple[Path, ...] = (),
) -> PatientTable:
    """Read and type a table of patients.

    Raises
    ------
    InputError
        With every fault of the table.
    DefinitionError, DefinitionFileError
        If the protocol cannot be loaded.
    """
    newest = load_protocol(protocol, version=version, folders=folders)
    rows, columns = _read(path, newest, decimal)
    versions = _Versions(protocol, version, folders, newest)
    problems = list(_twice(rows, path.name))
    found = []
    for number, row in enumerate(rows, start=2):
        try:
            trial = versions.of(row, number, path.name)
            (typed,) = _typed(trial, row, number, path.name)
            found.append(
                (str(row["patient_id"]), trial, typed, _arm(trial, row, number, path.name))
            )
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems, subject=path.name)
    ids, trials, values, arms = zip(*found, strict=True) if found else ((), (), (), ())
    return PatientTable(
        path.name, newest, versions.digests, ids, trials, values, arms, tuple(columns), tuple(rows)
    )


def _read(
    path: Path, trial: Executable, decimal: str
) -> tuple[list[dict[str, Any]], Sequence[str]]:
    raw = read_raw(path, path.name, InputFormat(decimal="," if decimal == "comma" else "."))
    problems = list(raw.problems)
    columns = raw.cells.columns
    if "patient_id" not in columns:
        problems.append(Problem(path.name, 1, "patient_id", "no such column", "one row per patient",
                                "add the column patient_id"))  # fmt: skip
    if problems:
        raise InputError(problems, subject=path.name)
    rows = raw.cells.to_dicts()
    if decimal == "comma":
        numbers = [n for n, q in trial.protocol.quantities.items() if q.type in ("number", "count")]
        rows = [{k: _pointed(v) if k in numbers else v for k, v in r.items()} for r in rows]
    return rows, columns


def _pointed(value: Any) -> Any:
    return value.replace(",", ".") if isinstance(value, str) and value.count(",") == 1 else value


def _twice(rows: Sequence[Mapping[str, Any]], table: str) -> Iterator[Problem]:
    seen: dict[Any, int] = {}
    for number, row in enumerate(rows, start=2):
        id = row["patient_id"]
        if id is None or not str(id).strip():
            yield Problem(table, number, "patient_id", "nothing", "an id", "give every patient one")
        elif id in seen:
            yield Problem(table, number, "patient_id", f"'{id}' as in row {seen[id]}",
                          "one row per patient", "remove one of them")  # fmt: skip
        seen[id] = number


class _Versions:
    """Protocol versions, loaded when a patient needs them."""

    def __init__(
        self, protocol: str, version: int | None, folders: tuple[Path, ...], newest: Executable
    ) -> None:
        self._protocol, self._version, self._folders = protocol, version, folders
        self._trials = {newest.document.version: newest}
        self._newest = newest

    @property
    def digests(self) -> dict[int, str]:
        return {number: t.document.digest for number, t in sorted(self._trials.items())}

    def of(self, row: Mapping[str, Any], number: int, table: str) -> Executable:
        own = row.get("protocol_version") or None
        day = row.get("registered_on") or None
        if self._version is not None or (own is None and day is None):
            return self._newest
        column = "protocol_version" if own is not None else "registered_on"
        found = own if own is not None else day
        try:
            if own is not None:
                trial = load_protocol(self._protocol, version=int(str(own)), folders=self._folders)
            else:
                on = date.fromisoformat(str(day))
                trial = load_protocol(self._protocol, on=on, folders=self._folders)
        except (DefinitionError, ValueError) as error:
            raise InputError(
                [Problem(table, number, column, f"'{found}'", "a version that held",
                         str(error) if isinstance(error, DefinitionError) else
                         "give a whole number, or a day as YYYY-MM-DD")]
            ) from None  # fmt: skip
        return self._trials.setdefault(trial.document.version, trial)


def _typed(
    trial: Executable, row: Mapping[str, Any], number: int, table: str
) -> list[dict[str, Any]]:
    try:
        return typed_patients(trial, [row], table=table)
    except InputError as error:
        moved = [
            Problem(table, number, p.column, p.found, p.allowed, p.remedy) for p in error.problems
        ]
        raise InputError(moved) from None


def _arm(trial: Executable, row: Mapping[str, Any], number: int, table: str) -> str | None:
    arm = row.get("arm")
    if arm is None or not str(arm).strip():
        return None
    if arm not in trial.protocol.arms:
        allowed = ", ".join(trial.protocol.arms)
        problem = Problem(table, number, "arm", f"'{arm}'", allowed, "use the id of an arm")
        raise InputError([problem])
    return str(arm)
