"""A server on this machine that speaks the registries' interfaces, and misbehaves when told to.

The ClinicalTrials.gov side answers by the published OpenAPI description (names and rules in
`tests/data/registries/ctgov_api_names.json`): unknown parameters and changed queries are refused.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

NAMES = json.loads(
    (Path(__file__).parents[1] / "data" / "registries" / "ctgov_api_names.json").read_text()
)
FREE = ("countTotal", "pageSize", "pageToken")


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Bytes of the body after which the connection is closed."""


def as_json(document: object) -> Reply:
    return Reply(body=json.dumps(document).encode())


def refusal(words: str) -> Reply:
    return Reply(400, words.encode(), "text/plain")


def study(number: int) -> dict[str, object]:
    """A study in the shape of the description."""
    return {
        "protocolSection": {
            "identificationModule": {
                "nctId": f"NCT{number:08d}", "briefTitle": "Circulating tumor cells",
                "orgStudyIdInfo": {"id": f"S-{number}"},
            },
            "statusModule": {"overallStatus": "RECRUITING",
                             "startDateStruct": {"date": "2018-03", "type": "ACTUAL"}},
            "conditionsModule": {"conditions": ["Breast Cancer"]},
            "designModule": {"studyType": "INTERVENTIONAL", "phases": ["PHASE2"]},
        },
        "derivedSection": {"miscInfoModule": {"versionHolder": "2025-01-02"}},
        "hasResults": False,
    }  # fmt: skip


@dataclass
class CtGov:
    """Studies in pages; `spoil` may replace or change the reply to the n-th request (from 1)."""

    studies: int = 25
    times: list[str] = field(default_factory=lambda: ["2025-01-02T09:00:05"])
    spoil: Callable[[int, str, Reply], Reply] = lambda n, path, reply: reply
    seen: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    _first: dict[str, str] | None = None

    def reply(self, method: str, target: str, body: bytes, agent: str) -> Reply:
        self.seen.append(target)
        self.agents.append(agent)
        parts = urlsplit(target)
        if parts.path.endswith("/version"):
            stamp = self.times.pop(0) if len(self.times) > 1 else self.times[0]
            made = as_json({"apiVersion": "2.0.4", "dataTimestamp": stamp})
        elif parts.path.endswith("/studies"):
            made = self._page(dict(parse_qsl(parts.query)))
        else:
            made = Reply(404, b"no such path", "text/plain")
        return self.spoil(len(self.seen), parts.path, made)

    def _page(self, asked: dict[str, str]) -> Reply:
        unknown = set(asked) - set(NAMES["studies_parameters"])
        if unknown:
            return refusal(f"unknown parameter {sorted(unknown)}")
        same = {k: v for k, v in asked.items() if k not in FREE}
        token = asked.get("pageToken")
        if token is None:
            self._first = same
        elif same != self._first or not token.startswith("t"):
            return refusal("pageToken of another query")
        size = min(int(asked.get("pageSize", 10)), 1000)
        first = int(token[1:]) if token else 0
        page: dict[str, object] = {
            "studies": [study(i) for i in range(first, min(first + size, self.studies))]
        }
        if asked.get("countTotal") == "true":
            page["totalCount"] = self.studies
        if first + size < self.studies:
            page["nextPageToken"] = f"t{first + size}"
        return as_json(page)


@dataclass
class Ctis:
    """Trials of CTIS: the search page by page, and every trial."""

    trials: dict[str, str] = field(
        default_factory=lambda: {f"2023-5{i:05d}-10-00": "3" for i in range(130)}
    )
    total: int | None = None
    spoil: Callable[[int, str, Reply], Reply] = lambda n, path, reply: reply
    seen: list[str] = field(default_factory=list)
    asked: list[dict[str, object]] = field(default_factory=list)

    def reply(self, method: str, target: str, body: bytes, agent: str) -> Reply:
        self.seen.append(f"{method} {target}")
        if method == "POST" and target.endswith("/search"):
            made = self._search(json.loads(body))
        elif method == "GET" and "/retrieve/" in target:
            number = target.rsplit("/", 1)[1]
            made = as_json({"ctNumber": number, "ctStatus": self.trials[number]})
        else:
            made = Reply(404, b"no such path", "text/plain")
        return self.spoil(len(self.seen), target, made)

    def _search(self, asked: dict[str, dict[str, int]]) -> Reply:
        self.asked.append(asked)
        page, size = asked["pagination"]["page"], asked["pagination"]["size"]
        rows = [{"ctNumber": n, "ctStatus": s} for n, s in self.trials.items()]
        shown = rows[(page - 1) * size : page * size] if page else []
        total = (len(rows) if self.total is None else self.total) if page else 0
        return as_json({"pagination": {"totalRecords": total, "currentPage": page},
                        "data": shown})  # fmt: skip


@contextmanager
def served(registry: CtGov | Ctis) -> Iterator[str]:
    """Serve a registry on a free port of this machine; give its address."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            agent = self.headers.get("User-Agent", "")
            reply = registry.reply(self.command, self.path, body, agent)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body if reply.cut is None else reply.body[: reply.cut])
            self.close_connection = True

        do_GET = do_POST = _serve

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api/v2"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
