"""One size that a protocol asks for, with what its analysis tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from ashworth.definitions.protocols.analyses import Analysis, Size
from ashworth.errors import InputError, Problem
from ashworth.trials.protocols.executable import Executable

_LISTS = ("steps", "then", "shares", "successes", "assessed", "fractions", "rates")


@dataclass(frozen=True)
class Asked:
    """A size with single values; what its analysis tells stands behind what is given.

    Attributes
    ----------
    trial : Executable
    size : Size
    given : mapping
        Values of this row.
    """

    trial: Executable
    size: Size
    given: Mapping[str, Any]

    @property
    def analysis(self) -> Analysis | None:
        """The analysis that the size belongs to."""
        wanted = self.size.analysis
        return next((a for a in self.trial.protocol.analyses if a.id == wanted), None)

    def value(self, name: str, default: Any = None) -> Any:
        """Give a value: from the size, from its analysis, or the default.

        Raises
        ------
        InputError
            If nobody tells it.
        """
        if name in self.given:
            return self.given[name]
        told = getattr(self.analysis, name, None) if self.analysis is not None else None
        if told is not None and told != "unknown":
            return told
        if default is not None:
            return default
        raise self.refusal(name, "unknown" if told == "unknown" else "nothing",
                           "a number", f"give '{name}' under 'given'")  # fmt: skip

    def refusal(self, name: str, found: str, allowed: str, remedy: str) -> InputError:
        """Make an error that knows the line."""
        line, _ = self.trial.document.place(("sizes", self.size.id))
        key = f"sizes.{self.size.id}.given.{name}"
        problem = Problem(self.trial.document.name, line, key, found, allowed, remedy)
        return InputError([problem], subject=f"the size '{self.size.id}'")

    @property
    def ratio(self) -> float:
        """Experimental patients per control patient."""
        if "ratio" in self.given:
            return float(self.given["ratio"])
        design, analysis = self.trial.protocol.randomisation, self.analysis
        if design is None or analysis is None:
            return 1.0
        if analysis.experimental is None or analysis.control is None:
            return 1.0
        return design.ratio[analysis.experimental] / design.ratio[analysis.control]

    @property
    def null_hazard_ratio(self) -> float:
        """1, or the margin of the analysis."""
        margin = self.given.get("margin", getattr(self.analysis, "margin", None))
        if margin == "unknown":
            raise self.refusal("margin", "unknown", "a hazard ratio", "give 'margin' under 'given'")
        return 1.0 if margin is None else float(margin)

    @property
    def hazard_ratio(self) -> float:
        """As given, or from the ratio of medians of exponential times."""
        if "median_ratio" in self.given:
            return 1.0 / float(self.given["median_ratio"])
        return float(self.value("hazard_ratio"))


def rows_asked(trial: Executable, size: Size) -> Iterator[Asked]:
    """Make one row for every combination of the values that are lists."""
    grids = {k: v for k, v in size.given.items() if isinstance(v, list) and k not in _LISTS}
    if "rates" in size.given:
        grids["rates"] = size.given["rates"]
    fixed = {k: v for k, v in size.given.items() if k not in grids}
    for values in product(*grids.values()):
        yield Asked(trial, size, {**fixed, **dict(zip(grids, values, strict=True))})
