"""EU Clinical Trials Register, full details as text: many member states' records in one file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from ashworth.errors import InputError, Problem
from ashworth.registries.readers.euctr_record import (
    EUDRACT,
    EuctrFields,
    registration_of,
    state_of,
)
from ashworth.registries.record import Registration

_START = re.compile(r"^Summary[ \t]*\n(?=EudraCT Number:)", re.MULTILINE)
_SECTION = re.compile(
    r"([A-P])\. (?:Protocol Information|Sponsor Information|Applicant|IMP Identification|"
    r"General Information|Population of|Investigator Networks|Third|Review by|End of Trial)"
)
_FIELD = re.compile(
    r"(?P<code>[A-P]\.(?:\d+(?:\.\d+)*)?)(?: (?:and|to) [A-P]\.[\d.]+)?[ \t]+"
    r"(?P<label>[^:]*?)(?: \((?P<language>[a-z]{2,3})\))?(?P<colon>:|$)[ \t]?(?P<value>.*)"
)
_PRODUCT = re.compile(r"D\.IMP: \d")
_BETWEEN = re.compile(r"MedDRA Classification|Sponsor \d+")
_HEAD = {
    "EudraCT Number": "number", "Trial Status": "status", "Clinical Trial Type": "type",
    "Date on which this record was first entered in the EudraCT database": "entered",
    "Link": "link", "Trial results": "results",
}  # fmt: skip
_LABELLED = {
    ("N.", "Date of Competent Authority Decision"): "N.authority",
    ("N.", "Date of Ethics Committee Opinion"): "N.ethics",
    ("P.", "End of Trial Status"): "P.status",
    ("P.", "Date of the global end of the trial"): "P.date",
    ("E.1.2", "Term"): "E.1.2 Term",
}  # fmt: skip


def read_euctr_text(raw: bytes, file: str = "") -> Iterator[Registration]:
    r"""Read a full-details export: one registration per member state's record.

    A record that was repeated in the file is given twice; `ashworth.registries.linking.link`
    keeps one. Texts in other languages, ``A.3 Full title of the trial (es)``, become
    translations.

    Parameters
    ----------
    raw : bytes
        The file, in UTF-8.
    file : str
        Its name, for the record.

    Raises
    ------
    InputError
        With every record that is cut or has no number that is one; where the text is not UTF-8;
        where a part of a record stands before the first.

    Examples
    --------
    >>> text = (b"Summary\nEudraCT Number: 2010-000001-01\nA. Protocol Information\n"
    ...     b"A.1 Member State Concerned: Spain - AEMPS\nA.2 EudraCT number: 2010-000001-01\n"
    ...     b"P. End of Trial\nP. End of Trial Status: Ongoing\n")
    >>> record = next(read_euctr_text(text))
    >>> record.registry_id, record.member_state, record.status
    ('2010-000001-01', 'ES', 'Ongoing')
    """
    text = _decoded(raw, file)
    starts = [match.start() for match in _START.finditer(text)]
    parts = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    lines = [text.count("\n", 0, a) + 1 for a in starts]
    problems = _before(text[: starts[0]] if starts else text, file)
    found = [_fields(part) for part in parts]
    for line, fields in zip(lines, found, strict=True):
        problems += _faults(fields, file, line)
    if problems:
        raise InputError(problems, subject=file)
    for part, fields in zip(parts, found, strict=True):
        yield registration_of(
            fields, format="euctr_text", file=file, state=_state(fields),
            sha256=hashlib.sha256(part.encode()).hexdigest(),
        )  # fmt: skip


def _decoded(raw: bytes, file: str) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            [Problem(file, line, None, f"byte 0x{raw[error.start]:02x}", "text in UTF-8",
                     "fetch the file anew, or save it as UTF-8")], subject=file,
        ) from error  # fmt: skip
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _before(text: str, file: str) -> list[Problem]:
    """The fault of fields that stand before the first record."""
    if not re.search(r"^[A-P]\.\d", text, re.MULTILINE):
        return []
    return [Problem(file, 1, None, "a record without its beginning", "'Summary' and a number first",
                    "fetch the file anew")]  # fmt: skip


def _faults(fields: EuctrFields, file: str, line: int) -> list[Problem]:
    head, own = fields.head.get("number", ""), fields.text("A.2")
    found = []
    if not EUDRACT.fullmatch(head) or (own and own != head):
        words = f"'{head}'" + (f" and '{own}'" if own != head else "")
        found.append(Problem(file, line, "EudraCT number", words, "YYYY-NNNNNN-CC, twice the same",
                             "fetch the record anew"))  # fmt: skip
    elif not own or "P." not in fields.values:
        found.append(Problem(file, line, None, f"record {head} is cut",
                             "sections A to P", "fetch the record anew"))  # fmt: skip
    return found


def _state(fields: EuctrFields) -> str:
    return state_of(fields.text("A.1"), fields.head.get("link", ""))


def _fields(part: str) -> EuctrFields:
    """Values of one record by code."""
    reading = _Reading()
    for line in part.split("\n"):
        reading.read(line)
    reading.note()
    return reading.fields


class _Reading:
    """Lines of one record.

    A line begins a field only if it bears the letter of the section that it stands in, so that
    a criterion which begins with "A.1" stays in its text.
    """

    def __init__(self) -> None:
        self.fields = EuctrFields()
        self._section = self._code = self._language = self._value = ""

    def read(self, line: str) -> None:
        """Take in one line: a heading, a field, or more of the field before."""
        heading = _SECTION.match(line)
        if heading and heading[1] > self._section:
            self._begin(f"{heading[1]}.", "", "")
            self._section = heading[1]
        elif not self._section:
            name, colon, rest = line.partition(":")
            if colon and name in _HEAD:
                self.fields.head[_HEAD[name]] = rest.strip()
        elif self._section == "D" and _PRODUCT.match(line):
            self._begin("", "", "")
            self.fields.products.append({})
        elif not _BETWEEN.fullmatch(line):
            self._field_or_more(line)

    def note(self) -> None:
        """Keep the field that has just ended."""
        if self._section != "D":
            if self._code:
                self.fields.add(self._code, self._language, self._value)
        elif self.fields.products and self._value.strip():
            product = self.fields.products[-1]
            product.setdefault(self._code, []).append(" ".join(self._value.split()))

    def _begin(self, code: str, language: str, value: str) -> None:
        self.note()
        self._code, self._language, self._value = code, language, value

    def _field_or_more(self, line: str) -> None:
        match = _FIELD.match(line)
        if match and match["code"][0] == self._section and _is_field(match["code"]):
            code = match["code"]
            code = _LABELLED.get((code, match["label"].strip()), code)
            self._begin(code, match["language"] or "", match["value"])
        elif line.strip():
            self._value += f"\n{line}"


def _is_field(code: str) -> bool:
    """Sections N and P have no numbers; elsewhere a bare letter begins a list of a text."""
    return len(code) > 2 or code in ("N.", "P.")
