"""Pages of TIFF files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import Cartridge, Pixels

Compression = Literal["lzw", "zlib", "zstd"]
Bits = Literal[8, 16]
Progress = Callable[[int, int], None]
"""Called with the frames done and the frames in all."""

CELLTRACKS_TAG, LOWER_STRETCH, HIGHER_STRETCH = 754, 755, 756
MOST_STRETCHED = 32767


@dataclass(frozen=True, slots=True)
class StoredPage:
    """Pixels as they are stored, with private tags."""

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    tags: tuple[tuple[int, str, int, int, bool], ...] = ()


def stretched(page: Pixels, bits: Bits) -> StoredPage:
    """Store a page the CellTracks way, with its stretch limits in tags 755 and 756.

    With 8 bits the values between the page's least and greatest are spread over 0 to 255, so
    that reading errs by at most half a step, (greatest - least) / 510, and rounding. With 16
    bits values are stored as they are and reading is exact.

    Parameters
    ----------
    page : uint16 array (height, width)
        Values up to 32767.
    bits : {8, 16}

    Examples
    --------
    >>> stored = stretched(np.array([[100, 300, 1100]], np.uint16), 8)
    >>> stored.pixels.tolist(), [tag[:1] + tag[3:4] for tag in stored.tags]
    ([[0, 51, 255]], [(754, 1), (755, 100), (756, 1100)])
    """
    low, high = int(page.min()), int(page.max())
    if bits == 16:
        low = 0
        pixels: NDArray[Any] = page
    else:
        scale = 255 / (high - low) if high > low else 0.0
        steps = np.arange(high - low + 1, dtype=np.float64)
        table = np.floor(steps * scale + 0.5).astype(np.uint8)
        pixels = table[page - np.uint16(low)]
    values = ((CELLTRACKS_TAG, 1), (LOWER_STRETCH, low), (HIGHER_STRETCH, high))
    return StoredPage(pixels, tuple((tag, "H", 1, value, True) for tag, value in values))


def write_pages(
    path: Path,
    pages: Iterable[StoredPage],
    compression: Compression | None = None,
    *,
    description: bytes | None = None,
    large: bool = False,
) -> None:
    """Write a TIFF file of several pages.

    Parameters
    ----------
    path : Path
    pages : iterable of StoredPage
    compression : {'lzw', 'zlib', 'zstd'}, optional
    description : bytes, optional
        Of the first page.
    large : bool
        Write BigTIFF, for files above 4 GB.
    """
    with tifffile.TiffWriter(path, bigtiff=large) as file:
        for i, page in enumerate(pages):
            file.write(
                page.pixels,
                photometric="minisblack",
                compression=compression,
                extratags=page.tags,
                description=description if i == 0 else None,
                metadata=None,
                software=False,
                contiguous=False,
            )


def each_frame(cartridge: Cartridge, progress: Progress | None) -> Iterator[tuple[int, Pixels]]:
    """Load the frames one by one and tell the progress."""
    total = len(cartridge.layout)
    for index in range(total):
        yield index, cartridge.load(index)
        if progress is not None:
            progress(index + 1, total)


def demand_roles(cartridge: Cartridge, roles: Sequence[str], format: str) -> None:
    """Refuse a cartridge that lacks channels which the format must have.

    Raises
    ------
    InputError
    """
    present = ", ".join(channel.role for channel in cartridge.channels)
    problems = [
        Problem(
            cartridge.sample,
            None,
            role,
            f"channels {present}",
            f"{format} folders hold {', '.join(roles)}",
            "write TIFF or OME-TIFF, which may lack channels",
        )
        for role in roles
        if cartridge.index_of(role) is None
    ]
    if problems:
        raise InputError(problems, subject=f"writing a {format} folder")


def demand_values(page: Pixels, sample: str, frame: int, most: int, format: str) -> None:
    """Refuse pixel values that the format cannot hold.

    Raises
    ------
    InputError
    """
    top = int(page.max(initial=0))
    if top > most:
        problem = Problem(
            sample,
            None,
            f"frame {frame}",
            f"a pixel of {top}",
            f"values up to {most} in {format} folders",
            "write TIFF or OME-TIFF, which hold 16 bits",
        )
        raise InputError([problem], subject=f"writing a {format} folder")
