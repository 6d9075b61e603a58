"""Columns that look as if they name a person: refused unless declared."""

from __future__ import annotations

import re
import unicodedata

import polars as pl

from ashworth.errors import Problem

_WORDS = {
    "a name": r"name|(?:patient|patientin|patientinnen|full|first|last|given|family|sur|middle|"
    r"maiden|vor|nach|ruf|familien|geburts|madchen|maedchen|patienten)[_]?name|"
    r"(?:pat|pt)_name|initials|initialen|(?:vor_und_nach|nach_und_vor)name|name_(?:(?:of|der|des)_)?(?:the_)?patient(?:in|en)?|patientin(?:nen)?|"
    r"(?:pre)?_?noms?|nom_(?:de_(?:famille|naissance|jeune_fille)|patiente?|complet|usuel)|"
    r"nom_et_prenom|nom_prenom|initiales|patiente",
    "a birth date": r"(?:(?:patient|patientin|pat|pt)_)?(?:birth|birth_?day|birth_?date|"
    r"birth_?year|dob|(?:date|day|year)_of_birth|dateofbirth|geburts_?(?:datum|tag|jahr)|"
    r"geb_?(?:datum|dat|tag)?)|(?:date_?(?:de_?)?|jour_de_|annee_(?:de_)?)?naissance|ddn|nee?_le",
    "an e-mail address": r"(?:.*_)?(?:e?_?mail(?:_?(?:address|adresse))?|courriel|"
    r"adresse_e?_?mail)",
    "a telephone number": r"(?:.*_)?(?:phone|telephone|telefon|tel|mobile|mobil|handy|fax|portable|"
    r"phonenumber|telefonnummer|handynummer|mobilnummer)(?:_?(?:no|nr|number|num|nummer))?|"
    r"(?:numero|num)_(?:de_)?(?:telephone|tel|portable)",
    "an address": r"(?:.*_)?(?:address|adresse|anschrift|street|strasse|hausnummer|postcode|"
    r"post_code|postal_code|zip|zip_code|zipcode|plz|postleitzahl|wohnort|code_postal|domicile)",
    "an insurance or medical record number": r"(?:.*_)?(?:social_security|ssn|kvnr|svnr|rvnr|mrn|"
    r"medical_?record|passport|nhs_?number|national_id|krankenversicherten|sozialversicherung|"
    r"securite_sociale|nir|"
    r"(?:insurance|versicherungs?|versicherten|krankenversicherungs?|hospital|case|fall|akten|"
    r"ausweis|pass|kv)_?(?:no|nr|number|num|nummer))(?:s?_?(?:no|nr|number|num|nummer|id))?|"
    r"(?:numero|num|no)_(?:de_)?(?:dossier|secu|passeport)",
}
_EMAIL = r"(?i)^[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}$"
_INSURANCE = r"(?i)[a-z] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}"
_TELEPHONE = r"(?:(?:\+|00)[1-9][0-9][0-9 ()/-]{6,}[0-9]|0[0-9]{2,5}[ /-][0-9]{5,})"
_VALUES = {
    "social security numbers": r"^\s*[0-9]{3}-[0-9]{2}-[0-9]{4}\s*$",
    "health insurance numbers": _INSURANCE.replace("(?i)", r"(?i)^\s*") + r"\s*$",
    "telephone numbers": rf"^\s*{_TELEPHONE}\s*$",
}
_ONE_IS_ENOUGH = ("social security numbers", "health insurance numbers")
_MONTHS = (
    "jan|feb|f[ée]v|m[aä]r|apr|avr|mai|may|jui?n|jui?l|aug|ao[uû]|sep|oct|okt|nov|dec|dez|d[ée]c"
)
_BIRTH_WORDS = re.compile(r"(?i)\b(?:geb|born|birth|dob|n[ée]e?)\w*\b.*[0-9]|[*†]\s*[0-9]")
_DATE_IN_WORDS = re.compile(
    r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{2,4}"
    rf"|(?i:[0-9]{{1,2}}(?:st|nd|rd|th)?[. ]*(?:{_MONTHS})\w*[., ]*[0-9]{{2,4}})"
    rf"|(?i:(?:{_MONTHS})\w* [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{2,4}})"
)
_ROMAN = re.compile("[IVX]+")
_INSIDE = re.compile(
    rf"[^\s@]+@[^\s@]+\.[^\s@]+|(?<![0-9])[0-9]{{3}}-[0-9]{{2}}-[0-9]{{4}}(?![0-9])"
    rf"|(?<![\w-]){_TELEPHONE}|(?i:(?<!\w){_INSURANCE.replace('(?i)', '')}(?!\w))"
)


def may_identify(text: str) -> bool:
    """Say whether one value may identify a person, so that no message shows it.

    That is: an e-mail address, a telephone or insurance number, a date among words, a birth date
    in words, or two capitalised words (initials with a full stop count).

    Examples
    --------
    >>> may_identify("Anna Meier"), may_identify("born 3.4.1950"), may_identify("Positive")
    (True, True, False)
    """
    words = re.findall(r"(?<!\w)[^\W\d_]+(?!\w)\.?", text)
    capitals = [w for w in words if w[0].isupper() and len(w) > 1 and not _ROMAN.fullmatch(w)]
    if len(capitals) >= 2 or _INSIDE.search(text):
        return True
    worded = any(len(w.strip(".")) > 1 for w in words)
    return worded and bool(_DATE_IN_WORDS.search(text) or _BIRTH_WORDS.search(text))


def looks_like(header: str) -> str | None:
    """Say what a header looks like, or None.

    Examples
    --------
    >>> looks_like("Geburtsdatum"), looks_like("Last Name"), looks_like("centre_name")
    ('a birth date', 'a name', None)
    """
    words = re.sub(r"(?<=[a-zäöüéè])(?=[A-ZÄÖÜ])", "_", header.strip())
    bare = "".join(c for c in unicodedata.normalize("NFKD", words) if not unicodedata.combining(c))
    plain = re.sub(r"[^\w]+|_+", "_", bare).strip("_").casefold()
    for meaning, words in _WORDS.items():
        if re.fullmatch(words, plain):
            return meaning
    return None


def values_look_like(cells: pl.Series, *, pseudonyms: bool = False) -> str | None:
    """Say what the values of a text column look like, or None.

    One e-mail address is enough; one insurance number too, but in a column of pseudonyms, which
    may be of the same shape, half of the values must be.
    """
    filled = cells.drop_nulls()
    if not filled.len():
        return None
    if filled.str.contains(_EMAIL).any():
        return "e-mail addresses"
    for meaning, regex in _VALUES.items():
        share: float = filled.str.contains(regex).mean()  # type: ignore[assignment]
        if share >= 0.5 or (share and meaning in _ONE_IS_ENOUGH and not pseudonyms):
            return meaning
    return None


def refuse_identifiers(
    cells: pl.DataFrame,
    table: str,
    *,
    known: frozenset[str],
    numeric: frozenset[str],
    declared: frozenset[str],
    pseudonyms: frozenset[str] = frozenset(),
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
    pseudonyms : frozenset of str
        Columns of pseudonyms.
    """
    problems = []
    for name in cells.columns:
        if name in declared or name in numeric:
            continue
        meaning = None if name in known else looks_like(name)
        content = None if meaning else values_look_like(cells[name], pseudonyms=name in pseudonyms)
        if meaning or content:
            found = f"a column that looks like {meaning}" if meaning else f"values like {content}"
            problems.append(_refusal(table, name, found))
    return problems


def _refusal(table: str, name: str, found: str) -> Problem:
    return Problem(
        table, 1, name, found, "pseudonymous data only",
        "delete the column, or, if it tells nobody's identity, list it in declared_identifiers",
    )  # fmt: skip
