"""The flow with simulated shares; power over the grid."""

from __future__ import annotations

import polars as pl

from ashworth.figures import Figure
from ashworth.figures.power_curve import power_curve_figure
from ashworth.figures.protocol_flow import protocol_flow_figure
from ashworth.trials.protocols.diagram import flow_diagram
from ashworth.workflows.trials.simulated.results import SimulatedProtocol


def simulation_figures(made: SimulatedProtocol) -> list[Figure]:
    """The flow with simulated shares and, over a grid, power against effect or patients."""
    figures = [_flow_figure(made)]
    curve = _power_rows(made)
    if curve.height > 1 and (curve["x"].n_unique() > 1):
        by_effect = any(c.cell.effect is not None for c in made.cells)
        axis = "Hazard ratio" if by_effect else "Patients"
        figures.append(
            power_curve_figure(curve, name="power", x_title=axis,
                               title=f"Power: {made.trial.protocol.title}", simulated=True)
        )  # fmt: skip
    return figures


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
