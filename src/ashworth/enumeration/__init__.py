"""Counts to statuses: volume, limits, detection probability, repeatability, dynamics.

The room does not know who counted: a rule, a model, a person or another laboratory's table.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "ChangeTest": "change",
    "CountRegression": "regression",
    "Dynamics": "pairs",
    "FittedPopulation": "fitting",
    "Interval": "intervals",
    "Measurement": "populations",
    "NegativeBinomial": "populations",
    "PoissonLognormal": "populations",
    "Positivity": "prevalence",
    "Statuses": "status",
    "TubeTotals": "tubes",
    "agreement_probability": "repeatability",
    "change_test": "change",
    "combine_tubes": "tubes",
    "count_regression": "regression",
    "concentration_probability": "repeatability",
    "detection_probability": "detection",
    "disagreement_probability": "repeatability",
    "dynamics": "pairs",
    "expected_positivity": "repeatability",
    "fit_population": "fitting",
    "poisson_interval": "intervals",
    "positivity": "prevalence",
    "proportion_interval": "intervals",
    "smallest_cutoff": "detection",
    "statuses": "status",
    "volume_for_detection": "detection",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ashworth.enumeration' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"ashworth.enumeration.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
