"""A living document as PDF by Typst: every number links to its note at the end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from ashworth.errors import InputError, Problem
from ashworth.figures.theme import FONT_FOLDER
from ashworth.figures.typesetting import clean
from ashworth.reports.living import (
    Block,
    Bullets,
    Cited,
    Grid,
    Heading,
    Inline,
    Line,
    LivingDocument,
    Picture,
    Prose,
    Remark,
    Sourced,
)
from ashworth.reports.living_html import numbers_of, tidy

_HEAD = """#set document(title: {title}, date: none)
#set page(paper: "a4", margin: (x: 22mm, y: 24mm), numbering: "1")
#set text(font: "Ashworth Sans", size: 10pt, lang: "en", region: "GB", hyphenate: true)
#set par(justify: false, leading: 0.62em)
#show heading: set block(above: 1.3em, below: 0.7em)
#show link: underline
#show figure: set block(breakable: false)
#show figure.where(kind: table): set block(breakable: true)
"""


def render_living_pdf(document: LivingDocument) -> bytes:
    """Render a document as PDF; the same document gives the same bytes.

    Raises
    ------
    InputError
        Where the package typst is not installed.
    """
    try:
        import typst
    except ImportError:
        raise InputError(
            [Problem("pdf", None, None, "no package 'typst'", "it installed",
                     "install ashworth[pdf], or leave the PDF away")]
        ) from None  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for block in document.blocks:
            if isinstance(block, Picture):
                svg = block.figure.svg()
                (folder / f"{block.figure.name}.svg").write_text(svg, encoding="utf-8")
        source = folder / "review.typ"
        source.write_text(typst_source(document), encoding="utf-8")
        return bytes(
            typst.compile(str(source), root=name, font_paths=[str(FONT_FOLDER)],
                          ignore_system_fonts=True)
        )  # fmt: skip


def typst_source(document: LivingDocument) -> str:
    """Write a document as Typst text.

    Examples
    --------
    >>> source = typst_source(LivingDocument("x", (), (), (Heading("a", "A part"),), ()))
    >>> '= #("A part")' in source
    True
    """
    letters = numbers_of(document)
    parts = [
        _HEAD.format(title=_quoted(document.title)),
        f"#text(size: 18pt, weight: 600)[#({_quoted(document.title)})]\n",
        _line(document.subtitle), "\n", f"#emph[{_line(document.notice)}]\n",
        *(_block(block, letters) for block in document.blocks),
        *_references(document), *_notes(document),
    ]  # fmt: skip
    return "\n".join(parts)


def _quoted(text: str) -> str:
    """A Typst string; no markup inside it has a meaning."""
    return '"' + tidy(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _inline(part: Inline) -> str:
    words = f"#({_quoted(part.text)})"
    if isinstance(part, Sourced):
        return f"#link(<source-{part.source.id}>)[{words}]"
    if isinstance(part, Cited):
        return f"#link(<ref-{part.key}>)[{words}]"
    return words


def _line(line: Line) -> str:
    return "".join(_inline(part) for part in line)


def _block(block: Block, letters: dict[str, str]) -> str:
    if isinstance(block, Heading):
        return f"{'=' * (block.level - 1)} #({_quoted(block.text)})\n"
    if isinstance(block, Prose):
        return f"{_line(block.line)}\n"
    if isinstance(block, Bullets):
        return "\n".join(f"- {_line(item)}" for item in block.items) + "\n"
    if isinstance(block, Remark):
        words = f"#strong[#({_quoted(block.title)})] {_line(block.line)}"
        return f"#block(fill: luma(240), inset: 8pt, width: 100%)[{words}]\n"
    if isinstance(block, Picture):
        return _picture(block, letters)
    return _grid(block, letters)


def _picture(block: Picture, letters: dict[str, str]) -> str:
    alt = _quoted(block.figure.alt)
    image = f'image("{block.figure.name}.svg", width: 100%, alt: {alt})'
    caption = f"*Figure {letters[block.figure.name]}.* {_line(block.caption)}"
    source = f'#link(<source-{block.source.id}>)[#("How it was made")]'
    return f"#figure({image}, numbering: none, caption: [{caption} {source}])\n"


def _grid(block: Grid, letters: dict[str, str]) -> str:
    heads = ", ".join(f"[#strong[#({_quoted(c)})]]" for c in block.columns)
    cells = ",\n".join(", ".join(f"[{_line(cell)}]" for cell in row) for row in block.rows)
    widths = ", ".join("1fr" for _ in block.columns)
    return (
        f"*Table {letters[block.id]}.* {_line(block.caption)}\n\n"
        f"#text(size: 8pt)[#table(columns: ({widths}), stroke: 0.4pt + luma(180), "
        f"table.header({heads}),\n{cells})]\n"
    )


def _references(document: LivingDocument) -> Iterator[str]:
    yield "= References\n"
    for item in document.citations:
        link = f"https://doi.org/{item.doi}" if item.doi else item.url
        tail = f" #link({_quoted(link)})[#({_quoted(clean(link))})]" if link else ""
        yield f"#block[#({_quoted(item.text)}){tail}] <ref-{item.key}>\n"


def _notes(document: LivingDocument) -> Iterator[str]:
    yield "= Sources of the numbers\n"
    for source in document.sources():
        facts = "; ".join(f"{name}: {value}" for name, value in source.facts)
        words = f"#strong[#({_quoted(source.title)})] #({_quoted(facts)})"
        yield f"#block[#text(size: 8pt)[{words}]] <source-{source.id}>\n"
