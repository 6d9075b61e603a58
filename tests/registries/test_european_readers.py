"""EU register, CTIS and ISRCTN: real records field by field, and files that are broken."""

import csv
import json
import re
from datetime import date
from pathlib import Path

import pytest

from ashworth.errors import InputError
from ashworth.registries.classification.verdicts import classify
from ashworth.registries.landscape import landscape_on
from ashworth.registries.normalisation.normalised import normalise
from ashworth.registries.normalisation.phases import phase_codes
from ashworth.registries.normalisation.statuses import status_on
from ashworth.registries.readers.ctgov_ctrdata import read_ctgov_ctrdata
from ashworth.registries.readers.ctis_json import read_ctis_json
from ashworth.registries.readers.euctr_csv import read_euctr_csv
from ashworth.registries.readers.euctr_json import read_euctr_json
from ashworth.registries.readers.euctr_text import read_euctr_text
from ashworth.registries.readers.files import read_registrations
from ashworth.registries.readers.isrctn import read_isrctn_json, read_isrctn_xml
from ashworth.registries.record import MemberState, Registration

DATA = Path(__file__).parents[1] / "data" / "registries" / "european"
TEXT = DATA / "euctr_full_details.txt"


def read(name):
    return read_registrations([DATA / name]).records


def only(name):
    (record,) = read(name)
    return record


# ---- real records ----------------------------------------------------------------------------


def test_every_record_of_the_text_is_read():
    raw = TEXT.read_text(encoding="utf-8")
    records = read(TEXT.name)
    assert len(records) == len(re.findall(r"^A\.2 EudraCT number:", raw, re.M)) == 3
    assert [r.member_state for r in records] == re.findall(r"^Link: .*/(\w+)/$", raw, re.M)
    assert len({r.sha256 for r in records}) == 3


def test_fields_of_the_text_are_those_of_its_lines():
    raw = TEXT.read_text(encoding="utf-8")
    record = read(TEXT.name)[0]
    title = re.search(r"^A\.3 Full title of the trial: (.*)$", raw, re.M)[1]
    assert record.official_title == title
    assert record.phases == (
        "Human pharmacology (Phase I)", "Therapeutic exploratory (Phase II)",
    )  # fmt: skip
    assert (record.enrolment, record.enrolment_kind) == (15, "ESTIMATED")
    assert record.start.text == "2023-05-18"
    assert record.first_posted.text == "2023-01-16"
    assert record.countries == ("Spain", "United States", "United Kingdom")
    assert record.sponsor_country == "United Kingdom"
    assert record.conditions[0] == "Frontotemporal Dementia With Progranulin Mutations (FTD-GRN)"
    assert (
        "granulin (GRN) mutation as confirmed by a sponsor approved genetic test; 3."
        in record.eligibility
    )
    assert record.eligibility.endswith(
        "Contraindications to lumbar puncture as per local guidelines;"
    )
    assert [o.role for o in record.outcomes] == ["primary", "secondary"]
    assert record.interventions[0].description == "AVB-101"


def test_other_languages_are_translations_and_are_searched():
    record = read(TEXT.name)[0]
    spanish = {t.field: t.text for t in record.translations if t.language == "es"}
    assert spanish["official_title"].startswith("Estudio de fase 1/2, abierto")
    assert spanish["conditions"].startswith("Demencia")
    german = TEXT.read_bytes().replace(
        b"Estudio de fase 1/2, abierto", "Cellules tumorales circulantes, étude".encode()
    )
    verdict = classify(next(read_euctr_text(german)))
    assert verdict.specimen == "CTC"
    assert verdict.evidence[0].field == "official_title"


def test_tables_give_one_record_for_each_row():
    with (DATA / "euctr_rows.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    records = read("euctr_rows.csv")
    keys = [f"{r.registry_id}-{r.member_state}" for r in records]
    assert keys == [row["eudract_number_with_country"] for row in rows]
    assert [r.completion.text for r in records] == [
        row["date_of_the_global_end_of_the_trial"] for row in rows
    ]
    assert records[0].sponsor_country == "Switzerland"
    assert normalise(records[2]).phases == ("PHASE3",)
    tracker = read("euctr_tracker.csv")
    assert len(tracker) == 15
    assert tracker[0].status == "Ended in some member states"
    assert normalise(tracker[0]).status == "unknown"


def test_json_of_the_eu_register():
    record = only("euctr_2013-000615-24-BE.json")
    assert (record.registry_id, record.member_state) == ("2013-000615-24", "BE")
    assert record.status == "Prematurely Ended"
    assert normalise(record).status == "ended"
    assert record.processed == "2026-08-09"
    assert {t.language for t in record.translations} == {"fr"}
    assert record.enrolment == 50
    assert record.interventions[0].name == "Prograft"


def test_ctis_before_2024():
    record = only("ctis_2023-508143-51-01.json")
    assert record.status == "Authorised, not started"
    assert record.member_states == (
        MemberState("Netherlands", "Authorised, not started", "2024-05-06", ""),
    )
    assert record.ids == ("2021-004994-30",)
    found = normalise(record)
    assert (found.status, found.phases, found.countries) == ("planned", ("PHASE4",), ("NL",))
    assert record.start == record.start.__class__("2023-05-23", "ESTIMATED")
    assert record.sponsor_country == "Netherlands"
    dutch = [t for t in record.translations if t.field == "brief_title"]
    assert [t.language for t in dutch] == ["Dutch"]


def test_ctis_since_2024():
    record = only("ctis_2024-510663-34-00.json")
    assert record.status == "4"
    assert record.member_states == (
        MemberState("Spain", "4", "24/04/2024", "2021-01-29"),
        MemberState("Italy", "4", "23/10/2024", "2025-01-17"),
    )
    assert record.ids == ("2019-001588-63", "NCT04494412")
    found = normalise(record)
    assert found.status_basis == "4 (Ongoing, recruiting)"
    assert (found.status, found.lead_country, found.countries) == ("open", "GB", ("ES", "IT"))
    assert found.start.first_day == date(2021, 1, 29)
    assert record.start.kind == "ACTUAL"
    assert record.processed == "2025-09-15"
    assert [o.role for o in record.outcomes].count("primary") == 4
    assert record.enrolment == 11


def test_the_status_of_an_application_is_not_that_of_the_trial():
    record = {"ctNumber": "2023-508143-51-01", "ctStatus": "Authorised", "ctPublicStatusCode": 5}
    (found,) = read_ctis_json(json.dumps(record).encode())
    assert normalise(found).status == "closed"


def test_a_search_of_ctis_is_read_and_its_total_checked(tmp_path):
    row = {"ctNumber": "2024-516282-37-00", "ctStatus": 3, "ctTitle": "A",
           "conditions": "Breast cancer",
           "trialCountries": ["France:3", "Atlantis:99"], "trialPhase": "Therapeutic wonder",
           "startDateEU": "18/02/2025", "lastUpdated": "09/08/2024"}  # fmt: skip
    answer = {"pagination": {"totalRecords": 30}, "data": [row]}
    (tmp_path / "page.json").write_text(json.dumps(answer))
    found = read_registrations([tmp_path])
    assert found.announced == {"page.json": (30, 1)}
    assert set(found.unknown_values) == {"status 99", "phase Therapeutic wonder"}
    values = normalise(found.records[0])
    assert values.unknown == ("status 99", "phase Therapeutic wonder", "country Atlantis")
    assert (values.countries, values.phases, values.highest_phase) == (("FR",), (), None)


def test_isrctn():
    stopped, by_dates = only("isrctn_12949496.json"), only("isrctn_76463425.json")
    assert stopped.ids == ("2014-002988-16", "MINT-2014-01")
    assert (stopped.enrolment, stopped.enrolment_kind) == (9, "ACTUAL")
    assert stopped.why_stopped == "Participant recruitment issue"
    assert normalise(stopped).status == "ended"
    assert normalise(by_dates).countries == ("GB", "IE")
    days = {date(2013, 5, 31): "planned", date(2013, 6, 1): "open", date(2015, 5, 31): "open",
            date(2015, 6, 1): "closed", date(2018, 5, 10): "closed",
            date(2018, 5, 11): "ended"}  # fmt: skip
    assert {day: status_on(by_dates, day).status for day in days} == days


XML = """<allTrials xmlns="http://www.67bricks.com/isrctn" totalCount="{total}"><fullTrial>
<trial lastUpdated="2026-09-08T10:00:22.861Z" version="3">{trial}</trial>
<sponsor id="s"><organisation>Hospital</organisation>
<contactDetails><country>Ireland</country></contactDetails></sponsor></fullTrial></allTrials>"""


def as_xml(value, name):
    """The ctrdata form of a record as the registry's elements."""
    from xml.sax.saxutils import escape

    if isinstance(value, list):
        return "".join(as_xml(item, name) for item in value)
    inner = (
        "".join(as_xml(v, k) for k, v in value.items())
        if isinstance(value, dict)
        else escape(str(value or ""))
    )
    return f"<{name}>{inner}</{name}>"


@pytest.mark.parametrize("name", ["isrctn_12949496.json", "isrctn_76463425.json"])
def test_isrctn_xml_and_json_agree(name, tmp_path):
    document = json.loads((DATA / name).read_text(encoding="utf-8"))
    inner = "".join(as_xml(v, k) for k, v in document.items() if not k.startswith("record_"))
    (tmp_path / "a.xml").write_text(XML.format(trial=inner, total=1), encoding="utf-8")
    (found,) = read_registrations([tmp_path / "a.xml"]).records
    twin = only(name)
    assert found.format == "isrctn_xml"
    assert found.processed == "2026-09-08"
    assert (found.sponsor, found.sponsor_country) == ("Hospital", "Ireland")
    apart = {"format", "file", "sha256", "processed", "sponsor", "sponsor_country", "last_updated"}
    for field in set(Registration.__struct_fields__) - apart:
        assert getattr(found, field) == getattr(twin, field), field


def test_structured_outcomes_and_ids_that_are_none(tmp_path):
    trial = (
        "<isrctn dateAssigned='2020-01-02T00:00:00Z'>12345678</isrctn><trialDescription>"
        "<primaryOutcomes><outcomeMeasure><variable>CTC count</variable><method>blood</method>"
        "<timepoints>day 1</timepoints></outcomeMeasure></primaryOutcomes></trialDescription>"
        "<externalRefs><eudraCTNumber>2010-0001-01</eudraCTNumber>"
        "<clinicalTrialsGovNumber>Nil known</clinicalTrialsGovNumber></externalRefs>"
    )
    (tmp_path / "a.xml").write_text(XML.format(trial=trial, total=7))
    found = read_registrations([tmp_path])
    (record,) = found.records
    outcome = record.outcomes[0]
    assert (outcome.measure, outcome.description) == ("CTC count", "blood; day 1")
    assert record.first_posted.text.startswith("2020-01-02")
    assert record.ids == ("2010-0001-01",)
    assert record.unknown_values == ("eudraCTNumber 2010-0001-01",)
    assert found.announced == {"a.xml": (7, 1)}


def test_classic_records_as_ctrdata_stores_them_are_those_of_the_xml():
    shipped = (
        Path(landscape_on.__code__.co_filename).parents[1] / "workflows" / "review" / "registry"
    )
    from lxml import etree

    from ashworth.registries.readers.ctgov_xml import read_ctgov_xml

    def plain(element):
        found = {}
        for child in element:
            value = plain(child) if len(child) else (child.text or "").replace("'", "&apos;")
            found.setdefault(child.tag, []).append(value)
        return {name: v[0] if len(v) == 1 else v for name, v in found.items()}

    apart = {"format", "file", "sha256", "enrolment_kind"}
    for path in sorted(shipped.glob("*.xml"))[:4]:
        document = plain(etree.fromstring(path.read_bytes(), etree.XMLParser(remove_comments=True)))
        (found,) = read_ctgov_ctrdata(json.dumps(document).encode())
        (twin,) = read_ctgov_xml(path.read_bytes())
        for field in set(Registration.__struct_fields__) - apart:
            a, b = getattr(found, field), getattr(twin, field)
            assert getattr(a, "text", a) == getattr(b, "text", b), field


def test_a_classic_record_without_a_number_is_named():
    documents = [{"id_info": {"nct_id": "NCT00000001"}}, {"id_info": {"org_study_id": "S-1"}}]
    found = faults(read_ctgov_ctrdata, json.dumps(documents).encode())
    assert [(p.row, p.found) for p in found] == [(2, "an unknown shape: no nct_id")]


# ---- values ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Human pharmacology (Phase I) - First administration to humans", ("PHASE1",)),
        ("Phase I and Phase II (Integrated)- Other", ("PHASE1", "PHASE2")),
        ("Therapeutic confirmatory  (Phase III)", ("PHASE3",)),
        ("Phase III and phase IV (Integrated)", ("PHASE3", "PHASE4")),
        ("Phase II/III", ("PHASE2", "PHASE3")), ("Phase 1/2", ("PHASE1", "PHASE2")),
        ("Phase 0", ("EARLY_PHASE1",)), ("10", ("PHASE2", "PHASE3")),
        ("Not Applicable", ("NA",)), ("Not Specified", ()),
        ("Phase V", None), ("Phase I/V", None), ("Phase IIII", None),
        ("III", None), ("", None), ("12", None),
    ],
)  # fmt: skip
def test_phases(text, codes):
    assert phase_codes(text) == codes


@pytest.mark.parametrize(
    ("source", "status", "expected"),
    [
        ("euctr", "Restarted", "open"), ("euctr", "Suspended by CA", "paused"),
        ("euctr", "Prohibited by CA", "void"), ("euctr", "", "unknown"),
        ("euctr", "GB - no longer in EU/EEA", "unknown"), ("euctr", "ongoing", "unknown"),
        ("ctis", "2", "planned"), ("ctis", "5", "closed"), ("ctis", "7", "paused"),
        ("ctis", "8", "ended"), ("ctis", "12", "void"), ("ctis", "Temporarily halted", "paused"),
        ("isrctn", "Suspended", "paused"),
    ],
)  # fmt: skip
def test_statuses(source, status, expected):
    record = Registration(source, "x", "2010-000001-01", status=status)
    assert status_on(record).status == expected


def test_a_record_that_left_the_register_shows_its_last_status():
    row = ("eudract_number,eudract_number_with_country,end_of_trial_status,trial_status\n"
           "2010-000001-01,2010-000001-01-GB,GB - no longer in EU/EEA,Ongoing\n")  # fmt: skip
    (record,) = read_euctr_csv(row.encode())
    found = normalise(record)
    assert (found.status, found.last_known_status) == ("unknown", "open")


def test_part_of_the_enrolment_is_not_taken_for_the_whole():
    text = TEXT.read_text(encoding="utf-8")
    cut = text.replace("F.4.2.2 In the whole clinical trial: 15\n", "")
    assert next(read_euctr_text(cut.encode())).enrolment is None


def test_a_criterion_that_looks_like_a_field_stays_in_its_text():
    text = TEXT.read_text(encoding="utf-8").replace(
        "E.4 Principal exclusion criteria: 1.",
        "A.2 EudraCT number: none\nB. Sponsor Information\nE.4 Principal exclusion criteria: 1.", 1,
    )  # fmt: skip
    record = next(read_euctr_text(text.encode()))
    assert record.registry_id == "2022-002568-62"
    (criteria,) = [t.text for t in record.translations if "EudraCT number: none" in t.text]
    assert criteria.endswith("A.2 EudraCT number: none B. Sponsor Information")
    assert record.sponsor == "AviadoBio Ltd"


# ---- bad input -------------------------------------------------------------------------------


def faults(reader, raw):
    with pytest.raises(InputError) as left:
        list(reader(raw, "file"))
    return left.value.problems


def test_cut_records_and_numbers_that_are_none_are_named_all_at_once():
    raw = TEXT.read_bytes()
    assert "2022-002568-62 is cut" in str(faults(read_euctr_text, raw[:-3000])[0])
    second = raw.index(b"Summary\nEudraCT", 30_000)
    wrong = raw[:second].replace(
        b"A.2 EudraCT number: 2022-002568-62", b"A.2 EudraCT number: 2022-2568-62"
    )
    found = faults(read_euctr_text, wrong + raw[second:-3000])
    assert [p.row for p in found] == [3, 294, 542]
    assert "'2022-002568-62' and '2022-2568-62'" in found[0].found
    headless = raw[2000:]
    assert "without its beginning" in str(faults(read_euctr_text, headless)[0])


def test_a_cut_anywhere_is_refused_or_harmless():
    raw = TEXT.read_bytes()
    full = list(read_euctr_text(raw))
    accepted = 0
    for cut in [*range(1000, len(raw), 1499), *range(len(raw) - 40, len(raw) - 1)]:
        try:
            found = list(read_euctr_text(raw[:cut]))
        except InputError:
            continue
        accepted += 1
        for record, whole in zip(found, full, strict=False):
            assert record.eligibility == whole.eligibility
            assert (
                record.status == whole.status or f"status {record.status}" in record.unknown_values
            )
    assert 0 < accepted < 60


def test_an_enrolment_that_is_no_number_is_listed():
    raw = TEXT.read_bytes().replace(b"clinical trial: 15\n", b"clinical trial: about 15\n")
    assert next(read_euctr_text(raw)).unknown_values == ("enrolment about 15",)
    trial = {"ctNumber": "2023-508143-51-01", "ctStatus": 4, "totalNumberEnrolled": "1,200"}
    (found,) = read_ctis_json(json.dumps(trial).encode())
    assert (found.enrolment, found.unknown_values) == (None, ("enrolment 1,200",))
    people = {"targetEnrolment": "120", "totalFinalEnrolment": "0"}
    (found,) = read_isrctn_json(json.dumps({"isrctn": "12345678", "participants": people}).encode())
    assert (found.enrolment, found.enrolment_kind, found.unknown_values) == (120, "ESTIMATED", ())


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_other_encodings_are_refused_with_the_line(encoding, tmp_path):
    text = TEXT.read_text(encoding="utf-8").encode("ascii", "replace").decode()
    wrong = text.replace("Estudio de fase", "Estudio de fáse", 1).encode(encoding)
    (tmp_path / "a.txt").write_bytes(wrong)
    with pytest.raises(InputError) as left:
        read_registrations([tmp_path / "a.txt"])
    (problem,) = left.value.problems
    if encoding == "latin-1":
        assert (problem.row, problem.found) == (16, "byte 0xe1")
    else:
        assert problem.found == "no registry format"


def test_windows_line_ends_and_a_mark_at_the_beginning_change_nothing():
    raw = TEXT.read_bytes()
    marked = b"\xef\xbb\xbf" + raw[raw.index(b"Summary") :].replace(b"\n", b"\r\n")
    assert [r.eligibility for r in read_euctr_text(marked)] == [
        r.eligibility for r in read_euctr_text(raw)
    ]


def test_every_bad_row_of_a_table_is_named():
    head = "eudract_number,eudract_number_with_country,end_of_trial_status\n"
    rows = [
        "2010-000001-01,2010-000001-01-DE,Ongoing",
        "2010-00001-01,2010-00001-01-DE,Ongoing",
        "2010-000002-02,2010-000003-02-DE,Ongoing",
        "2010-000004-04,2010-000004-04-XYZ,",
    ]
    found = faults(read_euctr_csv, (head + "\n".join(rows)).encode())
    assert [p.row for p in found] == [3, 4, 5]
    ragged = faults(read_euctr_csv, (head + "a,b\n" + rows[0] + ",more\n").encode())
    assert [(p.row, p.found) for p in ragged] == [(2, "2 cells"), (3, "4 cells")]
    assert "no such column" in str(faults(read_euctr_csv, b"eudract_number\n")[0])
    assert "whole table" in str(faults(read_euctr_csv, (head + '"2010-000001-01,x').encode())[0])
    assert faults(read_euctr_csv, (head + rows[0]).encode() + b"\xe9")[0].row == 2


@pytest.mark.parametrize(
    ("reader", "name", "key"),
    [
        (read_euctr_json, "euctr_2013-000615-24-BE.json", "a2_eudract_number"),
        (read_ctis_json, "ctis_2024-510663-34-00.json", "ctNumber"),
        (read_isrctn_json, "isrctn_12949496.json", "isrctn"),
    ],
)
def test_json_that_is_cut_or_of_another_registry(reader, name, key, tmp_path):
    document = json.loads((DATA / name).read_text(encoding="utf-8"))
    good = json.dumps(document).encode()
    (tmp_path / "cut.json").write_bytes(good[:-20])
    with pytest.raises(InputError, match=r"cut\.json: found DecodeError"):
        read_registrations([tmp_path])
    lines = list(reader(good + b"\n" + good, "file"))
    assert lines == list(reader(b"[" + good + b"," + good + b"]", "file"))
    assert len(lines) == 2
    found = faults(
        reader, json.dumps([document, {"other": 1}, document | {key: "12-x"}, 5]).encode()
    )
    assert [p.row for p in found] == [2, 4]
    found = faults(
        reader, json.dumps([document, document | {key: "12-x"}, document | {key: ""}]).encode()
    )
    assert [(p.row, p.found) for p in found] == [(2, "'12-x'"), (3, "''")]


def test_a_registry_under_another_name_is_known_by_what_is_in_it(tmp_path):
    names = {"euctr_full_details.txt": "NCT1.xml", "isrctn_12949496.json": "ctis.json",
             "ctis_2024-510663-34-00.json": "a.csv", "euctr_rows.csv": "b.json"}  # fmt: skip
    for name, other in names.items():
        (tmp_path / other).write_bytes((DATA / name).read_bytes())
    found = read_registrations([tmp_path])
    assert found.formats == {"euctr_text": 3, "isrctn_json": 1, "ctis_json": 1, "euctr_csv": 5}


@pytest.mark.parametrize(
    "raw",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]><trial><isrctn>12345678</isrctn></trial>',
        b"<allTrials xmlns='http://www.67bricks.com/isrctn' totalCount='3'></allTrials>",
        b"<allTrials><trial><isrctn>1234</isrctn></trial></allTrials>",
    ],
)
def test_hostile_and_empty_xml_of_isrctn_is_refused(raw):
    assert len(faults(read_isrctn_xml, raw)) == 1


def test_an_answer_without_a_trial_is_no_fault():
    raw = b'<allTrials xmlns="http://www.67bricks.com/isrctn" totalCount="0"/>'
    assert list(read_isrctn_xml(raw)) == []


def test_impossible_dates_are_listed():
    record = Registration("euctr", "x", "2010-000001-01", start=record_date("0210-06-18"),
                          completion=record_date("31/02/2021"))  # fmt: skip
    assert normalise(record).unknown == ("date 0210-06-18", "date 31/02/2021")


def record_date(text):
    return Registration("euctr", "x", "y").start.__class__(text)


@pytest.mark.parametrize(
    ("reader", "name", "path"),
    [
        (read_euctr_json, "euctr_2013-000615-24-BE.json", ["e3_principal_inclusion_criteria"]),
        (read_euctr_json, "euctr_2013-000615-24-BE.json", ["dimp"]),
        (read_ctis_json, "ctis_2024-510663-34-00.json", ["authorizedApplication"]),
        (read_ctis_json, "ctis_2024-510663-34-00.json", ["ctPublicStatusCode"]),
        (read_isrctn_json, "isrctn_12949496.json", ["participants"]),
        (read_isrctn_json, "isrctn_12949496.json", ["trialDescription", "title"]),
    ],
)  # fmt: skip
def test_a_changed_shape_is_not_read_as_nothing(reader, name, path):
    document = json.loads((DATA / name).read_text(encoding="utf-8"))
    good = json.dumps(document)
    owner = document
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = [{"new": [{"shape": 1}]}]
    if path == ["dimp"]:
        owner["dimp"] = ["Prograft"]
    found = faults(reader, f"[{good}, {json.dumps(document)}]".encode())
    assert [p.row for p in found] == [2]
    assert "unknown shape" in found[0].found
