"""Assays, positivity rules, dynamics rules, endpoints and subtypes as data.

Each is a YAML file with references, dated values and worked cases; this room only loads them.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "KINDS": "loader",
    "Catalogue": "loader",
    "load": "loader",
    "load_all": "loader",
    "references": "loader",
    "json_schema": "schema",
    "OUTCOME_KINDS": "models",
    "Assay": "models",
    "Condition": "models",
    "DatedCutoff": "models",
    "Denominator": "models",
    "DynamicsClass": "models",
    "DynamicsRule": "models",
    "Endpoint": "models",
    "Level": "models",
    "PositivityRule": "models",
    "Reference": "models",
    "Subtype": "models",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ashworth.definitions' has no attribute '{name}'")
    return getattr(importlib.import_module(f"ashworth.definitions.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
