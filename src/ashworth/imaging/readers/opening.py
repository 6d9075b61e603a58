"""Open an image folder, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.readers.celltracks import CELLTRACKS
from ashworth.imaging.readers.celltracks_xp import CELLTRACKS_XP
from ashworth.imaging.readers.mcbp import MCBP
from ashworth.imaging.readers.ome import OME_TIFF
from ashworth.imaging.readers.recognition import Place, Reader, Recognition, place_of
from ashworth.imaging.readers.roles import check_markers
from ashworth.imaging.readers.tiff_folder import TIFF_FOLDER
from ashworth.imaging.readers.vycap import VYCAP

Format = Literal["CellTracks", "CellTracksXp", "VyCAP", "MCBP", "OME-TIFF", "TIFF"]

READERS: tuple[Reader, ...] = (CELLTRACKS, CELLTRACKS_XP, VYCAP, MCBP, OME_TIFF, TIFF_FOLDER)
"""In the order in which folders are tried."""


def open_folder(
    path: str | Path,
    *,
    format: Format | None = None,
    markers: Mapping[str, str] | None = None,
) -> Cartridge:
    """Open an image folder; pixels are read frame by frame, later.

    Parameters
    ----------
    path : str or Path
        The sample's folder.
    format : {'CellTracks', 'CellTracksXp', 'VyCAP', 'MCBP', 'OME-TIFF', 'TIFF'}, optional
        Take it as this format; by default the first one that recognises the folder.
    markers : mapping of str to str, optional
        What the additional markers are, e.g. ``{"marker1": "her2"}``.

    Returns
    -------
    Cartridge
        ``load(index)`` reads one frame: uint16 (channels, height, width), channels in the order
        nucleus, inclusion, exclusion, markers. It raises `ashworth.errors.FrameError` for a
        frame that cannot be read.

    Raises
    ------
    InputError
        If no format recognises the folder (with what each looks for and what was found), or
        with every fault of its metadata and headers.
    """
    check_markers(markers)
    place = place_of(Path(path))
    readers = [reader for reader in READERS if format in (None, reader.name)]
    if not readers:
        names = ", ".join(reader.name for reader in READERS)
        problem = Problem("format", None, None, repr(format), names, "name one of these")
        raise InputError([problem], subject="the image format")
    looks = [(reader, reader.recognise(place)) for reader in readers]
    fits = [(reader, look) for reader, look in looks if look.recognised]
    if not fits:
        raise _unrecognised(place, looks)
    reader, look = fits[0]
    cartridge = reader.open(place, f"{reader.name}: {look.seen}.", markers)
    others = [
        f"also looks like {other.name} ({its.seen})"
        for other, its in fits[1:]
        if (reader, other) != (OME_TIFF, TIFF_FOLDER)
    ]
    return replace(cartridge, notes=(*cartridge.notes, *others)) if others else cartridge


def _unrecognised(place: Place, looks: list[tuple[Reader, Recognition]]) -> InputError:
    """Say what every format looks for and what was found instead."""
    problems = [
        Problem(
            str(place.path),
            None,
            reader.name,
            look.seen,
            reader.looks_for,
            "choose the folder of one sample, or describe its files in frames.toml",
        )
        for reader, look in looks
    ]
    held = _contents(place)
    return InputError(problems, subject=f"{place.path}, which holds {held}; no format fits")


def _contents(place: Place) -> str:
    """Count what a folder holds, by ending."""
    counts: dict[str, int] = {}
    for name in place.top.files:
        ending = Path(name).suffix.lower() or "no ending"
        counts[ending] = counts.get(ending, 0) + 1
    parts = [f"{n} files ({ending})" for ending, n in sorted(counts.items())[:8]]
    if place.top.folders:
        parts.append(f"{len(place.top.folders)} folders")
    return ", ".join(parts) or "nothing"
