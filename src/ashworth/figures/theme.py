"""Look of every figure: size, type, and colours that also differ in grey and in dash.

The figure is as wide as the text of a printed A4 page (640 px of 1/96 inch, 169 mm), so a
12 px letter is 9 pt on paper.
"""

from __future__ import annotations

from pathlib import Path

WIDTH = 640
"""Width of every figure in px (1/96 inch)."""

FONT_FAMILY = "Ashworth Sans"
FONT_STACK = "Ashworth Sans, Arial, sans-serif"
FONT_FOLDER = Path(__file__).parent / "fonts"

TEXT_SIZE = 12
TITLE_SIZE = 14

INK = "#1a1a1a"
MUTED = "#595959"
AXIS = "#7a7a7a"
HAIRLINE = "#d9d9d9"
GRID = "#ececec"
FILL = "#f4f6f8"

PALETTE = ("#0b3c6f", "#d1602d", "#4f9d9a", "#8c5a9e", "#b58a00")
"""One colour per group; their lightness differs too (25 to 60 of 100)."""

DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4])
"""Dash pattern per group, so that the groups differ on a black and white printer."""

SEQUENCE = ("#d6dee8", "#9fb6cf", "#5f87b0", "#0b3c6f")
"""Light to dark, for ordered categories."""

SIMULATED = "Simulated data"


def config() -> dict[str, object]:
    """Vega-Lite configuration shared by all figures.

    Returns
    -------
    dict
        The ``config`` block of a specification.

    Examples
    --------
    >>> config()["axis"]["labelFontSize"]
    12
    """
    return {
        "font": FONT_STACK,
        "aria": False,
        "view": {"stroke": None},
        "axis": {
            "grid": False,
            "domainColor": AXIS,
            "tickColor": AXIS,
            "tickSize": 4,
            "labelColor": INK,
            "labelFontSize": TEXT_SIZE,
            "labelFlush": False,
            "labelOverlap": False,
            "titleColor": INK,
            "titleFontSize": TEXT_SIZE,
            "titleFontWeight": "normal",
        },
    }
