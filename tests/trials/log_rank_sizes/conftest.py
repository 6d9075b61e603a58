"""Reference values of other people's programs, and the trials that they describe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ashworth.trials import TrialCourse, hazard_of_survival

_FILE = Path(__file__).parents[3] / "reference" / "trials" / "log_rank_sizes.json"
_READ = json.loads(_FILE.read_text(encoding="utf-8"))
MADE: dict[str, Any] = {k: v["value"] for k, v in _READ["entries"].items()}
PRINTED: dict[str, Any] = _READ["printed"]


def median_12(**changes: Any) -> TrialCourse:
    """Median 12 months, ratio 0.75, accrual 24, follow-up 18, 5% drop-out a year."""
    plain = {"control_median": 12.0, "hazard_ratio": 0.75, "accrual_duration": 24.0,
             "follow_up": 18.0, "dropout_hazard": hazard_of_survival(0.95, 12.0)}  # fmt: skip
    return TrialCourse(**{**plain, **changes})


def two_hazards(**changes: Any) -> TrialCourse:
    """Hazard 0.06 for 6 months, then 0.04; ratio 0.75."""
    plain = {"control_hazard": (0.06, 0.04), "hazard_breaks": (6.0,), "hazard_ratio": 0.75,
             "accrual_duration": 24.0, "follow_up": 12.0, "dropout_hazard": 0.005}  # fmt: skip
    return TrialCourse(**{**plain, **changes})


def stic(**changes: Any) -> TrialCourse:
    """Medians of 13.9 months, accrual 54, follow-up 24, no difference."""
    plain = {"control_median": 13.9, "hazard_ratio": 1.0, "accrual_duration": 54.0,
             "follow_up": 24.0}  # fmt: skip
    return TrialCourse(**{**plain, **changes})
