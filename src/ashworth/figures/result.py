"""The one result type of the room: a figure with its specification and its data."""

from __future__ import annotations

import json
from dataclasses import dataclass

import polars as pl

from ashworth.figures.canvas import Spec
from ashworth.version import __version__


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: Vega-Lite specification, the numbers drawn, and words for who cannot see it.

    Attributes
    ----------
    name : str
        File name and prefix of element ids: lower-case letters, digits, hyphens.
    title : str
        Short title.
    alt : str
        What the figure shows, in a sentence or two.
    spec : dict
        Vega-Lite 6 specification with its data inside.
    data : polars.DataFrame
        The table that was drawn.
    version : str
        Version of the package.
    """

    name: str
    title: str
    alt: str
    spec: Spec
    data: pl.DataFrame
    version: str = __version__

    def table(self) -> pl.DataFrame:
        """Return the numbers that were drawn."""
        return self.data

    def svg(self) -> str:
        """Render as SVG text; the same figure gives the same bytes."""
        from ashworth.figures.render import to_svg

        return to_svg(self)

    def png(self, scale: float = 2) -> bytes:
        """Render as PNG, `scale` device pixels per px."""
        from ashworth.figures.render import to_png

        return to_png(self, scale)

    def json(self) -> str:
        """Return the specification as JSON text with a final line feed."""
        return json.dumps(self.spec, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
