"""Units of the protocol language: what can be compared with what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit, its dimension, and how many of the dimension's base unit it is."""

    name: str
    dimension: str
    factor: float = 1.0


_TIME = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}
_LENGTH = {"mm": 1.0, "cm": 10.0}
# Counts per different volumes are different dimensions on purpose: a cut-off at 7.5 ml says
# nothing about 15 ml without a model.
_OWN = (
    "1", "%", "cells", "nodes", "lines", "copies/mL", "cells/7.5mL", "cells/15mL", "cells/30mL",
    "cells/mL", "cells/2e6", "U/mL", "ng/mL", "g/dL", "points", "mg", "Gy",
)  # fmt: skip

UNITS: dict[str, Unit] = {
    **{name: Unit(name, "time", factor) for name, factor in _TIME.items()},
    **{name: Unit(name, "length", factor) for name, factor in _LENGTH.items()},
    **{name: Unit(name, name) for name in _OWN},
}
DIMENSIONLESS = UNITS["1"]
DAYS = UNITS["days"]
BASE = {"time": DAYS, "length": UNITS["mm"]}


def base_of(unit: Unit) -> Unit:
    """Give the base unit of a unit's dimension: days for years."""
    return BASE.get(unit.dimension, unit)
