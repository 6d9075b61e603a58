"""Survival curves that a model predicts for profiles of covariates."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ashworth.errors import EstimationError
from ashworth.figures import theme
from ashworth.figures.canvas import Text, feet_texts, sheet, text_layers
from ashworth.figures.kaplan_meier import MAX_GROUPS, curve_layers, frame_layers
from ashworth.figures.km_curves import DrawnCurve, drawn_curve
from ashworth.figures.km_panel import PLOT_HEIGHT, PLOT_WIDTH, RIGHT, Group, panel
from ashworth.figures.km_table import LEFT
from ashworth.figures.numbers import percent_limits
from ashworth.figures.result import Figure
from ashworth.figures.ticks import TimeUnit, time_ticks
from ashworth.figures.typesetting import clean, shorten

NOTE = (
    "Shaded: pointwise confidence limits. Pale: fewer than 10 and under 10% of the model's "
    "patients at risk."
)


def predicted_survival_figure(
    curves: pl.DataFrame,
    *,
    name: str,
    title: str,
    x_title: str,
    y_title: str,
    labels: Sequence[str] = (),
    time_unit: TimeUnit = "years",
    note: str = NOTE,
    alt: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Draw one to five predicted curves.

    Parameters
    ----------
    curves : polars.DataFrame
        Columns group (the profile's label), time, survival, lower, upper, at_risk (of the model's
        patients), n_events; one row per time. Profiles are drawn in order of appearance.
    name, title, x_title, y_title : str
        Name of the figure, its title, titles of the axes; " (%)" is added to `y_title`.
    labels : sequence of str
        Lines printed in the panel.
    time_unit : {"days", "weeks", "months", "years"}
        Unit of the times, for the ticks.
    note : str
        Small line under the axis.
    alt : str, optional
        Description; written from the numbers when absent.
    simulated : bool
        Print "Simulated data" in the figure.

    Returns
    -------
    Figure
        `data` is `curves`.

    Raises
    ------
    EstimationError
        With no profile or more than five.

    Examples
    --------
    >>> curves = pl.DataFrame({"group": ["grade 3"] * 2, "time": [0.0, 2.0], "survival": [1.0, 0.5],
    ...     "lower": [1.0, 0.3], "upper": [1.0, 0.8], "at_risk": [20.0, 9.0], "n_events": [0.0, 1]})
    >>> made = predicted_survival_figure(curves, name="p", title="OS", x_title="Years", y_title="")
    >>> made.alt
    'Predicted survival, OS. grade 3: 50.0% (30.0–80.0) at 2.'
    """
    order = curves["group"].unique(maintain_order=True).to_list()
    if not 1 <= len(order) <= MAX_GROUPS:
        raise EstimationError(f"a figure shows 1 to {MAX_GROUPS} profiles, found {len(order)}")
    end = float(curves["time"].to_numpy().max()) or 1.0
    looks = zip(order, theme.PALETTE, theme.DASHES, strict=False)
    groups = [Group(clean(g), c, d, _drawn(curves, g, end)) for g, c, d in looks]
    texts, rules, top = panel(groups, clean(title), labels, end)
    texts.append(Text(-44, PLOT_HEIGHT / 2, _percent(y_title), "center", angle=-90))
    ticks = time_ticks(end, time_unit)
    feet, last = feet_texts(PLOT_HEIGHT + 56, note, x=4 - LEFT, simulated=simulated)
    layers = [
        *frame_layers(end, ticks, shorten(x_title, PLOT_WIDTH)),
        *(part for g in groups for part in curve_layers(g, x_title)),
        *rules,
        *text_layers([*texts, *feet]),
    ]
    spec = sheet(layers, height=PLOT_HEIGHT, margins=(top, RIGHT, last - PLOT_HEIGHT, LEFT))
    return Figure(name, clean(title), alt or _alt(curves, order, clean(title)), spec, curves)


def _drawn(curves: pl.DataFrame, group: object, end: float) -> DrawnCurve:
    mine = curves.filter(pl.col("group") == group).with_columns(n_censored=pl.lit(0))
    return drawn_curve(mine, end, PLOT_WIDTH)


def _percent(title: str) -> str:
    title = shorten(title, PLOT_HEIGHT - 20)
    return title if "%" in title else f"{title} (%)"


def _alt(curves: pl.DataFrame, order: Sequence[object], title: str) -> str:
    """Describe the curves by their last values."""
    parts = []
    for group in order:
        last = curves.filter(pl.col("group") == group).sort("time").row(-1, named=True)
        words = percent_limits(last["survival"], last["lower"], last["upper"])
        parts.append(f"{clean(group)}: {words} at {last['time']:.4g}")
    start = f"Predicted survival, {title}. " if title else "Predicted survival. "
    return start + "; ".join(parts) + "."
