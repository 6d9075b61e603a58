"""Widths of text in the shipped font; wrapping and shortening by them."""

from __future__ import annotations

import re
import struct
import unicodedata
from functools import cache

from ashworth.figures.theme import FONT_FOLDER, TEXT_SIZE

_WIDE = 1.05
"""Width in em of a letter that the shipped font lacks (a fallback font draws it)."""

ELLIPSIS = "…"


def clean(text: object) -> str:
    r"""One line of printable text: no control or direction-override characters, single spaces.

    Parameters
    ----------
    text : object
        Anything that came from the user's tables.

    Returns
    -------
    str
        Text that cannot break an SVG or HTML file once it is escaped there.

    Examples
    --------
    >>> clean("a\tb\x00 c\n")
    'a b c'
    """
    flat = re.sub(r"\s+", " ", str(text))
    kept = (c for c in flat if unicodedata.category(c) not in {"Cc", "Cs", "Cn", "Co"})
    return "".join(c for c in kept if c not in "\u202a\u202b\u202d\u202e\u202c").strip()


def _tables(font: bytes) -> dict[bytes, int]:
    count = struct.unpack(">H", font[4:6])[0]
    rows = (font[12 + 16 * i : 28 + 16 * i] for i in range(count))
    return {row[:4]: struct.unpack(">I", row[8:12])[0] for row in rows}


def _glyphs(font: bytes, cmap: int) -> dict[int, int]:
    """Map code points to glyphs (subtable format 4, without glyph arrays' gaps)."""
    offset = cmap + struct.unpack(">I", font[cmap + 8 : cmap + 12])[0]
    half = struct.unpack(">H", font[offset + 6 : offset + 8])[0] // 2
    start_of = offset + 14

    def column(k: int, code: str) -> tuple[int, ...]:
        first = start_of + 2 * half * k + (2 if k else 0)
        return struct.unpack(f">{half}{code}", font[first : first + 2 * half])

    ends, starts, deltas, ranges = column(0, "H"), column(1, "H"), column(2, "h"), column(3, "H")
    ranges_at = start_of + 2 * half * 3 + 2
    glyphs: dict[int, int] = {}
    for i, (end, start, delta, shift) in enumerate(zip(ends, starts, deltas, ranges, strict=True)):
        for code in range(start, min(end, 0xFFFE) + 1):
            glyph = code
            if shift:
                at = ranges_at + 2 * i + shift + 2 * (code - start)
                glyph = struct.unpack(">H", font[at : at + 2])[0]
            glyphs[code] = (glyph + delta) % 65536
    return glyphs


@cache
def _advances(weight: str) -> dict[int, float]:
    """Advance width in em per code point of the shipped font."""
    font = (FONT_FOLDER / f"AshworthSans-{weight}.ttf").read_bytes()
    at = _tables(font)
    em = struct.unpack(">H", font[at[b"head"] + 18 : at[b"head"] + 20])[0]
    known = struct.unpack(">H", font[at[b"hhea"] + 34 : at[b"hhea"] + 36])[0]
    pairs = struct.unpack(f">{2 * known}H", font[at[b"hmtx"] : at[b"hmtx"] + 4 * known])
    widths = pairs[::2]
    glyphs = _glyphs(font, at[b"cmap"])
    return {code: widths[min(g, known - 1)] / em for code, g in glyphs.items() if g}


def text_width(text: str, *, size: float = TEXT_SIZE, bold: bool = False) -> float:
    """Width of one line of text in px.

    Parameters
    ----------
    text : str
        One line.
    size : float
        Font size in px.
    bold : bool
        Semibold instead of regular.

    Returns
    -------
    float
        Width in px without kerning (which only makes it narrower).

    Examples
    --------
    >>> round(text_width("10", size=100), 1)
    99.4
    """
    advances = _advances("Semibold" if bold else "Regular")
    combining = (unicodedata.combining(c) != 0 for c in text)
    pairs = zip(text, combining, strict=True)
    return size * sum(0.0 if mark else advances.get(ord(c), _WIDE) for c, mark in pairs)


def shorten(text: str, width: float, *, size: float = TEXT_SIZE, bold: bool = False) -> str:
    """Cut a line at `width` px and mark the cut with an ellipsis.

    Examples
    --------
    >>> shorten("circulating tumour cells", 80)
    'circulating tu…'
    """
    text = clean(text)
    if text_width(text, size=size, bold=bold) <= width:
        return text
    room = width - text_width(ELLIPSIS, size=size, bold=bold)
    while text and text_width(text, size=size, bold=bold) > room:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS


def _parts(word: str, width: float, *, size: float, bold: bool) -> list[str]:
    """Cut a word into parts that fit on a line each."""
    parts = []
    while text_width(word, size=size, bold=bold) > width and len(word) > 1:
        end = 1
        while text_width(word[: end + 1], size=size, bold=bold) <= width:
            end += 1
        joint = max(word.rfind(sign, 0, end) for sign in "-/") + 1
        parts.append(word[: joint or end])
        word = word[joint or end :]
    return [*parts, word]


def wrap(
    text: str, width: float, *, size: float = TEXT_SIZE, bold: bool = False, max_lines: int = 6
) -> list[str]:
    """Break text into lines of at most `width` px; the last line is shortened if need be.

    A word that is wider than a line is broken too, after a hyphen or slash where it has one.

    Examples
    --------
    >>> wrap("no specimen at the first follow-up", 110)
    ['no specimen at the', 'first follow-up']
    """
    lines: list[str] = []
    line = ""
    words = clean(text).split(" ")
    for word in (part for whole in words for part in _parts(whole, width, size=size, bold=bold)):
        longer = f"{line} {word}".strip()
        if line and text_width(longer, size=size, bold=bold) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    lines.append(line)
    if len(lines) > max_lines:
        lines = [*lines[: max_lines - 1], " ".join(lines[max_lines - 1 :])]
    return [shorten(part, width, size=size, bold=bold) for part in lines]
