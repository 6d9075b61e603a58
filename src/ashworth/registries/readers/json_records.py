"""JSON files to the bytes of their records: one document, a list, or one document per line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from ashworth.errors import InputError, Problem
from ashworth.registries.record import Registration

_LIST = msgspec.json.Decoder(list[msgspec.Raw])
Document = dict[str, Any]


class ShapeError(Exception):
    """Something else stands in a document than its registry puts there."""


def json_records(raw: bytes) -> list[bytes]:
    r"""Split a file into the bytes of its documents.

    Raises
    ------
    msgspec.DecodeError
        If the text is no JSON, or cut.

    Examples
    --------
    >>> json_records(b'[{"a": 1}, {"a": 2}]'), json_records(b'{"a": 1}\n{"a": 2}\n')
    ([b'{"a": 1}', b'{"a": 2}'], [b'{"a": 1}', b'{"a": 2}'])
    """
    text = raw.removeprefix(b"\xef\xbb\xbf").strip()
    if text[:1] == b"[":
        return [bytes(item) for item in _LIST.decode(text)]
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except msgspec.DecodeError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or any(line.lstrip()[:1] != b"{" for line in lines):
            raise
        return lines
    return [text]


def documents_of(raw: bytes, file: str, mark: str, what: str) -> Iterator[tuple[bytes, Document]]:
    """Give each record of a file, as bytes and as a document that holds a key.

    Raises
    ------
    msgspec.DecodeError
        If the text is no JSON, or cut.
    InputError
        With every record that is none of this registry.
    """
    found = [(own, msgspec.json.decode(own)) for own in json_records(raw)]
    problems = [
        Problem(file, number, mark, "no such key", what, "keep one registry's records in a file")
        for number, (_, document) in enumerate(found, start=1)
        if not isinstance(document, dict) or mark not in document
    ]  # fmt: skip
    if problems:
        raise InputError(problems, subject=file)
    yield from found


def listed(value: Any) -> list[Any]:
    """A value that stands alone or in a list, as a list; empty values are none."""
    if value in (None, "", {}):
        return []
    return value if isinstance(value, list) else [value]


def at(document: Any, *path: str) -> Any:
    """What stands at a path of keys; None where a key is missing or its parent is empty.

    Raises
    ------
    ShapeError
        If something else than an object stands where one should.

    Examples
    --------
    >>> at({"a": {"b": 1}}, "a", "b"), at({"a": ""}, "a", "b")
    (1, None)
    """
    for key in path:
        if not isinstance(document, dict):
            if document:
                raise ShapeError(f"'{key}' looked for in {_shown(document)}")
            return None
        document = document.get(key)
    return document


def text_at(document: Any, *path: str) -> str:
    """The text or number at a path, several texts joined; empty where there is none.

    Raises
    ------
    ShapeError
        If something else stands there: a shape that was changed is not read as nothing.
    """
    value = at(document, *path)
    if isinstance(value, (list, tuple)) and not any(isinstance(v, (dict, list)) for v in value):
        return "; ".join(text for text in (text_at({"": v}, "") for v in value) if text)
    if isinstance(value, (dict, list)) and value:
        raise ShapeError(f"'{path[-1]}' is {_shown(value)}")
    told = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return str(value) if told else ""


def _shown(value: Any) -> str:
    return str(value)[:60]


def read_each(
    found: Iterable[tuple[bytes, Document]], file: str,
    make: Callable[[bytes, Document], Registration],
) -> Iterator[Registration]:  # fmt: skip
    """Give the registration of every document.

    Raises
    ------
    InputError
        With every document whose shape is not known.
    """
    records, problems = [], []
    for number, (own, document) in enumerate(found, start=1):
        try:
            records.append(make(own, document))
        except (ShapeError, AttributeError, TypeError, KeyError) as error:
            words = f"an unknown shape: {error}"
            problems.append(
                Problem(file, number, None, words, "a shape of docs/reference", "report the shape")
            )
    if problems:
        raise InputError(problems, subject=file)
    yield from records
