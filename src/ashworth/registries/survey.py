"""Registrations read and judged at once, so that long texts need not be kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from ashworth.errors import InputError, Problem
from ashworth.registries.classification.verdicts import CellVerdict, classify
from ashworth.registries.readers.files import (
    Member,
    OnFault,
    members_of,
    nothing_to_read,
    read_member,
)
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
    """

    surveyed: list[Surveyed] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    unknown_values: Counter[str] = field(default_factory=Counter)
    announced: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, part: Survey) -> None:
        """Take in what a later file gave."""
        self.surveyed += part.surveyed
        self.faults += part.faults
        self.formats.update(part.formats)
        self.unknown_values.update(part.unknown_values)
        self.announced |= part.announced


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
    found = Survey(faults=problems)
    for part in parts:
        found.add(part)
    if found.faults and (on_fault == "refuse" or not found.surveyed):
        raise InputError(found.faults, subject="the registry files")
    return found


def survey_member(member: Member) -> Survey:
    """Read one file and judge its records."""
    read = read_member(member)
    judged = [Surveyed(slim(r), classify(r)) for r in read.records]
    return Survey(judged, read.faults, read.formats, read.unknown_values, read.announced)
