"""Route the patients of a table through a protocol, each under the version that holds for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import polars as pl

from ashworth.errors import DefinitionError, InputError, Problem
from ashworth.records.formats import InputFormat
from ashworth.records.sources import read_raw
from ashworth.storage import results_folder, write_run_log
from ashworth.trials.protocols.executable import Executable, load_protocol
from ashworth.trials.protocols.patients import typed_patients
from ashworth.trials.protocols.route import Route, route_patient
from ashworth.version import __version__

_OWN = ("patient_id", "arm", "protocol_version", "registered_on")


@dataclass(frozen=True, slots=True)
class RoutedPatients:
    """Where every patient gets, and why.

    Attributes
    ----------
    protocol : str
    routes : polars.DataFrame
        patient_id, protocol_version, verdict, at, title, arm, treatments, reasons.
    ignored : tuple of str
        Columns of the table that are no quantities.
    out : Path or None
    """

    protocol: str
    digests: Mapping[int, str]
    routes: pl.DataFrame
    ignored: tuple[str, ...]
    out: Path | None

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {
            "protocol": self.protocol,
            "digests": {str(k): v for k, v in self.digests.items()},
            "patients": self.routes.to_dicts(),
            "ignored_columns": list(self.ignored),
            "software_version": __version__,
            "out": None if self.out is None else str(self.out),
        }

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        for row in self.routes.iter_rows(named=True):
            arm = f", arm {row['arm']}" if row["arm"] else ""
            given = f", given {', '.join(row['treatments'])}" if row["treatments"] else ""
            verdict = row["verdict"].replace("_", " ")
            yield f"{row['patient_id']}: {verdict} at '{row['title']}' [{row['at']}]{arm}{given}"
            yield from (f"    {reason}" for reason in row["reasons"])
        ends = Counter(zip(self.routes["verdict"], self.routes["at"], strict=True))
        told = "; ".join(
            f"{n} {v.replace('_', ' ')} at {at}" for (v, at), n in sorted(ends.items())
        )
        yield f"{self.routes.height} patients of {self.protocol}: {told or 'none'}"
        if self.ignored:
            yield f"note: columns that are no quantities of the protocol: {', '.join(self.ignored)}"
        if self.out is not None:
            yield f"routes: {self.out / 'routes.csv'}"
        yield "Research use only; not a medical device."


def route(
    protocol: str,
    patients: Path,
    *,
    version: int | None = None,
    decimal: Literal["point", "comma"] = "point",
    folders: tuple[Path, ...] = (),
    out: Path | None = None,
) -> RoutedPatients:
    """Route a table of patients.

    The table has patient_id, a column per quantity, and optionally `arm` (what chance gave),
    `protocol_version` or `registered_on` (the patient's version; the newest by default).

    Raises
    ------
    InputError
        With every fault of the table.
    DefinitionError, DefinitionFileError
        If the protocol cannot be loaded.
    """
    started = datetime.now(UTC)
    newest = load_protocol(protocol, version=version, folders=folders)
    rows, columns = _read(patients, newest, decimal)
    trials = _Versions(protocol, version, folders, newest)
    problems: list[Problem] = []
    found = []
    for number, row in enumerate(rows, start=2):
        try:
            trial = trials.of(row, number, patients.name)
            (typed,) = _typed(trial, row, number, patients.name)
            arm = _arm(trial, row, number, patients.name)
        except InputError as error:
            problems += error.problems
            continue
        found.append(_row(row["patient_id"], trial, route_patient(trial, typed, arm=arm)))
    if problems:
        raise InputError(problems, subject=patients.name)
    ignored = tuple(c for c in columns if c not in (*_OWN, *newest.protocol.quantities))
    table = pl.DataFrame(found, schema=_SCHEMA)
    target = None if out is None else out.absolute()
    routed = RoutedPatients(newest.protocol.id, trials.digests, table, ignored, target)
    if target is not None:
        _write(routed, target, patients, started)
    return routed


_SCHEMA = {
    "patient_id": pl.String,
    "protocol_version": pl.Int64,
    "verdict": pl.String,
    "at": pl.String,
    "title": pl.String,
    "arm": pl.String,
    "treatments": pl.List(pl.String),
    "reasons": pl.List(pl.String),
}


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
    problems += _twice(rows, path.name)
    if problems:
        raise InputError(problems, subject=path.name)
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


def _row(patient_id: Any, trial: Executable, found: Route) -> dict[str, Any]:
    return {
        "patient_id": str(patient_id),
        "protocol_version": trial.document.version,
        "verdict": found.verdict,
        "at": found.at,
        "title": trial.nodes[found.at].title,
        "arm": found.arm,
        "treatments": list(found.treatments),
        "reasons": list(found.reasons),
    }


def _write(routed: RoutedPatients, target: Path, patients: Path, started: datetime) -> None:
    joined = [pl.col(c).list.join("; ") for c in ("treatments", "reasons")]
    with results_folder(target) as folder:
        routed.routes.with_columns(joined).write_csv(folder / "routes.csv", line_terminator="\n")
        options = {"protocol": routed.protocol, "digests": dict(routed.digests)}
        source = patients.absolute()
        write_run_log(folder, command="trial route", started_at=started, inputs=[source],
                      base=source.parent, options=options)  # fmt: skip
