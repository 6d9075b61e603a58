"""What a reader says about a folder before it opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.readers.directory import Directory, chain


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to be recognised: its path and the chain of single sub-folders from there."""

    path: Path
    chain: tuple[Directory, ...]

    @property
    def top(self) -> Directory:
        """The folder itself."""
        return self.chain[0]

    @property
    def sample(self) -> str:
        """Name of the folder."""
        return self.path.resolve().name

    def holding(self, *ends: str, least: int = 1) -> Directory | None:
        """First folder of the chain with at least so many files that end so."""
        return next((d for d in self.chain if len(d.ending(*ends)) >= least), None)

    def find(self, name: str) -> Path | None:
        """First file of this name along the chain, without regard to case."""
        for directory in self.chain:
            for file in directory.files:
                if file.lower() == name.lower():
                    return directory.path / file
        return None


def place_of(path: Path) -> Place:
    """List a folder and its chain of single sub-folders.

    Raises
    ------
    InputError
        If it cannot be listed.
    """
    return Place(path, chain(path))


@dataclass(frozen=True, slots=True)
class Recognition:
    """Whether a folder has a format, and what was seen (or found instead)."""

    recognised: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Reader:
    """A format: its name, what it looks for, how it is recognised and opened."""

    name: str
    looks_for: str
    recognise: Callable[[Place], Recognition]
    open: Callable[[Place, str, Mapping[str, str] | None], Cartridge]
