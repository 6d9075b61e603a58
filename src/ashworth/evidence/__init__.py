"""Evidence: estimates pooled over studies and centres, pooled patient data, imputation.

Estimators take numpy arrays, lists, and polars or pandas columns, and return one frozen result
with ``.table()``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashworth.evidence.pooling.model import NarrowIntervalWarning as NarrowIntervalWarning
    from ashworth.evidence.pooling.model import pool as pool
    from ashworth.evidence.pooling.result import Heterogeneity as Heterogeneity
    from ashworth.evidence.pooling.result import Interval as Interval
    from ashworth.evidence.pooling.result import Pooled as Pooled
    from ashworth.evidence.pooling.result import Prediction as Prediction

_PLACES = {
    "Heterogeneity": "pooling.result",
    "Interval": "pooling.result",
    "NarrowIntervalWarning": "pooling.model",
    "Pooled": "pooling.result",
    "Prediction": "pooling.result",
    "pool": "pooling.model",
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    """Import a public name's module on first use."""
    if name not in _PLACES:
        raise AttributeError(f"module 'ashworth.evidence' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"ashworth.evidence.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
