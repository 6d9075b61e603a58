"""Countries by ISO 3166, from the names that registries use."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

TABLE = Path(__file__).parents[1] / "data" / "countries.yaml"
NUMBERS = Path(__file__).parents[1] / "data" / "country_numbers.yaml"


@cache
def _codes() -> dict[str, str]:
    """Names, folded, and ISO numbers to codes; codes to themselves."""
    table: dict[str, list[str]] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    found = {code.casefold(): code for code in table}
    found |= {name.casefold(): code for code, names in table.items() for name in names}
    numbers: dict[str, str] = yaml.safe_load(NUMBERS.read_text(encoding="utf-8"))
    return found | {number: code for code, number in numbers.items()}


@cache
def country_names() -> dict[str, str]:
    """Code to printed name."""
    table: dict[str, list[str]] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return {code: names[0] for code, names in table.items()}


def country_code(name: str) -> str | None:
    """Give the ISO code of a name; None where it is not known (never guessed).

    Examples
    --------
    >>> country_code("Korea, Republic of"), country_code("Czech Republic"), country_code("Atlantis")
    ('KR', 'CZ', None)
    """
    return _codes().get(name.strip().casefold())


def names_in(text: str) -> list[str]:
    """Split names that stand one behind the other with only spaces between them.

    Words that are no name stay together, so that they can be listed.

    Examples
    --------
    >>> names_in("Bulgaria United Kingdom Atlantis United States")
    ['Bulgaria', 'United Kingdom', 'Atlantis', 'United States']
    """
    words, found, strange = text.split(), list[str](), list[str]()
    i = 0
    while i < len(words):
        ends = range(min(len(words), i + 8), i, -1)
        end = next((j for j in ends if " ".join(words[i:j]).casefold() in _codes()), None)
        if end is None:
            strange.append(words[i])
        if strange and (end is not None or i + 1 == len(words)):
            found.append(" ".join(strange))
            strange = []
        if end is not None:
            found.append(" ".join(words[i:end]))
        i = end or i + 1
    return found
