"""Charts of docs/explanation/one-cell.md; see one_cell_pictures.py."""

from __future__ import annotations

from pathlib import Path

import altair as alt
import numpy as np
import polars as pl
from numpy.typing import NDArray

from ashworth.classification import Calls
from ashworth.figures.render import VEGA_LITE, converter, own_ids
from ashworth.figures.theme import INK, MUTED, PALETTE, config
from ashworth.imaging import Detection

NAVY, ORANGE, TEAL, PURPLE, OCHRE = PALETTE
KINDS = {
    "ctc": ("tumour cell", ORANGE, "circle"),
    "doublet": ("doublet", PURPLE, "diamond"),
    "ck_without_nucleus": ("body without nucleus", OCHRE, "triangle-up"),
    "leukocyte": ("leukocyte", NAVY, "square"),
    "unclassified_nucleus": ("unclassified nucleus", TEAL, "cross"),
}


def save(chart: alt.TopLevelMixin, path: Path) -> None:
    """Write a chart as SVG, with the package's look."""
    spec = chart.to_dict() | {"config": config()}
    svg = converter().vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])
    path.write_text(own_ids(svg, path.stem), encoding="utf-8")


def profile_chart(folder: Path, table: pl.DataFrame) -> None:
    """Counts and background along one line of pixels."""
    x = alt.X("x_um:Q", title="µm from the frame's left border (simulated)",
              scale=alt.Scale(domain=[0, 307], nice=False))  # fmt: skip
    y = alt.Y("counts:Q", title="cytokeratin, pixel value",
              scale=alt.Scale(domain=[120, 300], clamp=True))  # fmt: skip
    base = alt.Chart().encode(x=x)
    signal = base.mark_line(color="#9a9a9a", strokeWidth=1, clip=True).encode(y=y)
    level = base.mark_line(color=ORANGE, strokeWidth=3, clip=True).encode(y="background:Q")
    chart = alt.layer(signal, level, data=table).properties(width=560, height=120)
    title = alt.Header(labelAnchor="start", labelAngle=0, labelOrient="top", labelFontSize=13)
    faceted = chart.facet(
        row=alt.Row("frame:N", title=None, sort="descending", header=title),
    )
    save(faceted, folder / "one-cell-background.svg")


def threshold_chart(
    folder: Path, smooth: NDArray[np.float32], found: Detection, calls: Calls, cell: dict
) -> None:
    """Histogram of one frame's smoothed cytokeratin with the threshold of the cartridge."""
    edges = np.concatenate([np.arange(-5, 8, 0.5), np.geomspace(8, 1500, 40)])
    density, _ = np.histogram(smooth, edges)
    table = pl.DataFrame(
        {"low": edges[:-1], "high": edges[1:], "n": density, "zero": 0.5}
    ).filter(pl.col("n") > 0)  # fmt: skip
    level = found.levels["ck"]
    marks = pl.DataFrame(
        {
            "x": [level.threshold, calls.leukocytes.ck_upper, float(cell["ck_mean"])],
            "label": ["threshold: 6 × noise", "leukocytes’ limit", "the cell, mean"],
            "y": [90000.0, 40000.0, 90000.0],
            "left": [True, False, True],
        }
    )
    scale = alt.Scale(type="symlog", constant=5, domain=[-5, 1500], nice=False)
    axis = alt.Axis(values=[0, 5, 10, 20, 50, 100, 200, 500, 1000])
    x = alt.X("low:Q", title="cytokeratin above background, counts (simulated)", scale=scale,
              axis=axis)  # fmt: skip
    bars = alt.Chart(table).mark_rect(color="#b9c3cf").encode(
        x=x, x2="high:Q",
        y=alt.Y("zero:Q", title="pixels", axis=alt.Axis(values=[10**k for k in range(6)]),
                scale=alt.Scale(type="log", domain=[0.5, 200000], nice=False)),
        y2="n:Q",
    )  # fmt: skip
    rules = alt.Chart(marks).mark_rule(color=ORANGE, strokeWidth=2).encode(x=alt.X("x:Q"))
    text = alt.Chart(marks).encode(x="x:Q", y="y:Q", text="label:N")
    words = [
        text.transform_filter("datum.left").mark_text(align="right", dx=-5, color=INK, fontSize=12),
        text.transform_filter("!datum.left").mark_text(align="left", dx=5, color=INK, fontSize=12),
    ]
    save(
        alt.layer(bars, rules, *words).properties(width=560, height=220),
        folder / "one-cell-threshold.svg",
    )


def gates_chart(folder: Path, cells: pl.DataFrame, calls: Calls, cell: dict) -> None:
    """All cells by two of the gates."""
    reference = calls.leukocytes
    ratio = {
        "ck": pl.col("ck_mean") / reference.ck_upper,
        "cd45": pl.col("cd45_mean") / reference.cd45,
    }
    table = cells.filter(pl.col("call").is_in(list(KINDS))).select(
        **{k: v.clip(-0.2) for k, v in ratio.items()},
        kind=pl.col("call").replace_strict({k: v[0] for k, v in KINDS.items()}),
        cell_id="cell_id",
    )
    order = [v[0] for v in KINDS.values()]
    legend = alt.Legend(title=None, labelLimit=300)
    kind = {
        "color": alt.Color("kind:N", sort=order, legend=legend,
                           scale=alt.Scale(domain=order, range=[v[1] for v in KINDS.values()])),
        "shape": alt.Shape("kind:N", sort=order, legend=legend,
                           scale=alt.Scale(domain=order, range=[v[2] for v in KINDS.values()])),
    }  # fmt: skip
    x = alt.X("ck:Q", title="cytokeratin over the leukocytes' upper limit (simulated)",
              scale=alt.Scale(type="symlog", constant=1, domain=[-0.5, 120], nice=False),
              axis=alt.Axis(values=[0, 1, 2, 5, 10, 20, 50, 100]))  # fmt: skip
    y = alt.Y("cd45:Q", title="CD45 over the leukocytes' median",
              scale=alt.Scale(type="symlog", constant=0.25, domain=[-0.2, 4], nice=False),
              axis=alt.Axis(values=[0, 0.15, 0.5, 1, 2, 4], format="~g",
                            titlePadding=14))  # fmt: skip
    points = alt.Chart(table).mark_point(filled=True, size=45, opacity=0.8).encode(x=x, y=y, **kind)
    ring = alt.Chart(table.filter(pl.col("cell_id") == cell["cell_id"])).mark_point(
        size=260, color=INK, strokeWidth=2, filled=False
    )  # fmt: skip
    ring = ring.encode(x="ck:Q", y="cd45:Q")
    gate = pl.DataFrame({"ck": [2.5], "cd45": [0.15]})
    rule = {"color": MUTED, "strokeDash": [5, 4], "strokeWidth": 1.5}
    lines = [
        alt.Chart(gate).mark_rule(**rule).encode(x="ck:Q"),
        alt.Chart(gate).mark_rule(**rule).encode(y="cd45:Q"),
    ]
    save(
        alt.layer(*lines, points, ring).properties(width=420, height=320),
        folder / "one-cell-gates.svg",
    )
