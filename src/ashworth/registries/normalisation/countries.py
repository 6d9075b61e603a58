"""Countries by ISO 3166, from the names that registries use."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

TABLE = Path(__file__).parents[1] / "data" / "countries.yaml"


@cache
def _codes() -> dict[str, str]:
    """Names, folded, to codes; codes to themselves."""
    table: dict[str, list[str]] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    found = {code.casefold(): code for code in table}
    return found | {name.casefold(): code for code, names in table.items() for name in names}


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
