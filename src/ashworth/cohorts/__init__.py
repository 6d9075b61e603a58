"""Simulated patients with a known truth: concentrations, draws, counts, hazards, drop-out.

Everything that comes out of this room is simulated and says so.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_PUBLIC = {
    "CohortSpec": "spec",
    "CountEffect": "spec",
    "CovariateEffect": "spec",
    "PRESETS": "presets",
    "SimulatedCohort": "simulation",
    "preset": "presets",
    "simulate": "simulation",
}

__all__ = [
    "PRESETS",
    "CohortSpec",
    "CountEffect",
    "CovariateEffect",
    "SimulatedCohort",
    "preset",
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
