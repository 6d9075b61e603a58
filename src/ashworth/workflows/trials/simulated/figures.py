"""The flow with simulated shares; power over the grid; bounds and crossings of looks."""

from __future__ import annotations

import math

import polars as pl

from ashworth.figures import Figure
from ashworth.figures.look_boundaries import look_boundaries_figure
from ashworth.figures.look_outcomes import look_outcomes_figure
from ashworth.figures.power_curve import power_curve_figure
from ashworth.figures.protocol_flow import protocol_flow_figure
from ashworth.trials.protocols.diagram import flow_diagram
from ashworth.workflows.trials.simulated.results import CellResult, SimulatedProtocol


def simulation_figures(made: SimulatedProtocol) -> list[Figure]:
    """The flow with simulated shares and, over a grid, power against effect or patients."""
    figures = [_flow_figure(made), *_look_figures(made)]
    curve = _power_rows(made)
    if curve.height > 1 and (curve["x"].n_unique() > 1):
        by_effect = any(c.cell.effect is not None for c in made.cells)
        axis = "Hazard ratio" if by_effect else "Patients"
        figures.append(
            power_curve_figure(curve, name="power", x_title=axis,
                               title=f"Power: {made.trial.protocol.title}", simulated=True)
        )  # fmt: skip
    return figures


def _look_figures(made: SimulatedProtocol) -> list[Figure]:
    """Bounds with the simulated statistics, and how trials end, by look."""
    bounds = pl.DataFrame(
        [{"series": _series_name(c), **row} for c in made.cells for row in c.looks()],
        infer_schema_length=None,
    )
    if bounds.is_empty():
        return []
    title = made.trial.protocol.title.split(":")[0]
    ended = [{"series": _series_name(c), **row} for c in made.cells for row in _endings(c)]
    return [
        look_boundaries_figure(bounds, name="looks", title=f"Looks: {title}", simulated=True),
        look_outcomes_figure(pl.DataFrame(ended, infer_schema_length=None), name="crossing",
                             title=f"How the trials end: {title}", simulated=True),
    ]  # fmt: skip


def _series_name(cell: CellResult) -> str:
    effect = "" if cell.cell.effect is None else f", HR {cell.cell.effect:g}"
    patients = "" if cell.cell.patients is None else f", {cell.patients} patients"
    return f"{cell.cell.scenario}{effect}{patients}"


def _endings(cell: CellResult) -> list[dict[str, str | int | float | None]]:
    """Share of the trials that end at each look, by how, with the theory's."""
    plan = cell.asked.plan
    if plan is None:
        return []
    theory = None if cell.theory is None else cell.theory.looks
    below = "harm" if plan.design.sided == 2 else "futility"
    found: list[dict[str, str | int | float | None]] = []
    for k in range(plan.number):
        for how in ("benefit", below):
            if how == "benefit" or math.isfinite(plan.lower_z[k]):
                told = None if theory is None else theory.upward if how == "benefit" else (
                    theory.downward)  # fmt: skip
                found.append({"look": k + 1, "outcome": how, "share": cell.sums.mean(f"{how} {k}"),
                              "expected": None if told is None else float(told[k])})  # fmt: skip
    rest = 1.0 - sum(float(r["share"] or 0.0) for r in found)
    expected = None if theory is None else 1.0 - sum(float(r["expected"] or 0.0) for r in found)
    found.append({"look": plan.number, "outcome": "none", "share": max(rest, 0.0),
                  "expected": None if expected is None else max(expected, 0.0)})  # fmt: skip
    return found


def _power_rows(made: SimulatedProtocol) -> pl.DataFrame:
    found = []
    for cell in made.cells:
        for row in cell.measures:
            if row["measure"].startswith("probability of") and "harm" not in row["measure"]:
                x = cell.cell.effect if cell.cell.effect is not None else float(cell.patients)
                series = cell.cell.scenario
                if cell.cell.effect is not None and cell.cell.patients is not None:
                    series = f"{series}, {cell.patients} patients"
                found.append({"x": float(x), "series": series, "power": row["estimate"],
                              "mcse": row["mcse"], "expected": row["expected"]})  # fmt: skip
    schema = {"x": pl.Float64, "series": pl.String, "power": pl.Float64, "mcse": pl.Float64,
              "expected": pl.Float64}  # fmt: skip
    return pl.DataFrame(found, schema=schema)


def _flow_figure(made: SimulatedProtocol) -> Figure:
    """Flow diagram of the first cell with the simulated share of the screened at each node."""
    drawn = flow_diagram(made.trial)
    shares = {
        row["measure"].removeprefix("share at '").removesuffix("'"): row["estimate"]
        for row in made.cells[0].measures
        if row["measure"].startswith("share at ")
    }
    titles = [
        f"{r['title']} – {100 * shares[r['node']]:.1f} %" if r["node"] in shares else r["title"]
        for r in drawn.boxes.to_dicts()
    ]
    boxes = drawn.boxes.with_columns(title=pl.Series(titles), observed=pl.lit(None, dtype=pl.Int64))
    return protocol_flow_figure(
        boxes, drawn.arrows, name="routes", title=f"Routes: {made.trial.protocol.title}",
        note=f"Share of the screened patients, mean over {made.replicates:,} simulated trials",
        simulated=True,
    )  # fmt: skip
