"""The picture of the page of evidence questions is the one its example makes."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from .blocks import blocks_of

DOCS = Path(__file__).parents[2] / "docs"
PICTURE = DOCS / "images" / "evidence-early-os.svg"


def made() -> str:
    """Run the page's examples up to the figure."""
    space: dict = {}
    for block in blocks_of(DOCS / "explanation" / "evidence-questions.md"):
        if block.language == "python" and "figure" not in space:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(block.text, space)
    return space["figure"].svg()


def test_the_picture_is_made_by_the_example():
    assert PICTURE.read_text(encoding="utf-8") == made(), "write made() to the picture again"
