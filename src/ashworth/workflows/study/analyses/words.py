"""Words around estimates: what they warn of becomes a remark, who is left out a sentence."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

from ashworth.errors import AshworthWarning
from ashworth.figures.numbers import counted
from ashworth.reports import Callout
from ashworth.workflows.study.clock import AnalysisSet


def noted(estimate: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[Any, list[str]]:
    """Call an estimator; return its result and the package's warnings as sentences.

    Warnings of others go on as they are.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = estimate(*arguments, **options)
    for w in caught:
        if not issubclass(w.category, AshworthWarning):
            warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)
    said = [str(w.message) for w in caught if issubclass(w.category, AshworthWarning)]
    return result, said


def remarks(notes: Iterable[str]) -> list[Callout]:
    """Remarks, each once."""
    return [Callout("caution", sentence(note)) for note in dict.fromkeys(notes)]


def sentence(text: str) -> str:
    """Text as a sentence."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def left_out(analysis: AnalysisSet) -> str:
    """Patients with a status who are not analysed, by reason, as a sentence; else ''."""
    n = int(analysis.exclusions["n"].sum())
    if not n:
        return ""
    reasons = "; ".join(f"{reason} {k:,}" for reason, k in analysis.exclusions.iter_rows())
    return f"{n:,} of {n + analysis.n:,} patients with a status are left out: {reasons}."


def sizes(n: int, events: int) -> str:
    """Patients and events, e.g. '12 patients, 1 event'."""
    return f"{counted(n, 'patient')}, {counted(events, 'event')}"


def listed(values: Iterable[float]) -> str:
    """Numbers in ascending order, e.g. '1, 2 and 5'."""
    *before, last = [f"{v:g}" for v in sorted(set(values))]
    return f"{', '.join(before)} and {last}" if before else last
