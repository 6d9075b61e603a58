"""JSON files to the bytes of their records: one document, a list, or one document per line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ashworth.errors import InputError, Problem

_LIST = msgspec.json.Decoder(list[msgspec.Raw])
Document = dict[str, Any]


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
    """What stands at a path of keys; None where a key is missing.

    Examples
    --------
    >>> at({"a": {"b": 1}}, "a", "b"), at({"a": ""}, "a", "b")
    (1, None)
    """
    for key in path:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document


def text_at(document: Any, *path: str) -> str:
    """The text or number at a path; empty where there is none."""
    value = at(document, *path)
    return str(value) if isinstance(value, (str, int, float)) and value is not True else ""
