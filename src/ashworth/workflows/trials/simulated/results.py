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
from ashworth.trials.simulation.questions import Question
from ashworth.trials.simulation.survival_measures import Theory
from ashworth.version import __version__
from ashworth.workflows.trials.simulated.cells import Cell


@dataclass(frozen=True, slots=True)
class CellResult:
    """What a cell shows.

    Attributes
    ----------
    patients : int
        Enrolled.
    measures : list of dict
        Rows of the ADEMP table.
    theory : Theory or None
    """

    cell: Cell
    patients: int
    asked: Question
    sums: Sums
    measures: list[dict[str, Any]]
    theory: Theory | None

    @property
    def score(self) -> ExpectedScore | None:
        """Expected score on the day of the last analysis."""
        return None if self.theory is None else self.theory.score

    def looks(self) -> list[dict[str, Any]]:
        """One row per look: events, bounds, and z with its spread over the trials."""
        plan = self.asked.plan
        if plan is None:
            return []
        expected = None if self.theory is None else self.theory.looks
        return [
            {
                "look": k + 1,
                "information_fraction": plan.design.information_fractions[k],
                "planned_events": plan.events[k] or None,
                "events": self.sums.mean(f"look events {k}"),
                "upper_z": _finite(plan.design.upper_z[k]),
                "lower_z": _finite(float(plan.lower_z[k])),
                "mean_z": self.sums.mean(f"z {k}"),
                "sd_z": self.sums.deviation(f"z {k}"),
                "expected_z": None if expected is None else float(expected.mean[k]),
            }
            for k in range(plan.number)
        ]

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
                    "alpha": c.asked.alpha, "sided": c.asked.sided,
                    "assumed": list(c.asked.assumed), "looks": c.looks(),
                    "measures": [{k: _finite(v) for k, v in row.items()} for row in c.measures],
                    "limit_hazard_ratio": None if c.score is None
                    else _finite(c.score.limit_hazard_ratio),
                    "approximations": _approximations(c, self.trial),
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
            yield from _look_lines(cell)
            yield from _measure_lines(cell)
            yield from _approximation_lines(cell, self.trial)
            reading = cell.reading()
            if reading is not None:
                yield f"  {reading}"
        if self.out is not None:
            yield from ("", f"tables and figures: {self.out}")
        yield "Simulated data. Research use only; not a medical device."


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _approximations(cell: CellResult, trial: Executable) -> dict[str, float] | None:
    """Power by the formulae of Schoenfeld and Freedman, and how far they are off."""
    if cell.score is None:
        return None
    asked = cell.asked
    margin = asked.analysis.margin if isinstance(asked.analysis.margin, float) else 1.0
    ratio = trial.protocol.randomisation.ratio  # type: ignore[union-attr]
    experimental, control = asked.analysis.experimental, asked.analysis.control
    share = ratio[experimental] / (ratio[experimental] + ratio[control])  # type: ignore[index]
    n, level = cell.patients, (asked.alpha, asked.sided)
    exact = cell.score.power(n, *level)
    found = {"integral": exact,
             "schoenfeld": cell.score.schoenfeld_power(n, margin, share, *level)}  # fmt: skip
    if margin == 1.0:
        found["freedman"] = cell.score.freedman_power(n, share, *level)
    return {k: v for k, v in found.items() if math.isfinite(v)}


def _cell_title(cell: CellResult) -> str:
    effect = "" if cell.cell.effect is None else f", hazard ratio {cell.cell.effect:g} on top"
    asked = cell.asked
    assumed = f" (assumed: {'; '.join(asked.assumed)})" if asked.assumed else ""
    return (
        f"Scenario {cell.cell.scenario}, {cell.patients:,} patients{effect}; "
        f"alpha {asked.alpha:g}, {asked.sided}-sided{assumed}"
    )


def _look_lines(cell: CellResult) -> Iterator[str]:
    for row in cell.looks():
        lower = "" if row["lower_z"] is None else f", below {row['lower_z']:.4f}"
        asked = row["planned_events"]
        when = f"{asked} events" if asked else f"the last day, {row['events']:.0f} events"
        yield f"  look {row['look']} at {when}: ends with z above {row['upper_z']:.4f}{lower}"


def _measure_lines(cell: CellResult) -> Iterator[str]:
    for row in cell.measures:
        expected = "" if row["expected"] is None else f"   theory {row['expected']:.4f}"
        far = "" if row["distance"] is None else f" ({row['distance']:+.1f} MCSE)"
        error = "" if row["mcse"] == 0 else f"  MCSE {row['mcse']:.4f}"
        yield f"  {row['measure']:<48} {row['estimate']:>11.4f}{error}{expected}{far}"


def _approximation_lines(cell: CellResult, trial: Executable) -> Iterator[str]:
    found = _approximations(cell, trial)
    if found is None:
        return
    exact = found["integral"]
    parts = [f"{name.capitalize()} {value:.4f} (error {value - exact:+.4f})"
             for name, value in found.items() if name != "integral"]  # fmt: skip
    if parts:
        one = "" if cell.asked.plan is None else "with one analysis at the end: "
        yield f"  {one}power by the integral {exact:.4f}; by formula: {', '.join(parts)}"
