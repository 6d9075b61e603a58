"""Registrations read and judged at once, so that long texts need not be kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ashworth.errors import InputError, Problem
from ashworth.registries.classification.verdicts import CellVerdict, classify
from ashworth.registries.readers.files import OnFault, over_all_pages, read_member
from ashworth.registries.readers.members import Member, members_of, nothing_to_read
from ashworth.registries.record import Registration, slim


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A registration without its long texts, and the verdict on them."""

    record: Registration
    verdict: CellVerdict


@dataclass
class Survey:
    """What a survey of files found.

    Attributes
    ----------
    surveyed : list of Surveyed
    faults : list of Problem
        Files that could not be read, and were left out.
    formats, unknown_values : Counter
    announced : dict of str to (int, int)
        File to studies announced and received, where they differ.
    pages : Counter
        Studies by file, of files that are a page of an answer.
    """

    surveyed: list[Surveyed] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    unknown_values: Counter[str] = field(default_factory=Counter)
    announced: dict[str, tuple[int, int]] = field(default_factory=dict)
    pages: Counter[str] = field(default_factory=Counter)

    def add(self, part: Survey) -> None:
        """Take in what a later file gave."""
        self.surveyed += part.surveyed
        self.faults += part.faults
        self.formats.update(part.formats)
        self.unknown_values.update(part.unknown_values)
        self.announced |= part.announced
        self.pages.update(part.pages)


def survey(
    paths: Sequence[Path | str],
    *,
    on_fault: OnFault = "refuse",
    executor: Executor | None = None,
) -> Survey:
    """Read and judge every registration of files, folders and archives.

    Parameters and errors as for `read_registrations`.
    """
    members, problems = members_of([Path(p) for p in paths])
    problems += nothing_to_read(members, problems, paths)
    parts: Iterable[Survey]
    if executor is None:
        parts = map(survey_member, members)
    else:
        parts = executor.map(survey_member, members, chunksize=16)
    found, pool = Survey(faults=problems), {}
    for part in parts:
        part.surveyed = [_shared(s, pool) for s in part.surveyed]
        found.add(part)
    found.announced = over_all_pages(found.announced, found.pages)
    if found.faults and (on_fault == "refuse" or not found.surveyed):
        raise InputError(found.faults, subject="the registry files")
    return found


_REPEATED = (
    "source", "format", "file", "member_state", "processed", "status", "last_known_status",
    "study_type", "phases", "allocation", "purpose", "enrolment_kind", "start",
    "primary_completion", "completion", "first_posted", "last_updated", "verified", "countries",
    "removed_countries", "sponsor", "sponsor_country", "conditions", "condition_mesh",
    "intervention_mesh", "recruitment_end", "results",
)  # fmt: skip


def _shared(found: Surveyed, pool: dict[Any, Any]) -> Surveyed:
    """The same, with values that many registrations have kept once: half the memory."""
    values = {name: getattr(found.record, name) for name in _REPEATED}
    kept = {name: pool.setdefault(value, value) for name, value in values.items()}
    record = msgspec.structs.replace(found.record, **kept)
    return Surveyed(record, pool.setdefault(found.verdict, found.verdict))


def survey_member(member: Member) -> Survey:
    """Read one file and judge its records."""
    read = read_member(member)
    judged = [Surveyed(slim(r), classify(r)) for r in read.records]
    return Survey(
        judged, read.faults, read.formats, read.unknown_values, read.announced, read.pages
    )
