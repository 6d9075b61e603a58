"""Ticks of time axes at round values of the unit."""

from __future__ import annotations

import math
from typing import Literal

TimeUnit = Literal["days", "weeks", "months", "years"]

_STEPS: dict[str, tuple[float, ...]] = {
    "days": (1, 7, 14, 28, 91, 182, 365, 730),
    "weeks": (1, 2, 4, 13, 26, 52, 104, 260),
    "months": (1, 2, 3, 6, 12, 24, 36, 60, 120),
    "years": (0.25, 0.5, 1, 2, 3, 5, 10),
}


def time_ticks(max_time: float, unit: TimeUnit, *, most: int | None = None) -> tuple[float, ...]:
    """Round tick values from 0 up to `max_time`.

    Parameters
    ----------
    max_time : float
        Longest time on the axis, in `unit`.
    unit : {"days", "weeks", "months", "years"}
        Unit of the axis.
    most : int, optional
        At most so many ticks; default 11 for years, else 9.

    Returns
    -------
    tuple of float
        Multiples of one step; months step by 1, 2, 3, 6, 12, 24 ..., years by 1, 2, 3, 5.

    Examples
    --------
    >>> time_ticks(60, "months")
    (0, 12, 24, 36, 48, 60)
    >>> time_ticks(9.4, "years", most=6)
    (0, 2, 4, 6, 8)
    """
    steps = _STEPS[unit]
    most = most or (11 if unit == "years" else 9)
    step = next((s for s in steps if max_time / s <= most - 1), steps[-1])
    while max_time / step > most - 1:
        step *= 2
    count = int(max_time / step + 1e-9)
    values = [step * i for i in range(count + 1)]
    return tuple(int(v) if float(v).is_integer() else v for v in values)


def nice_ticks(low: float, high: float, most: int = 6) -> tuple[float, ...]:
    """Round numbers between two values, at most `most` of them, in steps of 1, 2 or 5.

    Examples
    --------
    >>> nice_ticks(0.57, 0.93)
    (0.6, 0.7, 0.8, 0.9)
    """
    spread = high - low
    if not spread > 0:
        return (low,)
    power = 10.0 ** math.floor(math.log10(spread / most))
    step = next(m * power for m in (1, 2, 5, 10, 20) if spread / (m * power) <= most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(k * step, 12) for k in range(first, last + 1))
