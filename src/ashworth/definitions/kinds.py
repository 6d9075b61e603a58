"""Every kind of definition and its model: a new kind is one word and one row here."""

from __future__ import annotations

from typing import Literal

from ashworth.definitions.call_models import CallRule
from ashworth.definitions.evidence_models import Study
from ashworth.definitions.her2_models import Her2Calibration, Her2Rule
from ashworth.definitions.models import (
    Assay,
    Definition,
    DynamicsRule,
    Endpoint,
    PositivityRule,
    Subtype,
)
from ashworth.definitions.protocols.model import Protocol

Kind = Literal[
    "assay",
    "positivity_rule",
    "dynamics_rule",
    "endpoint",
    "subtype",
    "call_rule",
    "her2_calibration",
    "her2_rule",
    "study",
    "protocol",
]

MODELS: dict[str, type[Definition]] = {
    "assay": Assay,
    "positivity_rule": PositivityRule,
    "dynamics_rule": DynamicsRule,
    "endpoint": Endpoint,
    "subtype": Subtype,
    "call_rule": CallRule,
    "her2_calibration": Her2Calibration,
    "her2_rule": Her2Rule,
    "study": Study,
    "protocol": Protocol,
}
