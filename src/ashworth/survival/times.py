"""Times that callers name: milestones, landmarks, breaks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ashworth.errors import EstimationError
from ashworth.survival.inputs import Floats, native


def named_times(values: Any, subject: str, name: str, allowed: str) -> Floats:
    """Return one or several finite times as an array.

    Raises
    ------
    EstimationError
        For text, truth values, missing values, no value, or more than one dimension.
    """
    array = np.atleast_1d(native(values))
    numeric = array.dtype.kind in "iuf" and array.ndim == 1 and array.size > 0
    if not numeric or not np.isfinite(array).all():
        raise EstimationError(f"{subject}: {name} is {values!r}; allowed: {allowed}")
    return array.astype(np.float64)
