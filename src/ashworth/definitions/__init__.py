"""Assays, positivity and dynamics rules, endpoints, subtypes, HER2 on cells and studies as data.

Each is a YAML file with references and, but for studies, worked cases; this room only loads them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashworth.definitions.call_models import CallRule as CallRule
    from ashworth.definitions.evidence_models import Conflict as Conflict
    from ashworth.definitions.evidence_models import Cutoff as Cutoff
    from ashworth.definitions.evidence_models import FunnelStep as FunnelStep
    from ashworth.definitions.evidence_models import Group as Group
    from ashworth.definitions.evidence_models import Printed as Printed
    from ashworth.definitions.evidence_models import Quips as Quips
    from ashworth.definitions.evidence_models import Statistic as Statistic
    from ashworth.definitions.evidence_models import Study as Study
    from ashworth.definitions.her2_models import Her2Calibration as Her2Calibration
    from ashworth.definitions.her2_models import Her2Rule as Her2Rule
    from ashworth.definitions.loader import KINDS as KINDS
    from ashworth.definitions.loader import Catalogue as Catalogue
    from ashworth.definitions.loader import load as load
    from ashworth.definitions.loader import load_all as load_all
    from ashworth.definitions.loader import references as references
    from ashworth.definitions.models import OUTCOME_KINDS as OUTCOME_KINDS
    from ashworth.definitions.models import Assay as Assay
    from ashworth.definitions.models import Condition as Condition
    from ashworth.definitions.models import DatedCutoff as DatedCutoff
    from ashworth.definitions.models import Denominator as Denominator
    from ashworth.definitions.models import DynamicsClass as DynamicsClass
    from ashworth.definitions.models import DynamicsRule as DynamicsRule
    from ashworth.definitions.models import Endpoint as Endpoint
    from ashworth.definitions.models import Level as Level
    from ashworth.definitions.models import PositivityRule as PositivityRule
    from ashworth.definitions.models import Reference as Reference
    from ashworth.definitions.models import Subtype as Subtype
    from ashworth.definitions.schema import json_schema as json_schema

_PUBLIC = {
    "KINDS": "loader",
    "Catalogue": "loader",
    "load": "loader",
    "load_all": "loader",
    "references": "loader",
    "json_schema": "schema",
    "OUTCOME_KINDS": "models",
    "Assay": "models",
    "CallRule": "call_models",
    "Condition": "models",
    "Conflict": "evidence_models",
    "Cutoff": "evidence_models",
    "DatedCutoff": "models",
    "Denominator": "models",
    "DynamicsClass": "models",
    "DynamicsRule": "models",
    "Endpoint": "models",
    "FunnelStep": "evidence_models",
    "Group": "evidence_models",
    "Her2Calibration": "her2_models",
    "Her2Rule": "her2_models",
    "Level": "models",
    "PositivityRule": "models",
    "Printed": "evidence_models",
    "Quips": "evidence_models",
    "Reference": "models",
    "Statistic": "evidence_models",
    "Study": "evidence_models",
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
