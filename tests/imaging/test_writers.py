"""Folders are written whole or not at all, and only what a format can hold."""

from __future__ import annotations

import errno
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from ashworth.errors import InputError
from ashworth.imaging.cartridge import Layout
from ashworth.imaging.channels import Channel
from ashworth.imaging.readers import open_folder
from ashworth.imaging.writers import (
    WRITERS,
    write_celltracks,
    write_folder,
    write_mcbp,
    write_ome_tiff,
    write_tiff,
    write_vycap,
)

from .frames_that_tell import CHANNELS, EVENTS, cartridge, files

FORMATS = sorted(WRITERS)


@pytest.mark.parametrize("format", FORMATS)
def test_progress_and_mark(tmp_path, format):
    seen = []
    folder = write_folder(
        cartridge(2, 1),
        tmp_path / "new" / "s",
        format=format,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 2), (2, 2)]
    assert "simulated" in (folder / "SIMULATED.txt").read_text()
    assert [p.name for p in folder.parent.iterdir()] == ["s"]


def test_observed_images_carry_no_mark(tmp_path):
    folder = write_tiff(replace(cartridge(1, 1), simulated=False), tmp_path / "s")
    assert not (folder / "SIMULATED.txt").exists()
    assert not open_folder(folder).simulated


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_cartridge_gives_the_same_bytes(tmp_path, format):
    made = cartridge(2, 2, events=EVENTS)
    first, second = (write_folder(made, tmp_path / f / "s", format=format) for f in "ab")
    names = [p.relative_to(first) for p in sorted(first.rglob("*")) if p.is_file()]
    assert names
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_is_left_when_a_frame_fails(tmp_path, format):
    made = cartridge(3, 1)

    def load(index):
        if index == 2:
            raise RuntimeError("lost")
        return made.load(index)

    with pytest.raises(RuntimeError, match="lost"):
        write_folder(made.with_load(load), tmp_path / "s", format=format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, format, monkeypatch):
    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tifffile.TiffWriter, "write", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_folder(cartridge(2, 1), tmp_path / "s", format=format)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    folder = write_tiff(cartridge(1, 1), tmp_path / "s")
    before = (folder / "001.tif").read_bytes()
    with pytest.raises(InputError, match="something is there already"):
        write_celltracks(cartridge(2, 1), folder)
    assert (folder / "001.tif").read_bytes() == before
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="something is there already"):
        write_tiff(cartridge(1, 1), tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert len(open_folder(write_tiff(cartridge(1, 1), tmp_path / "empty")).layout) == 1


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="writing the image folder"):
        write_tiff(cartridge(1, 1), tmp_path / "file" / "s")


def test_unknown_format(tmp_path):
    with pytest.raises(InputError, match="'CZI'"):
        write_folder(cartridge(1, 1), tmp_path / "s", format="CZI")


@pytest.mark.parametrize("format", ["CellTracks", "CellTracksXp"])
def test_formats_of_fixed_pages_need_the_channels_of_the_assay(tmp_path, format):
    """An absent CD45 is never written as a black page: that would be CD45 negative."""
    made = cartridge(1, 1, channels=(CHANNELS[0], CHANNELS[1], CHANNELS[3]))
    with pytest.raises(InputError, match="exclusion"):
        write_folder(made, tmp_path / "s", format=format)
    assert list(tmp_path.iterdir()) == []


def test_an_absent_marker_is_a_black_page(tmp_path):
    made = cartridge(1, 1, channels=CHANNELS[:3])
    read = open_folder(write_celltracks(made, tmp_path / "s"))
    assert [c.role for c in read.channels] == ["nucleus", "inclusion", "exclusion", "marker1"]
    assert int(read.load(0)[3].max()) == 0


@pytest.mark.parametrize("format", ["CellTracks", "CellTracksXp", "VyCAP", "MCBP"])
def test_values_that_a_format_cannot_hold(tmp_path, format):
    bright = np.full((4, 97, 128), 32768, np.uint16)
    with pytest.raises(InputError, match="a pixel of 32768"):
        write_folder(cartridge(1, 1).with_load(lambda _: bright), tmp_path / "s", format=format)


@pytest.mark.parametrize("write", [write_vycap, write_mcbp])
def test_formats_with_a_grid(tmp_path, write):
    with pytest.raises(InputError, match="unrelated fields"):
        write(cartridge(2, 1, grid=False), tmp_path / "s")


def test_mcbp_has_four_channels(tmp_path):
    made = cartridge(1, 1, channels=(*CHANNELS, Channel("marker2", "Cy7")))
    with pytest.raises(InputError, match="5 channels"):
        write_mcbp(made, tmp_path / "s")


@pytest.mark.parametrize("name", ["../DAPI", "a/b", "", "CON:", "PE", "pe", ".x"])
@pytest.mark.parametrize(
    "write", [write_vycap, write_mcbp, lambda c, p: write_tiff(c, p, files="single_page")]
)
def test_channel_names_that_cannot_be_file_names(tmp_path, write, name):
    channels = (Channel("nucleus", name), *CHANNELS[1:])
    with pytest.raises(InputError, match="channel name"):
        write(cartridge(1, 1, channels=channels), tmp_path / "s")


def test_a_small_box_comes_back_as_twenty_pixels(tmp_path):
    event = replace(EVENTS[0], x=50.0, y=40.0, width=6.0, height=8.0)
    (read,) = open_folder(write_celltracks(cartridge(events=[event]), tmp_path / "s")).events
    assert (read.x, read.y, read.width, read.height) == (43.0, 34.0, 20.0, 20.0)


def test_frames_are_numbered_along_the_order_of_the_format(tmp_path):
    """A snake written to a row-by-row format keeps every frame in its place."""
    made = cartridge(3, 2)
    for format in ("VyCAP", "MCBP"):
        read = open_folder(write_folder(made, tmp_path / format, format=format))
        at = {place: i for i, place in enumerate(read.layout.places)}
        for index, place in enumerate(made.layout.places):
            np.testing.assert_array_equal(read.load(at[place]), made.load(index))


def test_two_frames_at_one_place(tmp_path):
    layout = Layout(97, 128, (1, 2), ((0, 0), (0, 0)))
    with pytest.raises(InputError, match="two frames at one place"):
        write_celltracks(replace(cartridge(2, 1), layout=layout), tmp_path / "s")


def test_sidecar_holds_any_text(tmp_path):
    odd = 'a "b" \\ é \t\x7f 中'
    event = replace(EVENTS[0], event_id=odd, score=odd)
    made = cartridge(events=[event], sample=odd)
    read = open_folder(write_tiff(made, tmp_path / "s"))
    assert (read.sample, read.events) == (odd, (event,))


def test_ome_is_read_by_tifffile(tmp_path):
    made = cartridge(2, 1)
    (path,) = files(write_ome_tiff(made, tmp_path / "s"))
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert len(file.series) == 2
        np.testing.assert_array_equal(file.series[1].asarray(), made.load(1))
