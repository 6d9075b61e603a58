"""Settings files whose meaning lies in the number of the line and the column of the text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from ashworth.errors import Problem
from ashworth.imaging.readers.directory import read_lines

MOST = 100_000
_NUMBER = re.compile(r"(\d+(?:[.,]\d+)?)\D*$")
_REMEDY = "copy the settings file again from the instrument"


@dataclass(frozen=True, slots=True)
class FixedLines:
    """A settings file; what cannot be read is added to `problems`.

    Attributes
    ----------
    name : str
    lines : list of str
    problems : list of Problem
    """

    name: str
    lines: list[str]
    problems: list[Problem] = field(default_factory=list)

    def text(self, line: int, start: int) -> str:
        """Text of a line from a character on, both counted from 1; "" beyond the end."""
        return self.lines[line - 1][start - 1 :].strip() if line <= len(self.lines) else ""

    def whole(self, line: int, start: int, what: str) -> int:
        """Whole number from 1 on a line."""
        text = self.text(line, start)
        if text.isdecimal() and 1 <= int(text) <= MOST:
            return int(text)
        self._complain(line, what, f"a whole number from 1 to {MOST} after character {start - 1}")
        return 1

    def last_number(self, line: int, what: str) -> float:
        """Last number on a line, with decimal point or comma."""
        match = _NUMBER.search(self.text(line, 1))
        value = float(match[1].replace(",", ".")) if match else 0.0
        if not 0 < value <= MOST:
            self._complain(line, what, "a number above 0 at the end of the line")
        return value

    def _complain(self, line: int, what: str, allowed: str) -> None:
        """Note a line that does not say what it should."""
        found = repr(self.lines[line - 1][:120]) if line <= len(self.lines) else "no such line"
        self.problems.append(Problem(self.name, line, what, found, allowed, _REMEDY))


def fixed_lines(path: Path) -> FixedLines:
    """Read a settings file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    return FixedLines(path.name, read_lines(path))
