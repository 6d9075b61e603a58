"""Registry files to records to verdicts: real abridged records, twins, and hostile files."""

import json
import zipfile
from datetime import date
from pathlib import Path

import pytest

import ashworth.workflows.review as review
from ashworth.cli import main
from ashworth.errors import InputError
from ashworth.registries.classification.verdicts import classify
from ashworth.registries.landscape import compare_dates, landscape_on
from ashworth.registries.readers.ctgov_json import read_ctgov_json
from ashworth.registries.readers.ctgov_xml import read_ctgov_xml
from ashworth.registries.readers.files import read_registrations

SHIPPED = Path(review.__file__).parent / "registry"
XML = """<clinical_study>
  <id_info><org_study_id>S-1</org_study_id><nct_id>NCT09999991</nct_id></id_info>
  <brief_title>{title}</brief_title>
  <brief_summary><textblock>{summary}</textblock></brief_summary>
  <overall_status>Recruiting</overall_status>
  <phase>Phase 2/Phase 3</phase>
  <study_type>Interventional</study_type>
  <condition>Breast Cancer</condition>
  <enrollment type="Anticipated">120</enrollment>
  <start_date type="Actual">March 2018</start_date>
</clinical_study>"""
TITLE = "Therapy by circulating tumor cells"
SUMMARY = "Toxicity is graded by CTC version 3.0."


def xml(title=TITLE, summary=SUMMARY):
    return XML.format(title=title, summary=summary).encode()


def study(title=TITLE, summary=SUMMARY):
    return {"protocolSection": {
        "identificationModule": {"nctId": "NCT09999991", "orgStudyIdInfo": {"id": "S-1"},
                                 "briefTitle": title},
        "statusModule": {"overallStatus": "RECRUITING",
                         "startDateStruct": {"date": "2018-03", "type": "ACTUAL"}},
        "descriptionModule": {"briefSummary": summary},
        "conditionsModule": {"conditions": ["Breast Cancer"]},
        "designModule": {"studyType": "INTERVENTIONAL", "phases": ["PHASE2", "PHASE3"],
                         "enrollmentInfo": {"count": 120, "type": "ESTIMATED"}},
    }}  # fmt: skip


def test_every_shipped_record_is_read_and_none_is_lost():
    files = sorted(SHIPPED.glob("*.xml"))
    found = read_registrations(files)
    assert len(files) > 10
    assert {r.registry_id for r in found.records} == {path.name[:11] for path in files}
    assert found.formats == {"ctgov_xml": len(files)}
    assert not found.faults


def test_xml_and_json_twins_agree():
    (a,) = read_ctgov_xml(xml())
    (b,) = read_ctgov_json(json.dumps(study()).encode())
    assert (a.registry_id, a.brief_title) == (b.registry_id, b.brief_title)
    assert a.conditions == b.conditions
    both = [landscape_on([r], as_of=date(2019, 9, 1)).trials[0].to_dict() for r in (a, b)]
    for name in ("registry_id", "specimen", "scope", "tier", "status", "phases"):
        assert both[0][name] == both[1][name], name
    assert both[0]["specimen"] == "CTC"
    assert both[0]["phases"] == ["PHASE2", "PHASE3"]


@pytest.mark.parametrize(
    ("title", "summary", "specimen"),
    [
        ("A trial of a drug", SUMMARY, "none"),
        ("A trial of a drug", "Circulating tumour cells are counted.", "mention"),
        ("Disseminated tumor cells in bone marrow", "", "DTC"),
        ("CTC and DTC: circulating tumor cells, disseminated tumor cells", "", "both"),
    ],
)
def test_cells_are_told_from_toxicity_criteria(title, summary, specimen):
    (record,) = read_ctgov_xml(xml(title, summary))
    verdict = classify(record)
    assert verdict.specimen == specimen
    assert bool(verdict.evidence) == (specimen != "none")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("entities.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><clinical_study><id_info>'
                         b"<nct_id>NCT09999991</nct_id></id_info><brief_title>&a;</brief_title></clinical_study>"),
        ("cut.xml", xml()[:300]),
        ("cut.json", json.dumps(study()).encode()[:-40]),
        ("deep.xml", b"<clinical_study>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</clinical_study>"),
        ("holiday.jpg", b"\xff\xd8\xff\xe0 a picture"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_a_file_with_a_fault_is_named_and_refused_or_left_out_whole(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "good.xml").write_bytes(xml())
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        read_registrations([tmp_path])
    left = read_registrations([tmp_path], on_fault="skip")
    assert [r.registry_id for r in left.records] == ["NCT09999991"]
    assert [name in str(p) for p in left.faults] == [True]


def test_a_zip_that_leaves_its_folder_and_a_bomb_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../out.xml", xml())
        archive.writestr("bomb.xml", b" " * 50_000_000)
        archive.writestr("good.xml", xml())
    found = read_registrations([tmp_path / "a.zip"], on_fault="skip")
    assert len(found.records) == 1
    assert len(found.faults) == 2
    assert not (tmp_path.parent / "out.xml").exists()


def test_an_announced_total_that_does_not_match_is_told(tmp_path):
    answer = {"totalCount": 7, "studies": [study()]}
    (tmp_path / "page.json").write_text(json.dumps(answer))
    found = read_registrations([tmp_path / "page.json"])
    assert list(found.announced.values()) == [(7, 1)]


def test_two_dates_are_compared():
    (record,) = read_ctgov_xml(xml())
    before = landscape_on([], as_of=date(2017, 1, 1))
    after = landscape_on([record], as_of=date(2019, 1, 1))
    assert "NCT09999991" in str(compare_dates(before, after))


def test_a_trial_without_a_phase_is_of_no_country_called_namibia(capsys, tmp_path):
    (tmp_path / "a.xml").write_bytes(xml().replace(b"Phase 2/Phase 3", b"N/A"))
    with pytest.raises(SystemExit) as left:
        main(["landscape", str(tmp_path / "a.xml"), "--as-of", "2019-09-01"])
    assert not left.value.code
    shown = capsys.readouterr().out
    assert "1 name tumour cells" in shown
    assert "Namibia" not in shown
    assert "no phase 1" in shown


def test_landscape_json_has_what_is_promised(capsys):
    with pytest.raises(SystemExit):
        main(["landscape", str(SHIPPED), "--as-of", "2020-07-28", "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert shown["counts"]
    wanted = {"registry_id", "specimen", "scope", "tier", "evidence", "status", "phases"}
    assert all(wanted | {"lead_country"} <= set(trial) for trial in shown["trials"])


@pytest.mark.parametrize("command", ["landscape", "review"])
def test_an_empty_folder_is_said_to_be_empty(command, capsys, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    more = ["--registry", str(empty), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as left:
        main([command, *([str(empty)] if command == "landscape" else more)])
    assert left.value.code == 2
    assert "no file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
