"""A curve rebuilt from its points against the points themselves, over the numbers at risk."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import HOVER, Spec, Text, feet_texts, layer, sheet, text_layers, tip
from ashworth.figures.kaplan_meier import MAX_GROUPS, frame_layers
from ashworth.figures.km_curves import DrawnCurve
from ashworth.figures.km_panel import PLOT_HEIGHT, PLOT_WIDTH, RIGHT, Group, key_line, panel
from ashworth.figures.km_table import LEFT, key_lines, risk_table_texts, table_height
from ashworth.figures.result import Figure
from ashworth.figures.ticks import TimeUnit, time_ticks
from ashworth.figures.typesetting import clean, shorten

NOTE = (
    "Circles: points read off the printed figure. Lines: Kaplan-Meier estimate of the "
    "reconstructed patients. At risk just before the time: as printed, and as rebuilt."
)
_ROWS = (("Printed", "printed"), ("Rebuilt", "reconstructed"))
_APART = 2.5
_COLUMN = 46.0


def reconstruction_figure(
    curves: pl.DataFrame,
    risk_table: pl.DataFrame,
    *,
    name: str,
    title: str,
    x_title: str,
    y_title: str,
    labels: Sequence[str] = (),
    time_unit: TimeUnit = "months",
    alt: str | None = None,
    note: str = NOTE,
    simulated: bool = False,
) -> Figure:
    """Draw reconstructed curves over the points that they were made from.

    Parameters
    ----------
    curves : polars.DataFrame
        Columns arm, time, given, reconstructed, as `Reconstruction.curve_table` gives them.
    risk_table : polars.DataFrame
        Columns arm, time, printed, reconstructed, as `Reconstruction.risk_table` gives them.
    name, title, x_title, y_title : str
        Name and title of the figure, titles of the axes; " (%)" is added to `y_title`.
    labels : sequence of str
        Lines printed in the panel, e.g. the hazard ratio.
    time_unit : {"days", "weeks", "months", "years"}
        Unit of the times; gives the ticks where the risk table has one time only.
    alt : str, optional
        Description; written from the numbers when absent.
    note : str
        Small line at the foot.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `curves`.

    Raises
    ------
    EstimationError
        With no arm or more than five.

    Examples
    --------
    >>> curves = pl.DataFrame({"arm": ["a"] * 2, "time": [0.0, 6.0], "given": [1.0, 0.5],
    ...     "reconstructed": [1.0, 0.51]})
    >>> risk = pl.DataFrame({"arm": ["a"], "time": [0.0], "printed": [80], "reconstructed": [80]})
    >>> reconstruction_figure(curves, risk, name="r", title="PFS", x_title="Months",
    ...     y_title="Alive").alt
    'Reconstructed curves, PFS. a: 80 patients, 2 points, off by at most 1.0 percentage points.'
    """
    order = curves["arm"].unique(maintain_order=True).to_list()
    if not 1 <= len(order) <= MAX_GROUPS:
        raise EstimationError(f"a figure shows 1 to {MAX_GROUPS} arms, found {len(order)}")
    end = float(max([*curves["time"].to_list(), *risk_table["time"].to_list()]) or 1)
    groups = {a: _group(curves, a, i) for i, a in enumerate(order)}
    ticks = _ticks(risk_table["time"].unique().sort().to_list(), end, time_unit)
    texts, rules, top = panel(list(groups.values()), clean(title), labels, end)
    wording = y_title if "%" in y_title else f"{shorten(y_title, PLOT_HEIGHT - 50)} (%)"
    texts.append(Text(-44, PLOT_HEIGHT / 2, wording, "center", angle=-90))
    first_row = PLOT_HEIGHT + 52
    table = risk_table.rename({"arm": "group"})
    names = {a: group.label for a, group in groups.items()}
    texts += risk_table_texts(table, names, ticks, end, first_row, _ROWS)
    keys = key_lines(len(groups), first_row, len(_ROWS))
    rules += [key_line(g, key) for g, key in zip(groups.values(), keys, strict=True)]
    foot = first_row + table_height(len(groups), len(_ROWS)) + 8
    feet, last = feet_texts(foot, note, x=4 - LEFT, simulated=simulated)
    layers = [
        *frame_layers(end, ticks, shorten(x_title, PLOT_WIDTH)),
        *(_circles(curves, a, groups[a].colour, end) for a in order),
        *(_line(group) for group in groups.values()),
        *rules,
        *text_layers([*texts, *feet]),
        *(_hover(curves, a, groups[a], x_title) for a in order),
    ]
    spec = sheet(layers, height=PLOT_HEIGHT, margins=(top, RIGHT, last - PLOT_HEIGHT, LEFT))
    words = alt or _alt(curves, risk_table, order, clean(title))
    return Figure(name, clean(title), words, spec, curves)


def _group(curves: pl.DataFrame, arm: object, place: int) -> Group:
    rows = curves.filter(pl.col("arm") == arm).sort("time")
    firm = [
        {"time": t, "survival": s, "lower": None, "upper": None}
        for t, s in rows.select("time", "reconstructed").iter_rows()
    ]
    drawn = DrawnCurve(firm, [], [], [], None)
    return Group(clean(str(arm)), theme.PALETTE[place], theme.DASHES[place], drawn)


def _ticks(times: Sequence[float], end: float, unit: TimeUnit) -> list[float]:
    """Times of the risk table, thinned to what fits; round times where there is no table."""
    if len(times) < 2:
        return sorted({*times, *time_ticks(end, unit)})
    kept: list[float] = []
    for time in times:
        if not kept or (time - kept[-1]) / end * PLOT_WIDTH >= _COLUMN:
            kept.append(time)
    return kept


_X: Spec = {"field": "time", "type": "quantitative"}


def _circles(curves: pl.DataFrame, arm: object, colour: str, end: float) -> Spec:
    """Points of one arm; those that would cover each other are left out."""
    rows = curves.filter(pl.col("arm") == arm).sort("time").select("time", "given")
    kept: list[dict[str, float]] = []
    place = (-1e9, -1e9)
    for row in rows.iter_rows(named=True):
        x, y = row["time"] / end * PLOT_WIDTH, row["given"] * PLOT_HEIGHT
        if max(abs(x - place[0]), abs(y - place[1])) >= _APART:
            kept.append(row)
            place = (x, y)
    mark = {"type": "point", "filled": False, "size": 22, "strokeWidth": 0.9, "clip": True}
    encoding = {"x": _X, "y": {"field": "given", "type": "quantitative"}}
    return layer({**mark, "color": colour, "opacity": 0.55}, kept, encoding)


def _line(group: Group) -> Spec:
    mark = {"type": "line", "interpolate": "step-after", "clip": True, "strokeWidth": 1.6}
    rows = [{"time": r["time"], "survival": r["survival"]} for r in group.curve.firm]
    encoding = {"x": _X, "y": {"field": "survival", "type": "quantitative"}}
    return layer({**mark, "color": group.colour, "strokeDash": group.dash}, rows, encoding)


def _hover(curves: pl.DataFrame, arm: object, group: Group, x_title: str) -> Spec:
    columns = ("time", "given", "reconstructed")
    rows = curves.filter(pl.col("arm") == arm).sort("time").select(columns)
    rows = rows.gather_every(max(1, rows.height // 120))
    tips = [
        tip("arm", "Arm"),
        tip("time", x_title, number=".3~f"),
        tip("given", "Read off", number=".1%"),
        tip("reconstructed", "Reconstructed", number=".1%"),
    ]
    mark = {"type": "point", "opacity": 0, "size": 90, "filled": True, "clip": True}
    y = {"field": "reconstructed", "type": "quantitative"}
    drawn = [{"arm": group.label, **row} for row in rows.iter_rows(named=True)]
    name = f"{HOVER}-{group.colour[1:]}"
    return layer(mark, drawn, {"x": _X, "y": y, "tooltip": tips}, name=name)


def _alt(
    curves: pl.DataFrame, risk_table: pl.DataFrame, order: Sequence[object], title: str
) -> str:
    parts = []
    for arm in order:
        mine = curves.filter(pl.col("arm") == arm)
        at_start = risk_table.filter(pl.col("arm") == arm).sort("time")["printed"][0]
        error = (mine["reconstructed"] - mine["given"]).abs().to_list()
        parts.append(
            f"{clean(str(arm))}: {at_start:,} patients, {mine.height:,} points, off by at most "
            f"{100 * max(error):.1f} percentage points"
        )
    start = f"Reconstructed curves, {title}. " if title else "Reconstructed curves. "
    return start + "; ".join(parts) + "."
