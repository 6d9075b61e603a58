"""What lies in a folder: names in natural order, the chain of single sub-folders, small texts."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from ashworth.errors import InputError, Problem

DEEPEST = 10
MOST_TEXT_BYTES = 64 * 2**20
TIFF = (".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class Directory:
    """A folder's files and sub-folders in natural order.

    Left out are names that begin with "." and what is no file: pipes, sockets, devices.
    """

    path: Path
    files: tuple[str, ...]
    folders: tuple[str, ...]

    def ending(self, *ends: str) -> tuple[str, ...]:
        """Names of the files that end so, without regard to case."""
        return tuple(name for name in self.files if name.lower().endswith(ends))

    @property
    def tiffs(self) -> tuple[str, ...]:
        """Names of the TIFF files."""
        return self.ending(*TIFF)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key in which numbers count as numbers.

    Examples
    --------
    >>> sorted(["f10.tif", "f9.tif"], key=natural)
    ['f9.tif', 'f10.tif']
    """
    parts = re.split(r"(\d+)", name.lower())
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p)


def listing(path: Path) -> Directory:
    """List a folder.

    Raises
    ------
    InputError
        If it does not exist, is a file or cannot be read.
    """
    try:
        with os.scandir(path) as entries:
            shown = (e for e in entries if not e.name.startswith("."))
            seen = [(e.name, _is_folder(e)) for e in shown if not _is_special(e)]
    except OSError as error:
        problem = Problem(
            str(path),
            None,
            None,
            _fault(path, error),
            "a folder of images that can be read",
            "check the path and its permissions",
        )
        raise InputError([problem], subject="the image folder") from None
    seen.sort(key=lambda item: (natural(item[0]), item[0]))
    files = tuple(name for name, folder in seen if not folder)
    return Directory(path, files, tuple(name for name, folder in seen if folder))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder; a link in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_special(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is, behind its links, a pipe, a socket or a device: reading could wait.

    A link to nothing stays a file, so that it is named as one that cannot be read.
    """
    try:
        mode = entry.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _fault(path: Path, error: OSError) -> str:
    """Say why a folder cannot be listed."""
    if not path.exists():
        return "nothing of this name"
    return "a file" if path.is_file() else f"an unreadable folder ({error.strerror or error})"


def chain(path: Path) -> tuple[Directory, ...]:
    """List a folder and, as long as there is only one, its sub-folder, at most ten deep.

    Instruments nest their files, e.g. ``171651.1.2/processed/``.
    """
    found = [listing(path)]
    real = {os.path.realpath(path)}
    while len(found) < DEEPEST and len(found[-1].folders) == 1:
        below = found[-1].path / found[-1].folders[0]
        if os.path.realpath(below) in real:
            break
        real.add(os.path.realpath(below))
        found.append(listing(below))
    return tuple(found)


def read_bytes(path: Path) -> bytes:
    """Read a small file of metadata.

    Raises
    ------
    InputError
        If it cannot be read or is larger than 64 MiB.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise OSError("no regular file")
        if status.st_size > MOST_TEXT_BYTES:
            raise OSError(f"{status.st_size} bytes")
        return path.read_bytes()
    except OSError as error:
        problem = Problem(
            path.name,
            None,
            None,
            error.strerror or str(error),
            f"a readable file of at most {MOST_TEXT_BYTES} bytes",
            "export the file again",
        )
        raise InputError([problem], subject=str(path.parent)) from None


def read_lines(path: Path) -> list[str]:
    """Read the lines of a text file: UTF-8 (with or without mark), UTF-16 with mark, or Latin-1."""
    raw = read_bytes(path)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace").splitlines()
    try:
        return raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return raw.decode("latin-1").splitlines()
