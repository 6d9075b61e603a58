"""A cartridge (or slide) as a grid of frames: geometry, channels and how to load a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.channels import Channel

Pixels: TypeAlias = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the frames lie.

    Attributes
    ----------
    height, width : int
        Size of a frame in pixels.
    numbers : tuple of int
        Number of each frame as the folder has it, in reading order; unique.
    places : tuple of (column, row) or empty
        Grid position of each frame from 0, same order; row 0 on top. Empty where frames are
        unrelated fields; then nothing is joined across frame borders.
    """

    height: int
    width: int
    numbers: tuple[int, ...]
    places: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.numbers)

    @property
    def contiguous(self) -> bool:
        """Whether frames abut, so that a cell may lie on two of them."""
        return bool(self.places)

    def origin(self, index: int) -> tuple[int, int]:
        """Upper left pixel (x, y) of a frame in cartridge pixels; (0, 0) for unrelated fields."""
        if not self.places:
            return 0, 0
        column, row = self.places[index]
        return column * self.width, row * self.height


def snake(columns: int, rows: int) -> tuple[tuple[int, int], ...]:
    """Places in the order of a row-wise snake: every second row runs right to left.

    Examples
    --------
    >>> snake(2, 2)
    ((0, 0), (1, 0), (1, 1), (0, 1))
    """
    return tuple(
        (c if r % 2 == 0 else columns - 1 - c, r) for r in range(rows) for c in range(columns)
    )


def row_major(columns: int, rows: int) -> tuple[tuple[int, int], ...]:
    """Places row by row, each from left to right.

    Examples
    --------
    >>> row_major(2, 2)
    ((0, 0), (1, 0), (0, 1), (1, 1))
    """
    return tuple((c, r) for r in range(rows) for c in range(columns))


@dataclass(frozen=True, slots=True)
class AssignedEvent:
    """An event of the instrument's own software, as its operator left it.

    Attributes
    ----------
    event_id : str
    frame : int
        Number of the frame.
    x, y, width, height : float
        Box in pixels of the cartridge (origin: upper left of the frame at column 0, row 0).
    assigned : bool
        Whether the operator assigned it as a tumour cell.
    score : str
        The folder's own score field, verbatim.
    """

    event_id: str
    frame: int
    x: float
    y: float
    width: float
    height: float
    assigned: bool
    score: str = ""


@dataclass(frozen=True, slots=True)
class Cartridge:
    """An opened image folder (or a phantom in memory).

    Attributes
    ----------
    sample : str
        Name of the sample.
    format : str
        ``CellTracks``, ``CellTracksXp``, ``VyCAP``, ``MCBP``, ``TIFF``, ``OME-TIFF`` or
        ``phantom``.
    reason : str
        Why this format was recognised.
    channels : tuple of Channel
        In the order of the first axis of what `load` gives; nucleus, inclusion, exclusion, then
        markers; an absent channel is left out.
    pixel_size_um : float
    layout : Layout
    load : callable
        ``load(index)`` gives frame `index` (0-based, in the order of ``layout.numbers``) as
        uint16 of shape (channels, height, width). Safe to call from several threads.
    events : tuple of AssignedEvent
    simulated : bool
    notes : tuple of str
        What the reader wants known, e.g. that a default was taken.
    expected_frames : int or None
        Frames that the folder's own metadata announce; None where they do not say. Fewer frames
        than these: the cartridge is not complete.
    """

    sample: str
    format: str
    reason: str
    channels: tuple[Channel, ...]
    pixel_size_um: float
    layout: Layout
    load: Callable[[int], Pixels]
    events: tuple[AssignedEvent, ...] = ()
    simulated: bool = False
    notes: tuple[str, ...] = ()
    expected_frames: int | None = None

    def index_of(self, role: str) -> int | None:
        """Position of a role among the channels, or None."""
        roles = [channel.role for channel in self.channels]
        return roles.index(role) if role in roles else None

    def with_load(self, load: Callable[[int], Pixels]) -> Cartridge:
        """Return the same cartridge with other pixels (for tests and perturbations)."""
        return replace(self, load=load)
