"""CTIS of the European Union: the public search page by page, then every trial.

The interface is that of the register's own web page; it is not described by its owner and may
change. Pages are counted from 1, hold at most 100 trials, and end at 10,000 without a word.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ashworth.registries.sources.asked import (
    FetchQuery,
    FetchResult,
    Progress,
    head_of,
    silent,
    stamp,
)
from ashworth.registries.sources.client import Client, Question
from ashworth.registries.sources.faults import FetchError
from ashworth.registries.sources.folder import Fetched, FetchFolder, open_folder, read_manifest

BASE = "https://euclinicaltrials.eu/ctis-public-api"
PAGE_SIZE = 100
MOST = 10_000
_NUMBER = re.compile(r"20\d{2}-5\d{5}-\d{2}-\d{2}")


class _Pagination(msgspec.Struct, rename="camel"):
    total_records: int


class _Search(msgspec.Struct):
    pagination: _Pagination
    data: list[msgspec.Raw]


class _Trial(msgspec.Struct, rename="camel"):
    ct_number: str


_SEARCH = msgspec.json.Decoder(_Search)
_TRIAL = msgspec.json.Decoder(_Trial)


def fetch_ctis(
    query: FetchQuery,
    target: Path,
    *,
    client: Client,
    base: str = BASE,
    anew: bool = False,
    progress: Progress = silent,
) -> FetchResult:
    """Fetch every trial of a query into a folder that the landscape reads, a file per trial.

    The search is asked anew each time, and again at the end; a trial is asked for only where its
    line in the search is another than in the folder that is there, or in the interrupted fetch.

    Parameters
    ----------
    query, target, client, base, anew, progress
        As for `fetch_ctgov`; a term must stand in the record, a condition among its conditions.

    Raises
    ------
    FetchError
        See there; more than 10,000 trials are refused, since the register ends there.
    InputError
        The place holds something else.
    """
    lines = _search(client, base, query, progress)
    state = _digest("".join(sorted(lines.values())).encode())
    head = head_of("ctis", base, query, PAGE_SIZE, client.clock.now(), None)
    folder = open_folder(target, head, anew=anew)
    resumed = len(folder.files)
    for name in [n for n, f in folder.files.items() if not _same(f.about, f.file, lines)]:
        del folder.files[name]
    earlier = {} if anew else _earlier(target)
    taken = 0
    for done, number in enumerate(lines):
        progress("trials", done, len(lines))
        taken += _one(client, base, folder, number, lines[number], earlier)
    if _search(client, base, query, progress) != lines:
        raise FetchError("data_changed", base, "the search lists other trials, or other states of "
                         "them, than at the beginning", "run the same command again: only what "
                         "changed is asked for")  # fmt: skip
    manifest = folder.publish({
        "ended": stamp(client.clock.now()), "data_after": None, "announced": len(lines),
        "received": len(folder.files), "search_sha256": state,
    })  # fmt: skip
    return FetchResult(target, manifest, client.requests, client.repeats, taken, resumed)


def _search(client: Client, base: str, query: FetchQuery, progress: Progress) -> dict[str, str]:
    """CTIS number to the digest of its line in the search.

    Empty fields of the query are left out.
    """
    lines: dict[str, str] = {}
    announced: int | None = None
    page = 1
    while announced is None or (page - 1) * PAGE_SIZE < announced:
        url = f"{base}/search"
        found = client.document(Question(url, _body(query, page)), _SEARCH)[1]
        announced = _announced(found.pagination.total_records, announced, url)
        if not found.data:
            raise FetchError("empty_pages", url, f"page {page} is empty, {announced:,} trials "
                             f"are announced and {len(lines):,} were listed")  # fmt: skip
        for number, digest in _numbers(found, url):
            if number in lines:
                raise FetchError("record_twice", url, f"{number}, which an earlier page held too")
            lines[number] = digest
        progress("search", min(len(lines), announced), announced)
        page += 1
    if len(lines) != announced:
        raise FetchError("incomplete", f"{base}/search", f"{len(lines):,} trials of "
                         f"{announced:,} that were announced")  # fmt: skip
    return lines


def _body(query: FetchQuery, page: int) -> bytes:
    criteria = {"containAll": query.term, "medicalCondition": query.condition}
    return json.dumps({
        "pagination": {"page": page, "size": PAGE_SIZE},
        "sort": {"property": "decisionDate", "direction": "DESC"},
        "searchCriteria": {k: v for k, v in criteria.items() if v},
    }).encode()  # fmt: skip


def _announced(total: int, before: int | None, url: str) -> int:
    if before is not None and total != before:
        raise FetchError("total_changed", url, f"{total:,} trials are announced, {before:,} "
                         "were at the beginning")  # fmt: skip
    if total == 0:
        raise FetchError("nothing_found", url, "no trial of this query", "ask otherwise")
    if total > MOST:
        raise FetchError("too_many", url, f"{total:,} trials; the register hands out {MOST:,}",
                         "narrow the query")  # fmt: skip
    return total


def _numbers(found: _Search, url: str) -> Iterator[tuple[str, str]]:
    for raw in found.data:
        try:
            number = _TRIAL.decode(raw).ct_number
        except msgspec.MsgspecError as error:
            raise FetchError("wrong_record", url, f"a line of the search: {error}") from None
        if not _NUMBER.fullmatch(number):
            raise FetchError("wrong_record", url, f"'{number[:40]}' is no CTIS number")
        yield number, _digest(bytes(raw))


def _earlier(target: Path) -> dict[str, tuple[Path, Mapping[str, Any]]]:
    """Files of the finished fetch that is there."""
    manifest = read_manifest(target) or {}
    return {f["file"]: (target / f["file"], f) for f in manifest.get("files", ())}


def _same(about: Mapping[str, Any], file: str, lines: Mapping[str, str]) -> bool:
    return lines.get(file.removesuffix(".json")) == about.get("line")


def _one(
    client: Client, base: str, folder: FetchFolder, number: str, line: str,
    earlier: Mapping[str, tuple[Path, Mapping[str, Any]]],
) -> bool:  # fmt: skip
    """Keep one trial, from the earlier fetch where its line is the same; whether it was."""
    name = f"{number}.json"
    if name in folder.files:
        return False
    if name in earlier:
        path, old = earlier[name]
        raw = path.read_bytes() if path.is_file() else b""
        if old["about"].get("line") == line and _digest(raw) == old["sha256"]:
            folder.keep(Fetched(**old), raw)
            return True
    url = f"{base}/retrieve/{number}"
    raw, trial = client.document(Question(url), _TRIAL)
    if trial.ct_number != number:
        raise FetchError("wrong_record", url, f"the record of {trial.ct_number}")
    at = stamp(client.clock.now())
    folder.keep(Fetched(name, url, at, _digest(raw), 1, {"line": line}), raw)
    return False


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
