"""Folders with one multi-page TIFF per frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from ashworth.errors import Problem
from ashworth.imaging.readers.directory import Directory
from ashworth.imaging.readers.folder import Plane
from ashworth.imaging.readers.frame_numbers import numbers_of, repeated
from ashworth.imaging.readers.tiff_pages import Scan, scan


@dataclass(frozen=True, slots=True)
class Stack:
    """Frame files of a folder: number -> file, their scans, and what is wrong with their names."""

    files: Mapping[int, str]
    scans: Mapping[str, Scan]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def pages(self) -> int:
        """Pages that most files have; 0 where none could be read to its end."""
        counts = Counter(len(s.pages) for s in self.scans.values() if s.pages and not s.fault)
        return max(counts, key=lambda n: (counts[n], n)) if counts else 0

    def frames(self, pages: Sequence[int]) -> dict[int, tuple[Plane, ...]]:
        """Planes of every frame, in the order of `pages` (from 0)."""
        return {n: tuple((file, page) for page in pages) for n, file in self.files.items()}


def stack_of(directory: Directory) -> Stack:
    """Number and scan the TIFF files of a folder."""
    files = directory.tiffs
    numbers, note = numbers_of([PurePath(file).stem for file in files])
    return Stack(
        files=dict(zip(numbers, files, strict=True)),
        scans={file: scan(directory.path / file) for file in files},
        problems=tuple(repeated(numbers, files)),
        notes=(note,) if note else (),
    )
