"""What a writer writes, the reader reads back."""

from __future__ import annotations

import numpy as np
import pytest

from ashworth.imaging.cartridge import AssignedEvent, Cartridge, Layout, row_major, snake
from ashworth.imaging.channels import Channel
from ashworth.imaging.readers import open_folder
from ashworth.imaging.writers import write_celltracks, write_folder, write_tiff

HEIGHT, WIDTH = 97, 128
CHANNELS = (
    Channel("nucleus", "DAPI", saturation=4095.0),
    Channel("inclusion", "PE", saturation=4095.0),
    Channel("exclusion", "APC", saturation=4095.0),
    Channel("marker1", "FITC", "her2", saturation=4095.0),
)


def page(number: int, channel: int) -> np.ndarray:
    """A page that says which frame and channel it is; 0 to 255 above its base."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return ((x + y) % 200 + 5 * number + 300 * channel).astype(np.uint16)


def cartridge(columns=3, rows=3, *, order=snake, channels=CHANNELS, events=()) -> Cartridge:
    numbers = tuple(range(1, columns * rows + 1))
    layout = Layout(HEIGHT, WIDTH, numbers, order(columns, rows))

    def load(index):
        return np.stack([page(numbers[index], c) for c in range(len(channels))])

    return Cartridge(
        "171651.1.2", "phantom", "made", channels, 0.64, layout, load, tuple(events), True
    )


EVENTS = (
    AssignedEvent("17", 2, WIDTH + 10.0, 5.0, 40.0, 38.5, True, "1"),
    AssignedEvent("18", 4, 2 * WIDTH + 3.0, HEIGHT + 30.0, 20.0, 24.0, False, "0"),
)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd"])
@pytest.mark.parametrize("format", ["CellTracks", "TIFF"])
def test_a_folder_comes_back(tmp_path, format, compression):
    made = cartridge(events=EVENTS)
    folder = write_folder(made, tmp_path / made.sample, format=format, compression=compression)
    read = open_folder(folder, markers={"marker1": "her2"})
    assert read.format == format
    assert read.layout == made.layout
    assert read.channels == made.channels
    assert read.events == made.events
    assert (read.sample, read.pixel_size_um, read.simulated) == (made.sample, 0.64, True)
    assert read.notes == ()
    for index in range(9):
        pixels = read.load(index)
        assert pixels.dtype == np.uint16
        np.testing.assert_array_equal(pixels, made.load(index))


@pytest.mark.parametrize("bits", [8, 16])
def test_celltracks_errs_by_half_a_step_at_most(tmp_path, bits):
    rng = np.random.default_rng(5)
    values = rng.integers(0, 4096, (4, HEIGHT, WIDTH)).astype(np.uint16)
    values[2] = 1234
    made = cartridge(1, 1).with_load(lambda _: values)
    folder = write_celltracks(made, tmp_path / "s", bits=bits)
    error = np.abs(open_folder(folder).load(0).astype(int) - values)
    step = (values.max((1, 2)).astype(int) - values.min((1, 2))) / 255 if bits == 8 else np.zeros(4)
    assert (error.max((1, 2)) <= step / 2 + 0.5).all()
    assert (error.max() > 0) == (bits == 8)


def test_single_page_files_row_by_row(tmp_path):
    made = cartridge(4, 2, order=row_major)
    read = open_folder(write_tiff(made, tmp_path / "s", files="single_page"))
    assert read.layout == made.layout
    np.testing.assert_array_equal(read.load(5), made.load(5))
    assert read.channels == made.channels
