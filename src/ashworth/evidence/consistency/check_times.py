"""Survival shares against numbers of patients, medians against hazard ratios, rates."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ashworth.evidence.consistency.check_ratios import implies_limits
from ashworth.evidence.consistency.check_shares import finding
from ashworth.evidence.consistency.findings import Finding
from ashworth.evidence.consistency.intervals import (
    effective_n,
    limits_from_p,
    log_log_error,
    log_log_limits,
    rate_ratio,
    two_sided,
)
from ashworth.evidence.consistency.records import Arm, Dossier, Record
from ashworth.evidence.consistency.rounding import (
    agrees,
    half_unit,
    text_of,
    text_of_p,
    whole_counts,
)
from ashworth.survival.results import normal_quantile


def survival(record: Record, dossier: Dossier) -> Iterator[Finding]:
    """Check survival per cents with limits, and the contrast of two groups."""
    if record.measure != "survival":
        return
    own = Arm(record.label, None, record.n, None, record.value, record.lower, record.upper,
              record.digits)  # fmt: skip
    arms = [a for a in (own, *record.arms) if a.value is not None and a.lower is not None]
    for arm in arms:
        yield _survival(record, arm)
    if len(record.arms) == 2 and len(arms) >= 2:
        yield from _contrast(record)


def _survival(record: Record, arm: Arm) -> Finding:
    """Against log(-log) Greenwood limits: of whole counts without censoring, else of fewer."""
    assert arm.value is not None
    assert arm.lower is not None
    assert arm.upper is not None
    level, d = record.level or 0.95, arm.digits
    claim = f"{arm.label}: {arm.value:.{d}f} % ({arm.lower:.{d}f}-{arm.upper:.{d}f})"
    claim += f" of {arm.n}" if arm.n else ""
    if not 0 < arm.lower < arm.value < arm.upper < 100:
        return finding(record, "survival limits", "cannot be checked", claim, "",
                       "a limit is 0 or 100 %, or the estimate is not between them")  # fmt: skip
    for k in whole_counts(arm.value, d, arm.n) if arm.n else ():
        if not 0 < k < (arm.n or 0):
            continue
        low, high = (100 * x for x in log_log_limits(k, arm.n or 1, level))
        if agrees(low, arm.lower, d) and agrees(high, arm.upper, d):
            text = (f"{k}/{arm.n} = {100 * k / (arm.n or 1):.2f} %, log(-log) Greenwood limits "
                    f"{low:.2f}-{high:.2f}: nobody censored before")  # fmt: skip
            return finding(record, "survival limits", "holds", claim, text)
    return _effective(record, arm, claim, level)


def _effective(record: Record, arm: Arm, claim: str, level: float) -> Finding:
    """How many uncensored patients the limits imply."""
    assert arm.value is not None
    assert arm.lower is not None
    assert arm.upper is not None
    share, low, high = arm.value / 100, arm.lower / 100, arm.upper / 100
    error = log_log_error(low, high, level)
    implied, h = effective_n(share, error), half_unit(arm.digits) / 100
    widest = log_log_error(max(low - h, 1e-9), min(high + h, 1 - 1e-9), level)
    least = min(effective_n(s, widest) for s in (share - h, min(share + h, 1 - 1e-9)))
    text = (f"log(-log) standard error {error:.3f}, effective n {implied:.1f} "
            "without censoring")  # fmt: skip
    if not arm.n:
        return finding(record, "survival limits", "cannot be checked", claim, text,
                       "the number of patients is not recorded")  # fmt: skip
    if least > arm.n * 1.02:
        return finding(record, "survival limits", "cannot hold", claim, text,
                       f"limits so narrow need more than {arm.n} patients")  # fmt: skip
    centre = (math.log(-math.log(low)) + math.log(-math.log(high))) / 2
    if abs(centre - math.log(-math.log(share))) > 0.25 * error:
        return finding(record, "survival limits", "holds only if", claim, text,
                       "the limits are of another scale than log(-log)")  # fmt: skip
    return finding(
        record, "survival limits", "holds", claim, f"{text}: {arm.n}, fewer by censoring"
    )


def _contrast(record: Record) -> Iterator[Finding]:
    """Ratio of the cumulative hazards of two groups at this time."""
    one, two = record.arms
    sides = [_cumulative(a, record.level or 0.95) for a in (two, one)]
    if any(s is None for s in sides):
        return
    (top, top_error), (bottom, bottom_error) = (s for s in sides if s is not None)
    ratio, error = top / bottom, math.hypot(top_error, bottom_error)
    half = math.exp(normal_quantile(0.95) * error)
    p = two_sided(math.log(ratio) / error)
    text = (f"ratio of the cumulative hazards, {two.label} to {one.label}: {ratio:.2f} "
            f"({ratio / half:.2f}-{ratio * half:.1f}), p = {p:.2f}")  # fmt: skip
    why = "no p-value or ratio is printed" if record.p is None else "the printed test is another"
    yield finding(record, "contrast of survival", "cannot be checked",
                  f"{one.label} against {two.label}", text, why)  # fmt: skip


def _cumulative(arm: Arm, level: float) -> tuple[float, float] | None:
    if arm.value is None or arm.lower is None or arm.upper is None:
        return None
    if not 0 < arm.lower < arm.value < arm.upper < 100:
        return None
    return -math.log(arm.value / 100), log_log_error(arm.lower / 100, arm.upper / 100, level)


def medians(record: Record, dossier: Dossier) -> Iterator[Finding]:
    """Check medians of two groups against the study's hazard ratio."""
    arms = [a for a in record.arms if a.value]
    if record.measure != "median" or len(arms) != 2 or len(record.arms) != 2:
        return
    first, second = (a.value or 1.0 for a in arms)
    ratio = second / first
    hazards = " and ".join(text_of(math.log(2) / m) for m in (first, second))
    unit = record.unit.rstrip("s") or "unit"
    text = (f"with constant hazards ({hazards} per {unit}) the hazard ratio of {arms[0].label} to "
            f"{arms[1].label} is {second:g}/{first:g} = {ratio:.2f}")  # fmt: skip
    claim = f"medians {first:g} and {second:g} {record.unit}".strip()
    others = [r for r in dossier.records if _same_contrast(record, r)]
    if not others:
        yield finding(record, "medians and hazard ratio", "cannot be checked", claim, text,
                      "no hazard ratio of this comparison is recorded")  # fmt: skip
    for other in others:
        yield _against(record, other, ratio, claim, text)


def _same_contrast(record: Record, other: Record) -> bool:
    if other.measure != "hazard_ratio" or other.value is None or not record.outcome:
        return False
    loose = (record.timepoint, other.timepoint)
    return (
        (other.outcome, other.contrast, other.population)
        == (record.outcome, record.contrast, record.population)
        and (loose[0] == loose[1] or "" in loose)
        and record.source == other.source
    )


def _against(record: Record, other: Record, ratio: float, claim: str, text: str) -> Finding:
    assert other.value is not None
    claim = f"{claim}; hazard ratio {other.interval()}"
    turned = min((ratio, 1 / ratio), key=lambda r: abs(math.log(r / (other.value or 1.0))))
    low, high = _limits(other)
    if low <= turned <= high:
        note = "" if turned == ratio else f"; read the other way round {turned:.2f}"
        return finding(record, "medians and hazard ratio", "holds", claim, text + note)
    return finding(record, "medians and hazard ratio", "holds only if", claim, text,
                   "the hazards are not constant and proportional")  # fmt: skip


def _limits(other: Record) -> tuple[float, float]:
    """Printed limits, else those of the p-value, else a quarter to either side."""
    assert other.value is not None
    if other.limits:
        return other.limits
    if implies_limits(other):
        return limits_from_p(other.value, other.p or 1.0)
    return other.value / 1.25, other.value * 1.25


def rates(record: Record, dossier: Dossier) -> Iterator[Finding]:
    """Check rates against events and person-years, and the ratio of two rates."""
    counted = [a for a in record.arms if a.events is not None and a.person_years]
    for arm in counted:
        if arm.value is not None and record.measure == "rate":
            yield _rate(record, arm)
    if len(counted) == 2 == len(record.arms):
        yield _rate_ratio(record, counted, dossier)


def _rate(record: Record, arm: Arm) -> Finding:
    from ashworth.enumeration import poisson_interval

    assert arm.events is not None
    assert arm.person_years is not None
    assert arm.value is not None
    rate = arm.events / arm.person_years
    i = poisson_interval(arm.events, arm.person_years, level=record.level or 0.95)
    text = (f"{arm.events}/{arm.person_years:g} = {rate:.4f} per person-year, exact "
            f"{float(i.lower):.4f}-{float(i.upper):.4f}")  # fmt: skip
    claim = f"{arm.label}: {arm.value:.{arm.digits}f} {record.unit}".strip()
    for per in (1, 100, 1000):
        if agrees(per * rate, arm.value, arm.digits):
            return finding(record, "rate", "holds", claim, f"{text}; printed per {per}")
    return finding(record, "rate", "cannot hold", claim, text)


def _rate_ratio(record: Record, arms: list[Arm], dossier: Dossier) -> Finding:
    one, two = arms
    ratio, low, high, p = rate_ratio(
        (one.events or 0, two.events or 0), (one.person_years or 1.0, two.person_years or 1.0)
    )
    text = (f"crude rate ratio {text_of(ratio, 4)} (exact 95 % {text_of(low)}-{text_of(high)}), "
            f"exact p {text_of_p(p)}")  # fmt: skip
    own = record if record.measure in ("rate_ratio", "hazard_ratio") else None
    near = [r for r in dossier.records if _same_contrast(record, r)]
    other = own or (near[0] if near else None)
    claim = f"{one.label} against {two.label}"
    if other is None or other.value is None:
        return finding(record, "rate ratio", "cannot be checked", claim, text,
                       "no ratio of this comparison is recorded")  # fmt: skip
    claim = f"{claim}: {other.measure.replace('_', ' ')} {other.interval()}"
    if low <= other.value <= high:
        return finding(record, "rate ratio", "holds", claim, text)
    return finding(record, "rate ratio", "holds only if", claim, text,
                   "adjustment or changing hazards explain the distance")  # fmt: skip
