"""Numbers as a report prints them; the rules for ratios and p-values are those of the figures."""

from __future__ import annotations

import math

from ashworth.figures.numbers import (
    DASH,
    p_value,
    percent,
    percent_limits,
    ratio,
    ratio_limits,
)

__all__ = [
    "count",
    "count_percent",
    "interval",
    "median_limits",
    "number",
    "p_value",
    "p_words",
    "percent",
    "percent_limits",
    "ratio",
    "ratio_limits",
]


def number(value: float | None, decimals: int = 1) -> str:
    """Print a number with fixed decimals and at most six digits; nothing for a missing one.

    Examples
    --------
    >>> number(12.345), number(10307.2, 0), number(1234567.8, 1), number(-0.04)
    ('12.3', '10,307', '1.23e+06', '0.0')
    """
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if abs(value) >= 999_999.5:
        return f"{value:.3g}"
    digits = len(str(int(abs(value))))
    text = f"{value:,.{min(decimals, max(6 - digits, 0))}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def count(value: int | None) -> str:
    """Integer with commas: counts keep all their digits.

    Examples
    --------
    >>> count(10307)
    '10,307'
    """
    return "" if value is None else f"{value:,}"


def count_percent(n: int, total: int) -> str:
    """Count with its percentage.

    Examples
    --------
    >>> count_percent(1136, 2436), count_percent(0, 0)
    ('1,136 (46.6)', '0 (–)')
    """
    share = percent(n / total) if total else DASH
    return f"{count(n)} ({share})"


def interval(lower: float | None, upper: float | None, decimals: int = 1) -> str:
    """Range with an en dash; "to" where a limit is negative.

    Examples
    --------
    >>> interval(1.2, 1.85, 2), interval(-1, 2, 0)
    ('1.20–1.85', '−1 to 2')
    """
    low, high = number(lower, decimals) or "?", number(upper, decimals) or "?"
    return f"{low} to {high}" if "−" in low + high else f"{low}{DASH}{high}"


def median_limits(
    value: float | None, lower: float | None, upper: float | None, decimals: int = 1
) -> str:
    """Median time with limits; what the curve does not reach is said so.

    Examples
    --------
    >>> median_limits(21.04, 19.2, 23.5), median_limits(None, 60.2, None)
    ('21.0 (19.2–23.5)', 'not reached (60.2–not reached)')
    >>> median_limits(None, None, None)
    'not reached'
    """
    words = [_reached(v, decimals) for v in (value, lower, upper)]
    if words == ["not reached"] * 3:
        return words[0]
    return f"{words[0]} ({words[1]}{DASH}{words[2]})"


def _reached(value: float | None, decimals: int) -> str:
    if value is None or not math.isfinite(value):
        return "not reached"
    return number(value, decimals)


def p_words(value: float | None) -> str:
    """P-value for running text.

    Examples
    --------
    >>> p_words(0.0004), p_words(0.031), p_words(None)
    ('p < 0.001', 'p = 0.031', 'p not available')
    """
    words = p_value(value)
    if not words:
        return "p not available"
    return f"p {words}" if words[0] in "<>" else f"p = {words}"
