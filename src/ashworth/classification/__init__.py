"""Features of cells to calls and marker scores."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashworth.classification.event_matching import MatchedEvents as MatchedEvents
    from ashworth.classification.event_matching import match_events as match_events
    from ashworth.classification.gates import Calls as Calls
    from ashworth.classification.gates import call_cells as call_cells
    from ashworth.classification.her2_calibrate import calibrate as calibrate
    from ashworth.classification.her2_calibrate import write_calibration as write_calibration
    from ashworth.classification.her2_patient import Her2Verdict as Her2Verdict
    from ashworth.classification.her2_patient import her2_verdict as her2_verdict
    from ashworth.classification.her2_patient import (
        her2_verdict_of_counts as her2_verdict_of_counts,
    )
    from ashworth.classification.her2_patient import (
        her2_verdict_of_values as her2_verdict_of_values,
    )
    from ashworth.classification.her2_score import Her2Scores as Her2Scores
    from ashworth.classification.her2_score import score_her2 as score_her2
    from ashworth.classification.her2_simulated import CONTROLS as CONTROLS
    from ashworth.classification.her2_simulated import Her2Ladder as Her2Ladder
    from ashworth.classification.her2_simulated import (
        simulated_calibration as simulated_calibration,
    )
    from ashworth.classification.her2_simulated import simulated_cells as simulated_cells
    from ashworth.classification.leukocytes import Leukocytes as Leukocytes
    from ashworth.classification.leukocytes import find_leukocytes as find_leukocytes
    from ashworth.classification.ordinal_scores import OrdinalAgreement as OrdinalAgreement
    from ashworth.classification.ordinal_scores import ordinal_agreement as ordinal_agreement
    from ashworth.classification.reader_agreement import Agreement as Agreement
    from ashworth.classification.reader_agreement import agreement as agreement
    from ashworth.classification.reader_agreement import agreement_of_counts as agreement_of_counts

_PUBLIC = {
    "Calls": "gates",
    "Leukocytes": "leukocytes",
    "call_cells": "gates",
    "find_leukocytes": "leukocytes",
    "Agreement": "reader_agreement",
    "MatchedEvents": "event_matching",
    "OrdinalAgreement": "ordinal_scores",
    "agreement": "reader_agreement",
    "agreement_of_counts": "reader_agreement",
    "match_events": "event_matching",
    "ordinal_agreement": "ordinal_scores",
    "CONTROLS": "her2_simulated",
    "Her2Ladder": "her2_simulated",
    "Her2Scores": "her2_score",
    "Her2Verdict": "her2_patient",
    "calibrate": "her2_calibrate",
    "her2_verdict": "her2_patient",
    "her2_verdict_of_counts": "her2_patient",
    "her2_verdict_of_values": "her2_patient",
    "score_her2": "her2_score",
    "simulated_calibration": "her2_simulated",
    "simulated_cells": "her2_simulated",
    "write_calibration": "her2_calibrate",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ashworth.classification' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"ashworth.classification.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
