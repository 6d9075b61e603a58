"""Scales of pooled estimates: ratios, differences, shares; their axes and printed numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ashworth.figures.interval_rows import Axis, log_axis, usable
from ashworth.figures.numbers import DASH, percent_limits, ratio_limits
from ashworth.figures.value_panel import round_marks

EffectScale = Literal["ratio", "difference", "share"]
MINUS = "\u2212"


def no_effect(scale: EffectScale) -> float | None:
    """Value that means no effect; a share has none.

    Examples
    --------
    >>> no_effect("ratio"), no_effect("difference"), no_effect("share")
    (1.0, 0.0, None)
    """
    return {"ratio": 1.0, "difference": 0.0, "share": None}[scale]


def effect_axis(
    values: Sequence[float], scale: EffectScale, left: float, right: float, *, most: int = 5
) -> Axis:
    """Axis that covers the values, with the value of no effect.

    Examples
    --------
    >>> effect_axis([-0.2, 0.31], "difference", 0, 100).ticks
    (-0.2, 0.0, 0.2, 0.4)
    """
    if scale == "ratio":
        return log_axis(values, left, right)
    good = [v for v in values if usable(v) is not None]
    low, high = min([*good, 0.0]), max([*good, 0.01])
    marks = round_marks(low, high, most)
    step = marks[1] - marks[0] if len(marks) > 1 else high - low
    while marks[0] > low + 1e-9:
        marks.insert(0, round(marks[0] - step, 10))
    while marks[-1] < high - 1e-9:
        marks.append(round(marks[-1] + step, 10))
    if scale == "share":
        marks = [m for m in marks if -1e-9 <= m <= 1 + 1e-9]
    return Axis(marks[0], marks[-1], left, right, False, tuple(marks))


def effect_words(
    estimate: float | None, lower: float | None, upper: float | None, scale: EffectScale
) -> str:
    """Estimate with its limits as papers print it.

    Examples
    --------
    >>> effect_words(1.23, 1.06, 1.43, "ratio"), effect_words(-0.05, -0.2, 0.1, "difference")
    ('1.23 (1.06–1.43)', '−0.05 (−0.20 to 0.10)')
    >>> effect_words(0.252, 0.231, 0.274, "share")
    '25.2% (23.1–27.4)'
    """
    if scale == "ratio":
        return ratio_limits(estimate, lower, upper)
    if scale == "share":
        return percent_limits(estimate, lower, upper)
    if usable(estimate) is None:
        return "not estimable"
    return f"{signed(estimate)} ({signed(lower)} to {signed(upper)})"


def limits_words(lower: float | None, upper: float | None, scale: EffectScale) -> str:
    """Limits alone, in brackets.

    Examples
    --------
    >>> limits_words(0.8, 4.7, "ratio")
    '(0.80–4.70)'
    """
    words = effect_words(lower, lower, upper, scale)
    return words[words.index("(") :] if "(" in words else f"(?{DASH}?)"


def signed(value: float | None) -> str:
    """Two decimals with a true minus sign.

    Examples
    --------
    >>> signed(-0.333), signed(-0.001), signed(None)
    ('−0.33', '0.00', '?')
    """
    known = usable(value)
    if known is None:
        return "?"
    words = f"{known:.2f}"
    return words.replace("-", "") if float(words) == 0 else words.replace("-", MINUS)
