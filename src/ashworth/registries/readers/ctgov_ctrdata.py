"""ClinicalTrials.gov, classic records as the R package ctrdata stores them: the XML as JSON."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterator
from typing import Any

import msgspec
from lxml import etree

from ashworth.registries.readers.ctgov_xml import CHILDREN, registration_of
from ashworth.registries.readers.json_records import (
    Document,
    ShapeError,
    documents_of,
    read_each,
    text_at,
)
from ashworth.registries.record import Registration


def read_ctgov_ctrdata(raw: bytes, file: str = "") -> Iterator[Registration]:
    """Read records: one, a list, or one per line.

    ctrdata drops the attributes of the XML, so whether a date or an enrolment is actual is not
    known.

    Raises
    ------
    msgspec.DecodeError
        If the text is no JSON, or cut.
    InputError
        With every record that is none of the registry, or has no number.

    Examples
    --------
    >>> record = b'{"id_info": {"nct_id": "NCT00000001"}, "overall_status": "Completed"}'
    >>> next(read_ctgov_ctrdata(record)).status
    'COMPLETED'
    """
    found = documents_of(raw, file, "id_info", "a classic record of ClinicalTrials.gov")
    yield from read_each(found, file, lambda own, document: _registration(own, document, file))


def _registration(own: bytes, document: Document, file: str) -> Registration:
    if not text_at(document, "id_info", "nct_id"):
        raise ShapeError("no nct_id")
    record = registration_of(_study(document), hashlib.sha256(own).hexdigest(), file)
    return msgspec.structs.replace(record, format="ctgov_ctrdata")


def _study(document: Document) -> etree._Element:
    """The record as the XML that it was made of, as far as it is looked at."""
    root = etree.Element("clinical_study")
    for name in CHILDREN:
        if name in document:
            _append(root, name, document[name])
    return root


def _append(parent: etree._Element, name: str, value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _append(parent, name, item)
    elif isinstance(value, dict):
        if value:
            child = etree.SubElement(parent, name)
            for key, inner in value.items():
                if key.replace("_", "").isalnum():
                    _append(child, key, inner)
    elif value not in (None, ""):
        etree.SubElement(parent, name).text = html.unescape(str(value)).replace("\x00", "")
