"""What a writer writes, the reader reads back."""

from __future__ import annotations

import pickle
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ashworth.imaging.cartridge import AssignedEvent, Cartridge, Layout, row_major, snake
from ashworth.imaging.channels import Channel
from ashworth.imaging.readers import open_folder
from ashworth.imaging.writers import (
    WRITERS,
    write_celltracks,
    write_celltracks_xp,
    write_folder,
    write_mcbp,
    write_ome_tiff,
    write_tiff,
    write_vycap,
)

from .frames_that_tell import CHANNELS, EVENTS, cartridge

EXACT = ("TIFF", "OME-TIFF")


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd"])
@pytest.mark.parametrize("format", ["CellTracks", *EXACT])
def test_a_folder_comes_back_whole(tmp_path, format, compression):
    made = cartridge(events=EVENTS)
    folder = write_folder(made, tmp_path / made.sample, format=format, compression=compression)
    read = open_folder(folder, markers={"marker1": "her2"})
    assert read.format == format
    assert read.reason.startswith(f"{format}: ")
    assert read.layout == made.layout
    assert read.channels == made.channels
    assert read.events == made.events
    assert (read.sample, read.pixel_size_um, read.simulated) == (made.sample, 0.64, True)
    assert read.notes == ()
    for index in range(9):
        pixels = read.load(index)
        assert pixels.dtype == np.uint16
        np.testing.assert_array_equal(pixels, made.load(index))


@pytest.mark.parametrize("format", ["VyCAP", "MCBP"])
def test_a_folder_comes_back_without_events(tmp_path, format):
    made = cartridge(4, 2, order=row_major, events=())
    read = open_folder(write_folder(made, tmp_path / made.sample, format=format))
    assert (read.format, read.sample, read.pixel_size_um) == (format, made.sample, 0.64)
    assert read.layout == made.layout
    assert [c.role for c in read.channels] == [c.role for c in made.channels]
    assert [c.name for c in read.channels] == [c.name for c in made.channels]
    assert read.simulated
    assert read.notes == ()
    for index in range(8):
        np.testing.assert_array_equal(read.load(index), made.load(index))


@pytest.mark.parametrize(("columns", "rows"), [(35, 4), (36, 4)])
def test_celltracks_xp_knows_its_cartridges(tmp_path, columns, rows):
    """A scan of 140 frames is counted from the bottom row; others from the top."""
    x, y = cartridge(columns, rows, size=(11, 14)).layout.origin(36)
    event = AssignedEvent("1", 37, x + 3.0, y + 4.0, 5.0, 4.0, True, "Y")
    made = cartridge(columns, rows, size=(11, 14), events=[event])
    read = open_folder(write_celltracks_xp(made, tmp_path / "s", bits=16))
    at = {place: i for i, place in enumerate(read.layout.places)}
    assert len(at) == columns * rows
    for index, place in enumerate(made.layout.places):
        np.testing.assert_array_equal(read.load(at[place]), made.load(index))
    first = (34, 3) if columns * rows == 140 else (0, 0)
    assert read.layout.places[0] == first
    (box,) = read.events
    assert (box.x, box.y, box.width, box.height) == (event.x, event.y, event.width, event.height)
    assert read.layout.numbers.index(box.frame) == at[made.layout.places[36]]
    assert box.assigned
    assert read.notes == (
        f"grid taken from the number of frames ({columns * rows}: {columns} columns, {rows} rows)",
    )


def test_celltracks_xp_of_unknown_shape_is_unrelated_fields(tmp_path):
    read = open_folder(write_celltracks_xp(cartridge(3, 1, events=EVENTS[:1]), tmp_path / "s"))
    assert not read.layout.contiguous
    assert any("unrelated fields" in note for note in read.notes)
    assert (read.events[0].x, read.events[0].y) == (10.0, 5.0)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("write", [write_celltracks, write_celltracks_xp])
def test_the_stretch_errs_by_half_a_step_at_most(tmp_path, bits, write):
    rng = np.random.default_rng(5)
    values = rng.integers(0, 4096, (4, 33, 47)).astype(np.uint16)
    values[2] = 1234
    made = cartridge(1, 1, size=(33, 47)).with_load(lambda _: values)
    error = np.abs(open_folder(write(made, tmp_path / "s", bits=bits)).load(0).astype(int) - values)
    step = (values.max((1, 2)).astype(int) - values.min((1, 2))) / 255 if bits == 8 else np.zeros(4)
    assert (error.max((1, 2)) <= step / 2 + 0.5).all()
    assert (error.max() > 0) == (bits == 8)
    assert error[2].max() == 0


@pytest.mark.parametrize(
    "write",
    [
        lambda c, p: write_tiff(c, p, files="single_page"),
        lambda c, p: write_ome_tiff(c, p, files="many"),
        lambda c, p: write_ome_tiff(c, p, files="many", compression="lzw"),
    ],
)
def test_one_file_per_page_or_per_frame(tmp_path, write):
    made = cartridge(4, 2, order=row_major, events=EVENTS)
    read = open_folder(write(made, tmp_path / "s"))
    assert read.layout == made.layout
    assert read.channels == made.channels
    assert read.events == made.events
    np.testing.assert_array_equal(read.load(5), made.load(5))


def test_ome_without_sidecar_goes_by_names_and_positions(tmp_path):
    made = cartridge()
    read = open_folder(write_ome_tiff(made, tmp_path / "s", sidecar=False))
    assert read.layout == made.layout
    assert [(c.role, c.name) for c in read.channels] == [(c.role, c.name) for c in CHANNELS]
    assert [c.saturation for c in read.channels] == [4095.0] * 4
    np.testing.assert_array_equal(read.load(4), made.load(4))


@pytest.mark.parametrize("format", EXACT)
def test_unrelated_fields_stay_unrelated(tmp_path, format):
    made = cartridge(3, 1, grid=False)
    read = open_folder(write_folder(made, tmp_path / "s", format=format))
    assert read.layout == made.layout
    assert any("unrelated fields" in note for note in read.notes)


def test_celltracks_without_grid(tmp_path):
    read = open_folder(write_celltracks(cartridge(3, 1, grid=False, events=()), tmp_path / "s"))
    assert read.layout.places == ()
    assert read.layout.numbers == (1, 2, 3)


def test_frames_are_read_by_threads_and_after_pickling(tmp_path):
    made = cartridge()
    read = open_folder(write_celltracks(made, tmp_path / "s"))
    load = pickle.loads(pickle.dumps(read)).load
    with ThreadPoolExecutor(4) as pool:
        for index, pixels in enumerate(pool.map(load, range(9))):
            np.testing.assert_array_equal(pixels, made.load(index))


def test_formats_and_writers_are_the_same():
    from ashworth.imaging.readers import READERS

    assert {reader.name for reader in READERS} == set(WRITERS)


SIZES = st.tuples(st.integers(1, 17), st.integers(1, 19))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_pixels_come_back(data):
    """Property: write then read gives the same pixels, in every format, at any size."""
    format = data.draw(st.sampled_from(sorted(WRITERS)))
    most = 65535 if format in EXACT else 32767
    height, width = data.draw(SIZES)
    markers = data.draw(st.integers(0 if format != "CellTracks" else 1, 1))
    channels = tuple(c for c in CHANNELS[: 3 + markers])
    pixels = data.draw(
        arrays(np.uint16, (2, len(channels), height, width), elements=st.integers(0, most))
    )
    layout = Layout(height, width, (1, 2), snake(2, 1))
    made = Cartridge("s", "phantom", "made", channels, 0.5, layout, lambda i: pixels[i])
    compression = data.draw(st.sampled_from([None, "lzw", "zlib", "zstd"]))
    options = {"bits": 16} if format.startswith("CellTracks") else {}
    with tempfile.TemporaryDirectory() as desk:
        folder = WRITERS[format](made, Path(desk) / "s", compression=compression, **options)
        read = open_folder(folder)
        for index in range(2):
            got = read.load(index)[: len(channels)]
            np.testing.assert_array_equal(got, pixels[index])


@settings(max_examples=40, deadline=None)
@given(
    pixels=arrays(
        np.uint16,
        st.tuples(st.just(4), st.integers(1, 9), st.integers(1, 9)),
        elements=st.integers(0, 4095),
    )
)
def test_any_stretched_page_errs_by_half_a_step(pixels):
    made = cartridge(1, 1, size=pixels.shape[1:]).with_load(lambda _: pixels)
    with tempfile.TemporaryDirectory() as desk:
        read = open_folder(write_celltracks(made, Path(desk) / "s")).load(0)
    error = np.abs(read.astype(int) - pixels).max((1, 2))
    step = (pixels.max((1, 2)).astype(int) - pixels.min((1, 2))) / 255
    assert (error <= step / 2 + 0.5).all()


@pytest.mark.parametrize("write", [write_vycap, write_mcbp])
def test_other_channel_names_are_declared(tmp_path, write):
    names = ("Hoechst", "Cytokeratin", "Leuko", "Receptor")
    channels = tuple(Channel(c.role, n) for c, n in zip(CHANNELS, names, strict=True))
    made = cartridge(2, 1, order=row_major, channels=channels)
    folder = write(made, tmp_path / "s")
    text = (folder / "customChannels.csv").read_text()
    assert text.splitlines()[:2] == ["Type;channelUsed", "Nucleus;Hoechst"]
    read = open_folder(folder)
    assert read.channels == channels
    np.testing.assert_array_equal(read.load(1), made.load(1))
