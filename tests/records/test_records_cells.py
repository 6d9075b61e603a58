"""Cells of one table: types, ranges, words, keys, dates, headers, identifiers."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ashworth.records import ExtraColumn, InputFormat, describe, read_table, validate

COUNTS = "patient_id,specimen_id,phenotype,caller,n_cells,volume_ml\n"
COMMA = InputFormat(decimal=",")


@pytest.mark.parametrize(
    ("cell", "found", "words"),
    [
        ("-1", "'-1'", "at least 0"),
        ("2.5", "'2.5'", "fraction"),
        ("", "no value", "fill the cell"),
        ("many", "'many'", "unit or words"),
        ("<1", "'<1'", "no value"),
        ("99999999999999999999", "'99999999999999999999'", "too large"),
        ("NaN", "'NaN'", "unit or words"),
        ("1e999", "'1e999'", "without an exponent"),
        ("1e3", "'1e3'", "without an exponent"),
        ("６", "'６'", "unit or words"),
    ],
)
def test_a_bad_count_is_named_with_its_row(problems, the, cell, found, words):
    got = problems(COUNTS + f"P1,S1,ctc,lab,3,7.5\nP2,S2,ctc,lab,{cell},7.5\n", "counts")
    problem = the(got, "counts", 3, "n_cells")
    assert len(got) == 1
    assert problem.found == found
    assert words in str(problem)


def test_a_count_of_five_point_zero_is_five():
    frame = pl.DataFrame(
        {"patient_id": ["P"], "specimen_id": ["S"], "phenotype": ["ctc"], "caller": ["lab"]}
    )
    for cell in ("5.0", 5.0, 5):
        read = read_table(frame.with_columns(n_cells=pl.lit(cell)), "counts")
        assert read.frame["n_cells"].to_list() == [5]
        assert read.frame["run_id"].to_list() == ["1"]
        assert not read.problems


def test_microlitres_are_caught(problems, the):
    got = problems(COUNTS + "P1,S1,ctc,lab,3,7500\nP2,S2,ctc,lab,3,0\n", "counts")
    assert "7500 µl = 7.5 ml" in the(got, "counts", 2, "volume_ml").remedy
    assert the(got, "counts", 3, "volume_ml").allowed == "a number, above 0 and at most 100 (ml)"


def test_a_decimal_comma_names_the_setting(problems, the):
    text = COUNTS.replace(",", ";") + "P1;S1;ctc;lab;3;7,5\n"
    problem = the(problems(text, "counts"), "counts", 2, "volume_ml")
    assert problem.found == "'7,5'"
    assert "decimal = ','" in problem.remedy
    assert problems(text, "counts", input_format=COMMA) == []


@pytest.mark.parametrize(("declared", "row"), [(None, 2), (COMMA, 3)])
def test_mixed_decimal_signs_are_refused(problems, the, declared, row):
    text = COUNTS.replace(",", ";") + "P1;S1;ctc;lab;3;7,5\nP2;S2;ctc;lab;3;7.5\n"
    problem = the(problems(text, "counts", input_format=declared), "counts", row, "volume_ml")
    assert "mixes decimal commas and points" in problem.remedy


@pytest.mark.parametrize(
    ("column", "bad", "allowed"),
    [
        ("age_years", "121", "at most 120"),
        ("age_years", "-1", "at least 0"),
        ("age_years", "６２", "at least 0"),
        ("index_date", "２００１-01-01", "YYYY-MM-DD"),
        ("er_percent", "101", "at most 100"),
        ("ki67_percent", "-0.1", "at least 0"),
        ("grade", "4", "at most 3"),
        ("grade", "0", "at least 1"),
        ("setting", "Early", "dcis, early, metastatic"),
        ("her2_ihc", "2", "0, 1+, 2+, 3+, unknown"),
        ("de_novo", "maybe", "true or false"),
        ("index_date", "1850-01-01", "at least 1900-01-01"),
    ],
)
def test_patients_stay_in_range(problems, the, column, bad, allowed):
    got = problems(f"patient_id,{column}\nP1,{bad}\nP2,\n", "patients")
    problem = the(got, "patients", 2, column)
    assert problem.found == f"'{bad}'"
    assert allowed in problem.allowed
    assert len(got) == 1


def test_a_word_in_the_wrong_case_is_suggested(problems, the):
    got = problems("patient_id,er_status\nP1,Positive\nP2,pos\n", "patients")
    assert the(got, "patients", 2, "er_status").remedy == "write 'positive'"
    assert the(got, "patients", 3, "er_status").found == "'pos'"


def test_days_are_limited(problems, the):
    got = problems("patient_id,day,kind\nP1,40001,last_contact\n", "outcomes")
    assert "not a calendar date" in the(got, "outcomes", 2, "day").remedy


def test_every_row_of_a_repeated_key_is_reported(problems, the):
    got = problems("patient_id\nP1\nP2\nP1 \n", "patients")
    assert [p.row for p in got] == [2, 4]
    assert the(got, "patients", 4, "patient_id").found == "'P1' in rows 2, 4"
    text = "patient_id,endpoint,entry_day,exit_day,event_code\n" + "P1,os,0,1,0\n" * 2
    assert the(problems(text, "events"), "events", 3, "patient_id, endpoint")


def test_an_empty_key_is_not_also_a_duplicate(problems, the):
    got = problems("patient_id,centre\n,A\n,B\n", "patients")
    assert [p.found for p in got] == ["no value", "no value"]


def test_missing_tokens(problems):
    text = "patient_id,grade\nP1,NA\nP2,N/A\nP3,na\nP4,.\nP5,NULL\nP6,\nP7, 2 \n"
    assert problems(text, "patients") == []
    own = InputFormat(missing=("999",))
    assert [p.row for p in problems(text, "patients", input_format=own)] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("date_format", "cell"),
    [
        ("YYYY-MM-DD", "2001-03-09"),
        ("YYYY/MM/DD", "2001/3/9"),
        ("YYYYMMDD", "20010309"),
        ("DD-MM-YYYY", "09-03-2001"),
        ("DD.MM.YYYY", "9.3.2001"),
        ("DD/MM/YYYY", "09/03/2001"),
        ("MM/DD/YYYY", "03/09/2001"),
        ("MM-DD-YYYY", "03-09-2001"),
        ("YYYY-MM-DD HH:MM:SS", "2001-03-09 00:00:00"),
        ("excel", "36959"),
        ("excel", "36959.0"),
        ("excel-1904", "35497"),
    ],
)
def test_declared_dates_are_read(date_format, cell):
    frame = pl.DataFrame({"patient_id": ["P1"], "index_date": [cell]})
    read = read_table(frame, "patients", input_format=InputFormat(date_format=date_format))
    assert not read.problems
    assert read.frame["index_date"].to_list() == [date(2001, 3, 9)]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("31.01.2001", "date_format = 'DD.MM.YYYY'"),
        ("36959", "date_format = 'excel'"),
        ("2001-01-31 00:00:00", "date_format = 'YYYY-MM-DD HH:MM:SS'"),
        ("2001-02-31", "no such day in the calendar"),
        ("spring", "write the date as YYYY-MM-DD"),
    ],
)
def test_undeclared_and_impossible_dates_are_errors(problems, the, cell, words):
    got = problems(f"patient_id,index_date\nP1,{cell}\n", "patients")
    assert words in the(got, "patients", 2, "index_date").remedy


def test_an_impossible_date_day_first(problems, the):
    declared = InputFormat(date_format="DD-MM-YYYY")
    got = problems("patient_id,index_date\nP1,31-02-2001\n", "patients", input_format=declared)
    assert the(got, "patients", 2, "index_date").found == "'31-02-2001'"


INDEX = {"P1": date(2001, 1, 1), "P2": date(2001, 1, 1)}


def test_dates_become_days():
    outcomes = pl.DataFrame(
        {"patient_id": ["P1", "P2"], "date": ["2001-01-31", "2000-12-31"], "kind": ["surgery"] * 2}
    )
    read = read_table(outcomes, "outcomes", index_dates=INDEX)
    assert not read.problems
    assert read.frame["day"].to_list() == [30, -1]


def test_day_and_date_must_agree(problems, the):
    text = "patient_id,day,date,kind\nP1,30,2001-01-31,surgery\nP2,30,2001-02-01,surgery\n"
    got = problems(text, "outcomes", index_dates=INDEX)
    assert "which is day 31" in the(got, "outcomes", 3, "day").found
    assert len(got) == 1


def test_a_date_needs_an_index_date(problems, the):
    text = "patient_id,date,kind\nP1,2001-01-31,surgery\nP2,2001-02-01,surgery\n"
    assert "index_date" in the(problems(text, "outcomes"), "outcomes", 1, "date").remedy
    one = {"P1": date(2001, 1, 1), "P2": None}
    got = problems(text, "outcomes", index_dates=one)
    assert the(got, "outcomes", 3, "date").found == "'2001-02-01'"
    assert len(got) == 1


def test_headers_are_exact_and_the_near_one_is_named(problems, the):
    got = problems("Patient_ID, age_years\nP1,50\n", "patients")
    assert "'patient_id'" in the(got, "patients", 1, "Patient_ID").remedy
    assert "'age_years'" in the(got, "patients", 1, " age_years").remedy
    assert len(got) == 2


def test_a_missing_column_is_named_once(problems, the):
    got = problems("patient_id,specimen_id,phenotype,caller\nP1,S1,ctc,lab\n", "counts")
    assert the(got, "counts", 1, "n_cells").found == "no such column"
    assert len(got) == 1
    got = problems("patient_id,kind\nP1,surgery\n", "outcomes")
    assert "'date'" in the(got, "outcomes", 1, "day").remedy


def test_rename_and_its_faults(problems, the):
    text = "Pat-Nr,alter\nP1,500\n"
    names = {"Pat-Nr": "patient_id", "alter": "age_years"}
    got = problems(text, "patients", rename=names)
    assert the(got, "patients", 2, "alter").found == "'500'"
    got = problems("patient_id\nP1\n", "patients", rename={"age": "age_years"})
    assert the(got, "patients", 1, "age").found.startswith("no header")
    got = problems("patient_id,age\nP1,5\n", "patients", rename={"age": "age_yeers"})
    assert the(got, "patients", 1, "age").remedy == "did you mean 'age_years'?"


def test_a_rename_of_a_good_header_to_no_column(problems, the):
    got = problems("patient_id,centre\nP1,Ulm\n", "patients", rename={"centre": "nope"})
    problem = the(got, "patients", 1, "centre")
    assert len(got) == 1
    assert problem.found == "a rename to 'nope', which is no column of patients"
    assert "patient_id, centre, setting" in problem.allowed


def test_headers_that_differ_only_in_case(problems, the):
    got = problems("patient_id,er_percent,ER_Percent\nP1,1,2\n", "patients")
    assert "differ only in case" in the(got, "patients", 1, "ER_Percent").found
    assert len(got) == 1
    text = "patient_id,Size,size\nP1,1,2\n"
    assert the(problems(text, "patients"), "patients", 1, "size")


def test_a_far_year_in_a_date_column_is_named_as_a_date(problems, the):
    text = "patient_id,date,kind\nP1,2990-01-01,surgery\n"
    got = problems(text, "outcomes", index_dates=INDEX)
    problem = the(got, "outcomes", 2, "date")
    assert len(got) == 1
    assert problem.found == "'2990-01-01'"
    assert "40,000 days" in problem.allowed
    assert "year of the date" in problem.remedy


def test_extra_columns_are_typed_and_the_rest_is_listed(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("patient_id,size_mm,side,gradde\nP1,12,left,2\nP2,-1,up,3\n")
    extra = {
        "size_mm": ExtraColumn("number", minimum=0, unit="mm"),
        "side": ExtraColumn("text", categories=("left", "right")),
    }
    read = read_table(path, "patients", extra=extra)
    places = [(p.row, p.column, p.found) for p in read.problems]
    assert places == [(3, "side", "'up'"), (3, "size_mm", "'-1'")]
    assert read.frame["size_mm"].to_list() == [12.0, -1.0]
    assert read.ignored_columns == ("gradde",)
    assert "did you mean 'grade'" in read.notices[0]


def test_a_declared_extra_column_must_be_there(problems, the):
    got = problems("patient_id\nP1\n", "patients", extra={"size": ExtraColumn("number")})
    assert "declaration" in the(got, "patients", 1, "size").remedy


def test_an_extra_column_cannot_replace_a_schema_column(problems):
    with pytest.raises(ValueError, match="grade"):
        problems("patient_id,grade\nP1,9\n", "patients", extra={"grade": ExtraColumn("number")})


@pytest.mark.parametrize(
    "header",
    ["Name", "last_name", "Nachname", "Vorname", "patientName", "DOB", "birth date",
     "Geburtsdatum", "E-Mail", "Telefon", "phone_number", "Versicherungsnummer", "KVNR", "SSN",
     "social security number", "MRN", "medical_record_number", "insurance number", "Straße",
     "PLZ", "Fallnummer", "date_of_birth", "geb.dat", "nom", "Prénom", "prenom", "nachname",
     "nom de famille", "Patientin", "PatientinName", "date_naissance", "né le", "courriel",
     "téléphone", "code postal", "numéro de sécurité sociale", "Mädchenname",
     "Name der Patientin", "Vor- und Nachname"],
)  # fmt: skip
def test_identifying_headers_are_refused(problems, the, header):
    got = problems(f"patient_id,{header}\nP1,secret\n", "patients")
    problem = the(got, "patients", 1, header)
    assert "looks like" in problem.found
    assert "secret" not in str(problem)
    assert problems(f"patient_id,{header}\nP1,x\n", "patients", declared_identifiers=[header]) == []


@pytest.mark.parametrize(
    "header",
    [
        "centre_name",
        "hospital",
        "insurance",
        "age_at_first_birth",
        "case",
        "tumour_size",
        "nomogram",
    ],
)
def test_harmless_headers_pass(problems, header):
    assert problems(f"patient_id,{header}\nP1,x\n", "patients") == []


@pytest.mark.parametrize(
    "value", ["anna@klinik.de", "123-45-6789", "A123456789", "+49 221 1234567", "0221/1234567"]
)
def test_identifying_values_are_refused_and_not_printed(problems, the, value):
    for header in ("contact", "centre"):
        got = problems(f"patient_id,{header}\nP1,{value}\n", "patients")
        assert value not in str(the(got, "patients", 1, header))
    assert the(problems(f"patient_id\n{value}\n", "patients"), "patients", 1, "patient_id")


def test_one_insurance_number_in_a_text_column_is_enough(problems, the):
    text = "patient_id,centre,remark\nP1,Ulm,A123456780\n" + "P2,B123456780,\n" * 1
    got = problems(text + "P3,Ulm,x\nP4,Ulm,y\n", "patients")
    assert "insurance" in the(got, "patients", 1, "centre").found
    assert "insurance" in the(got, "patients", 1, "remark").found
    pseudonyms = "patient_id\nP1\nP2\nA123456780\n"
    assert problems(pseudonyms, "patients") == []


@pytest.mark.parametrize("column", ["age_years", "er_status", "grade", "index_date", "de_novo"])
@pytest.mark.parametrize(
    "value",
    ["anna@klinik.de", "+49 221 1234567", "A123456780", "Anna Meier", "A. Meier",
     "born 12.3.1950", "geb. 1950", "12 March 1950", "see anna@klinik.de"],
)  # fmt: skip
def test_a_value_that_may_identify_is_not_printed(problems, column, value):
    got = problems(f"patient_id,{column}\nP1,{value}\nP2,\nP3,\n", "patients")
    assert got
    assert value not in "\n".join(map(str, got))
    hidden = f"a text of {len(value)} characters (not shown: it may identify a person)"
    assert all(p.found == hidden or "values like" in p.found for p in got)


@pytest.mark.parametrize(
    "value",
    ["HER2 Positive", "Stage IV", "36959", "7500", "RECIST 1.1", "012-0034", "P-001-20210",
     "2001-02-31", "31.01.2001", "2001-01-31T00:00:00", "99999999999999999999", "Not done"],
)  # fmt: skip
def test_a_harmless_value_is_printed(problems, the, value):
    got = problems(f"patient_id,er_status\nP1,{value}\n", "patients")
    assert the(got, "patients", 2, "er_status").found == f"'{value}'"


def test_a_name_as_key_is_not_printed(study_problems):
    counts = "patient_id,specimen_id,run_id,phenotype,caller,n_cells,volume_ml\n"
    counts += "Anna Meier,S1,1,ctc,laboratory,0,7.5\n" * 2
    got = "\n".join(map(str, study_problems(counts=counts)))
    assert "may identify" in got
    assert "Meier" not in got


def test_validate_checks_typed_frames(the):
    frame = pl.DataFrame(
        {"patient_id": ["P1", "P1"], "endpoint": ["os", "os"], "entry_day": [0, 9],
         "exit_day": [5.0, 3.0], "event_code": [1, 99]}
    )  # fmt: skip
    got = validate(frame, "events")
    assert the(got, "events", None, "exit_day").found == "values of type Float64"
    assert the(got, "events", 3, "event_code").found == "'99'"
    assert the(got, "events", 2, "patient_id, endpoint")
    got = validate(frame.cast({"exit_day": pl.Int64}), "events")
    assert the(got, "events", 3, "exit_day").found == "day 3, before entry_day 9"


def test_the_dictionary_says_unit_and_identity():
    rows = describe("patients").rows_by_key("column", named=True, unique=True)
    assert rows["age_years"]["unit"] == "years"
    assert rows["index_date"]["identifying"]
    assert rows["patient_id"]["key"]
