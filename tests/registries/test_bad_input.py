"""Files that are broken, hostile or not what they seem: named, and never half-read in silence."""

from __future__ import annotations

import gzip
import json
import zipfile
import zlib
from pathlib import Path

import pytest

from ashworth.cli import main
from ashworth.errors import InputError
from ashworth.registries.readers import members
from ashworth.registries.readers.files import read_registrations
from ashworth.registries.survey import survey

GOOD = b"<clinical_study><id_info><nct_id>NCT00000001</nct_id></id_info></clinical_study>"
STUDY = {"protocolSection": {"identificationModule": {"nctId": "NCT00000002"}}}
JSON = json.dumps(STUDY).encode()
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + GOOD


def deep(n: int) -> bytes:
    return b"<clinical_study>" + b"<a>" * n + b"</a>" * n + b"</clinical_study>"


HOSTILE = {
    "cut.xml": GOOD[:-20],
    "entities.xml": BOMB,
    "outside.xml": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + GOOD,
    "late-entities.xml": b" " * 5000 + b'<?xml version="1.0"?>' + BOMB,
    "deep.xml": deep(5000),
    "no-number.xml": b"<clinical_study><brief_title>A trial</brief_title></clinical_study>",
    "cut.json": JSON[:-8],
    "cut-list.json": b'{"studies": [' + JSON + b", " + JSON[:40],
    "not-one.json": b'{"studies": [{"protocolSection": {"identificationModule": {}}}]}',
    "wrong-type.json": b'{"protocolSection": {"identificationModule": {"nctId": 17}}}',
    "empty.json": b"",
    "blank.xml": b"  \n ",
    "holiday.txt": b"Dear all, the weather is fine.",
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "utf16.xml": '<?xml version="1.0" encoding="utf-8"?><clinical_study/>'.encode("utf-16"),
    "broken.csv": b'NCT Number,Study Title\nNCT00000001,"never closed\n',
}


def run(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_named_refused_as_a_whole_or_skipped(name, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(HOSTILE[name])
    (tmp_path / "in" / "good.xml").write_bytes(GOOD)
    with pytest.raises(InputError) as caught:
        read_registrations([tmp_path / "in"])
    assert name in str(caught.value)
    assert "good.xml" not in str(caught.value)
    found = read_registrations([tmp_path / "in"], on_fault="skip")
    assert [r.registry_id for r in found.records] == ["NCT00000001"]
    assert all(name in str(p) for p in found.faults)
    out = tmp_path / "out"
    assert run(["landscape", str(tmp_path / "in"), "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert name in captured.err
    assert "Traceback" not in captured.err
    assert not out.exists()
    assert run(["landscape", str(tmp_path / "in"), "--skip", "--out", str(out)]) == 0
    assert "left out: " in capsys.readouterr().out
    assert (out / "landscape.json").exists()


def test_all_faults_at_once(tmp_path):
    for name, content in HOSTILE.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_registrations([tmp_path])
    said = str(caught.value)
    assert all(name in said for name in HOSTILE)


def test_a_field_beyond_what_the_parser_takes_is_refused(tmp_path):
    path = tmp_path / "long.xml"
    path.write_bytes(
        GOOD.replace(
            b"</id_info>", b"</id_info><brief_title>" + b"x" * 12_000_000 + b"</brief_title>"
        )
    )
    with pytest.raises(InputError, match=r"long\.xml"):
        read_registrations([path])


def zipped(path: Path, files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = zipped(tmp_path / "bomb.zip", {"good.xml": GOOD, "bomb.xml": b" " * 60_000_000})
    with pytest.raises(InputError, match=r"bomb.xml.*60,000,000 bytes out of"):
        read_registrations([path])
    found = read_registrations([path], on_fault="skip")
    assert [r.registry_id for r in found.records] == ["NCT00000001"]


@pytest.mark.parametrize("name", ["../evil.xml", "/evil.xml", "a/../../evil.xml", "C:/evil.xml"])
def test_names_that_leave_the_archive(name, tmp_path):
    path = zipped(tmp_path / "x.zip", {name: GOOD, "good.json": JSON})
    with pytest.raises(InputError, match="leaves the archive"):
        read_registrations([path])
    found = read_registrations([path], on_fault="skip")
    assert [r.registry_id for r in found.records] == ["NCT00000002"]
    assert not list(tmp_path.parent.glob("evil*"))


def test_archives_that_are_cut_encrypted_or_none(tmp_path):
    whole = zipped(tmp_path / "x.zip", {"a.xml": GOOD, "b.json": JSON}).read_bytes()
    (tmp_path / "x.zip").write_bytes(whole[:-30])
    with pytest.raises(InputError, match=r"x\.zip"):
        read_registrations([tmp_path / "x.zip"])
    damaged = bytearray(whole)
    damaged[45] ^= 0xFF
    (tmp_path / "x.zip").write_bytes(damaged)
    with pytest.raises(InputError, match=r"a\.xml"):
        read_registrations([tmp_path / "x.zip"])
    locked = bytearray(whole)
    at = locked.index(b"PK\x01\x02")
    locked[at + 8] |= 1
    (tmp_path / "x.zip").write_bytes(locked)
    with pytest.raises(InputError, match="encrypted"):
        read_registrations([tmp_path / "x.zip"])
    (tmp_path / "x.zip").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"x\.zip"):
        read_registrations([tmp_path / "x.zip"])


def test_gz_that_is_cut_none_or_a_bomb(tmp_path, monkeypatch):
    path = tmp_path / "x.xml.gz"
    path.write_bytes(gzip.compress(GOOD))
    assert read_registrations([path]).records[0].registry_id == "NCT00000001"
    for content in (gzip.compress(GOOD)[:-9], b"\x1f\x8bnothing", GOOD, zlib.compress(GOOD)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"x\.xml\.gz"):
            read_registrations([path])
    from ashworth.registries.readers import files

    monkeypatch.setattr(files, "LARGEST", 1_000_000)
    path.write_bytes(gzip.compress(b" " * 5_000_000))
    with pytest.raises(InputError, match="more than 1,000,000 bytes"):
        read_registrations([path])


def test_encodings_and_line_ends_mean_the_same(tmp_path):
    title = "Circulating&#xD;\n tumor cells in M\u00e4nner"
    text = GOOD.decode().replace("</id_info>", f"</id_info><brief_title>{title}</brief_title>")
    variants = {
        "utf8.xml": text.encode(), "bom.xml": b"\xef\xbb\xbf" + text.encode(),
        "crlf.xml": text.replace("\n", "\r\n").encode(),
        "latin.xml": b'<?xml version="1.0" encoding="ISO-8859-1"?>' + text.encode("latin-1"),
    }  # fmt: skip
    for name, content in variants.items():
        path = tmp_path / name
        path.write_bytes(content)
        (record,) = read_registrations([path]).records
        assert record.brief_title == "Circulating tumor cells in M\u00e4nner", name


def test_latin_bytes_that_call_themselves_utf8_are_refused(tmp_path):
    path = tmp_path / "x.xml"
    path.write_bytes(b'<?xml version="1.0" encoding="UTF-8"?>'
                     + GOOD.replace(b"NCT00000001<", b"NCT00000001<!--\xe4--><"))  # fmt: skip
    with pytest.raises(InputError, match=r"x\.xml"):
        read_registrations([path])


def test_another_format_under_a_wrong_name_is_read_as_what_it_is(tmp_path):
    (tmp_path / "a.json").write_bytes(GOOD)
    (tmp_path / "b.xml").write_bytes(JSON)
    found = read_registrations([tmp_path])
    assert found.formats == {"ctgov_xml": 1, "ctgov_json_v2": 1}


def test_a_total_that_does_not_match_is_told(tmp_path, capsys):
    answer = {"totalCount": 3, "studies": [STUDY]}
    (tmp_path / "page.json").write_text(json.dumps(answer), encoding="utf-8")
    assert read_registrations([tmp_path]).announced == {"page.json": (3, 1)}
    assert run(["landscape", str(tmp_path)]) == 0
    assert "page.json announces 3 studies and holds 1" in capsys.readouterr().out


def test_a_total_is_compared_with_all_pages_of_the_answer(tmp_path):
    pages = [
        {"totalCount": 3, "nextPageToken": "a", "studies": [STUDY]},
        {"nextPageToken": "b", "studies": [STUDY]},
        {"studies": [STUDY]},
    ]
    for k, page in enumerate(pages):
        (tmp_path / f"p{k}.json").write_text(json.dumps(page), encoding="utf-8")
    (tmp_path / "alone.json").write_bytes(JSON)
    assert read_registrations([tmp_path]).announced == {}
    assert survey([tmp_path]).announced == {}
    (tmp_path / "p1.json").unlink()
    assert survey([tmp_path]).announced == {"p0.json": (3, 1)}


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="no file"):
        read_registrations([tmp_path])
    with pytest.raises(InputError, match="no such file or folder"):
        read_registrations([tmp_path / "none"])


def test_a_set_may_have_large_tables_others_not(tmp_path, monkeypatch):
    monkeypatch.setattr(members, "LARGEST", 1000)
    path = zipped(tmp_path / "x.zip", {"long.xml": GOOD + b" " * 2000}, zipfile.ZIP_STORED)
    with pytest.raises(InputError, match=r"long\.xml"):
        read_registrations([path])
