"""One trial in every format of ClinicalTrials.gov means the same; histories date its status."""

from __future__ import annotations

import json
import zipfile
from datetime import date
from pathlib import Path

import pytest

from ashworth.errors import InputError
from ashworth.registries.classification.verdicts import classify
from ashworth.registries.landscape import landscape_on
from ashworth.registries.normalisation.normalised import normalise
from ashworth.registries.readers import members
from ashworth.registries.readers.ctgov_json import read_ctgov_json
from ashworth.registries.readers.files import read_registrations
from ashworth.registries.readers.recognition import recognise
from ashworth.registries.survey import survey

from .exporters import aact_tables, classic_row, csv_row, table, v1_study

DATA = Path(__file__).parents[1] / "data" / "registries" / "ctgov"
STUDIES = [json.loads(p.read_text(encoding="utf-8")) for p in sorted(DATA.glob("*.json"))]
RECORDS = {r.registry_id: r for s in STUDIES for r in read_ctgov_json(json.dumps(s).encode())}
VALUES = ("status", "phases", "countries", "lead_country", "start", "completion", "first_posted",
          "enrolment")  # fmt: skip


def twins_of(path):
    found = read_registrations([path])
    assert not found.faults
    assert {r.registry_id for r in found.records} == set(RECORDS)
    for record in found.records:
        twin = RECORDS[record.registry_id]
        here, there = normalise(record), normalise(twin)
        for name in VALUES:
            assert getattr(here, name) == getattr(there, name), (record.registry_id, name)
        assert record.conditions == twin.conditions
        assert record.brief_title == twin.brief_title
        assert record.ids == twin.ids
        assert record.sponsor == twin.sponsor
        assert not here.unknown
        yield record, twin


def same_texts(record, twin):
    for name in ("official_title", "summary", "description", "eligibility", "keywords", "arms"):
        assert getattr(record, name) == getattr(twin, name), name
    assert [(o.role, o.measure) for o in record.outcomes] == [
        (o.role, o.measure) for o in twin.outcomes
    ]
    assert [i.name for i in record.interventions] == [i.name for i in twin.interventions]
    here, there = classify(record), classify(twin)
    assert (here.specimen, here.tier, here.scope) == (there.specimen, there.tier, there.scope)


@pytest.mark.parametrize("row", [csv_row, classic_row])
def test_both_csv_exports(row, tmp_path):
    path = tmp_path / "named-otherwise.txt"
    path.write_bytes(b"\xef\xbb\xbf" + table([row(s) for s in STUDIES]))
    for record, twin in twins_of(path):
        assert [i.name for i in record.interventions] == [i.name for i in twin.interventions]
        assert len(record.outcomes) >= 1
        assert record.summary == (twin.summary if row is csv_row else "")


def test_version_1(tmp_path):
    path = tmp_path / "old.json"
    answer = {"FullStudiesResponse": {
        "NStudiesReturned": len(STUDIES),
        "FullStudies": [{"Rank": k, "Study": v1_study(s)} for k, s in enumerate(STUDIES)],
    }}  # fmt: skip
    path.write_text(json.dumps(answer), encoding="utf-8")
    for record, twin in twins_of(path):
        same_texts(record, twin)
    answer["FullStudiesResponse"]["NStudiesReturned"] = 99
    path.write_text(json.dumps(answer), encoding="utf-8")
    assert read_registrations([path]).announced == {"old.json": (99, len(STUDIES))}


def aact_folder(where, tables=None):
    where.mkdir()
    for name, content in (tables or aact_tables(STUDIES)).items():
        (where / name).write_bytes(content)
    (where / "README.txt").write_text("tables of a month", encoding="utf-8")
    return where


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("packed", [False, True])
def test_aact_in_a_folder_or_an_archive_in_parts(packed, parts, tmp_path, monkeypatch):
    folder = aact_folder(tmp_path / "aact")
    (folder / "README.txt").unlink()
    size = sum(p.stat().st_size for p in folder.iterdir())
    monkeypatch.setattr(members, "PART", -(-size // parts))
    path = folder
    if packed:
        path = tmp_path / "month.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in folder.iterdir():
                archive.write(file, f"20230203/{file.name}")
    for record, twin in twins_of(path):
        same_texts(record, twin)
        assert record.removed_countries == ("Chile",)
        assert record.condition_mesh == twin.condition_mesh
    assert len(survey([path]).surveyed) == len(STUDIES)


def test_aact_that_is_no_whole_set(tmp_path):
    tables = aact_tables(STUDIES)
    alone = tmp_path / "conditions.txt"
    alone.write_bytes(tables["conditions.txt"])
    with pytest.raises(InputError, match="a table of AACT alone"):
        read_registrations([alone])
    tables["conditions.txt"] = tables["conditions.txt"].rsplit(b"|", 1)[0]
    tables["keywords.txt"] = tables["keywords.txt"].replace(b"NCT", b"NTC", 2)
    tables["sponsors.txt"] = tables["sponsors.txt"].replace(b"lead_or_collaborator", b"role")
    folder = aact_folder(tmp_path / "cut", tables)
    with pytest.raises(InputError) as caught:
        read_registrations([folder])
    said = str(caught.value)
    for words in ("conditions.txt", "keywords.txt", "NTC", "sponsors.txt", "lead_or_collaborator"):
        assert words in said


def test_a_csv_of_some_columns_and_of_none(tmp_path):
    path = tmp_path / "some.csv"
    path.write_bytes(b"NCT Number,Conditions,My notes\nNCT00000001,Breast Cancer,hello\n")
    found = read_registrations([path])
    assert found.records[0].conditions == ("Breast Cancer",)
    assert dict(found.unknown_values) == {"column My notes": 1}
    path.write_bytes(b"NCT Number,Conditions\nNCT00000001,A\nNCT1,B\nNCT00000002\n,D\n")
    with pytest.raises(InputError) as caught:
        read_registrations([path])
    assert "1 cells" in str(caught.value)
    path.write_bytes(b"NCT Number,Conditions\nNCT00000001,A\nNCT1,B\n,D\n")
    with pytest.raises(InputError) as caught:
        read_registrations([path])
    assert "'NCT1'" in str(caught.value)
    assert len(caught.value.problems) == 2
    path.write_bytes(b'NCT Number,Conditions\nNCT00000001,"Breast')
    with pytest.raises(InputError):
        read_registrations([path])
    path.write_bytes("NCT Number,Conditions\nNCT00000001,M\xe4nner\n".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        read_registrations([path])


@pytest.mark.parametrize(
    ("site", "countries"),
    [
        ("A clinic, Seoul, Korea, Republic of|B, Seoul, Korea, Republic of",
         ("Korea, Republic of",)),
        ("Roth | Institute, Bern, 3000, Switzerland|Centre, Paris, France",
         ("Switzerland", "France")),
        ("Clinic, Tehran, Iran, Islamic Republic of", ("Iran, Islamic Republic of",)),
        ("Clinic, Somewhere, Atlantis", ("Atlantis",)),
    ],
)  # fmt: skip
def test_countries_at_the_end_of_sites(site, countries, tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(table([{"NCT Number": "NCT00000001", "Study Title": "t", "Locations": site}]))
    record = read_registrations([path]).records[0]
    assert record.countries == countries
    assert ("country Atlantis" in normalise(record).unknown) == ("Atlantis" in site)


HISTORY = """nctid,version_number,version_date,overall_status,study_start_date,enrolment
NCT00000001,1,2015-01-10,Not yet recruiting,2015-06-01,40
NCT00000001,2,2015-07-01,Recruiting,2015-06-01,40
NCT00000001,3,2018-02-01,Unknown status ,2015-06-01,NA
"""


@pytest.mark.parametrize(
    ("day", "status", "enrolment"),
    [("2014-12-31", None, None), ("2015-03-01", "planned", 40), ("2016-01-01", "open", 40),
     ("2019-01-01", "unknown", None), ("2023-06-01", "ended", 31)],
)  # fmt: skip
def test_a_history_dates_the_status(day, status, enrolment, tmp_path):
    (tmp_path / "h.csv").write_text(HISTORY, encoding="utf-8")
    study = {"protocolSection": {
        "identificationModule": {"nctId": "NCT00000001", "briefTitle": "CTC clusters"},
        "statusModule": {"overallStatus": "COMPLETED"},
        "conditionsModule": {"conditions": ["Breast Cancer"]},
        "designModule": {"enrollmentInfo": {"count": 31, "type": "ACTUAL"}},
    }, "derivedSection": {"miscInfoModule": {"versionHolder": "2023-02-03"}}}  # fmt: skip
    (tmp_path / "s.json").write_text(json.dumps(study), encoding="utf-8")
    found = landscape_on(survey([tmp_path]).surveyed, as_of=date.fromisoformat(day))
    if status is None:
        assert found.trials == ()
        return
    (trial,) = found.trials
    assert (trial.status, trial.values.enrolment) == (status, enrolment)
    assert trial.specimen == "CTC"


def test_a_history_alone_has_a_status_and_no_verdict(tmp_path):
    path = tmp_path / "h.csv"
    path.write_text(HISTORY, encoding="utf-8")
    assert recognise(path.read_bytes()).format == "ctgov_history"
    (trial,) = landscape_on(survey([path]).surveyed, as_of=date(2016, 1, 1)).trials
    assert (trial.status, trial.specimen) == ("open", "none")
    path.write_text(HISTORY.replace("2015-07-01", "1.7.15"), encoding="utf-8")
    with pytest.raises(InputError, match="version_date"):
        survey([path])
