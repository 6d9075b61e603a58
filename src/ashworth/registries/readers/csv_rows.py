"""Tables of registries as rows, whole or refused."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ashworth.errors import InputError, Problem

LONGEST_CELL = 10_000_000


@contextmanager
def long_cells() -> Iterator[None]:
    """Let cells be as long as a registry's texts; the limit is one for the whole program."""
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def rows_of(
    raw: bytes, file: str, needed: tuple[str, ...], *, separator: str = ","
) -> list[tuple[int, dict[str, str]]]:
    """Lines and cells of a table with a heading.

    Parameters
    ----------
    raw : bytes
        UTF-8, cells in double quotes where they hold separators or line ends.
    file : str
    needed : tuple of str
        Columns that must be there.
    separator : str

    Raises
    ------
    InputError
        Every fault of the table's form at once: bytes that are no UTF-8, columns that are missing
        or stand twice, rows that are too short or too long, a quotation mark never closed.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError([Problem(file, line, None, f"byte 0x{raw[error.start]:02x}",
                                  "text in UTF-8", "save the table as UTF-8")],
                         subject=file) from error  # fmt: skip
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    problems: list[Problem] = []
    found: list[tuple[int, dict[str, str]]] = []
    with long_cells():
        try:
            names = [name.strip() for name in next(reader, [])]
            absent = [name for name in needed if name not in names]
            problems += [Problem(file, 1, name, "no such column", ", ".join(needed),
                                 "add the column") for name in absent]  # fmt: skip
            twice = [name for name, n in Counter(names).items() if n > 1]
            problems += [Problem(file, 1, name, "twice in the heading", "each column once",
                                 "take one out") for name in twice]  # fmt: skip
            line = reader.line_num + 1
            for cells in reader:
                if len(cells) != len(names) and cells:
                    problems.append(Problem(file, line, None, f"{len(cells)} cells",
                                            f"{len(names)} cells", "correct the row"))  # fmt: skip
                elif cells:
                    found.append((line, dict(zip(names, map(str.strip, cells), strict=True))))
                line = reader.line_num + 1
        except csv.Error as error:
            problems.append(Problem(file, reader.line_num, None, str(error), "a whole table",
                                    "fetch the table anew"))  # fmt: skip
    if problems:
        raise InputError(problems, subject=file)
    return found
