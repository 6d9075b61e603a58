"""Report to one HTML file that works offline."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ashworth.errors import DefinitionError
from ashworth.figures.render import VEGA_LITE, converter
from ashworth.figures.theme import FONT_FOLDER
from ashworth.figures.typesetting import clean
from ashworth.reports.blocks import (
    RESEARCH_USE,
    Block,
    FigureBlock,
    Report,
    Row,
    Section,
    Table,
    figures_of,
    tables_of,
)
from ashworth.reports.tables import SHORT, decimal_widths, split_number
from ashworth.version import __version__

if TYPE_CHECKING:
    import jinja2

ASSETS = Path(__file__).parent / "assets"
_ID = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Numbers of tables and figures by the identity of their blocks."""

    tables: dict[int, int]
    figures: dict[int, int]


def render_html(report: Report) -> str:
    """Render a report as one HTML file.

    Parameters
    ----------
    report : Report
        Sections with blocks; ids of sections and names of figures must be unique.

    Returns
    -------
    str
        HTML with fonts, styles, figures and the chart library inside; the same report gives
        the same text. No request leaves the file (a content security policy forbids it).

    Raises
    ------
    DefinitionError
        If ids or names of figures are malformed or not unique, or a row has too few or many
        cells.

    Examples
    --------
    >>> from ashworth.reports import Paragraph, Report, Section
    >>> page = render_html(Report("A study", "", (Section("Aim", "aim", (Paragraph("x"),)),)))
    >>> "Research use only" in page
    True
    """
    figures = figures_of(report.blocks)
    _check_ids(report, figures)
    _check_tables(tables_of(report.blocks))
    live = [f for f in figures if f.explore]
    page = page_template("report.html.j2").render(
        report=report,
        notices=(RESEARCH_USE, *report.notices),
        sections=_contents(report.blocks),
        numbers=_numbered(report.blocks),
        css=house_style(),
        script=(ASSETS / "explore.js").read_text("utf-8") if live else "",
        bundle=_bundle() if live else "",
        version=__version__,
        picture=_picture,
        identity=id,
        decimal_widths=decimal_widths,
        short=SHORT,
    )
    return page if page.endswith("\n") else page + "\n"


def _check_ids(report: Report, figures: Sequence[FigureBlock]) -> None:
    ids = [f.figure.name for f in figures] + [s.id for s in _sections(report.blocks)]
    wrong = sorted({i for i in ids if not _ID.fullmatch(i) or ids.count(i) > 1})
    if wrong:
        raise DefinitionError(
            f"report {report.title!r}: ids of sections and names of figures must be unique and "
            f"made of lower-case letters, digits and hyphens; found {wrong}"
        )


def _sections(blocks: Sequence[Block]) -> Iterator[Section]:
    for block in blocks:
        if isinstance(block, Section):
            yield block
            yield from _sections(block.blocks)


def _contents(sections: Sequence[Section]) -> list[tuple[Section, list[Section]]]:
    """Sections with their direct subsections, for the contents list."""
    return [(s, [b for b in s.blocks if isinstance(b, Section)]) for s in sections]


def _numbered(blocks: Sequence[Block]) -> _Numbers:
    """Count tables and figures in order of appearance."""
    return _Numbers(
        {id(table): i for i, table in enumerate(tables_of(blocks), 1)},
        {id(figure): i for i, figure in enumerate(figures_of(blocks), 1)},
    )


def _check_tables(tables: Sequence[Table]) -> None:
    for table in tables:
        lengths = {len(row.cells) for row in table.rows if isinstance(row, Row)}
        if lengths - {len(table.columns)}:
            raise DefinitionError(
                f"table {table.caption!r} has {len(table.columns)} columns and rows of "
                f"{sorted(lengths)} cells; give each row one cell for each column"
            )


@cache
def house_style() -> str:
    """Style sheet with the fonts inside."""
    faces = []
    for file, weight, style in (
        ("Regular", 400, "normal"),
        ("Semibold", 600, "normal"),
        ("Italic", 400, "italic"),
    ):
        data = base64.b64encode((FONT_FOLDER / f"AshworthSans-{file}.woff2").read_bytes())
        faces.append(
            f'@font-face{{font-family:"Ashworth Sans";font-weight:{weight};font-style:{style};'
            f'src:url(data:font/woff2;base64,{data.decode()}) format("woff2")}}'
        )
    return "\n".join([*faces, (ASSETS / "report.css").read_text("utf-8")])


@cache
def _bundle() -> str:
    """Chart library as text; it is neither parsed nor run before a reader asks for it."""
    code = converter().javascript_bundle(vl_version=VEGA_LITE)
    return re.sub(r"<(?=/script|!--|script)", r"\\x3c", code, flags=re.IGNORECASE)


def _json(value: object) -> str:
    """JSON that may stand inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _kind(block: Block) -> str:
    return type(block).__name__


def _picture(block: FigureBlock) -> str:
    """SVG of a figure, with the description that the block asks for."""
    figure = replace(block.figure, alt=clean(block.alt)) if block.alt else block.figure
    return figure.svg().strip()


@cache
def page_template(name: str, **filters: Callable[[str], str]) -> jinja2.Template:
    """Template of the assets folder by name, with further filters; what it prints is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(kind=_kind, json=_json, clean=clean, number=split_number)
    environment.filters.update(filters)
    return environment.get_template(name)
