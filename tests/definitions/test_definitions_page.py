"""The reference page says what ships."""

from __future__ import annotations

from pathlib import Path

from ashworth.definitions import load_all
from ashworth.workflows.definitions_page import definitions_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "definitions.md"


def test_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == definitions_page()


def test_page_names_every_definition():
    page = definitions_page()
    assert all(f"`{d.id}`" in page for d in load_all())


def test_endpoint_rows_show_the_roles():
    rows = [r.strip("| ").split(" | ") for r in definitions_page().splitlines() if "|" in r]
    start = next(i for i, row in enumerate(rows) if row[0] == "fact" and "`idfs`" in row)
    columns, *block = rows[start : start + 19]
    table = {row[0]: dict(zip(columns, row, strict=False)) for row in block}
    assert table["second_primary_non_breast"]["`idfs`"] == "E"
    assert table["second_primary_non_breast"]["`ibcfs`"] == "-"
    assert table["death_other_cause"]["`rfi`"] == "2"
    assert table["recurrence_unspecified"]["`drfi`"] == "?"
