"""Verdicts by hand: applied last, with their reason, counted apart; bad tables named whole."""

from __future__ import annotations

from datetime import date

import pytest

from ashworth.errors import InputError
from ashworth.registries import (
    Registration,
    country_code,
    landscape_on,
    precise_date,
    read_overrides,
)

HEAD = "registry_id,field,value,reason,who,when\n"
GOOD = (
    HEAD
    + """NCT00000001,specimen,CTC,counted in a side programme,A. Reader,2026-11-27
NCT00000002,scope,other,the breast stands in the name of a clinic,A. Reader,27 November 2026
NCT00000009,specimen,none,withdrawn,A. Reader,2026-11-27
"""
)


def trial(number, title):
    return Registration("ctgov", "x", number, brief_title=title, conditions=("Breast Cancer",),
                        status="RECRUITING")  # fmt: skip


RECORDS = [trial("NCT00000001", "Adjuvant chemotherapy"),
           trial("NCT00000002", "Circulating tumor cells"),
           trial("NCT00000003", "Circulating tumor cells")]  # fmt: skip


def test_overrides_come_last_and_are_counted_apart(tmp_path):
    path = tmp_path / "o.csv"
    path.write_text(GOOD, encoding="utf-8")
    chosen = read_overrides(path)
    made = landscape_on(RECORDS, as_of=date(2026, 1, 1), overrides=chosen)
    first, second, third = made.trials
    assert (first.specimen, first.tier) == ("CTC", 3)
    assert first.verdict.specimen == "none"
    assert "side programme" in first.to_dict()["overridden"][0]
    assert (second.scope, third.scope) == ("other", "breast")
    assert made.counts()["3"]["specimen"] == {"CTC": 2}
    assert made.counts()["3"]["overridden"] == {"trials": 1}
    assert made.unused_overrides == ("NCT00000009",)
    plain = landscape_on(RECORDS, as_of=date(2026, 1, 1))
    assert plain.counts()["3"]["specimen"] == {"CTC": 2}
    assert plain.trials[0].specimen == "none"


def test_every_bad_row_is_named(tmp_path):
    path = tmp_path / "o.csv"
    path.write_text(
        HEAD + "NCT1,species,CTC,r,w,2026-01-01\nNCT2,specimen,blood,r,w,2026-01-01\n"
        "NCT3,tier,5,r,w,2026-01-01\n,scope,breast,,,soon\n"
        "NCT5,scope,breast,r,w,2026-01-01\nNCT5,scope,other,r,w,2026-01-01\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        read_overrides(path)
    said = str(caught.value)
    for words in ("species", "blood", "'5'", "registry_id", "reason", "who", "soon",
                  "2 values for NCT5"):  # fmt: skip
        assert words in said
    assert len(caught.value.problems) == 8


@pytest.mark.parametrize("content", ["", "registry_id,field\n", GOOD[:-30], HEAD + 'a,"b\n'])
def test_tables_that_are_none(content, tmp_path):
    path = tmp_path / "o.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError):
        read_overrides(path)
    with pytest.raises(InputError, match="No such file"):
        read_overrides(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("name", "code"),
    [("United States", "US"), ("Korea, Republic of", "KR"), ("Viet Nam", "VN"),
     ("Czech Republic", "CZ"), ("Czechia", "CZ"), ("Turkey", "TR"), ("Taiwan", "TW"),
     ("Iran, Islamic Republic of", "IR"), ("Germany", "DE"), ("DE", "DE"), ("Atlantis", None)],
)  # fmt: skip
def test_country_codes_of_iso_3166(name, code):
    assert country_code(name) == code


@pytest.mark.parametrize(
    ("text", "day", "precision"),
    [("2019-09", date(2019, 9, 1), "month"), ("September 2019", date(2019, 9, 1), "month"),
     ("February 13, 2018", date(2018, 2, 13), "day"), ("13/02/2018", date(2018, 2, 13), "day"),
     ("2018", date(2018, 1, 1), "year"), ("2018-02-13", date(2018, 2, 13), "day")],
)  # fmt: skip
def test_dates_in_their_styles(text, day, precision):
    found = precise_date(text)
    assert (found.first_day, found.precision) == (day, precision)
