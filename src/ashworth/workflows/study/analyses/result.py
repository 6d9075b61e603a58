"""What one requested analysis gives to the report and to the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from ashworth.reports.blocks import Block


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """A finished analysis.

    Attributes
    ----------
    title : str
        Heading of its section, unless the study file gives another.
    blocks : tuple of blocks
        Its section of the report, from top to bottom.
    tables : mapping of str to polars.DataFrame
        Tables to be written as ``<kind>_<name>``, sorted by key.
    methods : str
        One to three sentences for the section Methods: method, software's equation or reference,
        what was left out.
    """

    title: str
    blocks: tuple[Block, ...]
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    methods: str = ""


@dataclass(frozen=True, slots=True)
class FurtherAnalysis:
    """A requested analysis in its place: kind, anchor in the report, heading, result."""

    kind: str
    anchor: str
    title: str
    result: AnalysisResult

    @property
    def estimated(self) -> bool:
        """Whether it gave any numbers; else its section says why not."""
        return any(table.height for table in self.result.tables.values())
