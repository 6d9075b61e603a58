"""Collect every fault of a function's arguments, then refuse them all at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ashworth.errors import InputError, Problem


@dataclass
class Faults:
    """Faults of the arguments of one function.

    Attributes
    ----------
    subject : str
        The function, in the words of the message.
    """

    subject: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, name: str, found: Any, allowed: str, remedy: str = "correct the value") -> None:
        """Note one fault."""
        self.problems.append(Problem(self.subject, None, name, str(found), allowed, remedy))

    def number(
        self, name: str, value: Any, *, above: float = -math.inf, below: float = math.inf,
        least: float = -math.inf, most: float = math.inf,
    ) -> bool:  # fmt: skip
        """Demand a finite number in a range; tell whether it is one."""
        words = _range_words(above, below, least, most)
        real = isinstance(value, (int, float)) and not isinstance(value, bool)
        try:
            number = float(value) if real or hasattr(value, "__float__") else math.nan
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if isinstance(value, (bool, str)) or not math.isfinite(number):
            self.add(name, repr(value), words)
            return False
        if not (above < number < below and least <= number <= most):
            self.add(name, f"{number:g}", words)
            return False
        return True

    def probability(self, name: str, value: Any) -> bool:
        """Demand a number between 0 and 1, both excluded."""
        return self.number(name, value, above=0, below=1)

    def whole(self, name: str, value: Any, *, least: int = 1) -> bool:
        """Demand a whole number."""
        if not self.number(name, value, least=least):
            return False
        if float(value) != int(value):
            self.add(name, f"{value:g}", "a whole number")
            return False
        return True

    def one_of(self, name: str, value: Any, allowed: tuple[Any, ...]) -> bool:
        """Demand one of some values."""
        try:
            known = not isinstance(value, bool) and value in allowed
        except ValueError:  # an array has no single truth
            known = False
        if not known:
            self.add(name, repr(value), ", ".join(repr(a) for a in allowed), "choose one of them")
            return False
        return True

    def level_and_power(self, alpha: Any, sided: Any, power: Any) -> None:
        """Demand alpha, sides and a power above the one-sided level."""
        right = self.one_of("sided", sided, (1, 2))
        right = self.number("alpha", alpha, above=0, below=0.5 * (sided if right else 1)) and right
        if self.probability("power", power) and right and power <= alpha / sided:
            self.add("power", f"{power:g}", f"a power above the level {alpha / sided:g}")

    def refuse(self) -> None:
        """Raise `InputError` with all faults, if there are any."""
        if self.problems:
            raise InputError(self.problems, subject=self.subject)


def _range_words(above: float, below: float, least: float, most: float) -> str:
    parts = []
    if math.isfinite(above):
        parts.append(f"above {above:g}")
    if math.isfinite(least):
        parts.append(f"at least {least:g}")
    if math.isfinite(below):
        parts.append(f"below {below:g}")
    if math.isfinite(most):
        parts.append(f"at most {most:g}")
    return "a number" + (f" {' and '.join(parts)}" if parts else "")
