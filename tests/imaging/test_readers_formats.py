"""What each format's reader takes from a folder."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tifffile

from ashworth.imaging.cartridge import row_major, snake
from ashworth.imaging.channels import Channel
from ashworth.imaging.readers import open_folder
from ashworth.imaging.readers.pixels import restore
from ashworth.imaging.readers.roles import role_of
from ashworth.imaging.writers import (
    write_celltracks,
    write_celltracks_xp,
    write_mcbp,
    write_ome_tiff,
    write_tiff,
    write_vycap,
)

from .frames_that_tell import (
    CHANNELS,
    EVENTS,
    HEIGHT,
    WIDTH,
    cartridge,
    files,
    page,
    rewrite,
)


def at(read, frame, channel):
    """First pixel of a frame number and channel position."""
    return int(read.load(read.layout.numbers.index(frame))[channel, 0, 0])


def test_celltracks_pages_are_dna_marker_ck_cd45(tmp_path):
    """Channels are permuted from the page order, frames placed along the snake."""
    folder = write_celltracks(cartridge(3, 2), tmp_path / "s", bits=16)
    for number in range(1, 7):
        with tifffile.TiffFile(folder / "processed" / f"s_{number:03d}.tif") as file:
            stored = [int(p.asarray()[0, 0]) for p in file.pages]
            tags = [[p.tags[code].value for code in (754, 755, 756)] for p in file.pages]
            kinds = {int(p.tags[code].dtype) for p in file.pages for code in (754, 755, 756)}
        assert stored == [5 * number + 300 * c for c in (0, 3, 1, 2)]
        assert kinds == {3}
        assert [tag[1] for tag in tags] == [0] * 4
    read = open_folder(folder)
    assert [c.role for c in read.channels] == ["nucleus", "inclusion", "exclusion", "marker1"]
    assert read.layout.places == ((0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (0, 1))
    for number in range(1, 7):
        assert [at(read, number, c) for c in range(4)] == [5 * number + 300 * c for c in range(4)]


def test_celltracks_with_six_pages(tmp_path):
    channels = (*CHANNELS, Channel("marker2", "X"), Channel("marker3", "Y"))
    read = open_folder(write_celltracks(cartridge(2, 1, channels=channels), tmp_path / "s"))
    assert [c.prefix for c in read.channels[3:]] == ["marker1", "marker2", "marker3"]
    assert [c.name for c in read.channels] == ["DAPI", "PE", "APC", "FITC", "X", "Y"]
    assert [at(read, 2, c) for c in range(6)] == [10 + 300 * c for c in range(6)]


def test_markers_get_their_names(tmp_path):
    folder = write_celltracks(cartridge(1, 1), tmp_path / "s")
    read = open_folder(folder, markers={"marker1": "her2", "marker2": "er"})
    assert [c.prefix for c in read.channels] == ["dapi", "ck", "cd45", "her2"]
    assert "marker2 (er) is not in the folder" in read.notes


def test_a_chain_of_single_folders_is_followed(tmp_path):
    made = write_celltracks(cartridge(2, 1, events=EVENTS[:1]), tmp_path / "made" / "173765.1.1")
    deep = tmp_path / "173765.1.1"
    deep.mkdir()
    shutil.move(made, deep / "173765.1.1")
    read = open_folder(deep)
    assert read.reason == "CellTracks: 173765.xml, named after the folder, and TIFF frames."
    assert read.events == EVENTS[:1]
    assert at(read, 2, 1) == 310


def test_the_chain_ends_after_ten_folders(tmp_path):
    made = write_celltracks(cartridge(1, 1), tmp_path / "made" / "s")
    top = tmp_path / "s"
    deep = top.joinpath(*["d"] * 8)
    deep.mkdir(parents=True)
    shutil.move(made / "processed", deep / "e")
    assert len(open_folder(top).layout) == 1
    deeper = tmp_path / "t" / "f"
    deeper.parent.mkdir()
    shutil.move(top, deeper)
    with pytest.raises(Exception, match="no TIFF file"):
        open_folder(tmp_path / "t")


def test_names_that_begin_with_a_dot_are_not_seen(tmp_path):
    folder = write_celltracks(cartridge(2, 1), tmp_path / "s")
    (folder / "processed" / "._s_001.tif").write_bytes(b"\0\5\26\7")
    (folder / ".DS_Store").mkdir()
    assert open_folder(folder).layout.numbers == (1, 2)


def test_without_xml_the_private_tags_tell(tmp_path):
    folder = write_celltracks(cartridge(2, 1), tmp_path / "171651.1.2")
    read = open_folder(folder / "processed")
    assert read.reason == (
        "CellTracks: private TIFF tags 755 and 756 in 171651.1.2_001.tif, no XML."
    )
    assert "no XML: assigned events are unknown" in read.notes
    assert not read.layout.contiguous


@pytest.mark.parametrize(("frames", "columns", "rows"), [(144, 36, 4), (175, 35, 5)])
def test_without_grid_the_number_of_frames_tells(tmp_path, frames, columns, rows):
    folder = write_celltracks(cartridge(columns, rows, size=(3, 4)), tmp_path / "s")
    read = open_folder(folder / "processed")
    assert len(read.layout) == frames
    assert read.layout.places == snake(columns, rows)


def test_one_missing_frame_leaves_the_others_in_place(tmp_path):
    made = cartridge(3, 2)
    folder = write_celltracks(made, tmp_path / "s")
    (folder / "processed" / "s_005.tif").unlink()
    read = open_folder(folder)
    assert read.layout.numbers == (1, 2, 3, 4, 6)
    assert read.layout.places[-1] == made.layout.places[5]
    assert read.expected_frames == 6
    assert "1 of 6 frames are missing" in read.notes


def test_frames_beyond_the_grid_make_unrelated_fields(tmp_path):
    folder = write_celltracks(cartridge(3, 2), tmp_path / "s")
    shutil.copy(folder / "processed" / "s_001.tif", folder / "processed" / "s_099.tif")
    read = open_folder(folder)
    assert read.layout.places == ()
    assert any("7 frames do not fit a grid of 3 columns and 2 rows" in n for n in read.notes)


XML = """<?xml version="1.0"?><archive><x/><data xmlns="urn:other"><events>
<record><rid>7</rid><numselected>1</numselected><framenum>2</framenum>
<location>({right},{bottom}) ({left},{top})</location><assigned>true</assigned></record>
<record><rid>8</rid><numselected>0</numselected><framenum>2</framenum>
<location>({right},{bottom}) ({left},{top})</location><assigned>false</assigned></record>
</events><runs><record><numcols>2</numcols><numrows>1</numrows>
<camxsize>{camx}</camxsize><camysize>{camy}</camysize></record></runs></data></archive>"""


@pytest.mark.parametrize("scale", [1, 2])
def test_events_are_corners_in_cartridge_pixels_grown_by_ten(tmp_path, scale):
    """Also where the camera's frame in the XML is larger than the frames on disk."""
    folder = write_celltracks(cartridge(2, 1), tmp_path / "s")
    camx, camy = scale * WIDTH, scale * HEIGHT
    box = {"left": camx + 30, "top": 20, "right": camx + 50, "bottom": 45}
    (folder / "s.xml").write_text(XML.format(camx=camx, camy=camy, **box))
    first, second = open_folder(folder).events
    assert (first.event_id, first.frame, first.assigned, first.score) == ("7", 2, True, "1")
    assert (first.x, first.y, first.width, first.height) == (WIDTH + 20, 10, 40, 45)
    assert not second.assigned


def test_events_outside_of_their_frames_are_counted(tmp_path):
    folder = write_celltracks(cartridge(2, 1), tmp_path / "s")
    box = {"left": 30, "top": 20, "right": 50, "bottom": 45}
    (folder / "s.xml").write_text(XML.format(camx=WIDTH, camy=HEIGHT, **box))
    assert "2 of 2 assigned events lie outside of their frames" in open_folder(folder).notes


def test_without_the_field_assigned_the_score_tells(tmp_path):
    folder = write_celltracks(cartridge(2, 1), tmp_path / "s")
    box = {"left": WIDTH + 30, "top": 20, "right": WIDTH + 50, "bottom": 45}
    text = XML.format(camx=WIDTH, camy=HEIGHT, **box).replace("assigned>", "other>")
    (folder / "s.xml").write_text(text)
    assert [event.assigned for event in open_folder(folder).events] == [True, False]


def test_values_above_32767_lose_32768(tmp_path):
    for write, exact in ((write_celltracks, False), (write_vycap, False), (write_tiff, True)):
        folder = write(cartridge(1, 1), tmp_path / write.__name__)
        for path in files(folder):
            with tifffile.TiffFile(path) as file:
                pages = [p.asarray() for p in file.pages]
            rewrite(path, [p.astype(np.uint16) + np.uint16(32768) for p in pages])
        name = {write_celltracks: "CellTracks"}.get(write)
        pixels = open_folder(folder, format=name).load(0)
        lost = 0 if exact else 32768
        assert int(pixels.min()) == 32768 + (0 if write is write_celltracks else 5) - lost


def test_the_stretch_undone_above_32767():
    out = np.empty((1, 2), np.uint16)
    restore(np.array([[0, 255]], np.uint8), 32768, 32768 + 510, out)
    assert out.tolist() == [[0, 510]]


def test_a_black_page_has_its_lower_limit(tmp_path):
    folder = write_celltracks(cartridge(1, 1), tmp_path / "s")
    black = np.zeros((HEIGHT, WIDTH), np.uint8)
    tags = [(754, "H", 1, 1, True), (755, "H", 1, 37, True), (756, "H", 1, 37, True)]
    rewrite(files(folder)[0], [black] * 4, extratags=tags)
    assert (open_folder(folder).load(0) == 37).all()


@pytest.mark.parametrize("comma", [True, False])
def test_vycap_settings(tmp_path, comma):
    folder = write_vycap(cartridge(3, 2, order=row_major), tmp_path / "s", decimal_comma=comma)
    (settings,) = (folder / "Scan").iterdir()
    lines = settings.read_text().splitlines()
    assert lines[5][9:] == "3"
    assert lines[6][9:] == "2"
    assert lines[18][-4:] == ("6,40" if comma else "6.40")
    read = open_folder(folder)
    assert read.pixel_size_um == 0.64
    assert read.layout.places == row_major(3, 2)
    assert sorted(p.name for p in folder.iterdir() if p.is_dir()) == [
        "APC1", "DAPI1", "FITC1", "PE1", "Scan",
    ]  # fmt: skip
    assert [at(read, 6, c) for c in range(4)] == [30 + 300 * c for c in range(4)]


def test_vycap_leaves_the_reflection_out(tmp_path):
    folder = write_vycap(cartridge(2, 1, order=row_major), tmp_path / "s")
    shutil.copytree(folder / "DAPI1", folder / "Reflection1")
    for path in (folder / "Reflection1").iterdir():
        path.rename(path.with_name(path.name.replace("DAPI", "Reflection")))
    read = open_folder(folder)
    assert [c.name for c in read.channels] == ["DAPI", "PE", "APC", "FITC"]
    assert "channels not read: Reflection" in read.notes


def test_custom_channels_declare_roles(tmp_path):
    folder = write_vycap(cartridge(2, 1, order=row_major), tmp_path / "s")
    text = "Type;channelUsed\nExclusion Marker;FITC\nNucleus;DAPI\nInclusion Marker;PE\n"
    (folder / "customChannels.csv").write_text(text)
    read = open_folder(folder)
    assert [(c.role, c.name) for c in read.channels] == [
        ("nucleus", "DAPI"), ("inclusion", "PE"), ("exclusion", "FITC"),
    ]  # fmt: skip
    assert "channels not read: APC" in read.notes
    assert at(read, 1, 2) == 5 + 900


def test_mcbp_parameters(tmp_path):
    channels = (CHANNELS[0], CHANNELS[1], Channel("exclusion", "PerCP"), CHANNELS[3])
    made = cartridge(3, 2, order=row_major, channels=channels)
    folder = write_mcbp(made, tmp_path / "s")
    lines = (folder / "Parameters.txt").read_text().splitlines()
    assert (lines[14][9:], lines[28][18:], lines[29][18:]) == ("0.64", "3", "2")
    assert [line[10:] for line in lines[30:34]] == ["DAPI", "PE", "PerCP", "FITC"]
    assert not (folder / "customChannels.csv").exists()
    (folder / "Used Filters.txt").write_text("1\t1\t0\t1\n")
    lines[14] = lines[14].replace(".", ",")
    (folder / "Parameters.txt").write_text("\n".join(lines))
    read = open_folder(folder)
    assert [c.role for c in read.channels] == ["nucleus", "inclusion", "marker1"]
    assert read.pixel_size_um == 0.64
    assert [at(read, 5, c) for c in range(3)] == [25, 325, 925]


def test_dlm_tables_part_by_any_one_byte(tmp_path):
    made = cartridge(2, 1, events=EVENTS[:1], grid=False)
    folder = write_celltracks_xp(made, tmp_path / "s")
    before = open_folder(folder).events
    for path in folder.glob("*.dlm"):
        path.write_bytes(path.read_bytes().replace(b"\xa6", b"\xfe"))
    assert open_folder(folder).events == before
    for path in folder.glob("*.dlm"):
        path.write_bytes(path.read_bytes().replace(b"\xfe", "¦".encode()))
    assert open_folder(folder).events == before
    assert before[0].assigned


SIDECAR = """
pixel_size_um = 1
channels = [
  {role = "ignored", name = "empty"},
  {role = "exclusion", name = "CD45"},
  {role = "nucleus", name = "DNA", saturation = 200.0},
]
"""


def test_plain_tiff_by_its_sidecar(tmp_path):
    """8-bit pages keep their values; pages are put in the order of the roles."""
    for number in (7, 9):
        pages = [page(0, 0).astype(np.uint8) * 0 + c + number for c in (10, 20, 30)]
        rewrite(tmp_path / f"a{number}.tif", pages)
    (tmp_path / "frames.toml").write_text(SIDECAR)
    read = open_folder(tmp_path)
    assert read.reason == "TIFF: the sidecar frames.toml."
    assert read.layout.numbers == (7, 9)
    assert [(c.role, c.saturation) for c in read.channels] == [
        ("nucleus", 200.0), ("exclusion", 255.0),
    ]  # fmt: skip
    assert [at(read, 9, c) for c in range(2)] == [39, 29]
    assert not read.simulated


@pytest.mark.parametrize(
    "options",
    [
        {"tile": (16, 32)},
        {"tile": (16, 32), "compression": "lzw"},
        {"compression": "lzw", "predictor": True},
        {"compression": "zlib", "rowsperstrip": 7},
        {"compression": "packbits"},
        {"compression": "lzma"},
        {"rowsperstrip": 10},
        {"byteorder": ">"},
        {"byteorder": ">", "compression": "zlib", "predictor": True},
        {"bigtiff": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_ways_to_store_pixels(tmp_path, options, kind):
    folder = write_tiff(cartridge(1, 1), tmp_path / "s")
    pages = [(page(1, c) % 256).astype(kind) for c in range(4)]
    outer = {k: options[k] for k in ("byteorder", "bigtiff") if k in options}
    inner = {k: v for k, v in options.items() if k not in outer}
    with tifffile.TiffWriter(folder / "001.tif", **outer) as file:
        for pixels in pages:
            file.write(pixels, metadata=None, **inner)
    np.testing.assert_array_equal(open_folder(folder).load(0), np.stack(pages))


def test_thumbnails_between_pages_are_not_frames(tmp_path):
    folder = write_tiff(cartridge(1, 1), tmp_path / "s")
    with tifffile.TiffWriter(folder / "001.tif") as file:
        for c in range(4):
            file.write(page(1, c), metadata=None, compression="lzma")
            file.write(page(1, c)[::4, ::4], metadata=None, subfiletype=1)
    np.testing.assert_array_equal(open_folder(folder).load(0), cartridge(1, 1).load(0))


def test_ome_of_another_program(tmp_path):
    """Written by tifffile: several images, units, positions, names out of order."""
    names = ["CD45-APC", "Hoechst 33342", "HER-2", "Cytokeratin"]
    with tifffile.TiffWriter(tmp_path / "fields.ome.tif") as file:
        for number in (1, 2):
            metadata = {
                "axes": "CYX",
                "Channel": {"Name": names},
                "PhysicalSizeX": 500.0,
                "PhysicalSizeXUnit": "nm",
                "PhysicalSizeY": 0.5,
                "PhysicalSizeYUnit": "µm",
                "Plane": {
                    "PositionX": [(number - 1) * WIDTH * 0.5e-3] * 4,
                    "PositionXUnit": ["mm"] * 4,
                    "PositionY": [0.0] * 4,
                    "PositionYUnit": ["mm"] * 4,
                },
            }
            pixels = np.stack([page(number, c) for c in range(4)])
            file.write(pixels, metadata=metadata, photometric="minisblack")
    read = open_folder(tmp_path)
    assert read.reason == "OME-TIFF: the ending .ome.tif of fields.ome.tif."
    assert read.pixel_size_um == pytest.approx(0.5)
    assert [c.role for c in read.channels] == ["nucleus", "inclusion", "exclusion", "marker1"]
    assert read.channels[3].prefix == "her2"
    assert read.layout.places == ((0, 0), (1, 0))
    assert read.layout.numbers == (0, 1)
    assert [at(read, 1, c) for c in range(4)] == [10 + 300 * c for c in (1, 3, 0, 2)]


def test_stage_positions_that_do_not_abut_are_unrelated_fields(tmp_path):
    folder = write_ome_tiff(cartridge(2, 1), tmp_path / "s", sidecar=False)
    (path,) = files(folder)
    raw = path.read_bytes()
    step = f"{WIDTH * 0.64:.12g}".encode()
    assert step in raw
    path.write_bytes(raw.replace(step, b"70.00"[: len(step)].ljust(len(step), b"0")))
    read = open_folder(folder)
    assert read.layout.places == ()
    assert read.layout.numbers == (1, 2)


def test_a_sidecar_declares_ome_channels(tmp_path):
    folder = write_ome_tiff(cartridge(1, 1), tmp_path / "s", sidecar=False)
    (path,) = files(folder)
    path.write_bytes(path.read_bytes().replace(b'"DAPI"', b'"Cy77"').replace(b'"APC"', b'"Cy5"'))
    with pytest.raises(Exception, match=r"frames\.toml") as caught:
        open_folder(folder)
    assert [p.found for p in caught.value.problems] == ["'Cy77'", "'Cy5'"]
    roles = {"Cy5": "exclusion", "PE": "inclusion", "Cy77": "nucleus", "FITC": "marker1"}
    lines = [f'{{role = "{role}", name = "{name}"}}' for name, role in roles.items()]
    (folder / "frames.toml").write_text(f"channels = [{', '.join(lines)}]")
    read = open_folder(folder)
    assert [c.name for c in read.channels] == ["Cy77", "PE", "Cy5", "FITC"]
    np.testing.assert_array_equal(read.load(0), cartridge(1, 1).load(0))


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("DAPI", "nucleus"), ("hoechst", "nucleus"), ("CK", "inclusion"), ("pe", "inclusion"),
        ("Pan-Cytokeratin", "inclusion"), ("CD45", "exclusion"), ("APC", "exclusion"),
        ("FITC", "marker1"), ("HER2", "marker1"), ("HER-2/neu", "marker1"),
        ("Her2 FITC", "marker1"),
        ("FITC-CK", "inclusion"), ("HER2-PE", "marker1"), ("PE-Cy7", None),
        ("APC Cy7 CD45", "exclusion"),
        ("Reflection", "ignored"), ("Cy7", None), ("speed", None), ("", None),
    ],
)  # fmt: skip
def test_usual_names(name, role):
    assert role_of(name) == role
