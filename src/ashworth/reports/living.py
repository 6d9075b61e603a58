"""A document whose every number opens to its source: words, sourced numbers, figures, tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ashworth.figures.result import Figure


@dataclass(frozen=True, slots=True)
class Source:
    """What stands behind a number.

    Attributes
    ----------
    id : str
        Unique: lower-case letters, digits, hyphens.
    title : str
        What the number is.
    facts : tuple of (str, str)
        Origin, interval, denominator, document, verdict of the checks.
    """

    id: str
    title: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Words:
    """Plain words: no number in them."""

    text: str


@dataclass(frozen=True, slots=True)
class Sourced:
    """Words with a number, which open to their source."""

    text: str
    source: Source


@dataclass(frozen=True, slots=True)
class Cited:
    """A document of the reference list."""

    key: str
    text: str


Inline = Words | Sourced | Cited
Line = tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; `level` 2 is a section, 3 a part of it."""

    id: str
    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph."""

    line: Line


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """A paragraph that must not be overlooked, such as sources that contradict each other."""

    title: str
    line: Line


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with its caption; `source` says where its numbers come from."""

    figure: Figure
    caption: Line
    source: Source


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: headings, and rows of lines; the first cell names the row."""

    id: str
    caption: Line
    columns: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]


Block = Heading | Prose | Bullets | Remark | Picture | Grid


@dataclass(frozen=True, slots=True)
class Citation:
    """One entry of the reference list."""

    key: str
    text: str
    doi: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class LivingDocument:
    """The whole document.

    Attributes
    ----------
    title : str
    subtitle, notice : Line
    blocks : tuple of Block
    citations : tuple of Citation
    """

    title: str
    subtitle: Line
    notice: Line
    blocks: tuple[Block, ...]
    citations: tuple[Citation, ...]

    def lines(self) -> Iterator[Line]:
        """Every line of words, in order."""
        yield self.subtitle
        yield self.notice
        for block in self.blocks:
            yield from _lines(block)

    def sources(self) -> tuple[Source, ...]:
        """Every source once, in order of appearance."""
        found: dict[str, Source] = {}
        for line in self.lines():
            for part in line:
                if isinstance(part, Sourced):
                    found.setdefault(part.source.id, part.source)
        for block in self.blocks:
            if isinstance(block, Picture):
                found.setdefault(block.source.id, block.source)
        return tuple(found.values())


def _lines(block: Block) -> Iterator[Line]:
    if isinstance(block, (Prose, Remark)):
        yield block.line
    elif isinstance(block, Bullets):
        yield from block.items
    elif isinstance(block, Picture):
        yield block.caption
    elif isinstance(block, Grid):
        yield block.caption
        for row in block.rows:
            yield from row


def plain(line: Sequence[Inline]) -> str:
    """The words of a line."""
    return "".join(part.text for part in line)
