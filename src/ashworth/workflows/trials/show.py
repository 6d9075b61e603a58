"""Show a protocol: flow, eligibility, decision tables, what is unknown; the diagram on request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ashworth.definitions.protocols.flow import Randomise
from ashworth.definitions.protocols.model import Protocol
from ashworth.figures import Figure
from ashworth.figures.protocol_flow import protocol_flow_figure
from ashworth.storage import results_folder, write_run_log
from ashworth.trials.protocols.decision_tables import DecisionTable, decision_tables
from ashworth.trials.protocols.diagram import flow_diagram
from ashworth.trials.protocols.executable import Executable, load_protocol
from ashworth.trials.protocols.outline import flow_outline
from ashworth.version import __version__


@dataclass(frozen=True, slots=True)
class ShownProtocol:
    """A protocol with the words for a terminal.

    Attributes
    ----------
    trial : Executable
    tables : tuple of DecisionTable
    out : Path or None
        Folder that was written.
    """

    trial: Executable
    tables: tuple[DecisionTable, ...]
    out: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        protocol, document = self.trial.protocol, self.trial.document
        return {
            "id": protocol.id,
            "version": document.version,
            "digest": document.digest,
            "protocol": protocol.model_dump(mode="json", by_alias=True, exclude_unset=True),
            "decision_tables": [
                {"title": t.title, "rows": t.table().to_dicts()} for t in self.tables
            ],
            "flow": list(flow_outline(self.trial)),
            "software_version": __version__,
            "out": None if self.out is None else str(self.out),
        }

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        protocol, document = self.trial.protocol, self.trial.document
        yield protocol.title
        yield f"protocol {protocol.id}, version {document.version} {_since(self.trial)}"
        yield f"phase {protocol.phase}; {protocol.setting}; {protocol.status}"
        yield f"registered as {', '.join(protocol.registry_ids) or 'unknown'}"
        yield f"sha-256 {document.digest}"
        yield from ("", "Flow")
        yield from (f"  {line}" for line in flow_outline(self.trial))
        yield from _eligibility_lines(protocol)
        for table in self.tables:
            yield from ("", table.title)
            yield from _aligned(table)
        yield from _design_lines(protocol)
        yield from _doubt_lines(protocol)
        if self.out is not None:
            yield from ("", f"diagram: {self.out / 'flow.svg'}")
        yield from ("", "Research use only; not a medical device.")


def show_protocol(
    protocol: str,
    *,
    version: int | None = None,
    folders: tuple[Path, ...] = (),
    out: Path | None = None,
) -> ShownProtocol:
    """Load a protocol and lay it out; write the diagram where a folder is named.

    Raises
    ------
    DefinitionError, DefinitionFileError
        Unknown protocol or version; every fault of the file.
    """
    started = datetime.now(UTC)
    trial = load_protocol(protocol, version=version, folders=folders)
    shown = ShownProtocol(trial, decision_tables(trial), None if out is None else out.absolute())
    if shown.out is not None:
        with results_folder(shown.out) as folder:
            figure = diagram(trial)
            (folder / "flow.svg").write_text(figure.svg(), encoding="utf-8")
            (folder / "flow.vl.json").write_text(figure.json(), encoding="utf-8")
            options = {"protocol": trial.protocol.id, "version": trial.document.version,
                       "digest": trial.document.digest}  # fmt: skip
            write_run_log(folder, command="trial show", started_at=started, inputs=[], base=folder,
                          options=options)  # fmt: skip
    return shown


def diagram(trial: Executable) -> Figure:
    """Draw the flow diagram of a protocol."""
    made = flow_diagram(trial)
    return protocol_flow_figure(made.boxes, made.arrows, name="flow", title=trial.protocol.title)


def _since(trial: Executable) -> str:
    document = trial.document
    if document.version == 1:
        return f"(from {trial.protocol.begins})"
    amendment = trial.protocol.amendments[document.version - 2]
    return f"(from {amendment.from_text}: {amendment.title})"


def _eligibility_lines(protocol: Protocol) -> Iterator[str]:
    for side, head in (
        ("include", "Eligible if all hold"),
        ("exclude", "Not eligible if any holds"),
    ):
        criteria = getattr(protocol.eligibility, side)
        if criteria:
            yield from ("", head)
        for criterion in criteria:
            how = criterion.when or "left to the investigator"
            yield f"  {criterion.text} [{criterion.id}]: {how}"


def _aligned(table: DecisionTable) -> Iterator[str]:
    heads = (*table.conditions, *table.answers)
    rows = [heads, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield ("  " + "  ".join(cells)).rstrip()


def _design_lines(protocol: Protocol) -> Iterator[str]:
    design = protocol.randomisation
    if design is not None:
        ratio = ":".join(str(v) for v in design.ratio.values())
        factors = design.factors if design.factors == "unknown" else ", ".join(design.factors)
        yield ""
        yield (
            f"Randomisation {ratio} ({', '.join(design.ratio)}); method {design.method}; "
            f"factors {factors or 'none'}"
        )
    elif not any(isinstance(n, Randomise) for n in protocol.flow):
        yield from ("", "No randomisation")
    yield from ("", "Analyses")
    for analysis in protocol.analyses:
        margin = "" if analysis.margin is None else f", margin {analysis.margin}"
        yield (
            f"  {analysis.role} {analysis.id}: {protocol.endpoints[analysis.endpoint].title}; "
            f"{analysis.test}, {analysis.hypothesis}{margin}; alpha {analysis.alpha}, "
            f"sided {analysis.sided}, power {analysis.power}; {analysis.population}"
        )


def _doubt_lines(protocol: Protocol) -> Iterator[str]:
    if protocol.disagreements:
        yield from ("", "Sources disagree")
    for item in protocol.disagreements:
        values = "; ".join(", ".join(f"{k} {v}" for k, v in d.items()) for d in item.values)
        yield f"  {item.about}: {values}" + (f"; used: {item.used}" if item.used else "")
    if protocol.unknowns:
        yield from ("", f"Unknown: {'; '.join(protocol.unknowns)}")
