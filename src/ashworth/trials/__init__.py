"""Trials: protocols that run, sizes, sequential designs, marker designs, randomisation, simulation.

Functions take plain numbers and numpy arrays and return one frozen result with ``.table()``.
"""

from __future__ import annotations

import importlib
from typing import Any

_PLACES = {
    "ColumnRouter": "protocols.route_columns",
    "Executable": "protocols.executable",
    "ProtocolChecks": "protocols.static_checks",
    "Route": "protocols.route",
    "RoutedColumns": "protocols.route_columns",
    "check_protocol": "protocols.static_checks",
    "decision_tables": "protocols.decision_tables",
    "draw_population": "protocols.population",
    "flow_diagram": "protocols.diagram",
    "load_protocol": "protocols.executable",
    "route_patient": "protocols.route",
    "typed_patients": "protocols.patients",
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    """Import a public name's module on first use."""
    if name not in _PLACES:
        raise AttributeError(f"module 'ashworth.trials' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"ashworth.trials.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
