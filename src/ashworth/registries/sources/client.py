"""One registry's server asked at a bounded rate, again after faults that may pass."""

from __future__ import annotations

import gzip
import http.client
import io
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec

from ashworth.registries.sources.faults import FetchError
from ashworth.version import __version__

USER_AGENT = f"ashworth/{__version__} (research software; landscape of clinical trials)"
TRIES = 6
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 60.0
LONGEST_ASKED_S = 600.0
"""A registry that asks for a longer wait is asked again by the user, another time."""
LARGEST_ANSWER = 200_000_000
FASTEST = 10.0
TIMEOUT_S = 90.0
Document = TypeVar("Document")


@dataclass(frozen=True, slots=True)
class Question:
    """One request: GET, or POST where there is a body of JSON."""

    url: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by lower-case name, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CutAnswerError(Exception):
    """No answer, or less of it than was announced."""


Transport = Callable[[Question], Answer]


@dataclass(frozen=True, slots=True)
class Clock:
    """The hour, a count of seconds, and how to wait; tests give their own."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    seconds: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


def http_transport(question: Question) -> Answer:
    """Ask over HTTP with the standard library; proxies as the environment says.

    Raises
    ------
    CutAnswerError
        No connection, a time-out, or a body that ends early.
    """
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"}
    if question.body is not None:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(question.url, question.body, headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as found:
            return _answer(found.status, found.headers, found.read(LARGEST_ANSWER + 1), question)
    except urllib.error.HTTPError as error:
        return _refused(error)
    except (http.client.HTTPException, OSError, EOFError, zlib.error) as error:
        words = " ".join(str(getattr(error, "reason", error)).split())
        raise CutAnswerError(f"{type(error).__name__}: {words}"[:300]) from None


def _refused(error: urllib.error.HTTPError) -> Answer:
    """An answer with another status than success, and the beginning of its words."""
    with error:
        try:
            words = error.read(2000)
        except (http.client.HTTPException, OSError):
            words = b""
        return Answer(error.code, _lower(error.headers), words)


def _answer(status: int, headers: Message, body: bytes, question: Question) -> Answer:
    """Undo the packing; refuse a body beyond all bounds."""
    found = _lower(headers)
    if len(body) > LARGEST_ANSWER:
        raise FetchError("wrong_content", question.url, f"more than {LARGEST_ANSWER:,} bytes")
    announced = found.get("content-length", "")
    if announced.isdigit() and int(announced) != len(body):
        raise CutAnswerError(f"{len(body):,} of {int(announced):,} bytes")
    if found.get("content-encoding", "") == "gzip":
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            body = packed.read(LARGEST_ANSWER + 1)
        if len(body) > LARGEST_ANSWER:
            raise FetchError("wrong_content", question.url, f"more than {LARGEST_ANSWER:,} bytes")
    return Answer(status, found, body)


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@dataclass
class Client:
    """Asks at most `rate` times a second and again, later and later, after faults that may pass.

    Attributes
    ----------
    transport : callable
    clock : Clock
    rate : float
        Requests per second, above 0 and at most 10.
    tries : int
        Of one question.
    said : callable
        Told of every wait, in words.
    requests, repeats : int
        Requests sent, and those of them that repeat a question.
    """

    transport: Transport = http_transport
    clock: Clock = field(default_factory=Clock)
    rate: float = 1.0
    tries: int = TRIES
    said: Callable[[str], None] = lambda words: None
    requests: int = 0
    repeats: int = 0
    _next: float | None = None

    def document(
        self, question: Question, decoder: msgspec.json.Decoder[Document]
    ) -> tuple[bytes, Document]:
        """Ask until there is a whole JSON document of the expected shape.

        Raises
        ------
        FetchError
            gave_up, refused, not_json, wrong_content, asked_to_wait.
        """
        last = FetchError("gave_up", question.url, "never asked")
        for attempt in range(self.tries):
            if attempt:
                self.repeats += 1
            wait: float | None = None
            try:
                answer = self._ask(question)
                if answer.status == 200:
                    return answer.body, _decoded(question, answer, decoder)
                last = _bad_status(question, answer)
                wait = self._asked_to_wait(question, answer)
            except CutAnswerError as error:
                last = FetchError("gave_up", question.url, f"the connection: {error}")
            except _Damaged as damaged:
                last = damaged.fault
            if last.kind == "refused":
                raise last
            if attempt + 1 < self.tries:
                self._pause(last, wait, attempt)
        raise FetchError(last.kind, last.url, f"{last.found}, {self.tries} times", last.remedy)

    def _ask(self, question: Question) -> Answer:
        """Send one request, not before its turn."""
        now = self.clock.seconds()
        if self._next is not None and now < self._next:
            self.clock.wait(self._next - now)
            now = self._next
        self._next = now + 1.0 / self.rate
        self.requests += 1
        return self.transport(question)

    def _pause(self, fault: FetchError, asked: float | None, attempt: int) -> None:
        own = min(FIRST_WAIT_S * 2.0**attempt, LONGEST_WAIT_S)
        wait = max(own, asked or 0.0)
        self.said(f"{fault.found}; asked again in {wait:.0f} s")
        self.clock.wait(wait)

    def _asked_to_wait(self, question: Question, answer: Answer) -> float | None:
        """Seconds of a Retry-After header, a number or a date."""
        text = answer.headers.get("retry-after", "").strip()
        if not text:
            return None
        if text.isdigit():
            seconds = float(text)
        else:
            try:
                seconds = (parsedate_to_datetime(text) - self.clock.now()).total_seconds()
            except (ValueError, TypeError):
                return None
        if seconds > LONGEST_ASKED_S:
            raise FetchError("asked_to_wait", question.url, f"{seconds:.0f} s",
                             "run the same command again after that time")  # fmt: skip
        return max(seconds, 0.0)


class _Damaged(Exception):
    """An answer with the status of success that is none; it may be better the next time."""

    def __init__(self, fault: FetchError) -> None:
        self.fault = fault
        super().__init__(str(fault))


def _decoded(
    question: Question, answer: Answer, decoder: msgspec.json.Decoder[Document]
) -> Document:
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        found = f"'{kind or 'no content type'}' in place of application/json"
        raise _Damaged(FetchError("wrong_content", question.url, found))
    try:
        return decoder.decode(answer.body)
    except msgspec.MsgspecError as error:
        raise _Damaged(FetchError("not_json", question.url, str(error))) from None


def _bad_status(question: Question, answer: Answer) -> FetchError:
    """Name a status: one that may pass, or a refusal."""
    words = " ".join(answer.body.decode("utf-8", "replace").split())[:200]
    found = f"HTTP {answer.status}" + (f" ({words})" if words else "")
    if answer.status in (408, 425, 429) or answer.status >= 500:
        return FetchError("gave_up", question.url, found)
    return FetchError("refused", question.url, found, "correct the question, or begin anew "
                      "with --anew if an earlier fetch was resumed")  # fmt: skip
