"""Cartridges whose pixels say which frame and channel they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from ashworth.imaging.cartridge import AssignedEvent, Cartridge, Layout, snake
from ashworth.imaging.channels import Channel

HEIGHT, WIDTH = 97, 128
CHANNELS = (
    Channel("nucleus", "DAPI", saturation=4095.0),
    Channel("inclusion", "PE", saturation=4095.0),
    Channel("exclusion", "APC", saturation=4095.0),
    Channel("marker1", "FITC", "her2", saturation=4095.0),
)
EVENTS = (
    AssignedEvent("17", 2, WIDTH + 10.0, 5.0, 40.0, 38.5, True, "1"),
    AssignedEvent("18", 4, 2 * WIDTH + 3.0, HEIGHT + 30.0, 20.0, 24.0, False, "0"),
)


def page(number: int, channel: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A page that says its frame and channel, in less than 256 steps: 8 bits hold it exactly."""
    y, x = np.mgrid[:height, :width]
    return ((x + y) % 200 + 5 * number + 300 * channel).astype(np.uint16)


def cartridge(
    columns=3,
    rows=3,
    *,
    order=snake,
    channels=CHANNELS,
    events=(),
    size=(HEIGHT, WIDTH),
    sample="171651.1.2",
    grid=True,
) -> Cartridge:
    numbers = tuple(range(1, columns * rows + 1))
    layout = Layout(*size, numbers, order(columns, rows) if grid else ())

    def load(index):
        return np.stack([page(numbers[index], c, *size) for c in range(len(channels))])

    return Cartridge(
        sample, "phantom", "made", channels, 0.64, layout, load, tuple(events), simulated=True
    )


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.tif"))


def rewrite(path: Path, pages, **options) -> None:
    """Put other pages into a TIFF file."""
    with tifffile.TiffWriter(path) as file:
        for pixels in pages:
            file.write(pixels, metadata=None, **options)
