"""What the cells show, as a table, a document and words for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ashworth.trials.protocols.executable import Executable
from ashworth.trials.simulation.expected import ExpectedScore
from ashworth.trials.simulation.performance import Sums
from ashworth.version import __version__
from ashworth.workflows.trials.simulated.cells import Cell


@dataclass(frozen=True, slots=True)
class CellResult:
    """What a cell shows."""

    cell: Cell
    patients: int
    assumed: tuple[str, ...]
    alpha: float
    sided: int
    sums: Sums
    measures: list[dict[str, Any]]
    score: ExpectedScore | None

    def reading(self) -> str | None:
        """What the probability of non-inferiority means, in a sentence."""
        by_name = {row["measure"]: row["estimate"] for row in self.measures}
        declared = by_name.get("probability of declaring non-inferiority")
        alike = by_name.get("share treated alike in both arms")
        if declared is None or alike is None or self.score is None:
            return None
        return (
            f"{self.cell.scenario}: non-inferiority is declared in {100 * declared:.1f} % of "
            f"trials with about {by_name['events']:.0f} events, where the hazard ratio over all "
            f"patients is {self.score.limit_hazard_ratio:.3f}; {100 * alike:.0f} % of the patients "
            "are treated alike in both arms and pull it towards 1"
        )


@dataclass(frozen=True, slots=True)
class SimulatedProtocol:
    """The whole grid with the words for a terminal."""

    trial: Executable
    cells: tuple[CellResult, ...]
    replicates: int
    seed: int
    out: Path | None

    def table(self) -> pl.DataFrame:
        """One row per cell and measure."""
        return pl.DataFrame(
            [
                {"scenario": c.cell.scenario, "patients": c.patients, "effect": c.cell.effect}
                | {k: _finite(v) for k, v in row.items()}
                for c in self.cells
                for row in c.measures
            ],
            infer_schema_length=None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {
            "simulated": True,
            "protocol": self.trial.protocol.id,
            "protocol_version": self.trial.document.version,
            "digest": self.trial.document.digest,
            "replicates": self.replicates,
            "seed": self.seed,
            "illustrative": self._illustrative(),
            "cells": [
                {
                    "scenario": c.cell.scenario, "patients": c.patients, "effect": c.cell.effect,
                    "alpha": c.alpha, "sided": c.sided, "assumed": list(c.assumed),
                    "measures": [{k: _finite(v) for k, v in row.items()} for row in c.measures],
                    "limit_hazard_ratio": None if c.score is None
                    else _finite(c.score.limit_hazard_ratio),
                    "approximations": _approximations(c),
                    "reading": c.reading(),
                }
                for c in self.cells
            ],
            "software_version": __version__,
            "out": None if self.out is None else str(self.out),
        }  # fmt: skip

    def _illustrative(self) -> str | None:
        assumed = self.trial.protocol.assumptions
        return None if assumed is None else assumed.illustrative

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        protocol = self.trial.protocol
        yield f"SIMULATED: {protocol.title}"
        yield (
            f"protocol {protocol.id}, version {self.trial.document.version}; "
            f"{self.replicates:,} trials per cell, seed {self.seed}"
        )
        if self._illustrative():
            yield f"assumptions: {' '.join(str(self._illustrative()).split())}"
        for cell in self.cells:
            yield ""
            yield _cell_title(cell)
            yield from _measure_lines(cell)
            yield from _approximation_lines(cell)
            reading = cell.reading()
            if reading is not None:
                yield f"  {reading}"
        if self.out is not None:
            yield from ("", f"tables and figures: {self.out}")
        yield "Simulated data. Research use only; not a medical device."


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _approximations(cell: CellResult) -> dict[str, float] | None:
    """Power by the formulae of Schoenfeld and Freedman, and how far they are off."""
    if cell.score is None:
        return None
    trial, asked = cell.cell.prepared()
    margin = asked.analysis.margin if isinstance(asked.analysis.margin, float) else 1.0
    ratio = trial.trial.protocol.randomisation.ratio  # type: ignore[union-attr]
    experimental, control = asked.analysis.experimental, asked.analysis.control
    share = ratio[experimental] / (ratio[experimental] + ratio[control])  # type: ignore[index]
    n, level = cell.patients, (cell.alpha, cell.sided)
    exact = cell.score.power(n, *level)
    found = {"integral": exact,
             "schoenfeld": cell.score.schoenfeld_power(n, margin, share, *level)}  # fmt: skip
    if margin == 1.0:
        found["freedman"] = cell.score.freedman_power(n, share, *level)
    return {k: v for k, v in found.items() if math.isfinite(v)}


def _cell_title(cell: CellResult) -> str:
    effect = "" if cell.cell.effect is None else f", hazard ratio {cell.cell.effect:g} on top"
    assumed = f" (assumed: {'; '.join(cell.assumed)})" if cell.assumed else ""
    return (
        f"Scenario {cell.cell.scenario}, {cell.patients:,} patients{effect}; alpha {cell.alpha:g}, "
        f"{cell.sided}-sided{assumed}"
    )


def _measure_lines(cell: CellResult) -> Iterator[str]:
    for row in cell.measures:
        expected = "" if row["expected"] is None else f"   theory {row['expected']:.4f}"
        far = "" if row["distance"] is None else f" ({row['distance']:+.1f} MCSE)"
        yield (
            f"  {row['measure']:<48} {row['estimate']:>11.4f}  MCSE {row['mcse']:.4f}"
            f"{expected}{far}"
        )


def _approximation_lines(cell: CellResult) -> Iterator[str]:
    found = _approximations(cell)
    if found is None:
        return
    exact = found["integral"]
    parts = [f"{name.capitalize()} {value:.4f} (error {value - exact:+.4f})"
             for name, value in found.items() if name != "integral"]  # fmt: skip
    if parts:
        yield f"  power by the integral {exact:.4f}; by formula: {', '.join(parts)}"
