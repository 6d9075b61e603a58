"""Properties: write then read is the identity, and the fast path equals the plain one."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.records import InputFormat, data_dictionary, key_of, read_table
from ashworth.records.columns import ColumnSpec
from ashworth.records.csv_text import (
    _records,
    can_split_plainly,
    read_csv_text,
    split_plainly,
    split_quoted,
)
from ashworth.records.formats import MISSING
from ashworth.records.identifiers import values_look_like
from ashworth.records.schemas import TABLES, specs

WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n;,"\t'),
    min_size=1,
    max_size=8,
).filter(lambda s: s == pl.Series([s]).str.strip_chars()[0] and s not in MISSING)


def values(spec: ColumnSpec) -> st.SearchStrategy:
    low, high = spec.minimum, spec.maximum
    if spec.categories:
        plain = st.sampled_from(spec.categories)
    elif spec.kind == "boolean":
        plain = st.booleans()
    elif spec.kind == "date":
        plain = st.dates(date(1900, 1, 1), date(2099, 12, 31))
    elif spec.kind == "integer":
        plain = st.integers(
            -(2**40) if low is None else int(low), 2**40 if high is None else int(high)
        )
    elif spec.kind == "number":
        plain = st.floats(low, high, allow_nan=False, allow_infinity=False, exclude_min=spec.above)
    else:
        plain = WORDS
    return plain if spec.required else st.none() | plain


@st.composite
def frames(draw: st.DrawFn) -> tuple[str, pl.DataFrame]:
    table = draw(st.sampled_from(TABLES))
    columns = specs(table)
    schema = {"text": pl.String, "integer": pl.Int64, "number": pl.Float64,
              "boolean": pl.Boolean, "date": pl.Date}  # fmt: skip
    row = st.fixed_dictionaries({n: values(s) for n, s in columns.items()})
    unique = draw(
        st.lists(
            row, min_size=1, max_size=6, unique_by=lambda r: tuple(r[k] for k in key_of(table))
        )
    )
    frame = pl.DataFrame(unique, schema={n: schema[s.kind] for n, s in columns.items()})
    return table, frame


@settings(max_examples=60, deadline=None)
@given(
    frames(),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from([".", ","]),
    st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_written_then_read_is_the_identity(tmp_path_factory, drawn, delimiter, decimal, encoding):
    table, frame = drawn
    if delimiter == decimal:
        decimal = "."
    text = frame.write_csv(separator=delimiter, decimal_comma=decimal == ",")
    path: Path = tmp_path_factory.getbasetemp() / "round_trip.csv"
    path.write_bytes(text.encode(encoding))
    how = InputFormat(decimal=decimal, delimiter=delimiter)
    for source in (path, frame):
        read = read_table(source, table, input_format=how)
        assert [p for p in read.problems if "values like" not in p.found] == []
        assert read.frame.equals(frame)
        assert read.rows.to_list() == list(range(2, frame.height + 2))


CELL = st.text(st.sampled_from("ab ,;.1é"), max_size=4)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(CELL, max_size=4), max_size=6),
    st.sampled_from([",", ";"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_the_split_by_columns_equals_the_split_by_records(rows, delimiter, newline):
    header = ["x", "field_0"]
    lines = [delimiter.join(header), *(delimiter.join(cells) for cells in rows)]
    text = newline.join(lines)
    assert can_split_plainly(text)
    plain_faults, quoted_faults = [], []
    cells, numbers = split_plainly(text, 1, header, delimiter, "t", plain_faults)
    records = _records(text, delimiter, "t")
    next(records)
    expected, expected_numbers = split_quoted(records, header, "t", quoted_faults)
    assert cells.equals(expected)
    assert numbers.to_list() == expected_numbers.to_list()
    assert plain_faults == quoted_faults


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=5), CELL
        ),
        min_size=1,
        max_size=5,
    )
)
def test_cells_come_out_as_the_csv_module_wrote_them(rows):
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerows([("x", "y"), *rows])
    raw = read_csv_text(buffer.getvalue().encode(), "t", InputFormat(delimiter=","))
    assert raw.cells.rows() == [r for r in rows if any(r)]


def test_an_email_is_found_among_many_values():
    assert values_look_like(pl.Series(["x"] * 99 + ["a.b@c.org"])) == "e-mail addresses"


def test_the_printed_dictionary_is_fresh():
    page = Path(__file__).parents[2] / "docs" / "reference" / "tables.md"
    assert page.read_text(encoding="utf-8") == data_dictionary(), (
        "run: python -m ashworth.records.dictionary > docs/reference/tables.md"
    )
