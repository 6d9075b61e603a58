"""Bad folders: a clear error that names every fault, never a crash, a hang or wrong pixels."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import socket
import struct

import numpy as np
import pytest
import tifffile

from ashworth.errors import AshworthError, FrameError, InputError
from ashworth.imaging.cartridge import row_major
from ashworth.imaging.readers import READERS, directory, open_folder
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

from .frames_that_tell import EVENTS, HEIGHT, WIDTH, cartridge, files, page, rewrite


def problems_of(folder, **options):
    with pytest.raises(InputError) as caught:
        open_folder(folder, **options)
    for problem in caught.value.problems:
        assert problem.found
        assert problem.allowed
        assert problem.remedy
    return caught.value.problems


def fault_of(folder, index=0):
    read = open_folder(folder)
    with pytest.raises(FrameError) as caught:
        read.load(index)
    return caught.value


def celltracks(tmp_path, columns=3, rows=1, **options):
    return write_celltracks(cartridge(columns, rows, **options), tmp_path / "s")


def frame(folder, number):
    return folder / "processed" / f"s_{number:03d}.tif"


def test_a_truncated_frame_is_named_and_the_others_load(tmp_path):
    folder = write_celltracks(cartridge(3, 1), tmp_path / "s", bits=16)
    path = frame(folder, 2)
    raw = path.read_bytes()
    faults = set()
    for kept in (len(raw) - 1, len(raw) // 2, 2000, 9, 7, 1, 0):
        path.write_bytes(raw[:kept])
        fault = fault_of(folder, 1)
        assert (fault.file, fault.frame) == ("s_002.tif", 2)
        assert isinstance(fault, AshworthError)
        faults.add(fault.fault.split(":")[0])
        np.testing.assert_array_equal(open_folder(folder).load(2), cartridge(3, 1).load(2))
    assert faults >= {"is truncated", "is empty (0 bytes)"}


@pytest.mark.parametrize("compression", ["lzw", "zlib", "zstd"])
def test_a_compressed_frame_with_damage_in_it(tmp_path, compression):
    folder = write_tiff(cartridge(1, 1), tmp_path / "s", compression=compression)
    (path,) = files(folder)
    with tifffile.TiffFile(path) as file:
        at = file.pages[2].dataoffsets[0]
    raw = bytearray(path.read_bytes())
    raw[at : at + 40] = b"\xff" * 40
    path.write_bytes(raw)
    assert "is damaged" in fault_of(folder).fault


def test_a_file_cut_after_opening(tmp_path):
    folder = celltracks(tmp_path)
    read = open_folder(folder)
    path = frame(folder, 1)
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(FrameError, match=r"s_001\.tif \(frame 1\): is truncated"):
        read.load(0)
    path.unlink()
    with pytest.raises(FrameError, match="cannot be read"):
        read.load(0)


def test_a_missing_page(tmp_path):
    folder = celltracks(tmp_path)
    rewrite(frame(folder, 3), [page(3, c) for c in range(3)])
    assert fault_of(folder, 2).fault == "has 3 pages; page 4 is needed"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (np.float32, "32-bit float"),
        (np.uint32, "32-bit unsigned"),
        (np.int16, "16-bit signed"),
        (np.float64, "64-bit float"),
    ],
)
def test_pixels_of_another_kind(tmp_path, kind, said):
    folder = celltracks(tmp_path)
    rewrite(frame(folder, 2), [page(2, c).astype(kind) for c in range(4)])
    assert fault_of(folder, 1).fault == f"page 1 has {said} pixels; 8 or 16 bit unsigned are needed"


def test_a_frame_of_colour(tmp_path):
    folder = celltracks(tmp_path)
    colour = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rewrite(frame(folder, 1), [colour] * 4, photometric="rgb")
    assert "3 samples per pixel (a colour picture)" in fault_of(folder).fault


def test_later_pages_of_another_size(tmp_path):
    folder = celltracks(tmp_path)
    small = [page(1, 0), page(1, 1), page(1, 2)[:-1], page(1, 3)]
    rewrite(frame(folder, 1), small)
    assert fault_of(folder).fault == "page 3 is 128 x 96 pixels; the others are 128 x 97"


def test_stretch_limits_the_wrong_way_round(tmp_path):
    folder = celltracks(tmp_path)
    tags = [(755, "H", 1, 900, True), (756, "H", 1, 100, True)]
    rewrite(frame(folder, 1), [page(1, 0).astype(np.uint8)] * 4, extratags=tags)
    assert "stretch limits (tags 755, 756) are 900 and 100" in fault_of(folder).fault


def test_errors_cross_processes(tmp_path):
    with pytest.raises(InputError) as caught:
        open_folder(tmp_path)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.problems) == (str(caught.value), caught.value.problems)
    fault = pickle.loads(pickle.dumps(FrameError("a.tif", 3, "is truncated")))
    assert (fault.file, fault.frame, str(fault)) == ("a.tif", 3, "a.tif (frame 3): is truncated")


def test_all_header_faults_at_once(tmp_path):
    """Two sizes, a repeated number and broken XML come in one error."""
    folder = celltracks(tmp_path, 4)
    rewrite(frame(folder, 2), [page(2, c)[:50] for c in range(4)])
    rewrite(frame(folder, 3), [page(3, c)[:, :70] for c in range(4)])
    shutil.copy(frame(folder, 1), folder / "processed" / "s_0001.tif")
    (folder / "s.xml").write_text("<archive><events>")
    found = problems_of(folder)
    assert {p.table for p in found} == {"s_002.tif", "s_003.tif", "s_0001.tif", "s.xml"}
    assert any(p.found == "128 x 50 pixels" for p in found)
    assert any(p.found == "1, also in s_001.tif" for p in found)


@pytest.mark.parametrize("format", ["TIFF", "VyCAP", "MCBP"])
def test_repeated_frame_numbers(tmp_path, format):
    made = cartridge(2, 1, order=row_major)
    if format == "TIFF":
        folder = write_tiff(made, tmp_path / "s", files="single_page")
    else:
        folder = write_folder(made, tmp_path / "s", format=format)
    (path,) = [p for p in files(folder) if p.name == "001_PE.tif"]
    shutil.copy(path, path.with_name("0001_PE.tif"))
    assert [p.column for p in problems_of(folder)] == ["frame number"]


def test_no_frames_and_few_frames(tmp_path):
    folder = celltracks(tmp_path)
    assert len(open_folder(folder).layout) == 3
    for path in files(folder):
        path.unlink()
    assert problems_of(folder, format="CellTracks")[0].found == "no TIFF file"
    tiff = write_tiff(cartridge(1, 1), tmp_path / "t")
    (tiff / "001.tif").unlink()
    assert problems_of(tiff)[0].found == "no frames"


def test_no_frame_can_be_read(tmp_path):
    folder = celltracks(tmp_path)
    for path in files(folder):
        path.write_bytes(b"II*\0")
    assert [p.table for p in problems_of(folder)] == ["s_001.tif", "s_002.tif", "s_003.tif"]


def test_too_few_pages_for_the_fixed_order(tmp_path):
    folder = celltracks(tmp_path)
    for number in (1, 2, 3):
        rewrite(frame(folder, number), [page(number, c) for c in range(3)])
    (problem,) = problems_of(folder)
    assert problem.found == "frames of 3 pages"


def test_holiday_pictures(tmp_path):
    """Every format says what it looks for and what was found instead."""
    for name in ("beach.jpg", "hotel.png", "sunset.JPG"):
        (tmp_path / name).write_bytes(b"\xff\xd8\xff\xe0 holiday")
    colour = np.zeros((20, 30, 3), np.uint8)
    tifffile.imwrite(tmp_path / "scan.tif", colour, photometric="rgb")
    (tmp_path / "album").mkdir()
    found = problems_of(tmp_path)
    assert [p.column for p in found] == [reader.name for reader in READERS]
    with pytest.raises(InputError, match=r"1 files \(\.png\), 1 files \(\.tif\), 1 folders"):
        open_folder(tmp_path)
    (tmp_path / "frames.toml").write_text(
        'pixel_size_um = 1.0\nchannels = [{role = "nucleus", name = "DAPI"}]\n'
    )
    assert "a colour picture" in fault_of(tmp_path).fault


def test_one_format_asked_for(tmp_path):
    folder = celltracks(tmp_path)
    assert [p.column for p in problems_of(folder, format="VyCAP")] == ["VyCAP"]
    assert problems_of(folder, format="CZI")[0].found == "'CZI'"


def test_paths_that_are_no_folder(tmp_path, monkeypatch):
    assert problems_of(tmp_path / "none")[0].found == "nothing of this name"
    (tmp_path / "file").touch()
    assert problems_of(tmp_path / "file")[0].found == "a file"

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(directory.os, "scandir", refuse)
    assert problems_of(tmp_path)[0].found == "an unreadable folder (Permission denied)"


def test_links_in_a_circle(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path, target_is_directory=True)
    problems_of(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.tif").symlink_to(other / "y.tif")
    (other / "y.tif").symlink_to(other / "x.tif")
    (other / "frames.toml").write_text(
        'pixel_size_um = 1.0\nchannels = [{role = "nucleus", name = "DAPI"}]\n'
    )
    assert all("cannot be read" in p.found for p in problems_of(other))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_pipes_and_sockets_are_no_frames(tmp_path, monkeypatch):
    folder = celltracks(tmp_path)
    os.mkfifo(folder / "processed" / "s_004.tif")
    (folder / "processed" / "s_005.tif").symlink_to("s_004.tif")
    (folder / "processed" / "s_006.tif").symlink_to(os.devnull)
    monkeypatch.chdir(folder / "processed")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s_007.tif")
        assert directory.listing(folder / "processed").files == (
            "s_001.tif", "s_002.tif", "s_003.tif"
        )  # fmt: skip
        assert len(open_folder(folder).layout) == 3
    with pytest.raises(InputError, match="no regular file"):
        directory.read_bytes(folder / "processed" / "s_004.tif")


def test_pages_in_a_circle(tmp_path):
    folder = write_tiff(cartridge(1, 1), tmp_path / "s")
    (path,) = files(folder)
    raw = bytearray(path.read_bytes())
    (first,) = struct.unpack("<I", raw[4:8])
    (tags,) = struct.unpack("<H", raw[first : first + 2])
    raw[first + 2 + 12 * tags : first + 6 + 12 * tags] = struct.pack("<I", first)
    path.write_bytes(raw)
    assert fault_of(folder).fault == "its chain of pages runs in a circle"


def test_a_bomb_of_a_page(tmp_path):
    """A header that claims 2^31 x 2^31 pixels is refused before memory is asked for."""
    folder = write_tiff(cartridge(1, 1), tmp_path / "s")
    (path,) = files(folder)
    raw = path.read_bytes()
    for tag, value in ((256, WIDTH), (257, HEIGHT)):
        old = struct.pack("<HHI", tag, 4, 1) + struct.pack("<I", value)
        short = struct.pack("<HHIHH", tag, 3, 1, value, 0)
        assert old in raw or short in raw
        new = struct.pack("<HHII", tag, 4, 1, 2**31)
        raw = raw.replace(old, new).replace(short, new)
    path.write_bytes(raw)
    assert "2147483648 x 2147483648" in problems_of(folder)[0].found


LAUGHS = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">{more}]>
<archive>&z;</archive>"""


def hostile():
    more = (
        "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(24))
        + '<!ENTITY z "&x;">'
    )
    yield "laughs", LAUGHS.format(more=more).encode()
    yield (
        "attribute laughs",
        LAUGHS.format(more=more).replace("<archive>", '<archive a="&y;">').encode(),
    )
    yield (
        "external",
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
    )
    yield "remote", b'<!DOCTYPE a SYSTEM "http://192.0.2.1/a.dtd"><a/>'
    yield "deep", b"<a>" * 100_000 + b"</a>" * 100_000
    yield "broken", b"<archive><events></archive>"
    yield "empty", b""
    yield "binary", bytes(range(256)) * 40
    yield "text", b"not XML"


@pytest.mark.parametrize("raw", [pytest.param(raw, id=name) for name, raw in hostile()])
def test_hostile_xml(tmp_path, raw):
    folder = celltracks(tmp_path)
    (folder / "s.xml").write_bytes(raw)
    found = problems_of(folder)
    assert {p.table for p in found} == {"s.xml"}
    assert "root:" not in str(found)


def test_hostile_xml_in_ome(tmp_path):
    folder = write_ome_tiff(cartridge(1, 1), tmp_path / "s", sidecar=False)
    (path,) = files(folder)
    raw = path.read_bytes()
    head = b"<?xml version='1.0' encoding='us-ascii'?>"
    assert head in raw
    bad = b"<!DOCTYPE OME [<!ENTITY a 'b'>]>".ljust(len(head))
    path.write_bytes(raw.replace(head, bad))
    assert "document type" in problems_of(folder)[0].found


def test_huge_xml(tmp_path, monkeypatch):
    folder = celltracks(tmp_path)
    monkeypatch.setattr(directory, "MOST_TEXT_BYTES", 1000)
    (folder / "s.xml").write_bytes(b"<a>" + b" " * 1000 + b"</a>")
    assert problems_of(folder)[0].found == "1007 bytes"


def test_bad_records_are_listed_all(tmp_path):
    folder = write_celltracks(cartridge(3, 3, events=EVENTS), tmp_path / "s")
    text = (folder / "s.xml").read_text()
    text = text.replace("<framenum>2<", "<framenum>two<").replace("<numcols>3<", "<numcols>-3<")
    text = text.replace("(", "[", 3)
    (folder / "s.xml").write_text(text)
    assert [p.column for p in problems_of(folder)] == [
        "numcols",
        "framenum",
        "location",
        "location",
    ]
    assert all(p.row for p in problems_of(folder))


def test_bad_tables_are_listed_all(tmp_path):
    folder = write_celltracks_xp(cartridge(3, 3, events=EVENTS, grid=False), tmp_path / "s")
    cells = (folder / "cells.dlm").read_bytes()
    pictures = (folder / "pic.dlm").read_bytes()
    (folder / "cells.dlm").write_bytes(
        cells.replace(b"T000002", b"T999999") + b"1\xa6T000001\xa6nan"
    )
    (folder / "pic.dlm").write_bytes(pictures + b"T000001\xa6\xa6\xa65\r\nshort")
    assert [(p.table, p.row) for p in problems_of(folder)] == [
        ("pic.dlm", 10), ("pic.dlm", 11), ("cells.dlm", 1), ("cells.dlm", 3),
    ]  # fmt: skip


def test_bad_settings_are_listed_all(tmp_path):
    folder = write_vycap(cartridge(2, 1, order=row_major), tmp_path / "s")
    (settings,) = (folder / "Scan").iterdir()
    settings.write_text("one line")
    assert [p.row for p in problems_of(folder)] == [6, 7, 19]
    folder = write_mcbp(cartridge(2, 1, order=row_major), tmp_path / "t")
    lines = (folder / "Parameters.txt").read_text().splitlines()
    lines[14] = lines[28] = lines[29] = ""
    (folder / "Parameters.txt").write_text("\n".join(lines))
    assert [p.row for p in problems_of(folder)] == [15, 29, 30]


def test_channels_without_role_or_files(tmp_path):
    folder = write_vycap(cartridge(2, 1, order=row_major), tmp_path / "s")
    (folder / "PE1").rename(folder / "Cy71")
    for path in (folder / "Cy71").iterdir():
        path.rename(path.with_name(path.name.replace("PE", "Cy7")))
    (problem,) = problems_of(folder)
    assert problem.column == "Cy7"
    assert "customChannels.csv" in problem.remedy
    text = "Type;channelUsed\nNucleus;DAPI\nInclusion Marker;TxRed\nOther;PE\n"
    (folder / "customChannels.csv").write_text(text)
    assert problems_of(folder)[0].row == 4
    (folder / "customChannels.csv").write_text(text.replace("Other;PE\n", ""))
    assert "no channel 'txred'" in problems_of(folder)[0].found


@pytest.mark.parametrize("format", ["VyCAP", "MCBP"])
def test_one_channel_lacks_a_frame(tmp_path, format):
    folder = write_folder(cartridge(3, 1, order=row_major), tmp_path / "s", format=format)
    (path,) = [p for p in files(folder) if p.name == "002_APC.tif"]
    path.unlink()
    (problem,) = problems_of(folder)
    assert (problem.column, problem.found) == ("APC", "no file of frame 2")


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", ["pixel_size_um", "channels"]),
        ("pixel_size_um = 0", ["pixel_size_um"]),
        ("pixel_size_um = 1.0\nchannels = []\ncolour = 3", ["colour"]),
        ('pixel_size_um = 1.0\nchannels = [{role = "nuclei", name = ""}]',
         ["channels.1.role", "channels.1.name"]),
        ('pixel_size_um = 1.0\nchannels = [{role = "marker1", name = "x", marker = "ck"}]',
         ["channels.1.marker"]),
        ('pixel_size_um = 1.0\nchannels = [{role = "inclusion", name = "a"}, '
         '{role = "inclusion", name = "b"}]', ["inclusion", "nucleus"]),
        ('pixel_size_um = 1.0\nfiles = "{frame}.tif"\ngrid = {columns = 0, rows = 1, order = "z"}',
         ["files", "grid.columns", "grid.order"]),
        ("pixel_size_um = [", [None]),
        ('pixel_size_um = 1.0\nchannels = [{role = "nucleus", name = "a"}]', ["channels"]),
    ],
)  # fmt: skip
def test_a_bad_sidecar(tmp_path, text, columns):
    folder = write_tiff(cartridge(1, 1), tmp_path / "s")
    (folder / "frames.toml").write_text(text)
    assert sorted(map(str, columns)) == sorted(str(p.column) for p in problems_of(folder))


def test_files_that_do_not_match_the_pattern(tmp_path):
    folder = write_tiff(cartridge(2, 1), tmp_path / "s", files="single_page")
    shutil.copy(folder / "001_PE.tif", folder / "overview.tif")
    assert "1 TIFF files do not match the pattern" in open_folder(folder).notes
    for path in folder.glob("*_PE.tif"):
        path.unlink()
    (problem,) = problems_of(folder)
    assert (problem.column, problem.found) == ("PE", "no file")


def test_a_damaged_ome_file_among_others(tmp_path):
    folder = write_ome_tiff(cartridge(3, 1), tmp_path / "s", files="many")
    (folder / "s_002.ome.tif").write_bytes(b"II*\0\xff\xff\xff\0")
    (problem,) = problems_of(folder)
    assert problem.table == "s_002.ome.tif"
    assert "is truncated" in problem.found


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        (b'Type="uint16"', b'Type="float" ', "image 'frame 1'"),
        (b'SizeZ="1"', b'SizeZ="5"', "image 'frame 1'"),
        (b'PhysicalSizeX="0.64"', b'PhysicalSizeQ="0.64"', "pixel size"),
        (b'PhysicalSizeY="0.64"', b'PhysicalSizeY="0.32"', "image 'frame 1'"),
        (b'Name="FITC"', b'Name="DAPI"', "nucleus"),
    ],
)
def test_ome_that_is_not_a_field(tmp_path, old, new, column):
    folder = write_ome_tiff(cartridge(1, 1), tmp_path / "s", sidecar=False)
    (path,) = files(folder)
    raw = path.read_bytes()
    assert old in raw
    path.write_bytes(raw.replace(old, new))
    assert column in [p.column for p in problems_of(folder)]


def test_ome_that_refers_to_files_that_are_missing(tmp_path):
    text = (
        '<OME><Image Name="a"><Pixels SizeC="1" SizeX="128" SizeY="97" Type="uint16" '
        'PhysicalSizeX="1"><Channel Name="DAPI"/><TiffData IFD="0" PlaneCount="1">'
        '<UUID FileName="../other.ome.tif">urn:uuid:1</UUID></TiffData></Pixels></Image></OME>'
    )
    tifffile.imwrite(tmp_path / "a.ome.tif", page(1, 0), description=text, metadata=None)
    (problem,) = problems_of(tmp_path)
    assert problem.found == "is missing from the folder"
    only = '<OME><BinaryOnly MetadataFile="b.companion.ome" UUID="urn:uuid:1"/></OME>'
    tifffile.imwrite(tmp_path / "a.ome.tif", page(1, 0), description=only, metadata=None)
    assert "b.companion.ome, which is missing" in problems_of(tmp_path)[0].found
    here = text.replace("../other.ome.tif", "a.ome.tif")
    (tmp_path / "b.companion.ome").write_text(here)
    np.testing.assert_array_equal(open_folder(tmp_path).load(0), page(1, 0)[None])


@pytest.mark.parametrize(
    "markers", [{"marker1": "CK"}, {"marker1": "ck"}, {"nucleus": "her2"}, {"marker1": "her 2"}]
)
def test_names_of_markers(tmp_path, markers):
    assert len(problems_of(celltracks(tmp_path), markers=markers)) == 1


@pytest.mark.parametrize("format", sorted(WRITERS))
def test_any_file_cut_anywhere_is_an_error_or_right(tmp_path, format):
    """Cutting any file of a folder never gives wrong pixels or another exception."""
    made = cartridge(2, 1, order=row_major, size=(9, 11))
    whole = write_folder(made, tmp_path / "whole", format=format, compression="lzw")
    right = [open_folder(whole).load(i) for i in range(2)]
    rng = np.random.default_rng(3)
    for path in sorted(p for p in whole.rglob("*") if p.is_file()):
        raw = path.read_bytes()
        for kept in rng.integers(0, max(len(raw), 1), 12):
            path.write_bytes(raw[:kept])
            try:
                read = open_folder(whole)
                for index in range(len(read.layout)):
                    pixels = read.load(index)
                    number = read.layout.numbers[index]
                    known = right[number - 1]
                    if pixels.shape == known.shape:
                        np.testing.assert_array_equal(pixels, known)
            except AshworthError:
                pass
        path.write_bytes(raw)


@pytest.mark.parametrize("compression", [None, "lzw"])
@pytest.mark.parametrize("format", sorted(WRITERS))
def test_any_bytes_changed_are_an_error_or_a_frame(tmp_path, format, compression):
    """Changed bytes in any file give a frame of the right shape or an error of ours."""
    made = cartridge(2, 1, order=row_major, size=(9, 11), events=EVENTS[:1])
    folder = write_folder(made, tmp_path / "s", format=format, compression=compression)
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size)
    rng = np.random.default_rng(11)
    for turn in range(60):
        path = paths[turn % len(paths)]
        raw = path.read_bytes()
        changed = bytearray(raw)
        at = int(rng.integers(len(raw)))
        changed[at : at + 4] = [b"\xff" * 4, rng.bytes(1), rng.bytes(4), b""][turn % 4]
        path.write_bytes(changed)
        with contextlib.suppress(AshworthError):
            read = open_folder(folder)
            shape = (len(read.channels), read.layout.height, read.layout.width)
            for index in range(len(read.layout)):
                assert read.load(index).shape == shape
        path.write_bytes(raw)
