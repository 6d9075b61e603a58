"""Registries fetched from a server of this machine that follows the description, or does not."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
import pytest

from ashworth.cli import main
from ashworth.errors import InputError
from ashworth.registries.readers import ctgov_json
from ashworth.registries.sources import ctgov, folder
from ashworth.registries.sources.asked import FetchQuery
from ashworth.registries.sources.client import USER_AGENT, Client, Clock
from ashworth.registries.sources.ctgov import fetch_ctgov
from ashworth.registries.sources.ctis import fetch_ctis
from ashworth.registries.sources.faults import FetchError
from ashworth.workflows.registries.landscape import make_landscape

from .registry_server import NAMES, CtGov, Ctis, Reply, as_json, served, study

QUERY = FetchQuery(term="CTC", condition="breast cancer")


class FalseClock:
    """Time that passes only when it is waited for."""

    def __init__(self):
        self.waits, self.at = [], 0.0

    def wait(self, seconds):
        self.waits.append(seconds)
        self.at += seconds

    def now(self):
        return datetime(2025, 1, 3, tzinfo=UTC) + timedelta(seconds=self.at)

    def clock(self):
        return Clock(self.now, lambda: self.at, self.wait)


def fetch(base, target, *, clock=None, size=10, tries=3, **more):
    client = Client(clock=(clock or FalseClock()).clock(), tries=tries)
    return fetch_ctgov(QUERY, target, client=client, base=base, page_size=size, **more)


def spoiled(at, change):
    """Change the reply to the n-th request alone."""
    return lambda n, path, reply: change(reply) if n == at else reply


def page_with(**changes):
    def change(reply):
        return as_json({**json.loads(reply.body), **changes})

    return change


def hidden(folder):
    return sorted(p.name for p in folder.parent.iterdir() if p.name != folder.name)


def test_every_page_is_fetched_once_and_the_landscape_reads_the_folder(tmp_path):
    registry = CtGov()
    with served(registry) as base:
        found = fetch(base, tmp_path / "breast")
    manifest = json.loads((tmp_path / "breast" / ".fetch.json").read_text())
    assert manifest == found.manifest
    assert (manifest["announced"], manifest["received"]) == (25, 25)
    assert manifest["data_before"] == manifest["data_after"] == "2025-01-02T09:00:05"
    assert [f["file"] for f in manifest["files"]] == [f"page-0000{i}.json" for i in (1, 2, 3)]
    for entry in manifest["files"]:
        assert folder.whole(tmp_path / "breast" / entry["file"], entry["sha256"])
        assert entry["url"].startswith(base)
    assert len(registry.seen) == 5
    assert set(registry.agents) == {USER_AGENT}
    made = make_landscape([tmp_path / "breast"])
    assert (made.landscape.n_registrations, len(made.landscape.focus())) == (25, 25)
    assert made.landscape.as_of.isoformat() == "2025-01-02"
    assert made.read.announced == {}
    assert hidden(tmp_path / "breast") == []


def test_packed_answers_are_unpacked(tmp_path):
    registry = CtGov()
    registry.spoil = lambda n, path, r: Reply(
        200, gzip.compress(r.body), r.kind, {"Content-Encoding": "gzip"}
    )
    with served(registry) as base:
        assert fetch(base, tmp_path / "a").manifest["received"] == 25


def test_a_page_that_is_gone_and_a_fetch_that_is_not_finished_are_not_read_in_silence(tmp_path):
    registry = CtGov()
    with served(registry) as base:
        fetch(base, tmp_path / "in" / "a")
        registry.spoil = lambda n, path, reply: Reply(400, b"down") if n == 8 else reply
        with pytest.raises(FetchError):
            fetch(base, tmp_path / "in" / "b")
    assert (tmp_path / "in" / ".b.fetching" / "page-00001.json").exists()
    assert make_landscape([tmp_path / "in"]).landscape.n_registrations == 25
    (tmp_path / "in" / "a" / "page-00002.json").unlink()
    with pytest.raises(InputError, match=r"page-00002\.json.*fetch wrote it"):
        make_landscape([tmp_path / "in"])


def test_one_request_a_second_and_no_faster(tmp_path):
    clock = FalseClock()
    with served(CtGov()) as base:
        fetch(base, tmp_path / "a", clock=clock)
    assert clock.waits == [1.0] * 4


def test_the_server_of_these_tests_and_the_readers_use_names_of_the_description():
    schemas = NAMES["schemas"]

    def check(value, schema):
        if schema not in schemas:
            return
        assert set(value) <= set(schemas[schema]["properties"]), schema
        for name, inner in value.items():
            kind = schemas[schema]["properties"][name]
            for item in inner if kind.startswith("[") else [inner]:
                if isinstance(item, dict):
                    check(item, kind.strip("[]"))

    check(study(1), "Study")
    module = study(1)["protocolSection"]
    assert module["statusModule"]["overallStatus"] in NAMES["enumerations"]["Status"]
    assert set(module["designModule"]["phases"]) <= set(NAMES["enumerations"]["Phase"])
    assert set(NAMES["enumerations"]["Phase"]) == ctgov_json.PHASES
    assert set(NAMES["enumerations"]["Status"]) == ctgov_json.STATUSES
    for struct, schema in (
        (ctgov._Page, "PagedStudies"), (ctgov._Version, "Version"),
        (ctgov_json._Study, "Study"), (ctgov_json._Answer, "PagedStudies"),
    ):  # fmt: skip
        names_known(struct, schema)


def names_known(struct, schema):
    for found in msgspec.structs.fields(struct):
        kinds = NAMES["schemas"][schema]["properties"]
        assert found.encode_name in kinds, f"{schema}.{found.encode_name}"
        inner = kinds[found.encode_name]
        types = [found.type, *getattr(found.type, "__args__", ())]
        for kind in types:
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                names_known(kind, {"StudyList": "Study"}.get(inner, inner.strip("[]")))


@pytest.mark.parametrize(
    ("change", "least_wait"),
    [
        (lambda r: Reply(429, b"slow", "text/plain"), 2.0),
        (lambda r: Reply(429, b"slow", "text/plain", {"Retry-After": "37"}), 37.0),
        (lambda r: Reply(429, b"", "text/plain", {"Retry-After": format_datetime(
            datetime(2025, 1, 3, 0, 1, tzinfo=UTC), usegmt=True)}), 50.0),
        (lambda r: Reply(500, b"", "text/html"), 2.0),
        (lambda r: Reply(503, b"", "text/html", {"Retry-After": "3"}), 3.0),
        (lambda r: Reply(200, r.body, r.kind, cut=len(r.body) // 2), 2.0),
        (lambda r: Reply(200, gzip.compress(r.body)[:-20], r.kind,
                         {"Content-Encoding": "gzip"}), 2.0),
        (lambda r: Reply(200, r.body[:-40], r.kind), 2.0),
        (lambda r: Reply(200, b"<html>maintenance</html>", "text/html"), 2.0),
        (lambda r: as_json({"message": "no studies here"}), 2.0),
    ],
    ids=["429", "seconds", "date", "500", "503", "cut", "cut gzip", "half", "HTML", "shape"],
)  # fmt: skip
def test_a_fault_that_passes_is_waited_for(tmp_path, change, least_wait):
    clock, registry = FalseClock(), CtGov()
    registry.spoil = spoiled(3, change)
    with served(registry) as base:
        found = fetch(base, tmp_path / "a", clock=clock)
    assert found.manifest["received"] == 25
    assert found.repeats == 1
    assert max(clock.waits) >= least_wait
    assert registry.seen[2] == registry.seen[3]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda r: Reply(429, b"slow", "text/plain"), "gave_up"),
        (lambda r: Reply(500, b"", "text/html"), "gave_up"),
        (lambda r: Reply(200, r.body, r.kind, cut=50), "gave_up"),
        (lambda r: Reply(200, r.body[:-40], r.kind), "not_json"),
        (lambda r: Reply(200, b"<html>", "text/html"), "wrong_content"),
        (lambda r: Reply(429, b"", "text/plain", {"Retry-After": "90000"}), "asked_to_wait"),
        (lambda r: Reply(400, b"no such field", "text/plain"), "refused"),
        (page_with(totalCount=24), "total_changed"),
        (page_with(nextPageToken="t10"), "token_repeated"),
        (page_with(studies=[study(3)]), "record_twice"),
        (page_with(studies=[]), "incomplete"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_a_fault_that_stays_has_its_name_and_leaves_nothing_half_read(tmp_path, change, kind):
    registry = CtGov()
    registry.spoil = lambda n, path, reply: (
        change(reply) if path.endswith("/studies") and n >= 3 else reply
    )
    with served(registry) as base, pytest.raises(FetchError) as fault:
        fetch(base, tmp_path / "a")
    assert fault.value.kind == kind
    assert "mend:" in str(fault.value)
    assert not (tmp_path / "a").exists()
    assert len(registry.seen) < 10


def test_the_wait_grows_and_the_tries_are_bounded(tmp_path):
    clock, registry = FalseClock(), CtGov()
    registry.spoil = lambda n, path, reply: Reply(500, b"", "text/html")
    with served(registry) as base, pytest.raises(FetchError, match="6 times"):
        fetch(base, tmp_path / "a", clock=clock, tries=6)
    assert clock.waits == [2.0, 4.0, 8.0, 16.0, 32.0]
    assert len(registry.seen) == 6


def test_no_server_at_all_is_told(tmp_path):
    with served(CtGov()) as base:
        pass
    with pytest.raises(FetchError, match="connection"):
        fetch(base, tmp_path / "a")


def test_an_empty_page_in_between_is_counted_and_a_row_of_them_is_a_fault(tmp_path):
    registry = CtGov()
    empty = {"studies": [], "totalCount": 25, "nextPageToken": "t0"}
    registry.spoil = spoiled(2, lambda r: as_json(empty))
    with served(registry) as base:
        found = fetch(base, tmp_path / "a")
    assert (found.manifest["received"], found.manifest["empty_pages"]) == (25, 1)
    registry.spoil = lambda n, path, reply: (
        as_json({**empty, "nextPageToken": f"t{n}"}) if path.endswith("/studies") else reply
    )
    with served(registry) as base, pytest.raises(FetchError, match="empty pages"):
        fetch(base, tmp_path / "b")


def test_an_interrupted_fetch_goes_on_where_it_stopped(tmp_path):
    registry = CtGov()
    registry.spoil = lambda n, path, reply: Reply(400, b"down") if n == 4 else reply
    with served(registry) as base:
        with pytest.raises(FetchError):
            fetch(base, tmp_path / "a")
        assert hidden(tmp_path / "a") == [".a.fetching"]
        before = len(registry.seen)
        found = fetch(base, tmp_path / "a")
        asked = registry.seen[before:]
    assert found.resumed_files == 2
    assert [("pageToken=t20" in a) for a in asked] == [False, True, False]
    assert found.manifest["received"] == 25
    assert hidden(tmp_path / "a") == []


def test_a_page_that_was_damaged_on_disk_is_fetched_again(tmp_path):
    registry = CtGov()
    registry.spoil = lambda n, path, reply: Reply(400, b"down") if n == 4 else reply
    with served(registry) as base:
        with pytest.raises(FetchError):
            fetch(base, tmp_path / "a")
        (tmp_path / ".a.fetching" / "page-00002.json").write_bytes(b"{}")
        found = fetch(base, tmp_path / "a")
    assert found.resumed_files == 1
    assert found.manifest["received"] == 25


def test_a_second_run_fetches_nothing_until_the_data_change_or_it_is_asked_to(tmp_path):
    registry = CtGov()
    with served(registry) as base:
        fetch(base, tmp_path / "a")
        again = fetch(base, tmp_path / "a")
        assert (len(registry.seen), again.from_cache) == (6, 3)
        fetch(base, tmp_path / "a", anew=True)
        assert len(registry.seen) == 11
        registry.times = ["2025-01-03T09:00:05"]
        registry.studies = 26
        newer = fetch(base, tmp_path / "a")
        assert newer.manifest["received"] == 26
        (tmp_path / "a" / "page-00001.json").write_bytes(b"{}")
        assert fetch(base, tmp_path / "a").from_cache == 0


def test_data_that_change_during_the_fetch_are_told_and_begun_anew_on_request(tmp_path):
    registry = CtGov(times=["2025-01-02T09:00:05", "2025-01-03T09:00:05"])
    with served(registry) as base:
        with pytest.raises(FetchError, match="--anew") as fault:
            fetch(base, tmp_path / "a")
        assert fault.value.kind == "data_changed"
        with pytest.raises(FetchError, match="data changed"):
            fetch(base, tmp_path / "a")
        assert not (tmp_path / "a").exists()
        assert fetch(base, tmp_path / "a", anew=True).manifest["received"] == 25


def test_a_full_disk_is_told_and_what_was_fetched_is_kept(tmp_path, monkeypatch):
    registry, fsync, calls = CtGov(), folder.os.fsync, []

    def full(number):
        calls.append(number)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        fsync(number)

    with served(registry) as base:
        monkeypatch.setattr(folder.os, "fsync", full)
        with pytest.raises(FetchError, match="No space left") as fault:
            fetch(base, tmp_path / "a")
        assert fault.value.kind == "disk"
        names = {p.name for p in (tmp_path / ".a.fetching").iterdir()}
        assert names == {".fetch.json", ".fetched.jsonl", "page-00001.json"}
        assert fetch(base, tmp_path / "a").resumed_files == 1


def test_a_place_of_something_else_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.txt").write_text("mine")
    registry = CtGov()
    with served(registry) as base:
        with pytest.raises(InputError, match=r"thesis\.txt"):
            fetch(base, tmp_path / "a")
        fetch(base, tmp_path / "b")
        client = Client(clock=FalseClock().clock())
        with pytest.raises(InputError, match="another question"):
            fetch_ctgov(FetchQuery("DTC"), tmp_path / "b", client=client, base=base)
    assert (tmp_path / "a" / "thesis.txt").read_text() == "mine"


def ctis(base, target, **more):
    client = Client(clock=FalseClock().clock(), tries=3)
    return fetch_ctis(QUERY, target, client=client, base=base, **more)


def test_ctis_lists_every_trial_and_fetches_each_once(tmp_path):
    registry = Ctis()
    with served(registry) as base:
        found = ctis(base, tmp_path / "eu")
        assert found.manifest["received"] == 130
        assert len(registry.seen) == 2 + 130 + 2
        assert registry.asked[0] == {
            "pagination": {"page": 1, "size": 100},
            "sort": {"property": "decisionDate", "direction": "DESC"},
            "searchCriteria": {"containAll": "CTC", "medicalCondition": "breast cancer"},
        }
        registry.trials["2023-500007-10-00"] = "5"
        registry.seen.clear()
        found = ctis(base, tmp_path / "eu")
    assert found.from_cache == 129
    assert [s for s in registry.seen if "retrieve" in s] == [
        "GET /api/v2/retrieve/2023-500007-10-00"
    ]
    kept = json.loads((tmp_path / "eu" / "2023-500007-10-00.json").read_text())
    assert kept["ctStatus"] == "5"


def test_ctis_goes_on_after_an_interrupt(tmp_path):
    registry = Ctis()
    registry.spoil = lambda n, path, reply: Reply(400, b"down") if n == 50 else reply
    with served(registry) as base:
        with pytest.raises(FetchError):
            ctis(base, tmp_path / "eu")
        assert ctis(base, tmp_path / "eu").resumed_files == 47
    assert len([s for s in registry.seen if "retrieve" in s]) == 131


@pytest.mark.parametrize(
    ("registry", "kind"),
    [
        (Ctis(total=10_001), "too_many"),
        (Ctis(total=131), "incomplete"),
        (Ctis(total=250), "empty_pages"),
        (Ctis(trials={}), "nothing_found"),
        (Ctis(trials={"../../etc/passwd": "3"}), "wrong_record"),
        (Ctis(spoil=spoiled(2, lambda r: as_json({"pagination": {"totalRecords": 129},
                                                  "data": [{}]}))), "total_changed"),
        (Ctis(spoil=lambda n, path, r: as_json({"ctNumber": "2023-500001-10-00"})
              if "retrieve" in path else r), "wrong_record"),
        (Ctis(spoil=lambda n, path, r: as_json({**json.loads(r.body), "data": [
            {"ctNumber": "2023-599999-10-00"}]}) if n > 132 and "search" in path else r),
         "record_twice"),
    ],
    ids=["more than it hands out", "short", "empty", "none", "no number", "total", "other record",
         "changed at the end"],
)  # fmt: skip
def test_a_fault_of_ctis_has_its_name(tmp_path, registry, kind):
    with served(registry) as base, pytest.raises(FetchError) as fault:
        ctis(base, tmp_path / "eu")
    assert fault.value.kind == kind
    assert not (tmp_path / "eu").exists()


def run(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(["landscape", *map(str, words)])
    shown = capsys.readouterr()
    return left.value.code, shown.out, shown.err


def test_the_command_fetches_and_a_file_called_fetch_is_still_readable(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with served(CtGov(studies=3)) as base:
        code, out, _ = run(capsys, "fetch", "--term", "CTC", "--out", "new", "--base", base,
                           "--rate", 10)  # fmt: skip
        assert not code
        assert "3 of 3 announced records" in out
        code, out, _ = run(capsys, "fetch", "--term", "CTC", "--out", "new", "--base", base,
                           "--json")  # fmt: skip
    document = json.loads(out)
    assert (document["received"], document["files_from_cache"]) == (3, 1)
    assert not run(capsys, "new")[0]
    (tmp_path / "fetch").write_text(json.dumps(study(1)))
    code, out, _ = run(capsys, "./fetch")
    assert not code
    assert "1 registrations" in out


def test_the_command_says_all_that_is_wrong_with_the_question(capsys, tmp_path):
    code, _, err = run(capsys, "fetch", "--out", tmp_path / "a", "--rate", 50, "--base", "ftp://x")
    assert code == 2
    assert all(words in err for words in ("--term", "--rate", "--base"))
