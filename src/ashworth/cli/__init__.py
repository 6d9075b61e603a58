"""The command line: parse, call one workflow, render."""

from __future__ import annotations

from ashworth.cli.main import main

__all__ = ["main"]
