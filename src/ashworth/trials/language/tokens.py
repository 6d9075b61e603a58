"""Text to tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ashworth.trials.language.syntax import ExpressionError, Span
from ashworth.trials.language.units import UNITS

WORDS = frozenset(
    ("and", "or", "not", "in", "if", "then", "else", "true", "false", "unknown")
)  # fmt: skip
_UNITS = "|".join(re.escape(u) for u in sorted(UNITS, key=len, reverse=True) if u != "1")
_PATTERN = re.compile(
    rf"""\s*(?:
      (?P<date>\d{{4}}-\d\d-\d\d(?![\w-]))
    | (?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)(?:\s*(?P<unit>{_UNITS})(?![\w/]))?
    | (?P<text>'[^'\n]*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<symbol><=|>=|==|!=|<|>|[-+*/(),\[\]])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an expression; `unit` only beside a number."""

    kind: str
    text: str
    span: Span
    unit: str | None = None


def tokenise(text: str) -> Iterator[Token]:
    """Yield the tokens of an expression, and an `end` token."""
    position, length = 0, len(text.rstrip())
    while position < length:
        match = _PATTERN.match(text, position)
        if match is None:
            raise _stray(text, position)
        kind = match.lastgroup if match.lastgroup != "unit" else "number"
        assert kind is not None
        word = match.group(kind)
        span = Span(match.start(kind), match.end())
        kind = "word" if kind == "name" and word in WORDS else kind
        yield Token(kind, word, span, match.group("unit"))
        position = match.end()
    yield Token("end", "the end", Span(length, length))


def _stray(text: str, position: int) -> ExpressionError:
    position += len(text[position:]) - len(text[position:].lstrip())
    found = text[position]
    remedy = {
        "=": "compare with ==",
        '"': "put text into single quotes",
        "'": "close the text with a single quote",
        "&": "write 'and'",
        "|": "write 'or'",
        "!": "write 'not'",
    }.get(found, "remove it")
    span = Span(position, position + 1)
    return ExpressionError(span, f"'{found}'", "the signs of the protocol language", remedy)
