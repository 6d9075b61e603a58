"""The review's text: lines with references in double brackets, and no digit of their own.

``# id | Title`` a section, ``## id | Title`` a part, ``- `` an item, ``! Title | words`` a remark,
``{{figure name}}`` and ``{{table name}}`` what the program draws. ``[[reference]]`` inserts a
number, ``[@key]`` cites a document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ashworth.errors import DefinitionError
from ashworth.reports.living import (
    Block,
    Bullets,
    Heading,
    Inline,
    Line,
    Prose,
    Remark,
    Words,
)
from ashworth.workflows.review.record_book import RecordBook

TEXTS = Path(__file__).parent / "text"
_REFERENCE = re.compile(r"\[\[([^\]]+)\]\]|\[@([a-z0-9-]+)\]")
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9/-])\d"
    r"|\b(?i:five|six|seven|eight|nine|ten|eleven|twelve|fifteen|eighteen|twenty|dozen|half)\b"
)


@dataclass(frozen=True, slots=True)
class Maker:
    """What the program draws: blocks by name.

    Attributes
    ----------
    figures, tables : callables from a name to a block
    """

    figure: Callable[[str], Block]
    table: Callable[[str], Block]


def texts() -> tuple[Path, ...]:
    """The text files, in order of the review."""
    return tuple(sorted(TEXTS.glob("*.md")))


def loose_numbers(text: str) -> list[str]:
    """Lines with a digit, or a counting word from five on, outside a reference.

    Names such as HER2 or S0500 are no numbers.
    """
    return [
        line for line in text.splitlines() if _NUMBER.search(_REFERENCE.sub("", line))
        and not line.startswith("{{")
    ]  # fmt: skip


def blocks_of(text: str, book: RecordBook, maker: Maker) -> Iterator[Block]:
    """Turn a text into blocks.

    Raises
    ------
    DefinitionError
        A number of its own, a reference that nobody answers.
    """
    loose = loose_numbers(text)
    if loose:
        raise DefinitionError(f"review: a number without a record: {loose[0]}")
    for part in re.split(r"\n\s*\n", text.strip()):
        yield from _block(" ".join(part.split("\n")) if part[:1] not in "-" else part, book, maker)


def _block(part: str, book: RecordBook, maker: Maker) -> Iterator[Block]:
    if part.startswith("#"):
        marks, _, rest = part.partition(" ")
        id, _, title = rest.partition("|")
        yield Heading(id.strip(), title.strip(), 1 + len(marks))
    elif part.startswith("- "):
        items = re.split(r"\n- ", part[2:])
        yield Bullets(tuple(line_of(" ".join(i.split()), book) for i in items))
    elif part.startswith("! "):
        title, _, words = part[2:].partition("|")
        yield Remark(title.strip(), line_of(words.strip(), book))
    elif match := re.fullmatch(r"\{\{(figure|table) ([a-z0-9-]+)\}\}", part):
        yield (maker.figure if match[1] == "figure" else maker.table)(match[2])
    else:
        yield Prose(line_of(part, book))


def line_of(text: str, book: RecordBook) -> Line:
    """Fill the references of one line."""
    parts: list[Inline] = []
    last = 0
    for match in _REFERENCE.finditer(text):
        if match.start() > last:
            parts.append(Words(text[last : match.start()]))
        parts.append(book.number(match[1]) if match[1] else book.cite(match[2]))
        last = match.end()
    if last < len(text):
        parts.append(Words(text[last:]))
    return tuple(parts)
