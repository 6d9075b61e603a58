"""Numbers as papers print them."""

from __future__ import annotations

import math

DASH = "–"


def missing(value: float | None) -> bool:
    """Return whether there is no number (None or NaN)."""
    return value is None or math.isnan(value)


def ratio(value: float | None) -> str:
    """Hazard or rate ratio: two decimals, at most six digits, words for what is no number.

    Examples
    --------
    >>> ratio(1.9449), ratio(float("inf")), ratio(None), ratio(12345678.0), ratio(0.004)
    ('1.94', 'infinite', 'not estimable', '> 999,999', '< 0.01')
    """
    if value is None or math.isnan(value):
        return "not estimable"
    if math.isinf(value):
        return "infinite" if value > 0 else "not estimable"
    if value >= 999_999.5:
        return "> 999,999"
    if 0 < value < 0.005:
        return "< 0.01"
    return f"{value:.2f}" if value < 999.995 else f"{value:,.0f}"


def ratio_limits(value: float | None, lower: float | None, upper: float | None) -> str:
    """Ratio with its limits; words alone where the ratio is no finite number.

    Examples
    --------
    >>> ratio_limits(1.49, 1.2, 1.85)
    '1.49 (1.20–1.85)'
    >>> ratio_limits(float("inf"), None, None), ratio_limits(0.0, None, None)
    ('infinite', 'zero')
    >>> ratio_limits(0.91, None, None)
    '0.91 (no limits)'
    """
    words = ratio(value)
    if words in ("infinite", "not estimable"):
        return words
    if missing(lower) and missing(upper):
        return f"{words} (no limits)" if value else "zero"
    return f"{words} ({_limit(lower)}{DASH}{_limit(upper)})"


def _limit(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "?"
    return "∞" if math.isinf(value) else ratio(value)


def p_value(value: float | None) -> str:
    """P-value: two significant digits, at least 0.001, at most 0.99.

    Examples
    --------
    >>> [p_value(p) for p in (1e-9, 0.00123, 0.03, 0.5, 0.999, None)]
    ['< 0.001', '0.0012', '0.030', '0.50', '> 0.99', '']
    """
    if value is None or math.isnan(value):
        return ""
    if value < 0.001:
        return "< 0.001"
    if value > 0.99:
        return "> 0.99"
    decimals = 1 - math.floor(math.log10(value) + 1e-12)
    return f"{value:.{decimals}f}"


def percent(share: float | None) -> str:
    """Percentage with one decimal from a proportion, without the sign.

    Examples
    --------
    >>> percent(0.4663)
    '46.6'
    """
    return "" if share is None or math.isnan(share) else f"{100 * share:.1f}"


def percent_limits(share: float | None, lower: float | None, upper: float | None) -> str:
    """Percentage with limits, e.g. ``46.6% (44.6–48.6)``.

    Examples
    --------
    >>> percent_limits(0.466, 0.446, 0.486)
    '46.6% (44.6–48.6)'
    """
    if share is None or math.isnan(share):
        return "not estimable"
    return f"{percent(share)}% ({percent(lower) or '?'}{DASH}{percent(upper) or '?'})"


def counted(n: int, noun: str) -> str:
    """Write a number with its noun in the right form.

    Examples
    --------
    >>> counted(1, "patient"), counted(1200, "event")
    ('1 patient', '1,200 events')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
