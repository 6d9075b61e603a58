"""Files, folders and archives to records: bounded, in order, with every fault named."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Literal

from ashworth.errors import InputError, Problem
from ashworth.registries.readers.recognition import reader_of, recognise
from ashworth.registries.record import Registration
from ashworth.registries.sources.folder import MANIFEST, read_manifest

LARGEST = 200_000_000
"""Bytes of one file; a registry's longest record has some megabytes."""
MOST_RATIO = 200
"""Bytes out of one byte in: more is a bomb, not a registry."""
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
    """

    records: list[Registration] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    announced: dict[str, tuple[int, int]] = field(default_factory=dict)
    unknown_values: Counter[str] = field(default_factory=Counter)

    def add(self, other: ReadRegistrations) -> None:
        """Take in what a later file gave."""
        self.records += other.records
        self.faults += other.faults
        self.formats += other.formats
        self.announced |= other.announced
        self.unknown_values += other.unknown_values


@dataclass(frozen=True, slots=True)
class Member:
    """One file, or one file inside an archive.

    Attributes
    ----------
    path : Path
    inside : str
        Name inside a zip archive; empty for a file of its own.
    fetched : bool
        A page of a fetch that compared the announced total with all pages.
    """

    path: Path
    inside: str = ""
    fetched: bool = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.path.name}/{self.inside}" if self.inside else self.path.name


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
    if found.faults and (on_fault == "refuse" or not found.records):
        raise InputError(found.faults, subject="the registry files")
    return found


def nothing_to_read(
    members: Sequence[Member], problems: Sequence[Problem], paths: Sequence[Path | str]
) -> list[Problem]:
    """Give the fault of folders and archives in which no file stands."""
    if members or problems:
        return []
    where = ", ".join(map(str, paths)) or "nothing"
    return [_problem(where, "no file", "at least one registry file", "name files or a folder")]


def read_member(member: Member, raw: bytes | None = None) -> ReadRegistrations:
    """Read one file, or its bytes where they are known; a fault leaves it out whole."""
    found = ReadRegistrations()
    try:
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
        found.faults.append(_problem(member.name, words, "a whole file of its format",
                                     "fetch it anew, or leave it out"))  # fmt: skip
    return found


class _Fault(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def _problem(name: str, found: str, allowed: str, remedy: str) -> Problem:
    return Problem(name, None, None, found, allowed, remedy)


def _read(name: str, raw: bytes, found: ReadRegistrations) -> None:
    known = recognise(raw)
    if known is None:
        raise _Fault(
            _problem(name, "no registry format", "a format of docs/reference", "see there")
        )
    reader = reader_of(known.format)
    if reader is None:
        raise _Fault(_problem(name, f"{known.format}: {known.why}", "a format that is read",
                              "export the records in another format"))  # fmt: skip
    records = list(reader(raw, name))
    found.records += records
    found.formats[known.format] += len(records)
    found.unknown_values.update(u for r in records for u in r.unknown_values)
    _check_total(name, known.format, raw, len(records), found)


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
    if total is not None and total != received:
        found.announced[name] = (total, received)


def members_of(paths: Sequence[Path]) -> tuple[list[Member], list[Problem]]:
    """List the files of paths, those inside archives too, and what is wrong with paths."""
    members: list[Member] = []
    problems: list[Problem] = []
    for path in paths:
        if path.is_dir():
            members += _of_folder(path, problems)
            continue
        if path.is_file():
            members += _inside(path, problems)
        else:
            problems.append(_problem(str(path), "no such file or folder", "one that is there",
                                     "correct the path"))  # fmt: skip
    return members, problems


def _of_folder(folder: Path, problems: list[Problem]) -> Iterator[Member]:
    """Files of a folder without hidden ones; of a fetch every file that it wrote must be there."""
    fetched = _fetched(folder, problems)
    for file in sorted(folder.rglob("*")):
        hidden = any(part[0] == "." for part in file.relative_to(folder).parts)
        if hidden or not file.is_file():
            continue
        if file in fetched:
            yield Member(file, fetched=True)
        else:
            yield from _inside(file, problems)


def _fetched(folder: Path, problems: list[Problem]) -> set[Path]:
    """Files of finished fetches; those that are gone are faults."""
    found: set[Path] = set()
    for path in folder.rglob(MANIFEST):
        if any(part[0] == "." for part in path.parent.relative_to(folder).parts):
            continue
        names = [f["file"] for f in (read_manifest(path.parent) or {}).get("files", ())]
        found |= {path.parent / name for name in names}
    problems += [
        _problem(str(file), "no such file, though a fetch wrote it", "every page of the fetch",
                 "fetch anew")
        for file in sorted(found) if not file.is_file()
    ]  # fmt: skip
    return found


def _inside(file: Path, problems: list[Problem]) -> Iterator[Member]:
    if file.suffix.lower() != ".zip":
        yield Member(file)
        return
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                fault = _suspicious(info)
                if fault:
                    problems.append(_problem(f"{file.name}/{info.filename}", fault,
                                             "an archive of records", "leave it out"))  # fmt: skip
                    continue
                yield Member(file, info.filename)
    except zipfile.BadZipFile as error:
        problems.append(_problem(file.name, str(error), "a zip archive", "fetch it anew"))


def _suspicious(info: zipfile.ZipInfo) -> str:
    """What is wrong with a member of an archive; empty where nothing is."""
    parts = PurePosixPath(info.filename.replace("\\", "/")).parts
    if ".." in parts or info.filename.startswith(("/", "\\")) or ":" in parts[0]:
        return "a name that leaves the archive"
    if info.file_size > LARGEST:
        return f"{info.file_size:,} bytes"
    if info.file_size > 1_000_000 and info.file_size > MOST_RATIO * max(info.compress_size, 1):
        return f"{info.file_size:,} bytes out of {info.compress_size:,}"
    return ""


@lru_cache(maxsize=4)
def _archive(path: Path, changed_ns: int) -> zipfile.ZipFile:
    """An open archive: its list of members, up to half a million, is read once per process."""
    return zipfile.ZipFile(path)


def digested(member: Member) -> tuple[bytes, bytes | None]:
    """SHA-256 of a file before it is parsed, and its bytes; of nothing where it is unreadable."""
    try:
        raw = _bytes(member)
    except (_Fault, OSError, EOFError, zipfile.BadZipFile, zlib.error):
        return b"", None
    return hashlib.sha256(raw).digest(), raw


def _bytes(member: Member) -> bytes:
    if member.inside:
        with _archive(member.path, member.path.stat().st_mtime_ns).open(member.inside) as file:
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
    return _problem(name, f"more than {LARGEST:,} bytes", "a file of one registry answer",
                    "split it")  # fmt: skip
