"""Simulated patients with a known truth: concentrations, draws, counts, hazards, drop-out.

Simulated tables say so. `regression_dilution` is the one estimator here: it needs both the
populations of `enumeration` and the models of `survival`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashworth.cohorts.dilution import RegressionDilution as RegressionDilution
    from ashworth.cohorts.dilution import regression_dilution as regression_dilution
    from ashworth.cohorts.presets import LUMINAL_B as LUMINAL_B
    from ashworth.cohorts.presets import PRESETS as PRESETS
    from ashworth.cohorts.presets import preset as preset
    from ashworth.cohorts.simulation import SimulatedCohort as SimulatedCohort
    from ashworth.cohorts.simulation import simulate as simulate
    from ashworth.cohorts.spec import (
        CohortSpec as CohortSpec,
    )
    from ashworth.cohorts.spec import (
        CountEffect as CountEffect,
    )
    from ashworth.cohorts.spec import (
        CovariateEffect as CovariateEffect,
    )
    from ashworth.cohorts.spec import (
        InteractionEffect as InteractionEffect,
    )

_PUBLIC = {
    "CohortSpec": "spec",
    "CountEffect": "spec",
    "CovariateEffect": "spec",
    "InteractionEffect": "spec",
    "LUMINAL_B": "presets",
    "PRESETS": "presets",
    "RegressionDilution": "dilution",
    "SimulatedCohort": "simulation",
    "preset": "presets",
    "regression_dilution": "dilution",
    "simulate": "simulation",
}

__all__ = [
    "LUMINAL_B",
    "PRESETS",
    "CohortSpec",
    "CountEffect",
    "CovariateEffect",
    "InteractionEffect",
    "RegressionDilution",
    "SimulatedCohort",
    "preset",
    "regression_dilution",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ashworth.cohorts' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"ashworth.cohorts.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
