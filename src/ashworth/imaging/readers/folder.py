"""From the files of a folder to a cartridge: what all formats share."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np

from ashworth.errors import FrameError, InputError, Problem
from ashworth.imaging.cartridge import AssignedEvent, Cartridge, Layout, Pixels
from ashworth.imaging.channels import Channel
from ashworth.imaging.readers.grid import Grid, Places, placed
from ashworth.imaging.readers.pixels import (
    Scaling,
    demand_whole,
    fault_of,
    open_unbuffered,
    read_page,
)
from ashworth.imaging.readers.roles import named
from ashworth.imaging.readers.tiff_pages import Page, Scan, TiffFault, scan

MOST_PIXELS = 2**26

Plane = tuple[str, int]
"""File (relative to the folder) and page, counted from 0 without thumbnails."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames on disk; ``load`` reads one. Can be pickled; no file stays open.

    Attributes
    ----------
    folder : Path
    height, width : int
    numbers : tuple of int
        Frame numbers.
    planes : tuple of tuple of (file, page)
        Of every frame, the plane of every channel.
    scans : mapping of str to Scan
        Pages of every file.
    scaling : {'stretched', 'offset', 'plain'}
    """

    folder: Path
    height: int
    width: int
    numbers: tuple[int, ...]
    planes: tuple[tuple[Plane, ...], ...]
    scans: Mapping[str, Scan]
    scaling: Scaling

    def load(self, index: int) -> Pixels:
        """Read frame `index` as uint16 (channels, height, width).

        Raises
        ------
        FrameError
            If a page is missing, of another size or kind, truncated or not decodable.
        """
        planes = self.planes[index]
        pixels = np.empty((len(planes), self.height, self.width), np.uint16)
        for file, number in planes:
            try:
                self._page(file, number)
            except TiffFault as fault:
                raise FrameError(file, self.numbers[index], str(fault)) from None
        with contextlib.ExitStack() as stack:
            handles: dict[str, FileIO] = {}
            for channel, (out, (file, number)) in enumerate(zip(pixels, planes, strict=True)):
                try:
                    page = self._page(file, number)
                    self._demand_depth(page, channel)
                    if file not in handles:
                        handles[file] = stack.enter_context(open_unbuffered(self.folder / file))
                    demand_whole(handles[file], page)
                    read_page(handles[file], page, out, self.scaling)
                except TiffFault as fault:
                    raise FrameError(file, self.numbers[index], str(fault)) from None
                except OSError as error:
                    fault = f"cannot be read ({error.strerror or error})"
                    raise FrameError(file, self.numbers[index], fault) from None
        return pixels

    def _page(self, file: str, number: int) -> Page:
        """The page of a plane, if it is fit."""
        found = self.scans[file]
        if number >= len(found.pages):
            few = f"has {len(found.pages)} pages; page {number + 1} is needed"
            raise TiffFault(found.fault or few)
        page = found.pages[number]
        fault = fault_of(page, self.height, self.width)
        if fault:
            raise TiffFault(f"page {number + 1} {fault}")
        return page

    def _demand_depth(self, page: Page, channel: int) -> None:
        """Refuse a page of another bit depth than the first frame's, unless it is stretched."""
        file, number = self.planes[0][channel]
        pages = self.scans[file].pages
        stretched = self.scaling == "stretched" and page.low is not None
        if stretched or number >= len(pages) or page.bits == pages[number].bits:
            return
        raise TiffFault(f"has {page.bits}-bit pixels; those of {file} have {pages[number].bits}")


@dataclass(frozen=True, slots=True)
class Findings:
    """What a reader has found out about a folder, before the files are checked.

    Attributes
    ----------
    sample, format, reason : str
    folder : Path
        Where file names start.
    channels : tuple of Channel
        In the order of the planes.
    frames : mapping of int to tuple of (file, page)
        Planes by frame number.
    pixel_size_um : float
    grid : Grid or None
    scaling : {'stretched', 'offset', 'plain'}
    notes : tuple of str
    simulated : bool
    scans : mapping of str to Scan
        Files that have been scanned already.
    """

    sample: str
    format: str
    reason: str
    folder: Path
    channels: tuple[Channel, ...]
    frames: Mapping[int, tuple[Plane, ...]]
    pixel_size_um: float
    grid: Grid | None
    scaling: Scaling
    notes: tuple[str, ...] = ()
    simulated: bool = False
    scans: Mapping[str, Scan] | None = None
    places: Places = ()


def assemble(
    found: Findings, problems: Sequence[Problem], markers: Mapping[str, str] | None
) -> Cartridge:
    """Check the headers of all files and make the cartridge (without events).

    Parameters
    ----------
    found : Findings
    problems : sequence of Problem
        What the reader has to complain of.
    markers : mapping of str to str or None
        Names of additional markers.

    Raises
    ------
    InputError
        With `problems` and every fault of the headers.
    """
    files = dict.fromkeys(file for planes in found.frames.values() for file, _ in planes)
    scans = {file: (found.scans or {}).get(file) or scan(found.folder / file) for file in files}
    height, width, faults = _size(found, scans)
    faults = [*problems, *faults] if scans or not problems else list(problems)
    if faults:
        raise InputError(faults, subject=f"the image folder {found.folder}")
    numbers = tuple(sorted(found.frames))
    places, notes = (found.places, ()) if found.places else placed(numbers, found.grid)
    planes = tuple(found.frames[number] for number in numbers)
    frames = Frames(found.folder, height, width, numbers, planes, scans, found.scaling)
    return Cartridge(
        sample=found.sample,
        format=found.format,
        reason=found.reason,
        channels=named(found.channels, markers),
        pixel_size_um=found.pixel_size_um,
        layout=Layout(height, width, numbers, places),
        load=frames.load,
        simulated=found.simulated,
        notes=(*found.notes, *notes, *_unused(found.channels, markers)),
        expected_frames=len(found.grid) if found.grid else None,
    )


def _unused(channels: Sequence[Channel], markers: Mapping[str, str] | None) -> list[str]:
    """Say which named markers the folder does not have."""
    roles = {channel.role for channel in channels}
    return [f"{m} ({n}) is not in the folder" for m, n in (markers or {}).items() if m not in roles]


def _size(found: Findings, scans: Mapping[str, Scan]) -> tuple[int, int, list[Problem]]:
    """Height and width that most files have, and the files that differ or are too short."""
    sizes = {f: (s.pages[0].height, s.pages[0].width) for f, s in scans.items() if s.pages}
    if not sizes:
        return 0, 0, _nothing_readable(found, scans)
    (height, width), _ = Counter(sizes.values()).most_common(1)[0]
    problems = [
        Problem(
            file,
            None,
            None,
            f"{other[1]} x {other[0]} pixels",
            f"{width} x {height} pixels, as the other frames have",
            "remove the file, or export the frame again in the size of the others",
        )
        for file, other in sizes.items()
        if other != (height, width)
    ]
    if not 0 < height * width <= MOST_PIXELS:
        problems = [
            Problem(
                str(found.folder),
                None,
                None,
                f"frames of {width} x {height} pixels",
                f"1 to {MOST_PIXELS} pixels",
                "export the frames again, or split them",
            )
        ]
    return height, width, problems


def _nothing_readable(found: Findings, scans: Mapping[str, Scan]) -> list[Problem]:
    """No frame at all, or none that can be read."""
    allowed = "at least one TIFF file that can be read"
    remedy = "check that the images were copied completely"
    if not scans:
        return [Problem(str(found.folder), None, None, "no frames", allowed, remedy)]
    return [
        Problem(file, None, None, s.fault or "no page", allowed, remedy)
        for file, s in scans.items()
    ]


def boxed(
    layout: Layout, index: int, box: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """Move a box (x, y, width, height) from the pixels of a frame to those of the cartridge."""
    x, y = layout.origin(index)
    return box[0] + x, box[1] + y, box[2], box[3]


def outside(layout: Layout, events: Sequence[AssignedEvent]) -> list[str]:
    """Say how many events name a frame that is missing or does not hold their centre."""
    index = {number: i for i, number in enumerate(layout.numbers)}
    lost = sum(event.frame not in index for event in events)
    astray = 0
    for event in events:
        if event.frame in index:
            x, y = layout.origin(index[event.frame])
            cx, cy = event.x + event.width / 2 - x, event.y + event.height / 2 - y
            astray += not (0 <= cx <= layout.width and 0 <= cy <= layout.height)
    notes = []
    if lost:
        notes.append(f"{lost} of {len(events)} assigned events lie in frames that are missing")
    if astray:
        notes.append(f"{astray} of {len(events)} assigned events lie outside of their frames")
    return notes
