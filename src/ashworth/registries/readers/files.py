"""Files, folders and archives to records: bounded, in order, with every fault named."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ashworth.errors import InputError, Problem
from ashworth.registries.readers.members import (
    LARGEST,
    Member,
    archive_of,
    members_of,
    nothing_to_read,
    problem_of,
)
from ashworth.registries.readers.recognition import reader_of, recognise
from ashworth.registries.record import Registration

OnFault = Literal["refuse", "skip"]


@dataclass
class ReadRegistrations:
    """What was read, and what was not.

    Attributes
    ----------
    records : list of Registration
        In order of files.
    faults : list of Problem
        Files and records that could not be read.
    formats : Counter
        Records by format.
    announced : dict of str to (int, int)
        File to studies announced and received, where they differ.
    unknown_values : Counter
        Values of closed lists that nobody knows.
    pages : Counter
        Studies by file, of files that are a page of an answer.
    """

    records: list[Registration] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    announced: dict[str, tuple[int, int]] = field(default_factory=dict)
    unknown_values: Counter[str] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)

    def add(self, other: ReadRegistrations) -> None:
        """Take in what a later file gave."""
        self.records += other.records
        self.faults += other.faults
        self.formats += other.formats
        self.announced |= other.announced
        self.unknown_values += other.unknown_values
        self.pages += other.pages


def read_registrations(
    paths: Sequence[Path | str],
    *,
    on_fault: OnFault = "refuse",
    executor: Executor | None = None,
) -> ReadRegistrations:
    """Read every registration of files, folders, zip and gz archives.

    Parameters
    ----------
    paths : sequence of paths
    on_fault : {"refuse", "skip"}
        Whether a file that cannot be read whole refuses everything, or is named and left out.
    executor : Executor, optional
        Reads files side by side.

    Raises
    ------
    InputError
        With every fault, where `on_fault` is "refuse"; always where nothing could be read.
    """
    members, problems = members_of([Path(p) for p in paths])
    problems += nothing_to_read(members, problems, paths)
    done: Iterable[ReadRegistrations]
    if executor is None:
        done = map(read_member, members)
    else:
        done = executor.map(read_member, members, chunksize=16)
    found = ReadRegistrations(faults=problems)
    for part in done:
        found.add(part)
    found.announced = over_all_pages(found.announced, found.pages)
    if found.faults and (on_fault == "refuse" or not found.records):
        raise InputError(found.faults, subject="the registry files")
    return found


def read_member(member: Member, raw: bytes | None = None) -> ReadRegistrations:
    """Read one file, or its bytes where they are known; a fault leaves it out whole."""
    found = ReadRegistrations()
    try:
        if member.tables:
            _read_set(member, found)
            return found
        raw = _bytes(member) if raw is None else raw
        _read(member.name, raw, found)
        if member.fetched:
            found.announced.clear()
    except _Fault as fault:
        found.faults.append(fault.problem)
    except InputError as error:
        found = ReadRegistrations(faults=list(error.problems))
    except Exception as error:
        words = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        found = ReadRegistrations()
        found.faults.append(problem_of(member.name, words, "a whole file of its format",
                                     "fetch it anew, or leave it out"))  # fmt: skip
    return found


class _Fault(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def _read_set(member: Member, found: ReadRegistrations) -> None:
    from ashworth.registries.readers.aact import read_aact

    _take(list(read_aact(member.openers(), member.name, member.part)), "aact", found)


def _take(records: list[Registration], format: str, found: ReadRegistrations) -> None:
    found.records += records
    found.formats[format] += len(records)
    found.unknown_values.update(u for r in records for u in r.unknown_values)


def _read(name: str, raw: bytes, found: ReadRegistrations) -> None:
    known = recognise(raw)
    if known is None:
        raise _Fault(
            problem_of(name, "no registry format", "one of docs/reference/registries-formats",
                       "leave the file out, or skip it")
        )  # fmt: skip
    reader = reader_of(known.format)
    if known.format == "aact":
        raise _Fault(problem_of(name, "a table of AACT alone", "a set of tables with studies.txt",
                                "name the folder or archive of the whole set"))  # fmt: skip
    if reader is None:
        raise _Fault(problem_of(name, f"{known.format}: {known.why}", "a format that is read",
                              "export the records in another format"))  # fmt: skip
    records = list(reader(raw, name))
    _take(records, known.format, found)
    _check_total(name, known.format, raw, len(records), found)


def over_all_pages(
    announced: dict[str, tuple[int, int]], pages: Counter[str]
) -> dict[str, tuple[int, int]]:
    """Totals that differ, without those that all pages of one answer reach together."""
    totals = {total for name, (total, _) in announced.items() if name in pages}
    if len(totals) != 1 or pages.total() != totals.pop():
        return announced
    return {name: found for name, found in announced.items() if name not in pages}


_TOTALS = {
    "ctgov_json_v2": "ctgov_json",
    "ctgov_json_v1": "ctgov_json_v1",
    "ctis_json": "ctis_json",
    "isrctn_xml": "isrctn",
}
"""Formats whose answers announce a total, and the module that reads it."""


def _check_total(
    name: str, format: str, raw: bytes, received: int, found: ReadRegistrations
) -> None:
    """Compare with the number of studies that an answer announces."""
    if format not in _TOTALS:
        return
    reader = importlib.import_module(f"ashworth.registries.readers.{_TOTALS[format]}")
    total: int | None = reader.announced_total(raw)
    if format == "ctgov_json_v2" and reader.is_answer(raw):
        found.pages[name] += received
    if total is not None and total != received:
        found.announced[name] = (total, received)


def digested(member: Member) -> tuple[bytes, bytes | None]:
    """SHA-256 of a file before it is parsed, and its bytes; of nothing where it is unreadable.

    Of a set of tables: over all of them and the part, without bytes.
    """
    try:
        if member.tables:
            return _digest_of_set(member), None
        raw = _bytes(member)
    except (_Fault, OSError, EOFError, zipfile.BadZipFile, zlib.error):
        return b"", None
    return hashlib.sha256(raw).digest(), raw


def _digest_of_set(member: Member) -> bytes:
    digest = hashlib.sha256(repr(member.part).encode())
    for table, opener in sorted(member.openers().items()):
        digest.update(table.encode())
        with opener() as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.digest()


def _bytes(member: Member) -> bytes:
    if member.inside:
        with archive_of(member.path).open(member.inside) as file:
            return _bounded(member.name, file.read(LARGEST + 1))
    if member.path.suffix.lower() == ".gz":
        with gzip.open(member.path) as file:
            return _bounded(member.name, file.read(LARGEST + 1))
    if member.path.stat().st_size > LARGEST:
        raise _Fault(_large(member.name))
    return member.path.read_bytes()


def _bounded(name: str, raw: bytes) -> bytes:
    if len(raw) > LARGEST:
        raise _Fault(_large(name))
    return raw


def _large(name: str) -> Problem:
    return problem_of(name, f"more than {LARGEST:,} bytes", "a file of one registry answer",
                    "split it")  # fmt: skip
