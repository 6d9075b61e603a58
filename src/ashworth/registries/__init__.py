"""Registries: records of trial registries read, normalised, linked and classified.

Functions take files or tables and return tables, or one frozen result with ``.table()``.
"""

from __future__ import annotations

import importlib
from typing import Any

_PLACES = {
    "CellVerdict": "classification.verdicts",
    "Contradiction": "linking",
    "Evidence": "classification.verdicts",
    "Landscape": "landscape",
    "LandscapeChange": "landscape",
    "LandscapeTrial": "landscape",
    "LinkedTrial": "linking",
    "Normalised": "normalisation.normalised",
    "Override": "overrides",
    "PreciseDate": "normalisation.dates",
    "ReadRegistrations": "readers.files",
    "Registration": "record",
    "StatusOn": "normalisation.statuses",
    "Surveyed": "survey",
    "cell_rules": "classification.rules",
    "classify": "classification.verdicts",
    "classify_fields": "classification.verdicts",
    "compare_dates": "landscape",
    "country_code": "normalisation.countries",
    "landscape_on": "landscape",
    "link": "linking",
    "normalise": "normalisation.normalised",
    "phase_codes": "normalisation.phases",
    "precise_date": "normalisation.dates",
    "read_overrides": "overrides",
    "read_registrations": "readers.files",
    "status_on": "normalisation.statuses",
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    """Import a public name's module on first use."""
    if name not in _PLACES:
        raise AttributeError(f"module 'ashworth.registries' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"ashworth.registries.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
