"""What the commands print."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

Progress = Callable[[str, int, int], None]


def show_json(document: Any) -> None:
    """Print a document as JSON to standard output."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def show_lines(lines: Iterable[str]) -> None:
    """Print lines to standard output."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


@contextmanager
def steps_shown(*, quiet: bool) -> Iterator[Progress]:
    """Show the current step and a bar on standard error; nothing when quiet or not a terminal."""
    shown = not quiet and sys.stderr.isatty()

    def progress(label: str, done: int, total: int) -> None:
        if shown:
            bar = "█" * round(20 * done / total) + "░" * (20 - round(20 * done / total))
            sys.stderr.write(f"\r\x1b[K{bar} {done}/{total} {label}")
            sys.stderr.flush()

    try:
        yield progress
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
