"""Fenced blocks of a Markdown page, with the comment that stands before each.

Comments that mean something:

- ``<!-- file: PATH -->`` before a block: its text is written to PATH (in the page's folder).
- ``<!-- edit: PATH -->``: its ``key = value`` lines replace those of the same key in PATH.
- ``<!-- output -->``: what the Python block before it prints.
- ``<!-- not run: REASON -->``: not executed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(
    r"^(?P<ticks>`{3,})(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=ticks)[ ]*$", re.M | re.S
)
COMMENT = re.compile(
    r"<!--\s*(?P<what>file|edit|output|not run)(?::\s*(?P<value>[^>]*?))?\s*-->\s*\Z"
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, text, line, and the comment before it."""

    language: str
    text: str
    line: int
    what: str
    value: str


def blocks_of(page: Path) -> list[Block]:
    """Find the blocks of a page, in order."""
    source = page.read_text(encoding="utf-8")
    found, end = [], 0
    for fence in FENCE.finditer(source):
        before = COMMENT.search(source[end : fence.start()])
        end = fence.end()
        found.append(
            Block(
                language=fence["info"].strip(),
                text=fence["text"],
                line=source.count("\n", 0, fence.start()) + 1,
                what=before["what"] if before else "",
                value=(before["value"] or "") if before else "",
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Call:
    """One command of a console block, the exit code it names and the output it shows."""

    command: str
    code: int
    shown: tuple[str, ...]


def calls_of(block: Block) -> list[Call]:
    """Split a console block at its ``$`` lines; ``# exit N`` after a command is its code."""
    calls: list[Call] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            command, _, note = line[2:].partition("  # ")
            code = re.fullmatch(r"exit (\d+)", note.strip())
            calls.append(Call(command.strip(), int(code[1]) if code else 0, ()))
        elif calls:
            last = calls[-1]
            calls[-1] = Call(last.command, last.code, (*last.shown, line.rstrip()))
        else:
            raise AssertionError(f"line {block.line}: a console block begins with '$ '")
    return calls


def shows(shown: tuple[str, ...], printed: str) -> bool:
    """Whether the printed text holds the shown lines in order; ``...`` stands for any text."""
    pattern = re.escape("\n".join(shown).strip("\n")).replace(re.escape("..."), ".*?")
    lines = "\n".join(line.rstrip() for line in printed.splitlines())
    return re.search(pattern, lines, re.S) is not None
