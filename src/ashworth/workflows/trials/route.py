"""Route the patients of a table through a protocol, each under the version that holds for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import polars as pl

from ashworth.storage import results_folder, write_run_log
from ashworth.trials.protocols.executable import Executable
from ashworth.trials.protocols.route import Route, route_patient
from ashworth.version import __version__
from ashworth.workflows.trials.patient_tables import read_patients


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
    read = read_patients(protocol, patients, version=version, decimal=decimal, folders=folders)
    people = zip(read.ids, read.trials, read.values, read.arms, strict=True)
    found = [_row(i, t, route_patient(t, v, arm=a)) for i, t, v, a in people]
    table = pl.DataFrame(found, schema=_SCHEMA)
    target = None if out is None else out.absolute()
    routed = RoutedPatients(read.newest.protocol.id, read.digests, table, read.ignored(), target)
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
