"""XML from outside: no entities, no DTD, no network, bounded in size and depth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from ashworth.errors import InputError, Problem
from ashworth.imaging.readers.directory import MOST_TEXT_BYTES, read_bytes


def read_xml(path: Path) -> etree._Element:
    """Parse an XML file of at most 64 MiB.

    Raises
    ------
    InputError
        If it cannot be read, is broken, nested too deeply or declares a document type.
    """
    return parse_xml(read_bytes(path), path.name)


def parse_xml(raw: bytes, name: str) -> etree._Element:
    """Parse XML from bytes.

    Parameters
    ----------
    raw : bytes
    name : str
        File that messages name.

    Raises
    ------
    InputError
    """
    if len(raw) > MOST_TEXT_BYTES:
        raise _problem(name, None, f"{len(raw)} bytes", f"at most {MOST_TEXT_BYTES} bytes")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise _problem(name, line, f"broken XML ({error})", "well-formed XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _problem(name, None, "a document type declaration", "XML without DTD or entities")
    return root


def _problem(name: str, row: int | None, found: str, allowed: str) -> InputError:
    """One fault of an XML file."""
    remedy = "export the file again from the instrument's software"
    return InputError([Problem(name, row, None, found[:300], allowed, remedy)], subject=name)


def local(element: etree._Element) -> str:
    """Name of an element without its namespace."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def named_children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Children of a name, whatever their namespace."""
    return (child for child in element if local(child) == name)


def descendants(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """All elements of a name below, whatever their namespace."""
    return (child for child in element.iter(etree.Element) if local(child) == name)


def fields_of(record: etree._Element) -> dict[str, str]:
    """Texts of a record's children (or attributes) by lower-case name."""
    fields = {str(key).lower(): str(value).strip() for key, value in record.attrib.items()}
    fields.update({local(child).lower(): (child.text or "").strip() for child in record})
    return fields
