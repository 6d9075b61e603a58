"""Events from dated facts, against hand-worked patients and an independent derivation."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ashworth.definitions import OUTCOME_KINDS, load, load_all
from ashworth.errors import InputError
from ashworth.survival.endpoints import derive_events

LOCAL = "ipsilateral_invasive_recurrence"
REGIONAL = "regional_recurrence"
DISTANT = "distant_recurrence"
ANY_SITE = "recurrence_unspecified"
CONTRALATERAL = "contralateral_invasive_breast_cancer"
SECOND = "second_primary_non_breast"
DEATHS = ("death_breast_cancer", "death_other_cause", "death_unknown_cause")
BC, OTHER, UNKNOWN = DEATHS

# STEEP 2.0 (Tolaney et al. 2021): events; what competes; everything else leaves at risk.
STEEP = {
    "idfs": ({LOCAL, REGIONAL, DISTANT, ANY_SITE, CONTRALATERAL, SECOND, *DEATHS}, set()),
    "ibcfs": ({LOCAL, REGIONAL, DISTANT, ANY_SITE, CONTRALATERAL, *DEATHS}, set()),
    "rfs": ({LOCAL, REGIONAL, DISTANT, ANY_SITE, *DEATHS}, set()),
    "rfi": ({LOCAL, REGIONAL, DISTANT, ANY_SITE, BC, UNKNOWN}, {OTHER}),
    "drfs": ({DISTANT, *DEATHS}, set()),
    "drfi": ({DISTANT, BC, UNKNOWN}, {OTHER}),
    "bcss": ({BC, UNKNOWN}, {OTHER}),
    "os": (set(DEATHS), set()),
}


def facts(*rows: tuple[str, int, str]) -> pl.DataFrame:
    schema = {"patient_id": pl.String, "day": pl.Int64, "kind": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def ends(table: pl.DataFrame, endpoint: str, **options) -> dict[str, tuple[int, int]]:
    events = derive_events(table, endpoint, **options).events
    return {p: (d, c) for p, d, c in events["patient_id", "exit_day", "event_code"].iter_rows()}


@pytest.mark.parametrize("id", STEEP)
def test_steep_table(id):
    endpoint = load("endpoint", id)
    events, competing = STEEP[id]
    assert set(endpoint.event_kinds) == events
    assert {code: set(kinds) for code, kinds in endpoint.competing.items()} == (
        {2: competing} if competing else {}
    )
    assert set(endpoint.kinds("refused")) == ({ANY_SITE} if id.startswith("dr") else set())
    assert endpoint.kinds("censoring") == ()
    assert endpoint.standard == "STEEP 2.0"


def test_progression_free_survival_table():
    endpoint = load("endpoint", "pfs")
    assert set(endpoint.event_kinds) == {"progression", *DEATHS}
    assert endpoint.competing == {}


@pytest.mark.parametrize("kind", [k for k in OUTCOME_KINDS if not k.startswith("last")])
@pytest.mark.parametrize("id", STEEP)
def test_one_fact_and_a_later_contact(id, kind):
    events, competing = STEEP[id]
    table = facts(("p", 300, kind), ("p", 300 if kind in DEATHS else 900, "last_contact"))
    if id.startswith("dr") and kind == ANY_SITE:
        with pytest.raises(InputError, match="record the site"):
            derive_events(table, id)
        return
    expected = (300, 1) if kind in events else (300, 2) if kind in competing else (900, 0)
    assert ends(table, id) == {"p": expected}


def test_first_counting_event_decides():
    table = facts(("p", 500, BC), ("p", 200, LOCAL), ("p", 350, DISTANT))
    assert ends(table, "idfs")["p"] == (200, 1)
    assert ends(table, "drfs")["p"] == (350, 1)
    assert ends(table, "os")["p"] == (500, 1)


def test_same_day_event_before_competing_before_censoring():
    table = facts(
        ("a", 300, OTHER), ("a", 300, DISTANT), ("a", 300, "last_contact"),
        ("b", 300, OTHER), ("b", 300, "last_contact"),
        ("c", 300, "last_contact"), ("c", 300, LOCAL),
    )  # fmt: skip
    assert ends(table, "rfi") == {"a": (300, 1), "b": (300, 2), "c": (300, 1)}
    assert ends(table, "drfi") == {"a": (300, 1), "b": (300, 2), "c": (300, 0)}


def test_later_fact_extends_follow_up():
    table = facts(("p", 300, "last_contact"), ("p", 450, CONTRALATERAL))
    assert ends(table, "rfi")["p"] == (450, 0)
    assert ends(table, "os")["p"] == (450, 0)
    assert ends(table, "idfs")["p"] == (450, 1)


def test_latest_of_several_contacts():
    table = facts(("p", 700, "last_contact"), ("p", 300, "last_contact"))
    assert ends(table, "os")["p"] == (700, 0)


def test_assessment_closes_where_there_is_no_contact():
    assert ends(facts(("p", 300, "last_disease_assessment")), "os")["p"] == (300, 0)


def test_progression_is_censored_at_the_last_assessment():
    table = facts(
        ("a", 300, "last_disease_assessment"), ("a", 800, "last_contact"),
        ("b", 800, "last_contact"),
        ("c", 300, "last_disease_assessment"), ("c", 800, BC),
    )  # fmt: skip
    assert ends(table, "pfs") == {"a": (300, 0), "b": (800, 0), "c": (800, 1)}


def test_a_missing_outcome_is_an_error_and_all_are_listed():
    table = facts(("a", 0, "surgery"), ("b", 100, "last_contact"), ("c", 50, DISTANT))
    everyone = pl.DataFrame({"patient_id": ["a", "b", "c", "d"]})
    with pytest.raises(InputError) as caught:
        derive_events(table, "os", patients=everyone)
    found = [p.found for p in caught.value.problems]
    assert [f.split(":")[0] for f in found] == ["patient a", "patient c", "patient d"]
    assert all(p.remedy and p.allowed for p in caught.value.problems)


def test_stranger_is_refused():
    with pytest.raises(InputError, match="'b'"):
        derive_events(
            facts(("a", 1, "last_contact"), ("b", 1, "last_contact")), "os",
            patients=pl.DataFrame({"patient_id": ["a"]}),
        )  # fmt: skip


@pytest.mark.parametrize("kind", [DISTANT, "last_contact", "dcis_ipsilateral"])
def test_fact_after_death_is_refused(kind):
    with pytest.raises(InputError, match="no fact after death"):
        derive_events(facts(("p", 100, BC), ("p", 101, kind)), "os")


def test_two_deaths_are_refused():
    with pytest.raises(InputError, match="more than one death"):
        derive_events(facts(("p", 100, BC), ("p", 100, OTHER)), "os")


def test_unknown_kind_and_missing_day_come_together():
    table = facts(("p", 100, "relapse"), ("q", None, BC))
    with pytest.raises(InputError) as caught:
        derive_events(table, "os")
    assert {p.column for p in caught.value.problems} == {"kind", "day"}


def test_missing_column():
    with pytest.raises(InputError, match="kind"):
        derive_events(pl.DataFrame({"patient_id": ["a"], "day": [1]}), "os")


def test_entry_days():
    table = facts(
        ("a", 300, DISTANT), ("a", 400, "last_contact"), ("b", 300, "last_contact"),
        ("c", 900, "last_contact"), ("d", 900, "last_contact"), ("e", 301, DISTANT),
    )  # fmt: skip
    entry = pl.DataFrame({"patient_id": list("abce"), "entry_day": [300, 300, 300, 300]})
    result = derive_events(table, "idfs", entry=entry)
    assert result.events.rows() == [("c", "idfs", 300, 900, 0), ("e", "idfs", 300, 301, 1)]
    assert dict(result.excluded["patient_id", "reason"].iter_rows()) == {
        "a": "event on or before entry",
        "b": "follow-up ends on or before entry",
        "d": "no entry day",
    }
    assert result.options["entry"] == "given"


def test_entry_twice_is_refused():
    entry = pl.DataFrame({"patient_id": ["a", "a"], "entry_day": [1, 2]})
    with pytest.raises(InputError, match="twice"):
        derive_events(facts(("a", 9, "last_contact")), "os", entry=entry)


def test_event_on_day_zero_is_excluded_and_listed():
    result = derive_events(facts(("a", 0, DISTANT), ("b", 5, "last_contact")), "idfs")
    assert result.events["patient_id"].to_list() == ["b"]
    assert result.excluded["reason"].to_list() == ["event on or before entry"]


def test_pathological_response_is_an_answer_not_a_time():
    table = facts(("a", 0, "pcr"), ("b", 150, "no_pcr"), ("b", 900, "last_contact"))
    result = derive_events(table, "pcr")
    assert result.events["patient_id", "exit_day", "event_code"].rows() == [
        ("a", 0, 1), ("b", 150, 0),
    ]  # fmt: skip


def test_derivation_tells_the_deciding_fact():
    table = facts(("a", 300, DISTANT), ("b", 200, "last_contact"), ("b", 250, CONTRALATERAL))
    rows = derive_events(table, "rfi").derivation["patient_id", "role", "kind"].rows()
    assert rows == [("a", "event", DISTANT), ("b", "follow-up", CONTRALATERAL)]


def test_result_counts_and_provenance():
    table = facts(("a", 300, DISTANT), ("b", 300, OTHER), ("c", 300, "last_contact"))
    result = derive_events(table, "rfi")
    assert (result.n, result.n_events, result.n_competing, result.n_censored) == (3, 1, 1, 1)
    assert result.table() is result.events
    assert result.options["endpoint_version"] == 1
    assert "STEEP 2.0" in result.method


def test_unread_study_definitions_refuse_what_they_do_not_know():
    with pytest.raises(InputError, match="decide it in a definition of your own"):
        derive_events(facts(("p", 300, OTHER)), "dfs-janni2016")


def test_pandas_gives_the_same():
    pandas = pytest.importorskip("pandas")
    table = facts(("a", 300, DISTANT), ("b", 300, OTHER), ("c", 300, "last_contact"))
    frame = pandas.DataFrame(table.to_dict(as_series=False))
    assert derive_events(frame, "rfi").events.equals(derive_events(table, "rfi").events)


# An independent derivation in plain Python, from the literal table above.

DAYS = st.integers(1, 12)
ALIVE_KINDS = [k for k in OUTCOME_KINDS if k not in DEATHS and not k.startswith("last")]


@st.composite
def histories(draw) -> list[tuple[str, int, str]]:
    rows = []
    for patient in range(draw(st.integers(1, 6))):
        name = f"p{patient}"
        events = draw(st.lists(st.tuples(DAYS, st.sampled_from(ALIVE_KINDS)), max_size=4))
        last = draw(DAYS)
        rows += [(name, day, kind) for day, kind in events]
        rows.append(
            (name, last, draw(st.sampled_from(["last_contact", "last_disease_assessment"])))
        )
        if draw(st.booleans()):
            death = max([last, *(day for day, _ in events)]) + draw(st.integers(0, 3))
            rows.append((name, death, draw(st.sampled_from(DEATHS))))
    return rows


def first_by_loop(rows, id: str) -> dict[str, tuple[int, int | None]]:
    """Walk through each patient's days; None stands for a refusal."""
    events, competing = STEEP[id]
    unclear = {ANY_SITE} if id.startswith("dr") else set()
    out = {}
    for patient in sorted({p for p, _, _ in rows}):
        mine = [(day, kind) for p, day, kind in rows if p == patient]
        out[patient] = (max(day for day, kind in mine if kind not in DEATHS), 0)
        for today in sorted({day for day, _ in mine}):
            kinds = {kind for day, kind in mine if day == today}
            if kinds & events:
                out[patient] = (today, 1)
            elif kinds & competing:
                out[patient] = (today, 2)
            elif kinds & unclear:
                out[patient] = (today, None)
            else:
                continue
            break
    return out


@settings(max_examples=60, deadline=None)
@given(rows=histories(), id=st.sampled_from(sorted(STEEP)))
def test_against_an_independent_derivation(rows, id):
    expected = first_by_loop(rows, id)
    if any(code is None for _, code in expected.values()):
        with pytest.raises(InputError):
            derive_events(facts(*rows), id)
        return
    assert ends(facts(*rows), id) == expected


@settings(max_examples=30, deadline=None)
@given(rows=histories(), seed=st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(rows, seed):
    shuffled = list(rows)
    seed.shuffle(shuffled)
    one, two = (derive_events(facts(*r), "idfs") for r in (rows, shuffled))
    assert one.events.equals(two.events)
    assert one.derivation.equals(two.derivation)


@settings(max_examples=30, deadline=None)
@given(rows=histories())
def test_wider_endpoints_end_no_later(rows):
    """Whoever has an OS event has an IDFS event by then; IDFS <= IBCFS <= RFS."""
    idfs, ibcfs, rfs, os_ = (ends(facts(*rows), e) for e in ("idfs", "ibcfs", "rfs", "os"))
    for p in os_:
        assert idfs[p][0] <= ibcfs[p][0] <= rfs[p][0] <= os_[p][0]
        assert idfs[p][1] >= ibcfs[p][1] >= rfs[p][1] >= os_[p][1]


def test_every_shipped_endpoint_is_quick_at_full_size():
    """Not a timing: the derivation of 10,307 patients holds no loop over patients."""
    n = 10307
    ids = [f"P{i:05d}" for i in range(n)]
    table = pl.concat(
        [
            pl.DataFrame({"patient_id": ids, "kind": "last_contact"}).with_columns(
                day=2000 + pl.int_range(n, dtype=pl.Int64) % 700
            ),
            pl.DataFrame({"patient_id": ids[::4], "kind": DISTANT}).with_columns(
                day=100 + pl.int_range(len(ids[::4]), dtype=pl.Int64) % 900
            ),
        ]
    )
    for endpoint in load_all("endpoint"):
        if endpoint.scale == "binary":
            continue
        result = derive_events(table, endpoint)
        assert result.n == n
        counted = DISTANT in endpoint.event_kinds
        assert result.n_events == (len(ids[::4]) if counted else 0)
        assert result.events["patient_id"].is_sorted()
