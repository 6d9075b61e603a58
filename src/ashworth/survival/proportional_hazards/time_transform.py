"""Transformed event times for the test of proportional hazards."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats
from ashworth.survival.proportional_hazards.data import CoxData

TRANSFORMS = ("km", "rank", "identity", "log")


def _one_minus_survival(data: CoxData) -> Floats:
    """One minus the Kaplan-Meier estimate of all rows, unweighted, just before each row's end."""
    from ashworth.survival.curves.kaplan_meier_curves import kaplan_meier

    curve = kaplan_meier(
        data.time, data.event.astype(np.float64), entry=data.entry, tie_tolerance=0.0
    )["all"]
    place = np.searchsorted(curve.time, data.time, side="left")
    return 1.0 - np.concatenate([[1.0], curve.survival])[place]


def transformed_times(data: CoxData, transform: str) -> Floats:
    """Transformed end of follow-up of every row, shape (n,); see `proportional_hazards_test`."""
    if transform == "identity":
        return data.time
    if transform == "rank":
        return rankdata(data.time)
    if transform == "km":
        return _one_minus_survival(data)
    if (data.time[data.event] <= 0).any():
        raise EstimationError(
            "proportional_hazards_test: an event at time 0 has no logarithm; use another transform"
        )
    return np.log(np.maximum(data.time, np.finfo(float).tiny))
