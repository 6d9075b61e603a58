"""Rebuild patients from the points of a printed curve: two tables in, patients and figure out."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import polars as pl

from ashworth.errors import InputError, Problem
from ashworth.evidence import Reconstruction, RepairedCurveWarning, reconstruct
from ashworth.evidence.reconstruction.result import TimeUnit
from ashworth.figures import Figure
from ashworth.figures.reconstruction import reconstruction_figure
from ashworth.records.formats import InputFormat
from ashworth.records.sources import read_raw
from ashworth.storage import results_folder, write_run_log

POINTS = ("time", "survival")
RISK = ("time", "at_risk")
_MOST_DRAWN = 5


@dataclass(frozen=True, slots=True)
class RebuiltFigure:
    """Patients of a printed figure, with the words for a terminal.

    Attributes
    ----------
    result : Reconstruction
    hazard_ratios : list of dict
        One row per arm other than the reference; empty with one arm.
    reference : str or None
        The reference arm.
    time_unit, endpoint : str
        How days and rows of `events` are named.
    out : Path or None
        Folder that was written.
    """

    result: Reconstruction
    hazard_ratios: list[dict[str, Any]]
    reference: str | None
    time_unit: TimeUnit
    endpoint: str
    out: Path | None

    def remarks(self) -> list[str]:
        """What must be known before these patients are used."""
        return [f"{a.arm}: {text}" for a in self.result.arms for text in a.remarks()]

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {
            "n": self.result.n,
            "events": self.result.events,
            "endpoint": self.endpoint,
            "time_unit": self.time_unit,
            "arms": self.result.table().to_dicts(),
            "risk_table": self.result.risk_table().to_dicts(),
            "reference": self.reference,
            "hazard_ratios": [{k: _finite(v) for k, v in r.items()} for r in self.hazard_ratios],
            "remarks": self.remarks(),
            "method": self.result.method,
            "options": dict(self.result.options),
            "version": self.result.version,
            "out": None if self.out is None else str(self.out),
        }

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        for a in self.result.arms:
            name = "" if len(self.result.arms) == 1 and a.arm == "all" else f"{a.arm}: "
            yield (
                f"{name}{a.n} patients, {a.events} events (method {a.method}); curve off by "
                f"{a.rmse:.4f} on average (root mean square), {a.max_error:.4f} at most; "
                f"number at risk off by {abs(a.largest_risk_residual)} at most"
            )
        for row in self.hazard_ratios:
            yield (
                f"hazard ratio, {row['term']} against {self.reference}: {row['hazard_ratio']:.3f} "
                f"(95% CI {row['lower']:.3f} to {row['upper']:.3f})"
            )
        yield from (f"note: {text}" for text in self.remarks())
        if self.out is not None:
            unit = f"times read as {self.time_unit}"
            yield f"patients: {self.out / 'events.csv'} (endpoint {self.endpoint}; {unit})"
            if len(self.result.arms) <= _MOST_DRAWN:
                yield f"figure:   {self.out / 'reconstruction.svg'}"


def reconstruct_curves(
    curves: Path,
    *,
    risk: Path | None = None,
    events: Sequence[str] = (),
    patients: Sequence[str] = (),
    method: Literal["auto", "steps", "guyot", "modified"] = "auto",
    percent: bool = False,
    time_unit: TimeUnit = "months",
    endpoint: str = "os",
    reference: str | None = None,
    decimal: Literal["point", "comma"] = "point",
    out: Path | None = None,
) -> RebuiltFigure:
    """Rebuild the patients of a figure; write them where a folder is named.

    Parameters
    ----------
    curves : Path
        Table with columns time, survival and, with several arms, arm.
    risk : Path, optional
        Table with columns time, at_risk and arm.
    events, patients : sequence of str
        Totals as ``"120"`` or ``"arm=120"``.
    method, percent, time_unit, endpoint, reference, decimal
        As the command's options.
    out : Path, optional
        Folder for events.csv, patients.csv, diagnostics and the figure.

    Returns
    -------
    RebuiltFigure

    Raises
    ------
    InputError
        With all faults of both tables.
    """
    started = datetime.now(UTC)
    decimal_sign: Literal[".", ","] = "," if decimal == "comma" else "."
    problems: list[Problem] = []
    points = _read(curves, POINTS, decimal_sign, problems)
    table = {} if risk is None else _read(risk, RISK, decimal_sign, problems)
    totals, sizes = _totals(events, "--events", problems), _totals(patients, "--patients", problems)
    if problems:
        raise InputError(problems)
    options = {
        "risk_time": table.get("time"),
        "at_risk": table.get("at_risk"),
        "risk_arm": table.get("arm"),
        "n": sizes,
        "total_events": totals,
        "method": method,
        "scale": "percent" if percent else "proportion",
    }
    result = _quietly(points, options, curves.name, "" if risk is None else risk.name)
    ratios, base = _hazard_ratios(result, reference)
    target = None if out is None else Path(out).absolute()
    made = RebuiltFigure(result, ratios, base, time_unit, endpoint, target)
    if target is not None:
        _write(made, target, [p for p in (curves, risk) if p is not None], started)
    return made


def _quietly(
    points: Mapping[str, Any], options: Mapping[str, Any], curves: str, risk: str
) -> Reconstruction:
    """Reconstruct; repairs stand in the remarks, and faults name the file instead of arguments."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RepairedCurveWarning)
            return reconstruct(points["time"], points["survival"], points.get("arm"), **options)
    except InputError as error:
        raise InputError([_in_file(p, curves, risk) for p in error.problems]) from None


def _in_file(problem: Problem, curves: str, risk: str) -> Problem:
    """Name the table, its column or the option in which a fault of an argument stands."""
    columns = {
        "time": (curves, "time"),
        "survival": (curves, "survival"),
        "arm": (curves, "arm"),
        "risk_time": (risk or "command", "time" if risk else "--risk"),
        "at_risk": (risk or "command", "at_risk" if risk else "--risk"),
        "risk_arm": (risk or "command", "arm" if risk else "--risk"),
        "n": ("command", "--patients"),
        "total_events": ("command", "--events"),
    }
    table, column = columns.get(str(problem.column), (problem.table, problem.column))
    return replace(problem, table=table, column=column)


def _read(
    path: Path, needed: Sequence[str], decimal: Literal[".", ","], problems: list[Problem]
) -> dict[str, list[Any]]:
    """Columns of a table as numbers; arm as text."""
    try:
        raw = read_raw(path, path.name, InputFormat(decimal=decimal))
    except InputError as error:
        problems += error.problems
        return {}
    problems += raw.problems
    absent = [name for name in needed if name not in raw.cells.columns]
    for name in absent:
        there = ", ".join(raw.cells.columns)
        problems.append(
            Problem(
                path.name,
                1,
                name,
                f"columns {there}",
                f"{', '.join(needed)} and arm",
                "rename the column in the header",
            )
        )
    found: dict[str, list[Any]] = {}
    for name in set(needed).difference(absent):
        cells = zip(raw.rows.to_list(), raw.cells[name].to_list(), strict=True)
        found[name] = [_number(path.name, row, name, c, decimal, problems) for row, c in cells]
    if "arm" in raw.cells.columns:
        found["arm"] = [None if c is None or not c.strip() else c.strip() for c in raw.cells["arm"]]
    return found


def _number(
    table: str, row: int, column: str, cell: str | None, decimal: str, problems: list[Problem]
) -> float:
    """One cell as a number; a fault where it is none."""
    text = (cell or "").strip()
    try:
        value = float(text.replace(",", ".") if decimal == "," and "." not in text else text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        sign = "comma" if decimal == "," else "point"
        problems.append(
            Problem(
                table,
                row,
                column,
                repr(text),
                f"a number with decimal {sign}",
                "correct the cell, leave the row out, or choose --decimal",
            )
        )
    return value


def _totals(
    words: Sequence[str], option: str, problems: list[Problem]
) -> int | Mapping[str, int] | None:
    """``"120"`` or ``"arm=120"`` to what `reconstruct` takes."""
    found: dict[str, int] = {}
    for word in words:
        arm, _, number = word.rpartition("=")
        if not number.strip().isdecimal() or (not arm and len(words) > 1) or arm.strip() in found:
            problems.append(
                Problem(
                    "command",
                    None,
                    option,
                    word,
                    "one number, or ARM=NUMBER for each arm",
                    f"give {option} once for each arm",
                )
            )
            continue
        found[arm.strip()] = int(number)
    if set(found) == {""}:
        return found[""]
    return found or None


def _hazard_ratios(
    result: Reconstruction, reference: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    labels = [str(a.arm) for a in result.arms]
    if reference is not None and reference not in labels:
        allowed = ", ".join(labels)
        raise InputError([Problem("command", None, "--reference", reference, allowed,
                                  "name one of the arms")])  # fmt: skip
    if len(labels) < 2 or result.events == 0:
        return [], None
    base = labels[0] if reference is None else reference
    return result.hazard_ratio(reference=base).table().to_dicts(), base


def figure_of(made: RebuiltFigure) -> Figure:
    """Draw the reconstructed curves over the points."""
    labels = [
        f"{row['term']} against {made.reference}: HR {row['hazard_ratio']:.2f} "
        f"(95% CI {row['lower']:.2f} to {row['upper']:.2f})"
        for row in made.hazard_ratios
    ]
    return reconstruction_figure(
        made.result.curve_table(),
        made.result.risk_table(),
        name="reconstruction",
        title=f"Endpoint {made.endpoint}",
        x_title=made.time_unit.capitalize(),
        y_title="Without event",
        labels=labels,
        time_unit=made.time_unit,
    )


def _write(made: RebuiltFigure, target: Path, inputs: Sequence[Path], started: datetime) -> None:
    """Write all tables, the figure and the run log, or nothing."""
    result = made.result
    tables = {
        "events": result.events_table(endpoint=made.endpoint, time_unit=made.time_unit),
        "patients": result.patients(),
        "diagnostics": result.table(),
        "curve": result.curve_table(),
        "risk_table": result.risk_table(),
    }
    if made.hazard_ratios:
        tables["hazard_ratios"] = pl.DataFrame(made.hazard_ratios)
    with results_folder(target) as work:
        for name, frame in tables.items():
            frame.write_csv(work / f"{name}.csv", line_terminator="\n")
        if len(result.arms) <= _MOST_DRAWN:
            figure = figure_of(made)
            (work / "reconstruction.svg").write_text(figure.svg(), encoding="utf-8")
            (work / "reconstruction.vl.json").write_text(figure.json(), encoding="utf-8")
        options = {**result.options, "time_unit": made.time_unit, "endpoint": made.endpoint,
                   "reference": made.reference}  # fmt: skip
        resolved = [Path(p).resolve() for p in inputs]
        write_run_log(work, command="evidence reconstruct", started_at=started, inputs=resolved,
                      base=_common(resolved), options=options, notices=made.remarks())  # fmt: skip


def _common(paths: Sequence[Path]) -> Path:
    """Folder that holds all inputs."""
    first = paths[0].parent
    return next(f for f in (first, *first.parents) if all(f in p.parents for p in paths))


def _finite(value: Any) -> Any:
    """None for what JSON cannot hold."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
