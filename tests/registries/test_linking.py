"""Registrations to trials: numbers in every writing, member states, contradictions."""

import csv
import io
import random
from datetime import date
from itertools import groupby

import pytest

from ashworth.registries.landscape import landscape_on
from ashworth.registries.linking import link, trial_ids
from ashworth.registries.member_states import member_state_statuses
from ashworth.registries.merging import merged_values
from ashworth.registries.normalisation.normalised import normalise
from ashworth.registries.readers.euctr_csv import read_euctr_csv
from ashworth.registries.record import MemberState, RawDate, Registration

STATUSES = ("Ongoing", "Completed", "Prematurely Ended", "Temporarily Halted", "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("EUCTR2013-002654-75-NL", "2013-002654-75"),
        ("2008-000679-90-3rd", "2008-000679-90"),
        ("EudraCT 2013\u2013002654\u201375", "2013-002654-75"),
        ("2013-002654-75/GB", "2013-002654-75"),
        ("CTIS2023-508143-51-01", "2023-508143-51"),
        ("2023-508143-51-00", "2023-508143-51"),
        ("EU CT Number: 2023-508143-51", "2023-508143-51"),
        ("nct 01975142", "NCT01975142"),
        ("ISRCTN:12949496", "ISRCTN12949496"),
        ("u1111-1272-2514", "U1111-1272-2514"),
        ("NCT019751420", None), ("NCT0197514", None), ("XNCT01975142", None),
        ("12013-002654-75", None), ("2013-002654-751", None), ("2013-002654-75-01", None),
        ("2023-508143-51-001", None), ("2013-02654-75", None), ("U1111-1272-25145", None),
        ("12949496", None), ("ISRCTN1294949", None), ("ORG-100049027", None), ("", None),
    ],
)  # fmt: skip
def test_numbers_in_every_writing(text, found):
    assert trial_ids([text, text]) == (() if found is None else (found,))


def register(n_trials, seed):
    """A synthetic table of member states' rows, shuffled, as the register's has them."""
    rng = random.Random(seed)
    rows = []
    for i in range(n_trials):
        number = f"20{rng.randrange(4, 21):02d}-{i:06d}-{rng.randrange(10, 100)}"
        usual = rng.choice(STATUSES)
        for state in rng.sample(
            ("DE", "GB", "ES", "IT", "FR", "NL", "3rd"), rng.choice((1, 1, 2, 3))
        ):
            status = usual if rng.random() < 0.7 else rng.choice(STATUSES)
            rows.append((number, f"{number}-{state}", status))
    rng.shuffle(rows)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(("eudract_number", "eudract_number_with_country", "end_of_trial_status"))
    writer.writerows(rows)
    return file.getvalue().encode(), sorted(rows)


def test_member_states_are_counted_as_a_plain_loop_counts_them():
    raw, rows = register(400, 1869)
    found = member_state_statuses(link(list(read_euctr_csv(raw))))
    trials = [[row[2] for row in group] for _, group in groupby(rows, key=lambda row: row[0])]
    several = [t for t in trials if len(t) > 1]
    assert (found.n_records, found.n_trials) == (len(rows), 400)
    assert found.n_several == len(several)
    assert found.n_differing == sum(len(set(t)) > 1 for t in several)
    assert found.n_contradicting == sum(len(set(t) - {""}) > 1 for t in several)
    assert 0 < found.n_classes < found.n_contradicting < found.n_differing < found.n_several
    assert found.share_differing == found.n_differing / found.n_several
    table = found.table()
    first = table.row(0)
    names = [{"not told": ""}.get(name, name) for name in first[:2]]
    assert first[2] == sum(set(names) <= set(t) for t in several)
    assert table["n_trials"].is_sorted(descending=True)


def test_a_difference_of_words_in_one_class_is_told_apart():
    rows = [("DE", "Completed"), ("FR", "Prematurely Ended"), ("NL", "")]
    records = [
        Registration("euctr", "x", "2010-000001-01", member_state=s, status=w) for s, w in rows
    ]
    (trial,) = link(records)
    found = member_state_statuses([trial])
    assert (found.n_differing, found.n_contradicting, found.n_classes) == (1, 1, 0)
    (about,) = trial.contradictions
    assert about.values == (("euctr 2010-000001-01 DE", "Completed"),
                            ("euctr 2010-000001-01 FR", "Prematurely Ended"))  # fmt: skip


def test_no_trial_gives_no_share():
    found = member_state_statuses([])
    assert found.n_trials == found.most_states == 0
    assert found.share_differing != found.share_differing
    assert found.table().shape == (0, 3)


def test_five_registrations_of_one_trial_are_one():
    records = [
        Registration("isrctn", "x", "ISRCTN12949496", ids=("EudraCT 2014-002988-16",)),
        Registration("euctr", "x", "2014-002988-16", member_state="IE"),
        Registration("euctr", "x", "2014-002988-16", member_state="3rd"),
        Registration("ctis", "x", "2023-508143-51-01", ids=("2014-002988-16", "U1111-1272-2514")),
        Registration("ctgov", "x", "NCT01975142", ids=("U1111-1272-2514",)),
        Registration("ctgov", "x", "NCT00000002", ids=("S-1",), brief_title="like NCT01975142"),
    ]
    for seed in range(4):
        random.Random(seed).shuffle(records)
        found = {t.trial_id: t for t in link(records)}
        assert set(found) == {"NCT01975142", "NCT00000002"}
        assert [r.source for r in found["NCT01975142"].records] == [
            "ctgov", "ctis", "euctr", "euctr", "isrctn",
        ]  # fmt: skip
        assert not found["NCT01975142"].contradictions


def test_the_highest_resubmission_and_the_latest_version_are_kept():
    records = [
        Registration("ctis", "x", f"2023-508143-51-{n}", status=s, processed=day)
        for n, s, day in (("01", "4", "2024-01-01"), ("00", "9", "2025-01-01"))
    ] + [Registration("euctr", "x", "2010-000001-01", member_state="DE", status=s, processed=day)
         for s, day in (("Completed", "2020-01-01"), ("Ongoing", "2019-01-01"))]  # fmt: skip
    kept = [(t.main.registry_id, t.main.status) for t in link(records)]
    assert kept == [("2023-508143-51-01", "4"), ("2010-000001-01", "Completed")]


def two(first, second):
    """Contradictions of two registrations of one trial: source and status, or phases."""
    records = [
        Registration(source, "x", name, ids=("2010-000001-01",), **rest)
        for (source, rest), name in zip(
            (first, second), ("NCT00000001", "2010-000001-01"), strict=True
        )
    ]
    (trial,) = link(records)
    return [c.about for c in trial.contradictions]


@pytest.mark.parametrize(
    ("ctgov", "euctr", "expected"),
    [
        ("RECRUITING", "Ongoing", []), ("NOT_YET_RECRUITING", "Ongoing", []),
        ("ACTIVE_NOT_RECRUITING", "Ongoing", []), ("COMPLETED", "Ongoing", ["status"]),
        ("TERMINATED", "Completed", []), ("RECRUITING", "Completed", ["status"]),
        ("UNKNOWN", "Completed", []), ("WITHDRAWN", "Not Authorised", []),
        ("RECRUITING", "", []), ("RECRUITING", "GB - no longer in EU/EEA", []),
    ],
)  # fmt: skip
def test_registries_contradict_each_other_in_meaning_not_in_words(ctgov, euctr, expected):
    assert two(("ctgov", {"status": ctgov}), ("euctr", {"status": euctr})) == expected


def test_phases_are_compared_in_one_writing():
    third = {"phases": ("Therapeutic confirmatory (Phase III)",)}
    assert two(("ctgov", {"phases": ("PHASE3",)}), ("euctr", third)) == []
    assert two(("ctgov", {"phases": ("PHASE2", "PHASE3")}), ("euctr", third)) == ["phases"]
    first = {"phases": ("Human pharmacology (Phase I)",)}
    assert two(("ctgov", {"phases": ("EARLY_PHASE1",)}), ("euctr", first)) == []
    assert two(("ctgov", {}), ("euctr", third)) == []


def test_two_trials_that_name_the_same_third_one_are_shown():
    records = [
        Registration("ctgov", "x", f"NCT0000000{i}", ids=("2010-000001-01",)) for i in (1, 2)
    ]
    (trial,) = link(records)
    assert trial.contradictions[0].values == (("ctgov", "NCT00000001"), ("ctgov", "NCT00000002"))
    assert trial.contradictions[0].about == "ids"


def test_member_states_inside_one_record_of_ctis():
    states = (MemberState("Spain", "4"), MemberState("Italy", "Ended"), MemberState("France", "4"))
    record = Registration("ctis", "x", "2023-508143-51-01", status="4", member_states=states)
    (trial,) = link([record])
    assert trial.contradictions[0].values[1] == ("ctis 2023-508143-51-01 Italy", "Ended")
    assert member_state_statuses([trial]).pairs == {("4", "8"): 1}
    pair = Registration("ctis", "x", "2023-508143-51-01", status="4", member_states=states[:2])
    assert len(link([pair])[0].contradictions) == 1
    ended = Registration(
        "ctgov", "x", "NCT00000001", ids=("2023-508143-51-00",), status="COMPLETED"
    )
    same = Registration(
        "ctis", "x", "2023-508143-51-01", status="8", member_states=(states[1],) * 2
    )
    assert not link([ended, same])[0].contradictions


def test_member_states_make_one_trial_of_the_landscape():
    records = [
        Registration("euctr", "x", "2010-000001-01", member_state=state, countries=(state,),
                     status=status, brief_title="Circulating tumour cells",
                     conditions=("Breast cancer",), sponsor_country=sponsor,
                     phases=("Therapeutic exploratory (Phase II)",))
        for state, status, sponsor in (("AT", "Completed", ""), ("DE", "Ongoing", "Germany"))
    ]  # fmt: skip
    (trial,) = landscape_on(records, as_of=date(2019, 9, 1)).trials
    found = trial.to_dict()
    assert (found["status"], found["lead_country"]) == ("open", "DE")
    assert (found["countries"], found["phases"]) == (["AT", "DE"], ["PHASE2"])
    assert found["contradictions"][0]["about"] == "status"


def test_a_merged_trial_takes_what_its_main_registration_does_not_tell():
    main = Registration(
        "ctgov", "x", "NCT00000001", ids=("2010-000001-01",), countries=("Germany",)
    )
    other = Registration("euctr", "x", "2010-000001-01", member_state="FR", countries=("France",),
                         enrolment=120, enrolment_kind="ESTIMATED",
                         phases=("Therapeutic use (Phase IV)",))  # fmt: skip
    (alone,) = link([other])
    assert merged_values(alone, [normalise(other)]).lead_country == "FR"
    (trial,) = link([other, main])
    found = merged_values(trial, [normalise(r) for r in trial.records])
    assert (found.highest_phase, found.enrolment, found.enrolment_kind) == (
        "PHASE4",
        120,
        "ESTIMATED",
    )
    assert (found.countries, found.lead_country) == (("DE", "FR"), "DE")


def test_a_registration_first_posted_after_the_date_is_not_there_yet():
    record = Registration("euctr", "x", "2010-000001-01", member_state="DE", status="Ongoing",
                          first_posted=RawDate("2015-03-01"))  # fmt: skip
    assert not landscape_on([record], as_of=date(2015, 2, 28)).trials
    assert len(landscape_on([record], as_of=date(2015, 3, 1)).trials) == 1
