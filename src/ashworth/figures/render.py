"""Specifications to SVG and PNG, offline and with the same bytes each time."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING

from ashworth.errors import DefinitionError
from ashworth.figures.canvas import HOVER, Spec
from ashworth.figures.theme import FONT_FOLDER

if TYPE_CHECKING:
    from types import ModuleType

    from ashworth.figures.result import Figure

VEGA_LITE = "6.4"
"""Version of Vega-Lite that draws; pinned so that a newer vl-convert changes nothing."""

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_ID = re.compile(r'\bid="([^"]+)"')


@cache
def converter() -> ModuleType:
    """Return vl-convert with the shipped font registered."""
    import vl_convert

    vl_convert.register_font_directory(str(FONT_FOLDER))
    return vl_convert


def still(spec: Spec) -> Spec:
    """Return the specification without the layers that only carry tooltips.

    Examples
    --------
    >>> still({"layer": [{"name": "hover-curve"}, {"mark": "line"}]})
    {'layer': [{'mark': 'line'}]}
    """
    layers = spec.get("layer")
    if not isinstance(layers, list):
        return spec
    kept = [part for part in layers if not str(part.get("name", "")).startswith(HOVER)]
    return {**spec, "layer": kept}


def own_ids(svg: str, name: str) -> str:
    """Rename element ids in order of appearance and prefix them by the figure's name.

    Vega counts clip paths and gradients up over the life of the process; two figures on
    one page would share ids and two renderings of one figure would differ.

    Examples
    --------
    >>> own_ids('<g clip-path="url(#clip7)"/><clipPath id="clip7"/>', "km")
    '<g clip-path="url(#km-1)"/><clipPath id="km-1"/>'
    """
    found = dict.fromkeys(_ID.findall(svg))
    new = {old: f"{name}-{i}" for i, old in enumerate(found, 1)}

    def swap(match: re.Match[str]) -> str:
        return match[1] + new.get(match[2], match[2]) + match[3]

    svg = re.sub(r'(\bid=")([^"]+)(")', swap, svg)
    svg = re.sub(r"(url\(#)([^)]+)(\))", swap, svg)
    return re.sub(r'(href="#)([^"]+)(")', swap, svg)


def to_svg(figure: Figure) -> str:
    """Render one figure.

    Parameters
    ----------
    figure : Figure
        Its name must be lower-case letters, digits and hyphens.

    Returns
    -------
    str
        SVG with `<title>` and `<desc>`, no outside reference, ids prefixed by the name.

    Raises
    ------
    DefinitionError
        If the name cannot be a prefix of ids.
    """
    if not _NAME.fullmatch(figure.name):
        raise DefinitionError(
            f"figure name {figure.name!r}: allowed are lower-case letters, digits and hyphens, "
            "beginning with a letter"
        )
    text = json.dumps(still(figure.spec), ensure_ascii=False, allow_nan=False)
    return _described(own_ids(_drawn(text), figure.name), figure)


@lru_cache(maxsize=128)
def _drawn(spec: str) -> str:
    """Draw a specification; the report and the folder of figures need each one."""
    return converter().vegalite_to_svg(json.loads(spec), vl_version=VEGA_LITE, allowed_base_urls=[])


def _described(svg: str, figure: Figure) -> str:
    """Put the title and the description where screen readers look for them."""
    svg = re.sub(r' (role="graphics-[a-z]+"|aria-roledescription="[^"]*")', "", svg)
    head, rest = svg.split(">", 1)
    head = head.replace('class="marks"', 'class="figure"')
    ids = f"{figure.name}-title {figure.name}-desc"
    words = (
        f'<title id="{figure.name}-title">{escape(figure.title)}</title>'
        f'<desc id="{figure.name}-desc">{escape(figure.alt)}</desc>'
    )
    return f'{head} role="img" aria-labelledby="{ids}">{words}{rest}\n'


def to_png(figure: Figure, scale: float = 2) -> bytes:
    """Render as PNG from the SVG, `scale` device pixels per px."""
    return converter().svg_to_png(to_svg(figure), scale=scale)
