"""Printed ratios: limits, symmetry, p-value, level, and the events behind them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ashworth.evidence.consistency.check_shares import finding
from ashworth.evidence.consistency.findings import Finding, Verdict
from ashworth.evidence.consistency.intervals import (
    RatioInterval,
    level_from_p,
    limits_from_p,
    two_sided,
    z_of_p,
)
from ashworth.evidence.consistency.records import RATIOS, Dossier, Record
from ashworth.evidence.consistency.rounding import agrees, half_unit, listed, text_of, text_of_p

SYMMETRY = 0.05
_LEVELS = (0.90, 0.95, 0.99)
_OTHER_TEST = 0.3
_HAZARDS = ("hazard_ratio", "mortality_ratio", "rate_ratio")


def interval_of(record: Record) -> RatioInterval | None:
    """The ratio with its limits, where it has them."""
    if record.measure not in RATIOS or record.limits is None or record.level is None:
        return None
    if record.value is None or not 0 < record.limits[0] < record.limits[1] or record.value <= 0:
        return None
    return RatioInterval(record.value, *record.limits, record.level, record.digits)


def ratios(record: Record, dossier: Dossier) -> Iterator[Finding]:
    """Check a ratio's limits against its estimate, p-value and events."""
    if record.measure not in RATIOS or record.value is None:
        return
    interval = interval_of(record)
    if interval is None:
        yield _without_limits(record)
        return
    yield _symmetry(record, interval)
    if record.standard_error is not None:
        yield _standard_error(record, interval)
    if record.p is not None:
        yield _p(record, interval)
    if record.measure in _HAZARDS:
        yield _events(record, interval)


def implies_limits(record: Record) -> bool:
    """Whether a ratio and its p-value have one interval: neither is 1, the p-value is exact."""
    if record.p is None or record.value is None or record.p_relation != "=":
        return False
    return record.p < 1.0 and record.value > 0.0 and record.value != 1.0


def _without_limits(record: Record) -> Finding:
    """A ratio without usable limits: what its p-value implies, if it has one."""
    claim, text, why = record.interval(), "", "a ratio without its interval"
    if record.limits is not None:
        why = "limits that are equal, or 0, have no width on the scale of logarithms"
    if implies_limits(record):
        ratio, p = record.value or 1.0, record.p or 1.0
        lower, upper = limits_from_p(ratio, p)
        events = 4.0 * (z_of_p(p) / math.log(ratio)) ** 2
        text = (f"{record.printed_p} implies 95 % limits {lower:.2f}-{upper:.2f} and about "
                f"{events:.0f} events in two equal groups")  # fmt: skip
    return finding(record, "interval", "cannot be checked", claim, text, why)


def _symmetry(record: Record, i: RatioInterval) -> Finding:
    """Limits of a Wald interval lie symmetrically on the log scale."""
    low, high = i.centres()
    h = half_unit(i.digits)
    off = 100 * (i.centre / i.estimate - 1)
    text = f"geometric mean of the limits {text_of(i.centre)}, {off:+.1f} % from the estimate"
    if not i.lower - 2 * h <= i.estimate <= i.upper + 2 * h:
        return finding(record, "log-symmetry", "cannot hold", record.interval(), text,
                       "the estimate lies outside of its limits")  # fmt: skip
    near = abs(math.log(i.centre / i.estimate)) <= math.log1p(SYMMETRY)
    rounded = low <= i.estimate + h and i.estimate - h <= high
    if near or rounded:
        return finding(record, "log-symmetry", "holds", record.interval(), text)
    why = "the limits are not of a Wald test (profile, exact, bootstrap) or a number is misprinted"
    if agrees((i.lower + i.upper) / 2, i.estimate, i.digits):
        why = "they are of logarithms or of a difference: symmetric without the logarithm"
    return finding(record, "log-symmetry", "holds only if", record.interval(), text, why)


def _standard_error(record: Record, i: RatioInterval) -> Finding:
    assert record.standard_error is not None
    low, high = i.standard_errors()
    text = f"limits give a standard error of the logarithm of {text_of(i.standard_error)}"
    claim = f"standard error {text_of(record.standard_error)}"
    slack = 0.01 * i.standard_error
    if low - slack <= record.standard_error <= high + slack:
        return finding(record, "standard error", "holds", claim, text)
    natural = i.standard_error * i.estimate
    if abs(record.standard_error / natural - 1) < 0.02:
        return finding(record, "standard error", "holds only if", claim, text,
                       "it is that of the ratio, not of its logarithm")  # fmt: skip
    return finding(record, "standard error", "cannot hold", claim, text)


def _p(record: Record, i: RatioInterval) -> Finding:
    """Compare the printed p-value with the one that the limits imply."""
    low, high = (two_sided(z) for z in reversed(i.z_range()))
    text = (f"z = {i.z:.2f}, p = {text_of_p(i.p_value)} from {100 * i.level:g} % limits; rounding "
            f"leaves {text_of_p(low)} to {text_of_p(high)}")  # fmt: skip
    claim = f"{record.interval()}, {record.printed_p}"
    verdict, why = _p_verdict(record, i, low, high)
    return finding(record, "p from interval", verdict, claim, text, why)


def _p_verdict(record: Record, i: RatioInterval, low: float, high: float) -> tuple[Verdict, str]:
    assert record.p is not None
    p, h = record.p, half_unit(record.p_digits)
    if record.p_relation == "=":
        if low <= p + h * (1 + 1e-9) and p - h * (1 + 1e-9) <= high:
            return "holds", ""
        return _other_p(record, i)
    below = record.p_relation == "<"
    if (i.p_value < p) if below else (i.p_value > p):
        return "holds", ""
    if (low < p) if below else (high > p):
        side = "wider" if below else "narrower"
        return "holds only if", (
            f"the unrounded numbers are favourable; with the printed ones p = "
            f"{text_of_p(i.p_value)} is not {record.p_relation} {p:g} "
            f'("=" instead of "{record.p_relation}" would fit)'
            if low <= p + h and p - h <= high
            else f"the unrounded limits are {side} than printed"
        )
    return _other_p(record, i)


def _other_p(record: Record, i: RatioInterval) -> tuple[Verdict, str]:
    """Ways in which the printed p-value could still belong to the interval."""
    assert record.p is not None
    ways, h = [], half_unit(record.p_digits)
    small, large = i.z_range()
    if two_sided(large) / 2 <= record.p + h and record.p - h <= two_sided(small) / 2:
        ways.append("it is one-sided")
    for level in _LEVELS:
        if level != i.level and _level_fits(record, i, level):
            implied = "" if i.estimate == 1.0 else (
                f" (it implies {100 * level_from_p(i, record.p):.1f} %)")  # fmt: skip
            ways.append(f"the limits are at {100 * level:g} %{implied}")
    z = z_of_p(record.p)
    if small - _OTHER_TEST <= z <= large + _OTHER_TEST:
        ways.append("it is of another test or model (log-rank, likelihood ratio, unadjusted)")
    if ways and record.p_relation == "=":
        return "holds only if", listed(ways, "or")
    return "cannot hold", ""


def _level_fits(record: Record, i: RatioInterval, level: float) -> bool:
    assert record.p is not None
    if record.p_relation != "=":
        return False
    other = RatioInterval(i.estimate, i.lower, i.upper, level, i.digits)
    small, large = other.z_range()
    h = half_unit(record.p_digits)
    return two_sided(large) <= record.p + h and record.p - h <= two_sided(small)


def _events(record: Record, i: RatioInterval) -> Finding:
    """Compare the events that the width implies with those recorded."""
    small, large = i.standard_errors()
    least, most = 4.0 / large**2, 4.0 / small**2
    text = (f"standard error {text_of(i.standard_error)}, 4/SE^2 = {i.events:.0f} events in two "
            f"equal groups (rounding leaves {least:.0f} to {most:.0f})")  # fmt: skip
    claim = record.interval()
    if record.events is not None:
        return _against(record, f"{claim} with {record.events} events", text, least, "events",
                        record.events)  # fmt: skip
    if record.n is not None and least > record.n:
        return _against(record, f"{claim} in {record.n} patients", text, least, "patients",
                        record.n)  # fmt: skip
    return finding(record, "implied events", "cannot be checked", claim, text,
                   "the number of events is not recorded")  # fmt: skip


def _against(
    record: Record, claim: str, text: str, least: float, what: str, number: int
) -> Finding:
    if least <= number * 1.02:
        return finding(record, "implied events", "holds", claim, text)
    if record.contrast or len(record.arms) == 2:
        return finding(record, "implied events", "cannot hold", claim, text,
                       f"two groups need more than {number} {what} for it")  # fmt: skip
    why = f"it is per unit of a marker: two groups need more than {number} {what} for it"
    return finding(record, "implied events", "holds only if", claim, text, why)


def ratios_of_counts(record: Record, dossier: Dossier) -> Iterator[Finding]:
    """Check a risk or odds ratio against the groups' counts."""
    arms = record.arms
    if record.measure not in ("risk_ratio", "odds_ratio") or record.value is None:
        return
    if len(arms) != 2 or not all(a.counted for a in arms):
        return
    (a, n), (b, m) = ((x.events or 0, x.n or 0) for x in arms)
    odds = record.measure == "odds_ratio"
    top, bottom = (a * (m - b), b * (n - a)) if odds else (a * m, b * n)
    claim = f"{record.interval()} from {arms[0].fraction()} and {arms[1].fraction()}"
    if bottom == 0:
        yield finding(record, "ratio of counts", "cannot be checked", claim, "",
                      "a count of 0 makes the ratio infinite")  # fmt: skip
        return
    ratio = top / bottom
    text = f"{'odds' if odds else 'risk'} ratio {text_of(ratio, 4)}"
    if agrees(ratio, record.value, record.digits):
        yield finding(record, "ratio of counts", "holds", claim, text)
    elif ratio > 0 and agrees(1 / ratio, record.value, record.digits):
        yield finding(record, "ratio of counts", "holds only if", claim, text,
                      "the groups are exchanged")  # fmt: skip
    elif record.model:
        yield finding(record, "ratio of counts", "holds only if", claim, text,
                      "it is adjusted")  # fmt: skip
    else:
        yield finding(record, "ratio of counts", "cannot hold", claim, text)
