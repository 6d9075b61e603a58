"""The table under a Kaplan-Meier plot, each number under its tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from ashworth.figures import theme
from ashworth.figures.canvas import Text
from ashworth.figures.typesetting import shorten

LEFT = 78
ROW = 16
GAP = 6
KEY = 26
"""Room in px for a sample of the group's line before its name."""

ROWS = (("At risk", "at_risk"), ("Censored", "n_censored"), ("Events", "n_events"))


def table_height(groups: int, rows: int = len(ROWS)) -> float:
    """Height in px of the table for so many groups of so many rows."""
    return groups * (ROW * (rows + 1) + GAP)


def key_lines(groups: int, top: float, rows: int = len(ROWS)) -> list[dict[str, float]]:
    """Samples of the groups' lines before their names, from (x, y) to (x2, y2) in px."""
    heights = [top + i * (ROW * (rows + 1) + GAP) - 4 for i in range(groups)]
    return [{"x": 4 - LEFT, "y": y, "x2": KEY - 2 - LEFT, "y2": y} for y in heights]


def risk_table_texts(
    risk_table: pl.DataFrame,
    names: Mapping[object, str],
    ticks: Sequence[float],
    end: float,
    top: float,
    rows: Sequence[tuple[str, str]] = ROWS,
) -> list[Text]:
    """Texts of the table, in px from the plot's top left corner.

    Parameters
    ----------
    risk_table : polars.DataFrame
        Columns group, time, and those of `rows`.
    names : mapping
        Group to printed label, in printing order.
    ticks : sequence of float
        Times that get a column.
    end : float
        End of the time axis.
    top : float
        Baseline of the first row.
    rows : sequence of (str, str)
        Printed name and column of each row.

    Returns
    -------
    list of Text
        For each group its name and its rows.

    Examples
    --------
    >>> risk = pl.DataFrame({"group": ["a"], "time": [0.0], "at_risk": [1234],
    ...     "n_censored": [0], "n_events": [0]})
    >>> [t.text for t in risk_table_texts(risk, {"a": "A"}, [0.0], 5, 0)]
    ['A', 'At risk', '1,234', 'Censored', '0', 'Events', '0']
    """
    width = theme.WIDTH - LEFT - 20
    texts: list[Text] = []
    y = top
    for group, label in names.items():
        name = shorten(label, theme.WIDTH - 16 - KEY, bold=True)
        texts.append(Text(4 - LEFT + KEY, y, name, bold=True))
        found = {r["time"]: r for r in risk_table.filter(pl.col("group") == group).to_dicts()}
        for i, (words, column) in enumerate(rows, 1):
            texts.append(Text(4 - LEFT, y + ROW * i, words))
            texts += [
                Text(width * t / end, y + ROW * i, f"{found[t][column]:,}", "center")
                for t in ticks
                if t in found
            ]
        y += ROW * (len(rows) + 1) + GAP
    return texts
