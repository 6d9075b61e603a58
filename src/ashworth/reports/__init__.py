"""Reports: blocks in, one HTML file out that works offline and prints like a paper."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashworth.reports.blocks import (
        Callout as Callout,
    )
    from ashworth.reports.blocks import (
        Column as Column,
    )
    from ashworth.reports.blocks import (
        Definitions as Definitions,
    )
    from ashworth.reports.blocks import (
        FigureBlock as FigureBlock,
    )
    from ashworth.reports.blocks import (
        GroupHeader as GroupHeader,
    )
    from ashworth.reports.blocks import (
        KeyFigure as KeyFigure,
    )
    from ashworth.reports.blocks import (
        KeyFigures as KeyFigures,
    )
    from ashworth.reports.blocks import (
        Paragraph as Paragraph,
    )
    from ashworth.reports.blocks import (
        Reference as Reference,
    )
    from ashworth.reports.blocks import (
        References as References,
    )
    from ashworth.reports.blocks import (
        Report as Report,
    )
    from ashworth.reports.blocks import (
        Row as Row,
    )
    from ashworth.reports.blocks import (
        Section as Section,
    )
    from ashworth.reports.blocks import (
        Table as Table,
    )
    from ashworth.reports.gallery import gallery_page as gallery_page
    from ashworth.reports.html import render_html as render_html
    from ashworth.reports.sample_facts import SampleFacts as SampleFacts
    from ashworth.reports.sample_summary import SampleSummary as SampleSummary

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
    "SampleFacts": "sample_facts",
    "SampleSummary": "sample_summary",
    "Section": "blocks",
    "Table": "blocks",
    "gallery_page": "gallery",
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
    "SampleFacts",
    "SampleSummary",
    "Section",
    "Table",
    "gallery_page",
    "render_html",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ashworth.reports' has no attribute '{name}'")
    return getattr(importlib.import_module(f"ashworth.reports.{_HOMES[name]}"), name)
