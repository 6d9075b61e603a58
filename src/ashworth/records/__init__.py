"""The tables that flow: schemas, keys, units, rules between tables; bytes to tables."""

from __future__ import annotations

import importlib
from typing import Any

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
