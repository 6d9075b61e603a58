"""The registry store: what it keeps, what it does not do twice, and what breaks it."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

import ashworth.workflows.review as review
from ashworth.cli import main
from ashworth.errors import InputError
from ashworth.registries.classification.rules import cell_rules
from ashworth.registries.landscape import landscape_on
from ashworth.registries.normalisation.normalised import normalise
from ashworth.registries.readers.files import read_registrations
from ashworth.registries.survey import survey
from ashworth.storage.registry_store import (
    folder,
    is_store,
    open_store,
    select_on,
    table_of,
    update,
    update_store,
)
from ashworth.storage.registry_store.rows import decoded, encoded, rows_of, surveyed_of

SHIPPED = Path(review.__file__).parent / "registry"
DATA = Path(__file__).parents[1] / "data" / "registries"
REAL = [SHIPPED, DATA]
DAYS = [date(2018, 6, 1), date(2019, 9, 1), date(2020, 7, 28), date(2030, 1, 1)]
LATE = date(2030, 1, 1)


def study(number, *, status="RECRUITING", made="2020-01-01", title="CTC clusters", ids=(), text=""):
    return {
        "protocolSection": {
            "identificationModule": {
                "nctId": f"NCT{number:08d}", "briefTitle": title,
                "secondaryIdInfos": [{"id": i} for i in ids],
            },
            "statusModule": {"overallStatus": status},
            "descriptionModule": {"briefSummary": text},
            "conditionsModule": {"conditions": ["Breast Cancer"]},
            "designModule": {"phases": ["PHASE2"]},
            "contactsLocationsModule": {"locations": [{"country": "Germany"}]},
        },
        "derivedSection": {"miscInfoModule": {"versionHolder": made}},
    }  # fmt: skip


def page(path, *studies):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"studies": list(studies)}))
    return path


def hour(day):
    return datetime(2020, 1, day, tzinfo=UTC)


def landscape_of(place, day, ids=()):
    found = select_on(open_store(place), day, ids)
    return found, landscape_on(found.surveyed, as_of=day)


def named(made):
    return {t.trial.trial_id: t.to_dict() for t in made.named}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    place = tmp_path_factory.mktemp("real") / "store"
    update_store(place, REAL, on_fault="skip")
    return place


def test_a_landscape_from_the_store_is_that_from_the_files(real):
    read = survey(REAL, on_fault="skip")
    assert len(read.surveyed) > 30
    for day in DAYS:
        whole = landscape_on(read.surveyed, as_of=day)
        found, made = landscape_of(real, day)
        assert named(made) == named(whole)
        assert made.counts() == whole.counts()
        assert (found.n_versions, found.n_trials) == (whole.n_registrations, whole.n_trials)
        assert found.unknown_values == whole.unknown_values
        assert found.n_vanished == 0
    assert len(named(whole)) > 10


def test_rows_give_back_records_and_verdicts():
    read = survey(REAL, on_fault="skip")
    rows = rows_of([(s.record, s.verdict) for s in read.surveyed])
    assert surveyed_of(rows) == read.surveyed
    for record in read_registrations(REAL, on_fault="skip").records:
        assert decoded(encoded(record)) == record


def test_columns_hold_verbatim_and_normalised_values(real):
    rows = {(r["source"], r["registry_id"], r["member_state"], r["sha256"]): r
            for r in table_of(open_store(real)).to_dicts()}  # fmt: skip
    records = read_registrations(REAL, on_fault="skip").records
    assert len(rows) > 30
    met = 0
    for record in records:
        key = (record.source, record.registry_id, record.member_state, record.sha256)
        if key not in rows:
            continue
        met += 1
        row, values = rows[key], normalise(record)
        assert (row["status"], row["status_class"]) == (record.status, values.status)
        assert (row["start"], row["start_day"]) == (
            record.start.text, values.start and values.start.first_day,
        )  # fmt: skip
        assert tuple(row["countries"]) == record.countries
        assert tuple(row["country_codes"]) == values.countries
        assert (row["highest_phase"], row["enrolment"]) == (values.highest_phase, record.enrolment)
    assert met == len(rows)


def test_filters_agree_with_a_plain_loop(real):
    store = open_store(real)
    every = table_of(store).to_dicts()
    found = table_of(store, specimen=["CTC", "both"], country=["DE", "FR"], tier=3,
                     status=["open", "unknown"], scope=["breast"])  # fmt: skip
    plain = [
        r["version"] for r in every
        if r["specimen"] in ("CTC", "both") and set(r["country_codes"]) & {"DE", "FR"}
        and r["tier"] is not None and r["tier"] <= 3 and r["status_class"] in ("open", "unknown")
        and r["scope"] == "breast"
    ]  # fmt: skip
    assert 0 < found.height < len(every)
    assert found["version"].to_list() == plain
    assert {r["rules_version"] for r in every} == {cell_rules().version}


def test_what_is_known_is_neither_read_nor_judged_again(tmp_path, monkeypatch):
    page(tmp_path / "in" / "a.json", study(1), study(2))
    page(tmp_path / "in" / "b.json", study(3))
    judged = []
    plain = update.reading.classify
    monkeypatch.setattr(
        update.reading, "classify", lambda r: judged.append(r.registry_id) or plain(r)
    )
    first = update_store(tmp_path / "s", [tmp_path / "in"], now=hour(1))
    assert (first.n_new, first.files_read, len(judged)) == (3, 2, 3)
    page(tmp_path / "in" / "b.json", study(3), study(4))
    second = update_store(tmp_path / "s", [tmp_path / "in"], now=hour(2))
    assert (second.n_new, second.n_unchanged) == (1, 3)
    assert (second.files_read, second.files_known) == (1, 1)
    assert judged[3:] == ["NCT00000004"]
    state = open_store(tmp_path / "s").read_state().sort("registry_id")
    assert state["first_seen"].to_list() == [hour(1)] * 3 + [hour(2)]
    assert state["last_seen"].to_list() == [hour(2)] * 4


def test_a_new_version_stands_beside_the_old_with_dates(tmp_path):
    page(tmp_path / "a.json", study(1, status="RECRUITING", made="2018-05-29"))
    update_store(tmp_path / "s", [tmp_path / "a.json"], now=hour(1))
    page(tmp_path / "a.json", study(1, status="TERMINATED", made="2020-07-28"))
    changed = update_store(tmp_path / "s", [tmp_path / "a.json"], now=hour(2))
    assert (changed.n_new, changed.n_changed, changed.vanished) == (0, 1, ())
    statuses = [landscape_of(tmp_path / "s", day)[1].trials[0].status
                for day in (date(2019, 9, 1), date(2021, 1, 1))]  # fmt: skip
    assert statuses == ["open", "ended"]
    state = open_store(tmp_path / "s").read_state().sort("version")
    assert state["last_seen"].to_list() == [hour(1), hour(2)]
    assert table_of(open_store(tmp_path / "s"))["status"].to_list() == ["TERMINATED"]


def test_the_same_record_twice_is_kept_once(tmp_path):
    page(tmp_path / "in" / "a.json", study(1), study(1))
    page(tmp_path / "in" / "b.json", study(1))
    made = update_store(tmp_path / "s", [tmp_path / "in"])
    assert (made.n_new, made.store.n_rows) == (1, 1)
    assert made.store.read_state().height == 1


def test_the_vanished_are_named_until_they_return(tmp_path):
    page(tmp_path / "in" / "a.json", study(1), study(2))
    shutil.copy(DATA / "european" / "isrctn_12949496.json", tmp_path / "in")
    update_store(tmp_path / "s", [tmp_path / "in"], now=hour(1))
    page(tmp_path / "a.json", study(1))
    part = update_store(tmp_path / "s", [tmp_path / "a.json"], partial=True, now=hour(2))
    assert part.vanished == ()
    gone = update_store(tmp_path / "s", [tmp_path / "a.json"], now=hour(3))
    assert gone.vanished == ("ctgov NCT00000002",)
    assert update_store(tmp_path / "s", [tmp_path / "a.json"], now=hour(4)).vanished == ()
    found, made = landscape_of(tmp_path / "s", LATE)
    assert (found.n_vanished, len(made.named)) == (1, 2)
    state = open_store(tmp_path / "s").read_state().filter(pl.col("vanished").is_not_null())
    assert state.select("registry_id", "vanished").row(0) == ("NCT00000002", hour(3))
    back = update_store(tmp_path / "s", [tmp_path / "in"], now=hour(5))
    assert back.returned == ("ctgov NCT00000002",)
    assert landscape_of(tmp_path / "s", LATE)[0].n_vanished == 0


def test_registrations_of_a_named_trial_come_with_it(tmp_path):
    page(tmp_path / "a.json", study(1, ids=["2013-002654-75"]),
         study(2, title="Nothing", ids=["2013-002654-75", "U1111-1234-5678"]),
         study(3, title="Nothing", ids=["U1111-1234-5678"]), study(4, title="Nothing"))  # fmt: skip
    update_store(tmp_path / "s", [tmp_path / "a.json"])
    found, made = landscape_of(tmp_path / "s", LATE)
    assert [len(t.trial.records) for t in made.trials] == [3]
    assert (found.n_versions, found.n_trials) == (4, 2)
    found, _ = landscape_of(tmp_path / "s", LATE, ids=["NCT00000004"])
    assert len(found.surveyed) == 4


def test_other_rules_judge_everything_again_from_kept_texts(tmp_path, monkeypatch):
    source = page(tmp_path / "a.json", study(1), study(2, title="Nothing", text="a word: xylem"))
    update_store(tmp_path / "s", [source])
    rules = cell_rules()
    named_so = replace(rules.phrases[0], keys=("xylem",), also=(), pattern=re.compile("xylem"))
    other = replace(rules, version=rules.version + 1, phrases=(*rules.phrases, named_so))
    monkeypatch.setattr(update, "cell_rules", lambda: other)
    monkeypatch.setattr("ashworth.registries.classification.verdicts.cell_rules", lambda: other)
    source.unlink()
    again = update_store(tmp_path / "s", [page(tmp_path / "b.json", study(3))], partial=True)
    assert (again.reclassified, again.n_new) == (2, 1)
    table = table_of(again.store)
    assert table["specimen"].to_list() == ["CTC", "mention", "CTC"]
    assert set(table["rules_version"]) == {rules.version + 1}
    assert again.store.rules_version == rules.version + 1


def test_any_number_of_workers_makes_the_same_store(tmp_path, monkeypatch):
    monkeypatch.setattr(update.reading, "CHUNK", 20_000)
    monkeypatch.setattr(update, "PART", 10)
    one = update_store(tmp_path / "one", REAL, on_fault="skip", now=hour(1))
    with ThreadPoolExecutor(3) as pool:
        three = update_store(tmp_path / "three", REAL, on_fault="skip", executor=pool, now=hour(1))
    assert len(one.store.parts) > 2
    assert one.store.digests == three.store.digests


def test_small_updates_do_not_leave_many_files(tmp_path):
    for number in range(6):
        source = page(tmp_path / "a.json", study(number))
        made = update_store(tmp_path / "s", [source], partial=True)
    assert len(made.store.parts) == 1
    assert made.store.n_rows == 6
    assert len(list((tmp_path / "s").iterdir())) <= 2 * 4 + 1
    assert len(landscape_of(tmp_path / "s", LATE)[1].trials) == 6


def test_a_reader_keeps_what_it_opened_while_the_store_is_updated(tmp_path):
    update_store(tmp_path / "s", [page(tmp_path / "a.json", study(1))])
    opened = open_store(tmp_path / "s")
    update_store(tmp_path / "s", [page(tmp_path / "a.json", study(1), study(2))])
    assert select_on(opened, LATE).n_versions == 1
    assert select_on(open_store(tmp_path / "s"), LATE).n_versions == 2
    update_store(tmp_path / "s", [page(tmp_path / "a.json", study(3))])
    with pytest.raises(InputError, match="registry store"):
        select_on(opened, LATE)


def test_an_update_that_fails_leaves_the_store_as_it_was(tmp_path, monkeypatch):
    update_store(tmp_path / "s", [page(tmp_path / "a.json", study(1))])
    before = (tmp_path / "s" / "store.json").read_bytes()
    page(tmp_path / "b.json", study(2))
    with monkeypatch.context() as patched:

        def full(*_):
            raise OSError(28, "No space left on device")

        patched.setattr(update, "write_manifest", full)
        with pytest.raises(OSError, match="No space"):
            update_store(tmp_path / "s", [tmp_path / "b.json"])
    files = {p.name for p in (tmp_path / "s").iterdir()}
    (tmp_path / "broken.json").write_text('{"studies": [{"protocolSection"')
    (tmp_path / "hello.json").write_text("hello")
    monkeypatch.setattr(update.reading, "CHUNK", 1)
    wrong = [tmp_path / "broken.json", tmp_path / "b.json", tmp_path / "hello.json"]
    with pytest.raises(InputError, match=r"2 problems[\s\S]*broken\.json[\s\S]*hello\.json"):
        update_store(tmp_path / "s", wrong)
    assert {p.name for p in (tmp_path / "s").iterdir()} == files
    with pytest.raises(InputError):
        update_store(tmp_path / "new", wrong)
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "s" / "store.json").read_bytes() == before
    assert not (tmp_path / "s" / ".lock").exists()
    made = update_store(tmp_path / "s", [tmp_path / "b.json", tmp_path / "broken.json"],
                        on_fault="skip", partial=True)  # fmt: skip
    assert (made.n_new, len(made.faults)) == (1, 1)
    made.store.verify()
    made = update_store(tmp_path / "s", [tmp_path / "b.json"], partial=True)
    named_files = set(made.store.digests)
    assert len({p.name for p in (tmp_path / "s").glob("*.parquet")} - named_files) <= 2


def test_one_writer_at_a_time_and_a_dead_one_does_not_block(tmp_path):
    source = page(tmp_path / "a.json", study(1))
    update_store(tmp_path / "s", [source])
    lock = tmp_path / "s" / ".lock"
    lock.write_text("1")
    with pytest.raises(InputError, match="under way"):
        update_store(tmp_path / "s", [source])
    lock.write_text("999999999")
    update_store(tmp_path / "s", [source])
    assert not lock.exists()


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def other_layout(path):
    mark = '"ashworth_registry_store": '
    path.write_text(path.read_text().replace(f"{mark}1", f"{mark}9"))


def other_columns(path):
    size = path.stat().st_size
    pl.DataFrame({"a": [1]}).write_parquet(path)
    assert path.stat().st_size <= size


@pytest.mark.parametrize(
    ("name", "harm", "words"),
    [
        ("rows-*", cut, "in place of"),
        ("texts-*", Path.unlink, "No such file"),
        ("state-*", other_columns, "in place of"),
        ("store.json", lambda p: p.write_text("{"), "JSONDecodeError"),
        ("store.json", lambda p: p.write_text('{"ashworth_registry_store": 1}'), "KeyError"),
        ("store.json", other_layout, "layout 9"),
        ("store.json", lambda p: p.write_text(p.read_text().replace("rows-", "../rows-")),
         "no update wrote"),
        ("store.json", Path.unlink, "No such file"),
    ],
    ids=["cut", "gone", "columns", "no JSON", "half", "layout", "outside", "no manifest"],
)  # fmt: skip
def test_a_damaged_store_is_named_at_opening(tmp_path, name, harm, words):
    update_store(tmp_path / "s", [page(tmp_path / "a.json", study(1))])
    harm(next((tmp_path / "s").glob(name)))
    with pytest.raises(InputError, match=words):
        open_store(tmp_path / "s")


def test_columns_of_another_table_of_the_same_size_are_seen(tmp_path):
    made = update_store(tmp_path / "s", [page(tmp_path / "a.json", study(1))])
    told = json.loads((tmp_path / "s" / "store.json").read_text())
    shutil.copy(tmp_path / "s" / made.store.files, tmp_path / "s" / made.store.state)
    told["digests"][made.store.state]["bytes"] = told["digests"][made.store.files]["bytes"]
    (tmp_path / "s" / "store.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match="other columns"):
        open_store(tmp_path / "s")


def test_a_changed_byte_is_found_when_asked_for(tmp_path):
    made = update_store(tmp_path / "s", [page(tmp_path / "a.json", study(1))])
    made.store.verify()
    path = tmp_path / "s" / made.store.parts[0]["rows"]
    raw = bytearray(path.read_bytes())
    raw[100] ^= 1
    path.write_bytes(raw)
    with pytest.raises(InputError, match="other bytes"):
        open_store(tmp_path / "s").verify()


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "thesis.txt").write_text("mine")
    source = page(tmp_path / "a.json", study(1))
    with pytest.raises(InputError, match=r"thesis\.txt"):
        update_store(tmp_path / "s", [source])
    with pytest.raises(InputError, match="a file"):
        update_store(source, [source])
    assert not is_store(tmp_path / "s")
    assert not folder.is_store(source)


def run(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(["landscape", *map(str, words)])
    shown = capsys.readouterr()
    return left.value.code, shown.out, shown.err


def test_the_commands_from_files_to_store_to_two_dates(tmp_path, capsys):
    place = tmp_path / "s"
    code, out, _ = run(capsys, "store", place, SHIPPED)
    assert not code
    assert "new registrations" in out
    code, out, _ = run(capsys, "store", place, SHIPPED, "--json")
    assert json.loads(out)["files_known"] == len(list(SHIPPED.glob("*.xml")))
    code, plain, _ = run(
        capsys, SHIPPED, "--as-of", "2020-07-28", "--since", "2019-01-01", "--json"
    )
    for words in (["--store", place], [place]):
        code, out, _ = run(
            capsys, *words, "--as-of", "2020-07-28", "--since", "2019-01-01", "--json"
        )
        assert not code
        told, whole = json.loads(out), json.loads(plain)
        assert told["counts"] == whole["counts"]
        assert told["change"] == whole["change"]
        assert told["trials"] == [t for t in whole["trials"] if t["specimen"] != "none"]
        assert told["trials_listed"] == "those that name cells"
    code, out, _ = run(capsys, place)
    assert "from the store" in out
    assert "Landscape on 2020-07-28" in out
    assert "all as they were written" in run(capsys, "store", place, "--verify")[1]


def test_the_commands_refuse_mixed_and_missing_input(tmp_path, capsys):
    run(capsys, "store", tmp_path / "s", SHIPPED)
    for words in ((tmp_path / "s", SHIPPED), ("--store", tmp_path / "s", SHIPPED)):
        code, _, err = run(capsys, *words)
        assert code == 2
        assert "landscape store" in err
    assert run(capsys, "store", tmp_path / "new")[0] == 2
    assert run(capsys, "--store", tmp_path / "nothing")[0] == 2
    assert run(capsys)[0] == 2


def test_overrides_reach_trials_that_name_no_cells(tmp_path, capsys):
    page(tmp_path / "a.json", study(1, title="Nothing"))
    run(capsys, "store", tmp_path / "s", tmp_path / "a.json")
    (tmp_path / "o.csv").write_text(
        "registry_id,field,value,reason,who,when\nNCT00000001,specimen,CTC,read,me,2020-01-01\n"
    )
    code, out, _ = run(capsys, tmp_path / "s", "--overrides", tmp_path / "o.csv", "--json")
    assert not code
    assert [t["specimen"] for t in json.loads(out)["trials"]] == ["CTC"]
