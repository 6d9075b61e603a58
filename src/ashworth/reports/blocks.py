"""What a report is made of: blocks that carry words, numbers, tables and figures.

All texts are plain text and are escaped when rendered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ashworth.figures.result import Figure

Align = Literal["left", "center", "right", "decimal"]
CalloutKind = Literal["note", "caution", "simulated"]

RESEARCH_USE = "Research use only. Not a medical device."


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; `lead` words are printed bold before it."""

    text: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One number of the summary: its name, the number, and what belongs to it."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """A row of key figures."""

    items: tuple[KeyFigure, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column.

    Attributes
    ----------
    label : str
        Heading.
    align : {"left", "center", "right", "decimal"}
        "decimal" puts the first decimal points of all rows below one another.
    unit : str
        Unit or kind of the numbers, printed under the heading.
    """

    label: str
    align: Align = "right"
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A table's row; the first cell is the row's heading.

    Attributes
    ----------
    cells : tuple of str
        One for each column.
    indent : int
        Steps by which the first cell is moved in.
    bold : bool
        Print in semibold.
    """

    cells: tuple[str, ...]
    indent: int = 0
    bold: bool = False


@dataclass(frozen=True, slots=True)
class GroupHeader:
    """A line inside a table that names the rows below it."""

    label: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption above and notes below; its number is given when rendered.

    Attributes
    ----------
    columns : tuple of Column
        Columns from left to right.
    rows : tuple of Row or GroupHeader
        Rows from top to bottom.
    caption : str
        What the table shows.
    notes : tuple of str
        Footnotes.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row | GroupHeader, ...]
    caption: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FigureBlock:
    """A figure with its caption; its number is given when rendered.

    Attributes
    ----------
    figure : Figure
        The figure; its name must be the only one of that name in the report.
    caption : str
        What the figure shows.
    alt : str
        Description for screen readers; the figure's own when empty.
    explore : bool
        Offer the interactive chart.
    """

    figure: Figure
    caption: str
    alt: str = ""
    explore: bool = True


@dataclass(frozen=True, slots=True)
class Callout:
    """A remark that must not be overlooked."""

    kind: CalloutKind
    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Definitions:
    """Terms with what they mean in this report."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of the reference list; `doi` without its address becomes a link."""

    text: str
    doi: str = ""


@dataclass(frozen=True, slots=True)
class References:
    """Numbered reference list."""

    items: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A section or, inside another one, a subsection.

    Attributes
    ----------
    title : str
        Heading.
    id : str
        Anchor: lower-case letters, digits, hyphens; unique in the report.
    blocks : tuple of blocks
        Contents from top to bottom.
    """

    title: str
    id: str
    blocks: tuple[Block, ...]


Block = Paragraph | KeyFigures | Table | FigureBlock | Callout | Definitions | References | Section


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report.

    Attributes
    ----------
    title, subtitle : str
        Heading and the line below it.
    blocks : tuple of Section
        Sections from top to bottom.
    notices : tuple of str
        Further notices after "Research use only. Not a medical device.", which is always there.
    meta : tuple of (str, str)
        Study facts printed in the header.
    simulated : bool
        Print the banner "Simulated data".
    """

    title: str
    subtitle: str
    blocks: tuple[Section, ...]
    notices: tuple[str, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    simulated: bool = False


def tables_of(blocks: Sequence[Block]) -> list[Table]:
    """All tables in order of appearance."""
    found: list[Table] = []
    for block in blocks:
        if isinstance(block, Table):
            found.append(block)
        elif isinstance(block, Section):
            found += tables_of(block.blocks)
    return found


def figures_of(blocks: Sequence[Block]) -> list[FigureBlock]:
    """All figures in order of appearance.

    Examples
    --------
    >>> figures_of([Section("Results", "results", (Paragraph("none"),))])
    []
    """
    found: list[FigureBlock] = []
    for block in blocks:
        if isinstance(block, FigureBlock):
            found.append(block)
        elif isinstance(block, Section):
            found += figures_of(block.blocks)
    return found
