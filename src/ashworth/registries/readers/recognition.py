"""Which format a file has, by what is in it, never by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ashworth.registries.record import Registration

Reader = Callable[[bytes, str], Iterator[Registration]]


@dataclass(frozen=True, slots=True)
class Recognised:
    """A format and why it was recognised.

    Attributes
    ----------
    format : str
    why : str
    """

    format: str
    why: str


def recognise(raw: bytes) -> Recognised | None:
    """Tell the format of a file's bytes; None where it is none that is known.

    Examples
    --------
    >>> recognise(b'<?xml version="1.0"?><clinical_study>').format
    'ctgov_xml'
    >>> recognise(b"hello") is None
    True
    """
    head = raw[:200_000].removeprefix(b"\xef\xbb\xbf").lstrip()
    for test in _TESTS:
        found = test(head)
        if found is not None:
            return found
    return None


def _xml(head: bytes) -> Recognised | None:
    if not head.startswith(b"<"):
        return None
    if b"<clinical_study" in head:
        return Recognised("ctgov_xml", "an XML file with clinical_study elements")
    if b"<isrctn" in head or b'/isrctn"' in head:
        return Recognised("isrctn_xml", "an XML file with ISRCTN trials")
    return None


_JSON_MARKS = (
    (b'"protocolSection"', "ctgov_json_v2", "JSON with a protocolSection"),
    (b'"ProtocolSection"', "ctgov_json_v1", "JSON with a ProtocolSection (retired version 1)"),
    (b'"FullStudiesResponse"', "ctgov_json_v1", "an answer of the retired version 1"),
    (b'"authorizedApplication"', "ctis_json", "JSON of CTIS, shape of 2024"),
    (b'"authorizedPartI"', "ctis_json", "JSON of CTIS, first shape"),
    (b'"ctNumber"', "ctis_json", "JSON with a CTIS number"),
    (b'"externalRefs"', "isrctn_json", "JSON of ISRCTN"),
    (b'"a2_eudract_number"', "euctr_json", "JSON of EU register records"),
    (b'"id_info"', "ctgov_ctrdata", "JSON of classic records, by ctrdata"),
    (b'"studies"', "ctgov_json_v2", "JSON with a list of studies"),
)


def _json(head: bytes) -> Recognised | None:
    if not head.startswith((b"{", b"[")):
        return None
    for mark, name, why in _JSON_MARKS:
        if mark in head:
            return Recognised(name, why)
    return None


_CSV_MARKS = (
    (
        rb"(?=.*\bNCT Number\b)(?=(.*,)?(Rank|Title|Status|Study Designs|URL)\s*(,|$))",
        "ctgov_csv_classic",
        "the CSV export of the classic site",
    ),
    (rb"\bNCT Number\b", "ctgov_csv_v2", "the CSV export of 2023 and later"),
    (rb"(?=.*\bnctid\b)(?=.*\bversion_date\b)", "ctgov_history", "a table of versions of records"),
    (rb"eudract_number_with_country", "euctr_csv", "a table of EU register rows"),
    (rb"^trial_id,.*number_of_countries", "euctr_tracker", "a table of the EU Trials Tracker"),
    (rb"nct_id\|", "aact", "a pipe-delimited AACT table"),
)


def _table(head: bytes) -> Recognised | None:
    first = head.split(b"\n", 1)[0].replace(b'"', b"")
    for mark, name, why in _CSV_MARKS:
        if re.search(mark, first):
            return Recognised(name, why)
    return None


def _euctr_text(head: bytes) -> Recognised | None:
    if b"EudraCT Number:" in head and b"A.2 EudraCT number:" in head:
        return Recognised("euctr_text", "full details of the EU register as text")
    return None


_TESTS = (_xml, _json, _euctr_text, _table)


def reader_of(name: str) -> Reader | None:
    """Give the reader of a format; None where this program recognises it but cannot read it."""
    import importlib

    place = _READERS.get(name)
    if place is None:
        return None
    module, function = place
    found: Reader = getattr(
        importlib.import_module(f"ashworth.registries.readers.{module}"), function
    )
    return found


_READERS = {
    "ctgov_json_v2": ("ctgov_json", "read_ctgov_json"),
    "ctgov_json_v1": ("ctgov_json_v1", "read_ctgov_json_v1"),
    "ctgov_xml": ("ctgov_xml", "read_ctgov_xml"),
    "ctgov_history": ("ctgov_history", "read_ctgov_history"),
    "ctgov_csv_v2": ("ctgov_csv", "read_ctgov_csv_v2"),
    "ctgov_csv_classic": ("ctgov_csv", "read_ctgov_csv_classic"),
    "ctgov_ctrdata": ("ctgov_ctrdata", "read_ctgov_ctrdata"),
    "euctr_text": ("euctr_text", "read_euctr_text"),
    "euctr_csv": ("euctr_csv", "read_euctr_csv"),
    "euctr_tracker": ("euctr_csv", "read_euctr_tracker"),
    "euctr_json": ("euctr_json", "read_euctr_json"),
    "ctis_json": ("ctis_json", "read_ctis_json"),
    "isrctn_json": ("isrctn", "read_isrctn_json"),
    "isrctn_xml": ("isrctn", "read_isrctn_xml"),
}
