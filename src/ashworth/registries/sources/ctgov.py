"""ClinicalTrials.gov, API version 2: pages of studies, to the end.

Paths, parameters and answers are those of the registry's OpenAPI description ("2.0.0-draft").
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

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
from ashworth.registries.sources.folder import Fetched, FetchFolder, cached, open_folder

BASE = "https://clinicaltrials.gov/api/v2"
PAGE_SIZE = 500
MOST_EMPTY = 3
"""Empty pages in a row: one is allowed by the description, a registry of them is not."""


class _Base(msgspec.Struct, rename="camel"):
    pass


class _Version(_Base):
    api_version: str
    data_timestamp: str | None = None


class _Identity(_Base):
    nct_id: str


class _Protocol(_Base):
    identification_module: _Identity


class _Study(_Base):
    protocol_section: _Protocol


class _Page(_Base):
    studies: list[_Study]
    next_page_token: str | None = None
    total_count: int | None = None


_VERSION = msgspec.json.Decoder(_Version)
_PAGE = msgspec.json.Decoder(_Page)


@dataclass
class _Paging:
    """Where a fetch stands."""

    token: str | None = None
    announced: int | None = None
    empty: int = 0
    empty_in_a_row: int = 0
    ids: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    ended: bool = False


def fetch_ctgov(
    query: FetchQuery,
    target: Path,
    *,
    client: Client,
    base: str = BASE,
    page_size: int = PAGE_SIZE,
    anew: bool = False,
    progress: Progress = silent,
) -> FetchResult:
    """Fetch every study of a query into a folder that the landscape reads.

    Pages are kept as they come, so that an interrupted fetch goes on; the folder appears in its
    place when all studies that the registry announced are there. The registry's data time is
    asked before and after. A folder of the same query and data time is left as it is.

    Parameters
    ----------
    query : FetchQuery
    target : Path
    client : Client
    base : str
        Address of the API.
    page_size : int
        Studies per page, 1 to 1,000.
    anew : bool
        Forget what was fetched before.
    progress : callable

    Raises
    ------
    FetchError
        See there; what was fetched is kept beside the target.
    InputError
        The place holds something else.
    """
    version = _version(client, base)
    data = version.data_timestamp
    head = head_of("ctgov", base, query, page_size, client.clock.now(), data)
    head |= {"api_version": version.api_version}
    done = None if anew else cached(target, head)
    if done is not None:
        return FetchResult(target, done, client.requests, client.repeats, len(done["files"]))
    folder = open_folder(target, head, anew=anew)
    paging, resumed = _resumed(folder), len(folder.files)
    while not paging.ended:
        _next_page(client, folder, paging, _url(base, query, page_size, paging.token), progress)
    _check_end(base, paging)
    after = _version(client, base).data_timestamp
    if after != data:
        raise FetchError("data_changed", base, f"the data were of {data} at the beginning and are "
                         f"of {after} now: the pages may not belong together",
                         "begin anew with --anew")  # fmt: skip
    manifest = folder.publish({
        "ended": stamp(client.clock.now()), "data_after": after, "announced": paging.announced,
        "received": len(paging.ids), "empty_pages": paging.empty,
    })  # fmt: skip
    return FetchResult(target, manifest, client.requests, client.repeats, 0, resumed)


def _version(client: Client, base: str) -> _Version:
    return client.document(Question(f"{base}/version"), _VERSION)[1]


def _url(base: str, query: FetchQuery, page_size: int, token: str | None) -> str:
    """Address of a page; all but the token stays the same from page to page."""
    words: dict[str, str] = {"format": "json"}
    if query.term:
        words["query.term"] = query.term
    if query.condition:
        words["query.cond"] = query.condition
    words |= {"countTotal": "true", "pageSize": str(page_size)}
    if token is not None:
        words["pageToken"] = token
    return f"{base}/studies?{urlencode(words)}"


def _resumed(folder: FetchFolder) -> _Paging:
    """Take up what an interrupted fetch kept, up to the first page that is missing."""
    paging, kept = _Paging(), folder.files
    folder.files = {}
    while (name := _page_name(len(folder.files) + 1)) in kept and not paging.ended:
        page = _PAGE.decode((folder.work / name).read_bytes())
        _take(page, paging, kept[name].url)
        folder.files[name] = kept[name]
    return paging


def _page_name(number: int) -> str:
    return f"page-{number:05d}.json"


def _next_page(
    client: Client, folder: FetchFolder, paging: _Paging, url: str, progress: Progress
) -> None:
    """Ask for a page, look at it, keep it."""
    raw, page = client.document(Question(url), _PAGE)
    _take(page, paging, url)
    name = _page_name(len(folder.files) + 1)
    fetched = Fetched(name, url, stamp(client.clock.now()), hashlib.sha256(raw).hexdigest(),
                      len(page.studies))  # fmt: skip
    folder.keep(fetched, raw)
    progress("studies", min(len(paging.ids), paging.announced or 0), max(paging.announced or 1, 1))


def _take(page: _Page, paging: _Paging, url: str) -> None:
    """Add a page to what is known; every way in which it does not fit has its name."""
    _check_total(page.total_count, paging, url)
    for study in page.studies:
        nct = study.protocol_section.identification_module.nct_id
        if nct in paging.ids:
            raise FetchError("record_twice", url, f"{nct}, which an earlier page held too")
        paging.ids.add(nct)
    _count_empty(page, paging, url)
    token = page.next_page_token
    if token is not None and token in paging.tokens:
        raise FetchError("token_repeated", url, f"page token '{token}' for the second time")
    paging.ended = token is None
    if token is not None:
        paging.tokens.add(token)
    paging.token = token


def _check_total(total: int | None, paging: _Paging, url: str) -> None:
    if total is None:
        if paging.announced is None:
            raise FetchError("incomplete", url, "no totalCount, though it was asked for")
        return
    if paging.announced is None:
        paging.announced = total
        if total == 0:
            raise FetchError("nothing_found", url, "no study of this query", "ask otherwise")
    elif total != paging.announced:
        raise FetchError("total_changed", url, f"{total:,} studies are announced, "
                         f"{paging.announced:,} were at the beginning",
                         "begin anew with --anew")  # fmt: skip


def _count_empty(page: _Page, paging: _Paging, url: str) -> None:
    if page.studies:
        paging.empty_in_a_row = 0
        return
    paging.empty += 1
    paging.empty_in_a_row += 1
    if paging.empty_in_a_row > MOST_EMPTY:
        raise FetchError("empty_pages", url, f"{paging.empty_in_a_row} empty pages in a row")


def _check_end(base: str, paging: _Paging) -> None:
    received, announced = len(paging.ids), paging.announced or 0
    if received != announced:
        raise FetchError("incomplete", base, f"{received:,} studies of {announced:,} that were "
                         "announced, and no further page", "begin anew with --anew")  # fmt: skip
