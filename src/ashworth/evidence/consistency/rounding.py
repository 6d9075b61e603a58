"""Printed numbers: which true values round to them, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Iterable


def half_unit(digits: int) -> float:
    """Half a unit of the last printed digit."""
    return 0.5 * 10.0**-digits


def agrees(value: float, printed: float, digits: int) -> bool:
    """Whether a value rounds to what is printed (a final 5 may go either way)."""
    return abs(value - printed) <= half_unit(digits) * (1 + 1e-9) + 1e-12 * abs(printed)


def double_rounded(value: float, printed: float, digits: int) -> bool:
    """Whether rounding twice, first to one digit more, gives what is printed."""
    once = math.floor(value * 10.0 ** (digits + 1) + 0.5 + 1e-9) / 10.0 ** (digits + 1)
    return agrees(once, printed, digits) and not agrees(value, printed, digits)


def cut_off(value: float, printed: float, digits: int) -> bool:
    """Whether the printed number is the value without its further digits."""
    cut = math.floor(abs(value) * 10.0**digits + 1e-9) / 10.0**digits
    return abs(cut - abs(printed)) < 1e-9 and not agrees(value, printed, digits)


def whole_counts(percent: float, digits: int, n: int) -> range:
    """Whole counts of n whose share rounds to a printed per cent."""
    half = half_unit(digits)
    low = math.ceil((percent - half) * n / 100.0 - 1e-9)
    high = math.floor((percent + half) * n / 100.0 + 1e-9)
    return range(max(low, 0), min(high, n) + 1)


def text_of(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits, never as a power where it can be read."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "infinite" if math.isinf(value) else "not defined"
    if abs(value) < 1e-4:
        return f"{value:.1e}".replace("e-0", "e-")
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{places}f}"


def text_of_p(p: float) -> str:
    """Write a p-value: four decimals, small ones as a power of ten."""
    return f"{p:.4f}" if p >= 0.00095 else text_of(p, 2)


def listed(items: Iterable[object], last: str = "and") -> str:
    """Join words: a, b and c."""
    words = [str(i) for i in items]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
