"""What a fetch is asked, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ashworth.version import __version__

Progress = Callable[[str, int, int], None]


def silent(label: str, done: int, total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class FetchQuery:
    """What to ask a registry for.

    Attributes
    ----------
    term : str
        Words anywhere in the record.
    condition : str
        Words about the disease.
    """

    term: str = ""
    condition: str = ""

    def to_dict(self) -> dict[str, str]:
        """The query without what is empty."""
        return {k: v for k, v in (("term", self.term), ("condition", self.condition)) if v}


@dataclass(frozen=True, slots=True)
class FetchResult:
    """A registry read to its end.

    Attributes
    ----------
    folder : Path
    manifest : dict
        As it stands in the folder.
    requests, repeats : int
    from_cache, resumed_files : int
        Files that were not asked for again: of a finished fetch, of one that was interrupted.
    """

    folder: Path
    manifest: Mapping[str, Any]
    requests: int
    repeats: int
    from_cache: int = 0
    resumed_files: int = 0


def head_of(
    source: str, base: str, query: FetchQuery, page_size: int, begun: datetime, data: str | None
) -> dict[str, Any]:
    """What a manifest says before the first page."""
    return {
        "ashworth_fetch": 1, "source": source, "base": base, "query": query.to_dict(),
        "page_size": page_size, "software": __version__, "begun": stamp(begun),
        "data_before": data,
    }  # fmt: skip


def stamp(moment: datetime) -> str:
    """An hour in UTC, to the second."""
    return moment.isoformat(timespec="seconds")
