"""The words a question to the evidence base may use, and the faults of those it may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from ashworth.definitions.evidence_models import (
    Adjustment,
    Marker,
    Measure,
    Specimen,
    Statistic,
    Study,
    StudySetting,
)
from ashworth.definitions.reading import close_names
from ashworth.errors import InputError, Problem

Words = str | Sequence[str] | None
_FIXED = {
    "setting": get_args(StudySetting),
    "specimen": get_args(Specimen),
    "marker": get_args(Marker),
    "measure": get_args(Measure),
    "adjustment": get_args(Adjustment),
}


def facts(study: Study, statistic: Statistic) -> dict[str, str | None]:
    """Give the words by which a statistic is found."""
    return {
        "outcome": statistic.outcome,
        "setting": statistic.setting or study.setting,
        "specimen": study.specimen,
        "marker": statistic.marker,
        "timepoint": statistic.timepoint,
        "measure": statistic.measure,
        "adjustment": statistic.adjustment,
        "studies": study.id,
    }


def asked(words: Mapping[str, Words], studies: Sequence[Study]) -> dict[str, tuple[str, ...]]:
    """Turn every given filter into a tuple of known words.

    Raises
    ------
    InputError
        With every word that no record can have, and those that exist.
    """
    chosen = {name: _tuple(value) for name, value in words.items() if value is not None}
    known = _known(studies)
    problems = [p for name, values in chosen.items() for p in _faults(name, values, known[name])]
    if problems:
        raise InputError(problems, subject="the question to the evidence base")
    return chosen


def _tuple(value: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)


def _known(studies: Sequence[Study]) -> dict[str, tuple[str, ...]]:
    """List the words of each filter: the model's, or else those that records bear."""
    found = [facts(study, statistic) for study in studies for statistic in study.statistics]
    open_words = {
        name: tuple(sorted({w for row in found if (w := row[name]) is not None}))
        for name in ("outcome", "timepoint")
    }
    return {**_FIXED, **open_words, "studies": tuple(study.id for study in studies)}


def _faults(name: str, values: Sequence[str], known: Sequence[str]) -> Iterator[Problem]:
    if not values:
        yield _problem(name, "an empty list", known, "name at least one word or leave it out")
    for value in values:
        if value not in known:
            close = close_names(str(value), known) if isinstance(value, str) else []
            remedy = f"did you mean '{close[0]}'?" if close else "choose one of these"
            yield _problem(name, repr(value), known, remedy)


def _problem(name: str, found: str, known: Sequence[str], remedy: str) -> Problem:
    return Problem("find", None, name, found, ", ".join(known), remedy)
