"""A living document as one HTML file: every number is a button that opens its source."""

from __future__ import annotations

import re
from pathlib import Path

from ashworth.figures.typesetting import clean
from ashworth.reports.html import house_style, page_template
from ashworth.reports.living import Grid, LivingDocument, Picture
from ashworth.version import __version__

ASSETS = Path(__file__).parent / "assets"


def render_living_html(document: LivingDocument) -> str:
    """Render a document; fonts, styles and figures are inside, no script, no request.

    The same document gives the same text.

    Examples
    --------
    >>> from ashworth.reports.living import LivingDocument, Prose, Words
    >>> page = render_living_html(LivingDocument("A review", (), (), (Prose((Words("x"),)),), ()))
    >>> "<h1>A review</h1>" in page
    True
    """
    page = page_template("living.html.j2", tidy=tidy, bare=_bare).render(
        document=document,
        css=house_style(),
        own_css=(ASSETS / "living.css").read_text(encoding="utf-8"),
        letters=numbers_of(document),
        version=__version__,
    )
    return page if page.endswith("\n") else page + "\n"


def numbers_of(document: LivingDocument) -> dict[str, str]:
    """Count figures and tables in order of appearance, by letters: no number without a source."""
    figures = [b.figure.name for b in document.blocks if isinstance(b, Picture)]
    tables = [b.id for b in document.blocks if isinstance(b, Grid)]
    return {name: letter(i) for names in (figures, tables) for i, name in enumerate(names)}


def letter(position: int) -> str:
    """A, B, ... Z, AA, AB, ...

    Examples
    --------
    >>> letter(0), letter(27)
    ('A', 'AB')
    """
    text = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        text = chr(65 + rest) + text
    return text


def tidy(text: str) -> str:
    """Clean text that keeps the spaces at its ends."""
    lead = " " if text[:1].isspace() else ""
    tail = " " if text[-1:].isspace() and text.strip() else ""
    return f"{lead}{clean(text)}{tail}"


def _bare(svg: str) -> str:
    """SVG for use inside HTML: no XML head."""
    return re.sub(r"^\s*<\?xml[^>]*\?>\s*", "", svg)
