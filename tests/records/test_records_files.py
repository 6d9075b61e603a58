"""Files as people have them, and files that are no tables."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from ashworth.records import InputFormat, read_table

TEXT = "patient_id,centre,age_years\nP1,Köln,50.5\nP2,Ulm,61\n"


@pytest.mark.parametrize(
    ("data", "encoding", "delimiter"),
    [
        (TEXT.encode(), "utf-8", ","),
        (b"\xef\xbb\xbf" + TEXT.encode(), "utf-8", ","),
        (TEXT.encode("latin-1"), "cp1252", ","),
        (TEXT.replace(",", ";").encode(), "utf-8", ";"),
        (TEXT.replace(",", "\t").encode(), "utf-8", "\t"),
        (TEXT.replace("\n", "\r\n").encode(), "utf-8", ","),
        (TEXT.replace("\n", "\r").encode(), "utf-8", ","),
        (TEXT.replace("\n", ",,\n").encode(), "utf-8", ","),
        (gzip.compress(TEXT.encode(), mtime=0), "utf-8", ","),
    ],
)
def test_spellings_of_one_table_read_alike(tmp_path, data, encoding, delimiter):
    path = tmp_path / "patients.csv"
    path.write_bytes(data)
    read = read_table(path, "patients")
    assert not read.problems
    assert read.frame["centre"].to_list() == ["Köln", "Ulm"]
    assert read.frame["age_years"].to_list() == [50.5, 61]
    assert (read.encoding, read.delimiter) == (encoding, delimiter)
    assert any("cp1252" in n for n in read.notices) == (encoding == "cp1252")


def test_a_declared_encoding_is_held(problems, the):
    declared = InputFormat(encoding="utf-8")
    got = problems(TEXT.encode("latin-1"), "patients", input_format=declared)
    assert "cp1252" in the(got, "patients", 2, None).remedy


def test_frames_and_parquet_read_like_text(tmp_path):
    frame = pl.read_csv(io.BytesIO(TEXT.encode()))
    frame.write_parquet(tmp_path / "p.parquet")
    pandas = pd.DataFrame(frame.to_dict(as_series=False))
    sources = (frame, frame.lazy(), pandas, tmp_path / "p.parquet", str(tmp_path / "p.parquet"))
    for source in sources:
        read = read_table(source, "patients")
        assert not read.problems
        assert read.frame["age_years"].to_list() == [50.5, 61.0]


def test_pandas_gaps_and_timestamps_are_understood():
    frame = pd.DataFrame(
        {"patient_id": ["P1", "P2"], "grade": [2.0, None],
         "index_date": pd.to_datetime(["2001-01-31", None])}
    )  # fmt: skip
    read = read_table(frame, "patients", input_format=InputFormat(decimal=","))
    assert not read.problems
    assert read.frame["grade"].to_list() == [2, None]
    assert str(read.frame["index_date"][0]) == "2001-01-31"


def test_a_frame_with_lists_or_of_no_kind(the):
    read = read_table(pl.DataFrame({"patient_id": ["P"], "sites": [["bone"]]}), "patients")
    assert the(list(read.problems), "patients", None, "sites").allowed == "one value per cell"
    read = read_table(42, "patients")
    assert "type int" in the(list(read.problems), "patients", None, None).found


def test_pandas_columns_of_mixed_types_and_repeated_names(the):
    mixed = pd.DataFrame({"patient_id": ["P1", 2], "grade": [1, "two"]})
    read = read_table(mixed, "patients")
    assert the(list(read.problems), "patients", 3, "grade").found == "'two'"
    assert read.frame["patient_id"].to_list() == ["P1", "2"]
    twice = pd.DataFrame([["P1", "P2"]], columns=["patient_id", "patient_id"])
    problem = the(list(read_table(twice, "patients").problems), "patients", None, None)
    assert "repeated column name" in problem.found


def test_rows_count_records_as_a_spreadsheet_does(problems, the):
    text = 'patient_id,sites,grade\nP1,"bone\nliver, lung",2\n\nP2,,9\n'
    assert the(problems(text, "patients"), "patients", 4, "grade").found == "'9'"
    plain = "patient_id,grade\nP1,2\n\nP2,9\n"
    assert the(problems(plain, "patients"), "patients", 4, "grade").found == "'9'"


def test_quoted_cells_keep_separators_and_newlines(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text('patient_id,sites\nP1,"bone\nliver, ""left"""\n')
    assert read_table(path, "patients").frame["sites"].to_list() == ['bone\nliver, "left"']


@pytest.mark.parametrize("quote", ["", '"'])
def test_ragged_rows_are_named_and_good_rows_kept(tmp_path, the, quote):
    path = tmp_path / "p.csv"
    path.write_text(f"patient_id,centre,grade\n{quote}P1{quote},A,2\nP2,B\nP3,C,2,5\n")
    read = read_table(path, "patients")
    assert the(list(read.problems), "patients", 3, None).found == "2 cells"
    assert the(list(read.problems), "patients", 4, None).found == "4 cells"
    assert read.frame["patient_id"].to_list() == ["P1"]
    assert not read.complete


@pytest.mark.parametrize(
    ("data", "row", "found"),
    [
        (b"", None, "the empty file"),
        (b" \n\n", None, "the empty file"),
        (b"patient_id,grade\n", None, "a header and no rows"),
        (b"PK\x03\x04rest of a workbook", None, "a spreadsheet or archive"),
        (b"\xd0\xcf\x11\xe0rest of a workbook", None, "a spreadsheet or archive"),
        (b"patient_id\nP\x001\n", None, "a binary file"),
        ("patient_id\nP1\n".encode("utf-16"), None, "in UTF-16"),
        (b'patient_id,sites\nP1,"bone\nP2,liver\n', 2, "without its closing quote"),
        (b'patient_id,sites\nP1,"bo"ne\n', 2, "a misplaced quote"),
        (b"patient_id\n" + b"x" * 200_000 + b"\n", 2, "more than 131,072 characters"),
        (gzip.compress(TEXT.encode() * 99, mtime=0)[:-20], None, "truncated or damaged gzip"),
        (b"PAR1 and no end", None, "truncated, damaged or not Parquet"),
    ],
)
def test_files_that_are_no_tables(problems, the, data, row, found):
    problem = the(problems(data, "patients"), "patients", row, None)
    assert found in problem.found
    assert problem.remedy


def test_headers_must_be_names_and_unlike(problems, the):
    got = problems("patient_id,grade,grade,,centre\nP1,1,1,,A\n", "patients")
    assert the(got, "patients", 1, "grade").found == "the header 'grade' 2 times"
    assert the(got, "patients", 1, None).found == "no name above column 4"


def test_a_parquet_file_cut_anywhere_is_an_error(tmp_path):
    buffer = io.BytesIO()
    pl.DataFrame({"patient_id": [f"P{i}" for i in range(50)]}).write_parquet(buffer)
    data = buffer.getvalue()
    path = tmp_path / "p.parquet"
    for end in range(1, len(data), max(1, len(data) // 40)):
        path.write_bytes(data[:end])
        assert len(read_table(path, "patients").problems) == 1
        path.write_bytes(data[:end] + data[-8:])
        assert read_table(path, "patients").problems


def test_a_missing_file_a_folder_and_a_device(tmp_path, the):
    for source, found in (
        (tmp_path / "none.csv", "no file 'none.csv'"),
        (tmp_path, "the folder"),
        ("/dev/null", "which is not a file"),
        ("a\x00b", "null"),
    ):
        problem = the(list(read_table(source, "patients").problems), "patients", None, None)
        assert found in problem.found


def test_a_file_without_permission(tmp_path, the, monkeypatch):
    path = tmp_path / "p.csv"
    path.write_text(TEXT)

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    problem = the(list(read_table(path, "patients").problems), "patients", None, None)
    assert problem.found == "'p.csv', which may not be read"


def test_ten_gigabytes_are_refused_unread(tmp_path, the):
    path = tmp_path / "p.csv"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 10 * 1024**3)
    problem = the(list(read_table(path, "patients").problems), "patients", None, None)
    assert "10,737,418,240 bytes" in problem.found
    assert "max_bytes" in problem.remedy


def test_gzip_is_limited_after_unpacking(problems, the):
    data = gzip.compress(b"patient_id\n" + b"P1\n" * 100_000, mtime=0)
    got = problems(data, "patients", input_format=InputFormat(max_bytes=10_000))
    assert "unpacked" in the(got, "patients", None, None).found


def test_an_undeclared_thousand_problems_are_all_kept_and_the_message_is_short(tmp_path):
    from ashworth.errors import InputError
    from ashworth.records import read_tables

    path = tmp_path / "p.csv"
    path.write_text("patient_id,grade\n" + "".join(f"P{i},9\n" for i in range(1000)))
    with pytest.raises(InputError) as caught:
        read_tables({"patients": path})
    assert len(caught.value.problems) == 1000
    assert str(caught.value).count("\n") == 51
    assert "950 more of the same column" in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [{"delimiter": "|"}, {"decimal": "·"}, {"encoding": "utf-7"}, {"date_format": "guess"},
     {"delimiter": ",", "decimal": ","}],
)  # fmt: skip
def test_a_format_outside_the_list_is_refused(options):
    with pytest.raises(ValueError, match=r"allowed|both"):
        InputFormat(**options)


def test_a_frame_whose_columns_are_numbered(the):
    read = read_table(pd.DataFrame([[1, 2]]), "patients")
    problem = the(list(read.problems), "patients", None, None)
    assert problem.found == "column names that are not text: 0, 1"


def test_no_rows_is_a_problem_of_files_and_frames_alike(problems, tmp_path):
    from_file = problems("patient_id,centre\n", "patients")
    frame = pl.DataFrame(schema={"patient_id": pl.String, "centre": pl.String})
    frame.write_parquet(tmp_path / "p.parquet")
    for source in (frame, pd.DataFrame(columns=["patient_id", "centre"]), tmp_path / "p.parquet"):
        assert list(read_table(source, "patients").problems) == from_file
    assert [p.found for p in from_file] == ["a header and no rows"]


def test_a_file_too_large_names_what_a_study_can_do(problems):
    (problem,) = problems(TEXT, "patients", input_format=InputFormat(max_bytes=10))
    assert "split the file" in problem.remedy
    assert "Parquet" in problem.remedy
