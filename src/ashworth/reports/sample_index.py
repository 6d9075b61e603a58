"""The page that lists enumerated samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ashworth.reports.blocks import RESEARCH_USE
from ashworth.reports.gallery import CLASSES
from ashworth.reports.html import house_style, page_template
from ashworth.version import __version__


def sample_index(samples: Sequence[Mapping[str, Any]]) -> str:
    """Render the list of samples; it works offline and links to each sample's pages.

    Parameters
    ----------
    samples : sequence of mappings
        sample, outcome, reason, frames, counts (cells by call), simulated, pages (whether there
        are any), in the order of the page.

    Examples
    --------
    >>> row = {"sample": "A<1>", "outcome": "done", "reason": "", "frames": 35, "pages": True,
    ...        "counts": {"ctc": 7}, "simulated": False}
    >>> "A&lt;1&gt;" in sample_index([row])
    True
    """
    shown = [c for c in CLASSES if c != "not_evaluable"]
    page = page_template("sample_index.html.j2").render(
        samples=samples,
        simulated=sum(bool(s["simulated"]) for s in samples),
        classes=shown,
        labels=[CLASSES[c] for c in shown],
        css=house_style(),
        notice=RESEARCH_USE,
        version=__version__,
    )
    return page if page.endswith("\n") else page + "\n"
