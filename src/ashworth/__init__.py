"""Studies of circulating and disseminated tumour cells in breast cancer.

Rooms load when first used: ``ashworth.survival.cox(...)`` imports the survival room then.
Research use only; not a medical device.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from ashworth.version import __version__

_ROOMS = (
    "classification",
    "cohorts",
    "definitions",
    "enumeration",
    "errors",
    "figures",
    "imaging",
    "records",
    "reports",
    "storage",
    "survival",
    "workflows",
)

__all__ = [*_ROOMS, "__version__"]


def __getattr__(name: str) -> ModuleType:
    """Import a room on first use."""
    if name in _ROOMS:
        return importlib.import_module(f"ashworth.{name}")
    raise AttributeError(f"module 'ashworth' has no attribute '{name}'")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
