"""Columns that look as if they name a person: refused unless declared."""

from __future__ import annotations

import re

import polars as pl

from ashworth.errors import Problem

_WORDS = {
    "a name": r"name|(?:patient|full|first|last|given|family|sur|middle|maiden|vor|nach|familien|"
    r"geburts|mädchen|maedchen|patienten)[_]?name|patient(?:in)?_name|(?:pat|pt)_name|initials|"
    r"initialen|name_(?:of_)?patient",
    "a birth date": r"(?:(?:patient|pat|pt)_)?(?:birth|birth_?day|birth_?date|birth_?year|dob|"
    r"(?:date|day|year)_of_birth|dateofbirth|geburts_?(?:datum|tag|jahr)|geb_?(?:datum|dat|tag)?)",
    "an e-mail address": r"(?:.*_)?e?_?mail(?:_?(?:address|adresse))?",
    "a telephone number": r"(?:.*_)?(?:phone|telephone|telefon|tel|mobile|mobil|handy|fax|"
    r"phonenumber|telefonnummer|handynummer|mobilnummer)(?:_?(?:no|nr|number|nummer))?",
    "an address": r"(?:.*_)?(?:address|adresse|anschrift|street|strasse|straße|hausnummer|postcode|"
    r"post_code|postal_code|zip|zip_code|zipcode|plz|postleitzahl|wohnort)",
    "an insurance or medical record number": r"(?:.*_)?(?:social_security|ssn|kvnr|svnr|rvnr|mrn|"
    r"medical_?record|passport|nhs_?number|national_id|krankenversicherten|sozialversicherung|"
    r"(?:insurance|versicherungs?|versicherten|krankenversicherungs?|hospital|case|fall|akten|"
    r"ausweis|pass|kv)_?(?:no|nr|number|num|nummer))(?:s?_?(?:no|nr|number|num|nummer|id))?",
}
_EMAIL = r"(?i)^[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}$"
_VALUES = {
    "social security numbers": r"^\d{3}-\d{2}-\d{4}$",
    "health insurance numbers": r"^[A-Z]\d{9}$",
    "telephone numbers": r"^(?:(?:\+|00)[1-9]\d[\d ()/-]{6,}\d|0\d{2,5}[ /-]\d{4,})$",
}


def looks_like(header: str) -> str | None:
    """Say what a header looks like, or None.

    Examples
    --------
    >>> looks_like("Geburtsdatum"), looks_like("Last Name"), looks_like("centre_name")
    ('a birth date', 'a name', None)
    """
    words = re.sub(r"(?<=[a-zäöü])(?=[A-ZÄÖÜ])", "_", header.strip())
    plain = re.sub(r"[^\w]+|_+", "_", words).strip("_").casefold().replace("ß", "ss")
    for meaning, words in _WORDS.items():
        if re.fullmatch(words, plain):
            return meaning
    return None


def values_look_like(cells: pl.Series) -> str | None:
    """Say what the values of a text column look like, or None; one e-mail address is enough."""
    filled = cells.drop_nulls()
    if not filled.len():
        return None
    if filled.str.contains(_EMAIL).any():
        return "e-mail addresses"
    for meaning, regex in _VALUES.items():
        if filled.str.contains(regex).mean() >= 0.5:  # type: ignore[operator]
            return meaning
    return None


def refuse_identifiers(
    cells: pl.DataFrame,
    table: str,
    *,
    known: frozenset[str],
    numeric: frozenset[str],
    declared: frozenset[str],
) -> list[Problem]:
    """Return a problem for each column that looks as if it names a person; never its values.

    Parameters
    ----------
    cells : polars.DataFrame
        Columns of text.
    table : str
        Name for the messages.
    known : frozenset of str
        Columns of the schema: their names are not judged, their values are.
    numeric : frozenset of str
        Columns whose values are numbers or dates by schema: not judged at all.
    declared : frozenset of str
        Columns that the user vouches for.
    """
    problems = []
    for name in cells.columns:
        if name in declared or name in numeric:
            continue
        meaning = None if name in known else looks_like(name)
        content = None if meaning else values_look_like(cells[name])
        if meaning or content:
            found = f"a column that looks like {meaning}" if meaning else f"values like {content}"
            problems.append(_refusal(table, name, found))
    return problems


def _refusal(table: str, name: str, found: str) -> Problem:
    return Problem(
        table, 1, name, found, "pseudonymous data only",
        "delete the column, or, if it tells nobody's identity, list it in declared_identifiers",
    )  # fmt: skip
