"""Analyse the data of a trial as its protocol says: flow, populations, tests, verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from ashworth.errors import EstimationError, InputError, Problem
from ashworth.figures import Figure, protocol_flow_figure
from ashworth.storage import results_folder, write_run_log
from ashworth.trials.analysis.comparisons import AnalysisResult, analyse
from ashworth.trials.analysis.patient_flow import PatientFlow, patient_flow
from ashworth.trials.analysis.subjects import FollowUp, Subjects
from ashworth.trials.protocols.diagram import flow_diagram
from ashworth.trials.protocols.executable import Executable
from ashworth.version import __version__
from ashworth.workflows.trials.patient_tables import PatientTable, read_patients


@dataclass(frozen=True, slots=True)
class AnalysedTrial:
    """The analyses of a trial with the words for a terminal.

    Attributes
    ----------
    results : tuple of AnalysisResult
    refused : dict of str to str
        Analyses that could not be done, and why.
    """

    trial: Executable
    flow: PatientFlow
    results: tuple[AnalysisResult, ...]
    refused: dict[str, str]
    simulated: bool
    out: Path | None

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {
            "protocol": self.trial.protocol.id,
            "protocol_version": self.trial.document.version,
            "digest": self.trial.document.digest,
            "simulated": self.simulated,
            "patients": self.flow.n,
            "flow": self.flow.table().to_dicts(),
            "not_eligible": self.flow.not_eligible,
            "undecided": [
                {"node": node, "reason": reason, "patients": n}
                for (node, reason), n in self.flow.halted.items()
            ],
            "departures": [{"patient_id": i, "departure": d} for i, d in self.flow.departures],
            "analyses": [_finite_row(r) for r in self.results],
            "refused": self.refused,
            "software_version": __version__,
            "out": None if self.out is None else str(self.out),
        }

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        if self.simulated:
            yield "SIMULATED DATA"
        yield self.trial.protocol.title
        document = self.trial.document
        yield f"protocol {self.trial.protocol.id}, analyses of version {document.version}"
        yield from ("", f"Flow of {self.flow.n} patients")
        for row in self.flow.table().to_dicts():
            if row["patients"]:
                yield f"  {row['patients']:>6}  {row['title']} [{row['node']}]"
        yield from (f"  {n:>6}  not eligible: {id}" for id, n in self.flow.not_eligible.items())
        for (node, reason), n in self.flow.halted.items():
            yield f"  {n:>6}  undecided at '{node}': {reason}"
        yield from (f"  departure: {id}: {words}" for id, words in self.flow.departures)
        for result in self.results:
            yield from _result_lines(result)
        for id, reason in self.refused.items():
            yield from ("", f"{id}: not analysed: {reason}")
        if self.out is not None:
            yield from ("", f"tables and figures: {self.out}")
        yield "Research use only; not a medical device."


def analyse_trial(
    protocol: str,
    data: Path,
    *,
    version: int | None = None,
    decimal: Literal["point", "comma"] = "point",
    folders: tuple[Path, ...] = (),
    simulated: bool = False,
    out: Path | None = None,
) -> AnalysedTrial:
    """Analyse a table of patients as a protocol says.

    The table is that of `ashworth trial route` with further columns: ``<endpoint>_days`` and
    ``<endpoint>_event`` (0 or 1) for a time to event, and ``received``, the treatment that was
    really given, for a per-protocol analysis.

    Raises
    ------
    InputError
        With every fault of the table.
    DefinitionError, DefinitionFileError
        If the protocol cannot be loaded.
    """
    started = datetime.now(UTC)
    table = read_patients(protocol, data, version=version, decimal=decimal, folders=folders)
    subjects = Subjects(
        table.ids, table.trials, table.values, table.arms, table.column("received"),
        _follow_up(table),
    )  # fmt: skip
    results: list[AnalysisResult] = []
    refused: dict[str, str] = {}
    for analysis in table.newest.protocol.analyses:
        try:
            results.append(analyse(subjects, table.newest, analysis))
        except EstimationError as error:
            refused[analysis.id] = str(error).removeprefix(f"{analysis.id}: ")
    flow = patient_flow(subjects, table.newest)
    target = None if out is None else out.absolute()
    made = AnalysedTrial(table.newest, flow, tuple(results), refused, simulated, target)
    if target is not None:
        _write(made, target, data, started)
    return made


def _follow_up(table: PatientTable) -> dict[str, FollowUp]:
    """Times and events of every time-to-event endpoint that the table has; all faults at once."""
    problems: list[Problem] = []
    found = {}
    for name, endpoint in table.newest.protocol.endpoints.items():
        if endpoint.type != "time_to_event" or f"{name}_days" not in table.columns:
            continue
        days = _numbers(table, f"{name}_days", problems)
        event = _numbers(table, f"{name}_event", problems, allowed=(0.0, 1.0))
        known = np.isfinite(days)
        for row in np.flatnonzero(known & ~np.isfinite(event)).tolist():
            problems.append(Problem(table.name, row + 2, f"{name}_event", "nothing", "0 or 1",
                                    "say whether the time ends with an event"))  # fmt: skip
        found[name] = FollowUp(days, event == 1)
    if problems:
        raise InputError(problems, subject=table.name)
    return found


def _numbers(
    table: PatientTable, column: str, problems: list[Problem], allowed: tuple[float, ...] = ()
) -> np.ndarray[Any, np.dtype[np.float64]]:
    if column not in table.columns:
        problems.append(Problem(table.name, 1, column, "no such column", "one value per patient",
                                f"add the column {column}"))  # fmt: skip
        return np.full(len(table.ids), math.nan)
    found = []
    for number, raw in enumerate(table.column(column), start=2):
        text = (raw or "").strip()
        try:
            value = float(text) if text else math.nan
        except ValueError:
            value = -1.0
        wrong = value not in allowed if allowed and text else value < 0
        if wrong:
            words = " or ".join(f"{a:g}" for a in allowed) or "days, 0 or more"
            problems.append(Problem(table.name, number, column, f"'{raw}'", words,
                                    "correct the value"))  # fmt: skip
        found.append(value)
    return np.array(found)


def _result_lines(result: AnalysisResult) -> Iterator[str]:
    yield ""
    yield f"{result.title} [{result.analysis}], {result.role.replace('_', ' ')}"
    counts = "; ".join(f"{arm} {result.events[arm]} of {n}" for arm, n in result.n.items())
    yield f"  {result.population.replace('_', ' ')}: {counts}"
    for reason, n in result.left_out.items():
        yield f"  left out: {n} ({reason})"
    yield (
        f"  {result.scale} {result.estimate:.3f} ({100 * result.level:g} % CI {result.lower:.3f} "
        f"to {result.upper:.3f}); {result.method}"
    )
    yield f"  {result.verdict}"


def _finite_row(result: AnalysisResult) -> dict[str, Any]:
    row = result.table().to_dicts()[0] | {"left_out": result.left_out}
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v
            for k, v in row.items()}  # fmt: skip


def _write(made: AnalysedTrial, target: Path, data: Path, started: datetime) -> None:
    with results_folder(target) as folder:
        made.flow.table().write_csv(folder / "flow.csv", line_terminator="\n")
        if made.results:
            rows = [r.table() for r in made.results]
            together = pl.concat(rows, how="diagonal_relaxed")
            together.write_csv(folder / "analyses.csv", line_terminator="\n")
        for figure in _figures(made):
            (folder / f"{figure.name}.svg").write_text(figure.svg(), encoding="utf-8")
        options = {"protocol": made.trial.protocol.id, "digest": made.trial.document.digest}
        source = data.absolute()
        write_run_log(folder, command="trial analyse", started_at=started, inputs=[source],
                      base=source.parent, options=options)  # fmt: skip


def _figures(made: AnalysedTrial) -> Sequence[Figure]:
    """The flow diagram with the trial's own patients at the nodes."""
    drawn = flow_diagram(made.trial)
    observed = [made.flow.visits.get(node, 0) for node in drawn.boxes["node"]]
    boxes = drawn.boxes.with_columns(observed=pl.Series(observed, dtype=pl.Int64))
    flow = protocol_flow_figure(
        boxes, drawn.arrows, name="flow", title=made.trial.protocol.title,
        simulated=made.simulated,
    )  # fmt: skip
    return [flow]
