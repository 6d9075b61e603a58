"""Reports: blocks in, one HTML file out that works offline and prints like a paper."""

from __future__ import annotations

import importlib

_HOMES = {
    "Callout": "blocks",
    "Column": "blocks",
    "Definitions": "blocks",
    "FigureBlock": "blocks",
    "GroupHeader": "blocks",
    "KeyFigure": "blocks",
    "KeyFigures": "blocks",
    "Paragraph": "blocks",
    "Reference": "blocks",
    "References": "blocks",
    "Report": "blocks",
    "Row": "blocks",
    "Section": "blocks",
    "Table": "blocks",
    "render_html": "html",
}

__all__ = [
    "Callout",
    "Column",
    "Definitions",
    "FigureBlock",
    "GroupHeader",
    "KeyFigure",
    "KeyFigures",
    "Paragraph",
    "Reference",
    "References",
    "Report",
    "Row",
    "Section",
    "Table",
    "render_html",
]


def __getattr__(name: str) -> object:
    """Import a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ashworth.reports' has no attribute '{name}'")
    return getattr(importlib.import_module(f"ashworth.reports.{_HOMES[name]}"), name)
