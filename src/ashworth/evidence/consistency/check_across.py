"""Checks over the statistics of one study: versions, levels, and its design."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from ashworth.evidence.consistency.check_ratios import interval_of
from ashworth.evidence.consistency.check_shares import finding
from ashworth.evidence.consistency.findings import Finding, Verdict
from ashworth.evidence.consistency.intervals import patients_per_group, schoenfeld_events
from ashworth.evidence.consistency.records import Dossier, Record
from ashworth.evidence.consistency.rounding import agrees

_POWERS = (0.8, 0.9)
_SHARE_POWERS = (0.8, 0.9, 0.95, 0.975)


def versions(dossier: Dossier) -> Iterator[Finding]:
    """Compare the same statistic in two documents, or at two levels."""
    for one, two in itertools.combinations(dossier.records, 2):
        if not _same(one, two):
            continue
        if one.limits and one.limits == two.limits and one.level != two.level:
            yield _levels(one, two)
        elif one.source != two.source:
            yield from _values(one, two)


def _same(one: Record, two: Record) -> bool:
    """Whether two statistics are about one thing."""
    a, b = ((r.measure, r.outcome, r.contrast, r.population, r.timepoint) for r in (one, two))
    told_apart = one.label != two.label and not one.contrast
    return a == b and bool(one.outcome) and not told_apart and one.measure not in ("text", "test")


def _levels(one: Record, two: Record) -> Finding:
    first, second = interval_of(one), interval_of(two)
    claim = f"{one.interval()} at {100 * (one.level or 0):g} % and at {100 * (two.level or 0):g} %"
    text = "one pair of limits at two levels"
    if first and second:
        text += f": implied events {first.events:.0f} and {second.events:.0f}"
    return finding(one, "one interval, two levels", "holds only if", claim, text,
                   f"they come of different data; {one.source} against {two.source}")  # fmt: skip


def _values(one: Record, two: Record) -> Iterator[Finding]:
    pairs = [(one.label, one.value, two.value, min(one.digits, two.digits))]
    second = {a.label: a for a in two.arms}
    pairs += [(a.label, a.value, second[a.label].value, min(a.digits, second[a.label].digits))
              for a in one.arms if a.label in second]  # fmt: skip
    gaps = [(x, a, b) for x, a, b, d in pairs if a is not None and b is not None
            and not agrees(a, b, d) and not agrees(b, a, d)]  # fmt: skip
    if not gaps:
        return
    claim = "; ".join(f"{x}: {a:g} and {b:g}" for x, a, b in gaps)
    text = f"{one.source} against {two.source}"
    yield finding(one, "versions", "holds only if", claim, text, "each is quoted with its document")


def flow(dossier: Dossier) -> Iterator[Finding]:
    """Find steps of the patients' flow that the two steps after them split exactly.

    Two steps that do not add up need not be a split: nothing is said of them.
    """
    steps = dossier.denominators
    for k in range(1, len(steps) - 1):
        one, two = steps[k], steps[k + 1]
        whole = next((s for s in reversed(steps[:k]) if 0 < s.n == one.n + two.n), None)
        if whole is not None and one.n and two.n:
            claim = f"{whole.step}: {whole.n}; {one.step}: {one.n}; {two.step}: {two.n}"
            yield Finding(dossier.study, "flow", "steps of the patients' flow", "sum", "holds",
                          claim, f"{one.n} + {two.n} = {whole.n}", "", two.document)  # fmt: skip


def design(dossier: Dossier) -> Iterator[Finding]:
    """Compute the events or patients that a design needs, from what is known of it."""
    words = " ".join(f"{k}: {v}" for k, v in dossier.plan.items())
    ratio = re.search(r"hazard ratio (?:of )?(\d*\.\d+)", words)
    alpha = re.search(r"alpha: (0\.\d+)", words)
    if ratio and alpha:
        margin = "margin" in dossier.plan
        yield _schoenfeld(dossier, float(ratio[1]), float(alpha[1]), margin)
    shares = re.search(r"(0\.\d+) against (0\.\d+)", words)
    if shares:
        yield _two_shares(dossier, float(shares[1]), float(shares[2]))


def _schoenfeld(dossier: Dossier, ratio: float, alpha: float, margin: bool) -> Finding:
    plan = dossier.plan
    sides = 1 if "one-sided" in plan.get("alpha", "") else 2
    power = re.search(r"(\d+(?:\.\d+)?) ?%", plan.get("power", ""))
    powers = [float(power[1]) / 100] if power else list(_POWERS)
    needed = [
        schoenfeld_events(1.0, alpha, p, sides=sides, margin=ratio) if margin
        else schoenfeld_events(ratio, alpha, p, sides=sides)
        for p in powers
    ]  # fmt: skip
    text = ", ".join(
        f"{d:.1f} events for {100 * p:g} %" for d, p in zip(needed, powers, strict=True)
    )
    sided = "one-sided" if sides == 1 else "two-sided"
    what = f"{'margin' if margin else 'hazard ratio'} {ratio:g}, alpha {alpha:g} {sided}"
    text = f"4 (z_alpha + z_power)^2 / log({ratio:g})^2: {text}"
    numbers = [int(x) for x in re.findall(r"\b\d{2,5}\b", plan.get("planned", ""))]
    if not power or not numbers:
        twice = [f"{n} is twice {round(d)}" for n in numbers for d in needed if n == 2 * round(d)]
        why = "no number is planned" if power else "the power is not stated"
        return _plan(dossier, "cannot be checked", what, "; ".join([text, *twice]), why)
    enough = numbers[0] >= needed[0]
    return _plan(dossier, "holds" if enough else "cannot hold", f"{what}; {plan['planned']}", text,
                 "" if enough else f"{numbers[0]} patients give fewer events")  # fmt: skip


def _two_shares(dossier: Dossier, one: float, two: float) -> Finding:
    sizes = [patients_per_group(one, two, 0.05, p) for p in _SHARE_POWERS]
    text = "two-sided 0.05: " + ", ".join(
        f"{n:.0f} in each arm for {100 * p:g} %" for n, p in zip(sizes, _SHARE_POWERS, strict=True)
    )
    return _plan(dossier, "cannot be checked", f"{one:g} against {two:g}", text,
                 "alpha and power are not stated")  # fmt: skip


def _plan(dossier: Dossier, verdict: Verdict, claim: str, text: str, why: str) -> Finding:
    return Finding(dossier.study, "design", "planned size", "design", verdict, claim, text, why)
