"""Kaplan-Meier curves prepared for drawing: thinned to what a pixel shows, split where thin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

FEW = 10
"""A curve is drawn pale once fewer than 10 and under 10 % of its group are at risk."""

MANY_CENSORED = 400
COLUMNS_PER_PX = 2
HOVER_POINTS = 120

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DrawnCurve:
    """One group's rows for drawing.

    Attributes
    ----------
    firm, thin : list of dict
        Rows time, survival, lower, upper with enough and with few patients at risk.
    censored : list of dict
        Rows time, survival of the censor ticks.
    hover : list of dict
        Rows for tooltips.
    thin_from : float or None
        Time from which the curve is drawn pale.
    """

    firm: list[Row]
    thin: list[Row]
    censored: list[Row]
    hover: list[Row]
    thin_from: float | None


def drawn_curve(curve: pl.DataFrame, max_time: float, width: float) -> DrawnCurve:
    """Prepare one group's curve.

    Parameters
    ----------
    curve : polars.DataFrame
        Columns time, survival, lower, upper, at_risk, n_events, n_censored, sorted by time.
    max_time : float
        End of the time axis.
    width : float
        Width of the axis in px.

    Returns
    -------
    DrawnCurve
        At most two rows per px; every drawn value is one of the curve's own.

    Examples
    --------
    >>> curve = pl.DataFrame({"time": [0.0, 1.0, 2.0], "survival": [1.0, 0.5, 0.5],
    ...     "lower": [1.0, 0.1, 0.1], "upper": [1.0, 0.9, 0.9], "at_risk": [2, 2, 1],
    ...     "n_events": [0, 1, 0], "n_censored": [0, 0, 1]})
    >>> drawn_curve(curve, 2, 100).censored
    [{'time': 2.0, 'survival': 0.5}]
    """
    curve = _until(curve.sort("time"), max_time)
    split = _thin_from(curve)
    steps = _steps(curve, max_time / (width * COLUMNS_PER_PX))
    firm = steps if split is None else steps.filter(pl.col("time") <= split)
    thin = steps.clear() if split is None else steps.filter(pl.col("time") >= split)
    return DrawnCurve(
        _rows(firm), _rows(thin), _censored(curve, max_time, width), _hover(curve), split
    )


def _until(curve: pl.DataFrame, max_time: float) -> pl.DataFrame:
    """Cut at the end of the axis; a curve that goes on reaches that end."""
    kept = curve.filter(pl.col("time") <= max_time)
    if kept.height in (0, curve.height):
        return kept
    now = {"time": max_time, "n_events": 0, "n_censored": 0}
    at_risk = curve["at_risk"][kept.height]
    values = {**kept.row(-1, named=True), **now, "at_risk": at_risk}
    return kept.vstack(pl.DataFrame([values], schema=kept.schema))


def _thin_from(curve: pl.DataFrame) -> float | None:
    """Time after which few remain at risk: all later risk sets are small.

    A small risk set at the start, before late entries, does not count.
    """
    at_risk = curve["at_risk"].to_numpy()
    if len(at_risk) < 2:
        return None
    small = (at_risk[1:] < FEW) & (at_risk[1:] < 0.1 * at_risk.max())
    if not small[-1]:
        return None
    large = np.flatnonzero(~small)
    first = int(large[-1]) + 1 if len(large) else 0
    return float(curve["time"][first])


def _steps(curve: pl.DataFrame, column: float) -> pl.DataFrame:
    """Rows where the curve or its limits change, the last one in each column of the screen."""
    split = _thin_from(curve)
    last = curve.height - 1
    keep = (pl.col("n_events") > 0) | pl.int_range(pl.len()).is_in([0, last])
    if split is not None:
        keep |= pl.col("time") == split
    steps = curve.filter(keep)
    if steps.height <= 300 or column <= 0:
        return steps
    pinned = pl.int_range(pl.len()).is_in([0, steps.height - 1])
    if split is not None:
        pinned |= pl.col("time") == split
    cell = (pl.col("time") / column).floor().cast(pl.Int64)
    return steps.filter(pinned | (cell != cell.shift(-1)))


def _rows(steps: pl.DataFrame) -> list[Row]:
    limits = [pl.col(c).cast(pl.Float64).fill_nan(None) for c in ("survival", "lower", "upper")]
    return steps.select("time", *limits).to_dicts()


def _censored(curve: pl.DataFrame, max_time: float, width: float) -> list[Row]:
    """Censor ticks; when there are many, one for every 2 px at most."""
    ticks = curve.filter(pl.col("n_censored") > 0).select("time", "survival")
    if ticks.height > MANY_CENSORED:
        cell = (pl.col("time") / (2 * max_time / width)).floor().cast(pl.Int64)
        ticks = ticks.filter(cell != cell.shift(-1, fill_value=-1))
    return ticks.to_dicts()


def _hover(curve: pl.DataFrame) -> list[Row]:
    """At most 120 rows for tooltips, evenly spaced among the event times."""
    rows = curve.filter(pl.col("n_events") > 0)
    if rows.height > HOVER_POINTS:
        picks = np.unique(np.linspace(0, rows.height - 1, HOVER_POINTS).round().astype(int))
        rows = rows[picks.tolist()]
    return rows.select("time", "survival", "lower", "upper", "at_risk").to_dicts()
