"""The reference page says what ships."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ashworth.definitions import load_all
from ashworth.workflows.definitions_page import definitions_page
from ashworth.workflows.her2_definitions import calibration_rows

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference" / "definitions.md"


def test_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == definitions_page()


@pytest.mark.parametrize("page", ["glossary.md", "reference/her2.md", "reference/definitions.md"])
def test_a_score_of_three_is_never_bare(page):
    """In every table row, entry and paragraph 3+ stands beside what it was read by."""
    text = (DOCS / page).read_text(encoding="utf-8")
    text = re.sub(r"(?ms)^```.*?^```", "", text)
    blocks = re.split(r"\n\n|\n(?=\|)", text)
    scored = [b for b in blocks if "3+" in b]
    assert scored
    assert [b for b in scored if "by immunofluorescence" not in " ".join(b.split())] == []


def test_calibrations_are_shown_with_the_whole_name_of_a_score():
    (calibration,) = load_all("her2_calibration")
    items = [item for item, _, _ in calibration_rows(calibration)]
    scored = [item for item in items if "+" in item]
    assert "HER2 by immunofluorescence 3+ from" in scored
    assert "false HER2 by immunofluorescence 3+ or higher" in scored
    assert all("HER2 by immunofluorescence" in item for item in scored)


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
