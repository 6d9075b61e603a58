"""The tables that flow: schemas, keys, units, rules between tables; bytes to tables."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashworth.records.anti_joins import Expectations as Expectations
    from ashworth.records.dictionary import (
        data_dictionary as data_dictionary,
    )
    from ashworth.records.dictionary import (
        describe as describe,
    )
    from ashworth.records.dictionary import (
        validate as validate,
    )
    from ashworth.records.formats import ExtraColumn as ExtraColumn
    from ashworth.records.formats import InputFormat as InputFormat
    from ashworth.records.reading import (
        TableRead as TableRead,
    )
    from ashworth.records.reading import (
        TablesRead as TablesRead,
    )
    from ashworth.records.reading import (
        read_table as read_table,
    )
    from ashworth.records.reading import (
        read_tables as read_tables,
    )
    from ashworth.records.rules import check_tables as check_tables
    from ashworth.records.rules import default_runs as default_runs
    from ashworth.records.schemas import TABLES as TABLES
    from ashworth.records.schemas import blank as blank
    from ashworth.records.schemas import key_of as key_of

_HOMES = {
    "Expectations": "anti_joins",
    "ExtraColumn": "formats",
    "InputFormat": "formats",
    "TABLES": "schemas",
    "TableRead": "reading",
    "TablesRead": "reading",
    "blank": "schemas",
    "check_tables": "rules",
    "data_dictionary": "dictionary",
    "default_runs": "rules",
    "describe": "dictionary",
    "key_of": "schemas",
    "read_table": "reading",
    "read_tables": "reading",
    "validate": "dictionary",
}

__all__ = [
    "TABLES",
    "Expectations",
    "ExtraColumn",
    "InputFormat",
    "TableRead",
    "TablesRead",
    "blank",
    "check_tables",
    "data_dictionary",
    "default_runs",
    "describe",
    "key_of",
    "read_table",
    "read_tables",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"ashworth.records.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'ashworth.records' has no attribute '{name}'")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
