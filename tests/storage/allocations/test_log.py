"""The allocation log on SQLite and PostgreSQL: concealment, refusal, tampering, kills."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from ashworth.errors import InputError
from ashworth.storage.allocations import (
    AllocationLogError,
    allocate_patient,
    change_role,
    connect_log,
    correct_record,
    log_head,
    new_key,
    open_log,
    read_key,
    see_allocations,
    unblind_patient,
    verify_log,
)
from ashworth.storage.allocations.records import digest_of, mac_of
from ashworth.storage.allocations.sealing import draw, sealed_seed, unsealed_seed
from ashworth.trials import allocation_scheme

from .conftest import FACTORS, KEY, PROTOCOL, ROLES_OF, opened

ELIGIBLE = {"verdict": "eligible", "reasons": ["age 54"]}


def request(log, number, *, patient=None, who="nurse", **factors):
    given = {"site": FACTORS["site"][number % 2], "line": "first", **factors}
    return allocate_patient(log, patient or f"P{number}", given, who=who,
                            request_id=f"r{number}", eligibility=ELIGIBLE)  # fmt: skip


def refused(call, *words):
    with pytest.raises(InputError) as found:
        call()
    assert [w for w in words if w not in str(found.value)] == []


def test_a_life_of_a_log(where):
    log = opened(where)
    arms = [request(log, i) for i in range(12)]
    assert set(arms) == {"standard", "guided"}
    assert arms.count("standard") == pytest.approx(6, abs=2)
    correct_record(log, 3, field="site", value="south", reason="typed wrongly", who="manager")
    assert unblind_patient(log, "P4", reason="emergency", who="doctor") == arms[4]
    rows = see_allocations(log, reason="committee", who="monitor")
    assert [row["arm"] for row in rows] == arms
    change_role(log, "nurse 2", "allocate", granted=False, reason="left", who="head")
    refused(lambda: request(log, 20, who="nurse 2"), "nurse 2", "role allocate")
    found = verify_log(connect_log(where, KEY), anchor=str(log_head(log)), who="auditor")
    assert found.valid
    assert (found.records, found.allocations) == (17, 12)
    assert found.signatures
    assert found.arms
    assert found.anchored


def test_record_says_all_that_was_known(where):
    log = opened(where)
    arm = request(log, 0)
    with log.engine.begin() as connection:
        body = connection.execute(text("SELECT body FROM allocation_records WHERE number = 2"))
        content = json.loads(body.scalar_one())
    assert content["arm"] == arm
    assert content["protocol"] == PROTOCOL
    assert content["eligibility"] == ELIGIBLE
    assert content["stratum"] == ["north"]
    assert content["probabilities"] == [0.5, 0.5]
    assert content["at"].endswith("+00:00")
    assert {"scores", "draw_index", "scheme_hash", "who", "reason", "previous"} <= set(content)


def test_repeated_request_gets_the_same_arm_and_a_second_one_none(where):
    log = opened(where)
    arm = request(log, 0)
    head = log_head(log)
    assert request(log, 0) == arm
    refused(lambda: request(log, 1, patient="P0"), "'P0'", "record 2", "nurse")
    refused(lambda: request(log, 0, patient="P9"), "r0", "another patient")
    refused(lambda: request(log, 0, line="later"), "r0", "other factors")
    assert log_head(log) == head


def test_bad_requests_write_nothing(where):
    log = opened(where)
    head = log_head(log)
    refused(lambda: request(log, 0, site="east", age="old"), "'east'", "north or south", "age")
    missing = {"patient": "P1", "factors": {"site": "north"}, "who": "nurse", "request_id": "r"}
    refused(lambda: allocate_patient(log, **missing, eligibility=ELIGIBLE), "line", "first")
    refused(lambda: allocate_patient(log, **missing, eligibility={"verdict": "unknown"}),
            "eligible")  # fmt: skip
    refused(lambda: allocate_patient(log, "", {}, who=" ", request_id="", eligibility={}),
            "patient", "who", "request_id", "verdict")  # fmt: skip
    refused(lambda: see_allocations(log, reason="curious", who="nurse"), "role see")
    refused(lambda: unblind_patient(log, "P7", reason="emergency", who="doctor"), "'P7'")
    refused(lambda: correct_record(log, 1, field="arm", value="x", reason="y", who="manager"), "1")
    refused(lambda: change_role(log, "head", "administer", granted=False, reason="r", who="head"),
            "last")  # fmt: skip
    refused(lambda: verify_log(log, who="nurse"), "role verify")
    refused(lambda: allocate_patient(log, "P\x00", {"site": {1}}, who="nurse", request_id="q",
                                     eligibility={"verdict": float("nan")}),
            "patient", "factors", "eligibility")  # fmt: skip
    assert log_head(log) == head


def test_arm_cannot_be_corrected(where):
    log = opened(where)
    request(log, 0)
    refused(lambda: correct_record(log, 2, field="arm", value="guided", reason="wish",
                                   who="manager"), "'arm'", "site, line")  # fmt: skip


def test_opening_refuses_nonsense_and_a_second_log(where):
    scheme = allocation_scheme("simple", ["a", "b"])
    log = connect_log(where, KEY)
    refused(lambda: open_log(log, scheme, protocol={"id": "x"}, roles={"king": ["me"]}, who=""),
            "protocol.version", "protocol.hash", "'king'", "administer", "who")  # fmt: skip
    opened(where)
    refused(lambda: opened(where), "open already")
    refused(lambda: open_log(connect_log(where), scheme, protocol=PROTOCOL, roles=ROLES_OF,
                             who="head"), "key")  # fmt: skip


def test_no_log_and_no_address(where):
    with pytest.raises(AllocationLogError, match="no log here"):
        request(connect_log(where, KEY), 0)
    with pytest.raises(AllocationLogError, match="no log here"):
        log_head(connect_log(where))
    assert not Path(where).exists()
    refused(lambda: connect_log("mysql://x/y"), "mysql", "postgresql://")


def test_other_key_neither_allocates_nor_verifies(where):
    opened(where)
    other = connect_log(where, bytes(32))
    with pytest.raises(AllocationLogError, match="key is another's"):
        request(other, 0)
    assert "not written with this key" in verify_log(other, who="auditor").problems[0]


def test_database_refuses_change(where):
    log = opened(where)
    request(log, 0)
    for words in ("UPDATE allocation_records SET patient = 'x'", "DELETE FROM allocation_records"):
        with pytest.raises(DBAPIError, match="append-only"), log.engine.begin() as connection:
            connection.execute(text(words))
    assert verify_log(log, who="auditor").valid


@pytest.fixture
def edited(tmp_path):
    """Give a log of 8 patients, and a way to edit it behind its triggers."""
    log = opened(str(tmp_path / "log.sqlite"))
    for i in range(8):
        request(log, i)

    def edit(*statements):
        with sqlite3.connect(tmp_path / "log.sqlite") as direct:
            for verb in ("update", "delete"):
                direct.execute(f"DROP TRIGGER IF EXISTS allocation_records_no_{verb}")
            for statement in statements:
                direct.execute(*statement)
        direct.close()
        return log

    return log, edit


def body_of(log, number):
    with log.engine.begin() as connection:
        words = text("SELECT body FROM allocation_records WHERE number = :n")
        return connection.execute(words, {"n": number}).scalar_one()


def flipped(body):
    content = json.loads(body)
    content["arm"] = "guided" if content["arm"] == "standard" else "standard"
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


SET = "UPDATE allocation_records SET "


@pytest.mark.parametrize("statements", [
    [(SET + "patient = 'other' WHERE number = 4",)],
    [(SET + "kind = 'correction' WHERE number = 4",)],
    [(SET + "draw_index = 99 WHERE number = 4",)],
    [(SET + "body = replace(body, 'P3', 'P8') WHERE number = 5",)],
    [(SET + "body = '[]' WHERE number = 5",)],
    [("DELETE FROM allocation_records WHERE number = 5",)],
    [("DELETE FROM allocation_records WHERE number = 1",)],
    [("DELETE FROM allocation_records",)],
    [(SET + "number = 100 WHERE number = 4",), (SET + "number = 4 WHERE number = 5",),
     (SET + "number = 5 WHERE number = 100",)],
])  # fmt: skip
def test_any_change_is_found_without_the_key_and_stops_the_service(edited, statements, tmp_path):
    log, edit = edited
    edit(*statements)
    assert not verify_log(connect_log(tmp_path / "log.sqlite")).valid
    with pytest.raises(AllocationLogError):
        request(log, 50)


def test_chain_written_anew_is_found_by_the_key(edited, tmp_path):
    log, edit = edited
    body = flipped(body_of(log, 9))
    change = (SET + "body = ?, digest = ? WHERE number = 9", (body, digest_of(body)))
    edit(change)
    assert verify_log(connect_log(tmp_path / "log.sqlite")).valid  # a chain alone is not enough
    assert "not written with this key" in verify_log(log, who="auditor").problems[0]


def test_even_who_has_the_key_cannot_choose_an_arm_unseen(edited):
    log, edit = edited
    body = flipped(body_of(log, 9))
    digest = digest_of(body)
    signed = (body, digest, mac_of(KEY, digest))
    edit((SET + "body = ?, digest = ?, mac = ? WHERE number = 9", signed))
    assert any("arm is not what" in p for p in verify_log(log, who="auditor").problems)


def test_cut_tail_is_found_by_the_anchor(edited):
    log, edit = edited
    anchor = str(log_head(log))
    assert verify_log(log, anchor=anchor, who="auditor").valid
    edit(("DELETE FROM allocation_records WHERE number = 9",))
    assert verify_log(log, who="auditor").valid
    assert "tail" in verify_log(log, anchor=anchor, who="auditor").problems[0]
    request(log, 77)
    assert "anchor" in verify_log(log, anchor=anchor, who="auditor").problems[0]
    refused(lambda: verify_log(log, anchor="9", who="auditor"), "number:hash")


def test_two_services_on_one_log(where):
    """Both ask for the same patients; each patient gets one arm, and no draw is skipped."""
    opened(where)

    def service(who):
        log, got = connect_log(where, KEY), {}
        for i in range(15):
            try:
                got[i] = allocate_patient(log, f"P{i}", {"site": "north", "line": "first"},
                                          who=who, request_id=f"{who} {i}",
                                          eligibility=ELIGIBLE)  # fmt: skip
            except InputError as error:
                if "allocated in record" not in str(error):
                    raise
        return got

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(service, ["nurse", "nurse 2"])
    assert not set(one) & set(two)
    assert set(one) | set(two) == set(range(15))
    found = verify_log(connect_log(where, KEY), who="auditor")
    assert found.valid
    assert found.allocations == 15


def test_full_disk_says_so_and_loses_nothing(tmp_path):
    log = opened(str(tmp_path / "log.sqlite"))
    for i in range(3):
        request(log, i)

    @event.listens_for(log.engine, "connect")
    def _no_room(connection, _):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(AllocationLogError, match=r"full.*free space"):
        for i in range(3, 60):
            request(log, i)
    fresh = connect_log(tmp_path / "log.sqlite", KEY)
    before = verify_log(fresh, who="auditor")
    assert before.valid
    done = before.allocations
    request(fresh, done)
    assert verify_log(fresh, who="auditor").allocations == done + 1


@pytest.mark.parametrize("instant", ["before the record", "after the record"])
def test_failure_inside_the_transaction_leaves_nothing(where, instant):
    log = opened(where)
    before = log_head(log)

    def fail(connection, cursor, statement, *rest):
        if statement.startswith("INSERT"):
            raise KeyboardInterrupt

    name = "before_cursor_execute" if instant.startswith("before") else "after_cursor_execute"
    event.listen(log.engine, name, fail)
    with pytest.raises(KeyboardInterrupt):
        request(log, 0)
    event.remove(log.engine, name, fail)
    assert log_head(log) == before
    assert request(log, 0) in ("standard", "guided")
    assert verify_log(log, who="auditor").valid


def test_unreachable_server_is_named():
    log = connect_log("postgresql://nobody@127.0.0.1:1/none", KEY)
    with pytest.raises(AllocationLogError, match="could not be written or read"):
        log_head(log)


def test_seed_is_sealed_fresh_and_opens_by_its_key_only():
    one, two = sealed_seed(KEY, "log"), sealed_seed(KEY, "log")
    seed = unsealed_seed(KEY, "log", one)
    assert seed != unsealed_seed(KEY, "log", two)
    assert seed.hex() not in json.dumps(one)
    for key, log_id in ((bytes(32), "log"), (KEY, "other")):
        with pytest.raises(AllocationLogError, match="does not open"):
            unsealed_seed(key, log_id, one)
    with pytest.raises(AllocationLogError):
        unsealed_seed(KEY, "log", {**one, "cipher": "00" * 32})


def test_draws_are_uniform_and_made_by_counting():
    values = [u for i in range(2000) for u in draw(KEY, i)]
    assert draw(KEY, 3) == draw(KEY, 3)
    assert draw(KEY, 3) != draw(KEY, 4)
    assert all(0 <= u < 1 for u in values)
    tenths = [sum(k <= 10 * u < k + 1 for u in values) for k in range(10)]
    assert sum((t - 400) ** 2 / 400 for t in tenths) < 27.9  # chi-square, 9 df, p = 0.001


def test_key_files(tmp_path, monkeypatch):
    new_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    assert len(read_key(tmp_path / "key")) == 32
    refused(lambda: new_key(tmp_path / "key"), "exists")
    (tmp_path / "short").write_text("abcd")
    refused(lambda: read_key(tmp_path / "short"), "2 bytes", "64 hexadecimal")
    refused(lambda: read_key(tmp_path / "none"), "No such file")
    monkeypatch.delenv("ASHWORTH_ALLOCATION_KEY", raising=False)
    refused(read_key, "ASHWORTH_ALLOCATION_KEY", "nothing")
    monkeypatch.setenv("ASHWORTH_ALLOCATION_KEY", "11" * 32)
    assert read_key() == b"\x11" * 32


@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_killed_writers_lose_nothing(store, harness, request, tmp_path):
    """A short run of reference/validate_allocation_log.py, which kills 200 times."""
    place = request.getfixturevalue("server") if store == "postgres" else str(tmp_path / "log")
    program = (
        "import importlib.util, json, sys\n"
        f"spec = importlib.util.spec_from_file_location('kill', {harness.__file__!r})\n"
        "kill = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(kill)\n"
        f"print(json.dumps(kill.kill_writers({place!r}, bytes(32), 25, 4, 0.04)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == 25
    assert found["allocations"] >= found["told"] > 0
    assert found["problems"] == []
    assert (found["twice"], found["missing"], found["told otherwise"]) == (0, 0, 0)
