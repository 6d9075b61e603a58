"""Which files there are: in folders, in archives, and sets of tables that belong together."""

from __future__ import annotations

import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from ashworth.errors import Problem
from ashworth.registries.sources.folder import MANIFEST, read_manifest

LARGEST = 200_000_000
"""Bytes of one file; a registry's longest record has some megabytes."""
LARGEST_TABLE = 20_000_000_000
"""Bytes of one table of a set, which is read row by row."""
MOST_RATIO = 200
"""Bytes out of one byte in: more is a bomb, not a registry."""
PART = 300_000_000
"""Bytes of tables that are read together."""
STUDIES = "studies.txt"


@dataclass(frozen=True, slots=True)
class Member:
    """One file, one file inside an archive, or part of a set of tables.

    Attributes
    ----------
    path : Path
        File, archive, or folder of a set of tables.
    inside : str
        Name inside a zip archive (of a set: the folder there); empty for a file of its own.
    fetched : bool
        A page of a fetch that compared the announced total with all pages.
    tables : tuple of str
        Files of a set of AACT tables; empty for everything else.
    part : (int, int)
        Number of the part from 0, and how many.
    """

    path: Path
    inside: str = ""
    fetched: bool = False
    tables: tuple[str, ...] = ()
    part: tuple[int, int] = (0, 1)

    @property
    def name(self) -> str:
        """What messages call it."""
        own = f"{self.path.name}/{self.inside}" if self.inside else self.path.name
        if self.part[1] == 1:
            return own
        return f"{own} (part {self.part[0] + 1} of {self.part[1]})"

    def openers(self) -> dict[str, Callable[[], BinaryIO]]:
        """Open each table of a set by its name without the ending."""
        return {Path(t).stem.casefold(): partial(self._open, t) for t in self.tables}

    def _open(self, table: str) -> BinaryIO:
        if self.path.is_dir():
            return (self.path / table).open("rb")
        return cast("BinaryIO", archive_of(self.path).open(f"{self.inside}{table}"))


def problem_of(name: str, found: str, allowed: str, remedy: str) -> Problem:
    """Fault of a file as a whole."""
    return Problem(name, None, None, found, allowed, remedy)


@lru_cache(maxsize=4)
def _archive(path: Path, changed_ns: int) -> zipfile.ZipFile:
    """An open archive: its list of members, up to half a million, is read once per process."""
    return zipfile.ZipFile(path)


def archive_of(path: Path) -> zipfile.ZipFile:
    """Open an archive, once per process as long as it does not change."""
    return _archive(path, path.stat().st_mtime_ns)


def nothing_to_read(
    members: Sequence[Member], problems: Sequence[Problem], paths: Sequence[Path | str]
) -> list[Problem]:
    """Give the fault of folders and archives in which no file stands."""
    if members or problems:
        return []
    where = ", ".join(map(str, paths)) or "nothing"
    return [problem_of(where, "no file", "at least one registry file", "name files or a folder")]


def members_of(paths: Sequence[Path]) -> tuple[list[Member], list[Problem]]:
    """List the files of paths, those inside archives too, and what is wrong with paths."""
    members: list[Member] = []
    problems: list[Problem] = []
    for path in paths:
        if path.is_dir():
            members += _of_folder(path, problems)
        elif path.is_file():
            members += _inside(path, problems)
        else:
            problems.append(problem_of(str(path), "no such file or folder", "one that is there",
                                       "correct the path"))  # fmt: skip
    return _with_sets(members), problems


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
        problem_of(str(file), "no such file, though a fetch wrote it", "every page of the fetch",
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
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        problems.append(problem_of(file.name, str(error), "a zip archive", "fetch it anew"))
        return
    folders = {_split(info.filename)[0] for info in infos if _is_studies(info.filename)}
    for info in infos:
        largest = LARGEST_TABLE if _split(info.filename)[0] in folders else LARGEST
        fault = _suspicious(info, largest)
        if fault:
            problems.append(problem_of(f"{file.name}/{info.filename}", fault,
                                       "an archive of records", "leave it out"))  # fmt: skip
        else:
            yield Member(file, info.filename)


def _split(name: str) -> tuple[str, str]:
    """Folder inside an archive, with its last slash, and name there."""
    folder, slash, own = name.rpartition("/")
    return folder + slash, own


def _is_studies(name: str) -> bool:
    return _split(name)[1].casefold() == STUDIES


def _suspicious(info: zipfile.ZipInfo, largest: int) -> str:
    """What is wrong with a member of an archive; empty where nothing is."""
    parts = PurePosixPath(info.filename.replace("\\", "/")).parts
    if ".." in parts or info.filename.startswith(("/", "\\")) or ":" in parts[0]:
        return "a name that leaves the archive"
    if info.flag_bits & 1:
        return "an encrypted file"
    if info.file_size > largest:
        return f"{info.file_size:,} bytes"
    if info.file_size > 1_000_000 and info.file_size > MOST_RATIO * max(info.compress_size, 1):
        return f"{info.file_size:,} bytes out of {info.compress_size:,}"
    return ""


def _with_sets(members: list[Member]) -> list[Member]:
    """Put tables of one AACT folder together, each set in as many parts as it needs."""
    beside: dict[tuple[Path, str], list[Member]] = defaultdict(list)
    for member in members:
        beside[_place(member)].append(member)
    sets: dict[tuple[Path, str], list[Member]] = {}
    for place, files in beside.items():
        if any(_is_studies(_own_name(m)) and _first_line_has_number(m) for m in files):
            tables = [m for m in files if _own_name(m).casefold().endswith(".txt")
                      and _first_line_has_number(m)]  # fmt: skip
            sets[place] = tables
    if not sets:
        return members
    taken = {m for tables in sets.values() for m in tables}
    found = [m for m in members if m not in taken]
    for (path, folder), tables in sets.items():
        names = tuple(sorted(_own_name(m) for m in tables))
        parts = max(1, -(-sum(map(_size, tables)) // PART))
        found += [Member(path, folder, tables=names, part=(k, parts)) for k in range(parts)]
    return found


def _place(member: Member) -> tuple[Path, str]:
    if member.inside:
        return member.path, _split(member.inside)[0]
    return member.path.parent, ""


def _own_name(member: Member) -> str:
    return _split(member.inside)[1] if member.inside else member.path.name


def _first_line_has_number(member: Member) -> bool:
    try:
        with _opened(member) as file:
            cells = file.readline(10_000).removeprefix(b"\xef\xbb\xbf").split(b"|")
    except (OSError, zipfile.BadZipFile, RuntimeError):
        return False
    return len(cells) > 1 and b"nct_id" in [c.strip().strip(b'"') for c in cells[:2]]


def _opened(member: Member) -> BinaryIO:
    if member.inside:
        return cast("BinaryIO", archive_of(member.path).open(member.inside))
    return member.path.open("rb")


def _size(member: Member) -> int:
    if member.inside:
        return archive_of(member.path).getinfo(member.inside).file_size
    return member.path.stat().st_size
