"""Words around estimates: what they warn of becomes a remark, who is left out a sentence."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

from ashworth.errors import AshworthWarning
from ashworth.figures.numbers import counted, ratio_limits
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


def forest_alt(title: str, table: pl.DataFrame) -> str:
    """Describe a forest by its numbers: columns section, label, estimate, lower, upper."""
    columns = table.select("section", "label", "estimate", "lower", "upper").rows()
    parts = (f"{section}, {label}: {ratio_limits(*ratio)}" for section, label, *ratio in columns)
    return f"{title}. {'; '.join(parts)}."


def span(at: float, unit: str) -> str:
    """A time with its unit, e.g. '1 year' or '2.5 years'."""
    return f"{at:g} {unit.removesuffix('s') if at == 1 else unit}"


def sizes(n: int, events: int) -> str:
    """Patients and events, e.g. '12 patients, 1 event'."""
    return f"{counted(n, 'patient')}, {counted(events, 'event')}"


def spans(values: Iterable[float], unit: str) -> str:
    """Times in ascending order, e.g. '1, 2 and 5 years'."""
    *before, last = sorted(set(values))
    text = span(last, unit)
    return f"{', '.join(f'{v:g}' for v in before)} and {text}" if before else text
