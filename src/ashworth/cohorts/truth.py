"""What was planted, and which model it belongs to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import polars as pl

from ashworth.cohorts.spec import CohortSpec, CovariateEffect
from ashworth.version import __version__


def planted_truth(spec: CohortSpec, seed: int, centre_effects: pl.DataFrame) -> dict[str, Any]:
    """Describe the planted values in plain values.

    Parameters
    ----------
    spec : CohortSpec
        The specification.
    seed : int
        The seed.
    centre_effects : polars.DataFrame
        centre, log_hazard.

    Returns
    -------
    dict
        label, name, version, seed, model (adjusted, stratified, by, clock, note), hazard_ratios
        (per endpoint: count categories and covariates), centre_log_hazards, population, spec.
    """
    adjusted = list(dict.fromkeys(e.column for e in spec.covariate_effects))
    return {
        "label": "simulated",
        "name": spec.name,
        "version": __version__,
        "seed": seed,
        "model": {
            "adjusted": adjusted,
            "stratified": "centre",
            "by": f"count category of the baseline sample ({spec.hazard_on} count)",
            "clock": "day of the baseline draw",
            "note": (
                "The planted hazard ratios belong to this model. Hazard ratios do not collapse: "
                "models with fewer covariates, or without stratification by centre, estimate "
                "other values, usually nearer to 1."
            ),
        },
        "hazard_ratios": {
            "os": _ratios(spec, "os"),
            spec.first_endpoint: _ratios(spec, "first_event"),
        },
        "centre_log_hazards": dict(centre_effects.iter_rows()),
        "population": spec.population.describe(),
        "spec": asdict(spec) | {"family": spec.population.family},
    }


def _ratios(spec: CohortSpec, which: str) -> dict[str, Any]:
    """Planted hazard ratios of one endpoint."""
    starts = [e.at_least for e in spec.count_effects]
    names = [_category(a, b) for a, b in zip(starts, [*starts[1:], None], strict=True)]
    return {
        "reference": _category(0, starts[0]) if starts else "all",
        "counts": {
            name: getattr(e, which) for name, e in zip(names, spec.count_effects, strict=True)
        },
        "covariates": [_covariate(e, which) for e in spec.covariate_effects],
        "interactions": [
            {"subtype": e.subtype, "level": e.level, "ratio": getattr(e, which)}
            for e in spec.interaction_effects
        ],
    }


def _category(start: int, following: int | None) -> str:
    """Name of a count category: ``0``, ``3-4``, ``>=5``."""
    if following is None:
        return f">={start}"
    return str(start) if following == start + 1 else f"{start}-{following - 1}"


def _covariate(effect: CovariateEffect, which: str) -> dict[str, Any]:
    """One covariate's planted value."""
    return {
        "column": effect.column,
        "level": effect.level,
        "per": None if effect.level else effect.per,
        "hazard_ratio": getattr(effect, which),
    }
