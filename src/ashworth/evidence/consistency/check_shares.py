"""Shares, their limits, the counts behind them, and sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ashworth.evidence.consistency.findings import Finding, Verdict
from ashworth.evidence.consistency.records import TIME_TO_EVENT, Arm, Dossier, Record
from ashworth.evidence.consistency.rounding import (
    agrees,
    cut_off,
    double_rounded,
    listed,
    whole_counts,
)

_NEAR = 5


def finding(
    record: Record, check: str, verdict: Verdict, claim: str, arithmetic: str, condition: str = ""
) -> Finding:
    """Make a finding on a record."""
    return Finding(record.study, record.id, record.label, check, verdict, claim, arithmetic,
                   condition, record.source, record.origin)  # fmt: skip


def shares(record: Record, dossier: Dossier) -> Iterator[Finding]:
    """Check a printed per cent against counts, of the statistic and of each group."""
    if record.measure != "proportion":
        return
    own = Arm(record.label, record.events, record.n, None, record.value, record.lower,
              record.upper, record.digits)  # fmt: skip
    for arm in (own, *record.arms):
        if arm.value is not None and arm.counted:
            yield _share(record, arm, dossier)
            yield from _share_limits(record, arm)
        elif arm.value is not None and arm.n and not _one_total(record):
            yield _admitted(record, arm)
    bare = [a for a in (own, *record.arms) if a.value is not None and not a.n]
    if bare and not _one_total(record):
        yield _no_total(record, bare)


def _name(record: Record, arm: Arm) -> str:
    return "" if arm.label == record.label else f"{arm.label}: "


def _share(record: Record, arm: Arm, dossier: Dossier) -> Finding:
    from ashworth.enumeration import proportion_interval

    assert arm.events is not None
    assert arm.n is not None
    assert arm.value is not None
    share, d = 100.0 * arm.events / arm.n, arm.digits
    claim = f"{_name(record, arm)}{arm.fraction()} printed as {arm.value:.{d}f} %"
    level = record.level or 0.95
    exact, wilson = (
        proportion_interval(arm.events, arm.n, method=m, level=level)
        for m in ("clopper-pearson", "wilson")
    )
    arithmetic = (
        f"{arm.fraction()} = {share:.2f} %; {100 * level:g} % limits {100 * exact.lower:.2f}-"
        f"{100 * exact.upper:.2f} (Clopper-Pearson), {100 * wilson.lower:.2f}-"
        f"{100 * wilson.upper:.2f} (Wilson)"
    )
    if agrees(share, arm.value, d):
        return finding(record, "share", "holds", claim, arithmetic)
    condition = _other_denominator(record, arm, dossier)
    verdict: Verdict = "holds only if" if condition else "cannot hold"
    return finding(record, "share", verdict, claim, arithmetic, condition or _nearest(arm))


def _other_denominator(record: Record, arm: Arm, dossier: Dossier) -> str:
    """How the printed share could have come about: recorded denominators, near ones, rounding."""
    assert arm.events is not None
    assert arm.n is not None
    assert arm.value is not None
    share, d = 100.0 * arm.events / arm.n, arm.digits
    if cut_off(share, arm.value, d):
        return f"it was cut off instead of rounded ({share:.{d + 2}f})"
    if double_rounded(share, arm.value, d):
        return f"it was rounded twice ({share:.{d + 2}f}, {share:.{d + 1}f}, {arm.value:.{d}f})"
    known: dict[int, str] = {}
    for words, n in recorded_denominators(record, dossier):
        known.setdefault(n, words)
    fits = [n for n in known if n >= arm.events and n != arm.n and _fits(arm, n)]
    if fits:
        return f"the denominator is {listed((f'{n} ({known[n]})' for n in fits), 'or')}"
    near = [n for n in range(max(arm.n - _NEAR, arm.events, 1), arm.n + _NEAR + 1)
            if n != arm.n and _fits(arm, n)]  # fmt: skip
    return f"the denominator is {listed(near, 'or')}, not {arm.n}" if near else ""


def _fits(arm: Arm, n: int) -> bool:
    assert arm.events is not None
    assert arm.value is not None
    return agrees(100.0 * arm.events / n, arm.value, arm.digits)


def _nearest(arm: Arm) -> str:
    assert arm.n is not None
    assert arm.value is not None
    counts = whole_counts(arm.value, arm.digits, arm.n)
    if not counts:
        return f"no whole count of {arm.n} gives {arm.value:.{arm.digits}f} %"
    return f"{arm.value:.{arm.digits}f} % of {arm.n} would be {_range(counts)}"


def _range(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def recorded_denominators(record: Record, dossier: Dossier) -> Iterator[tuple[str, int]]:
    """Numbers of patients that the same study records elsewhere, with their names."""
    for step in dossier.denominators:
        yield step.step, step.n
    for other in dossier.records:
        if other.n and other.id != record.id:
            yield f"as in {other.id}", other.n


def _share_limits(record: Record, arm: Arm) -> Iterator[Finding]:
    """Check printed limits of a share against the usual methods."""
    from ashworth.enumeration import proportion_interval

    if arm.lower is None or arm.upper is None:
        return
    assert arm.events is not None
    assert arm.n is not None
    level, d = record.level or 0.95, arm.digits
    found, given = [], []
    for name, method in (("Clopper-Pearson", "clopper-pearson"), ("Wilson", "wilson")):
        i = proportion_interval(arm.events, arm.n, method=method, level=level)  # type: ignore[arg-type]
        low, high = 100.0 * float(i.lower), 100.0 * float(i.upper)
        given.append(f"{name} {low:.{d + 1}f}-{high:.{d + 1}f}")
        if agrees(low, arm.lower, d) and agrees(high, arm.upper, d):
            found.append(name)
    claim = f"{_name(record, arm)}{arm.fraction()} ({arm.lower:.{d}f}-{arm.upper:.{d}f} %)"
    yield finding(
        record, "limits of a share", "holds" if found else "holds only if", claim,
        "; ".join(given), "" if found else "the limits are of another method",
    )  # fmt: skip


def _admitted(record: Record, arm: Arm) -> Finding:
    """Check whether a share admits a whole count of its denominator."""
    assert arm.n is not None
    assert arm.value is not None
    counts, d = whole_counts(arm.value, arm.digits, arm.n), arm.digits
    claim = f"{_name(record, arm)}{arm.value:.{d}f} % of {arm.n}"
    if not counts:
        timed = record.outcome in TIME_TO_EVENT
        why = "it is a Kaplan-Meier estimate or has another denominator" if timed else ""
        verdict: Verdict = "holds only if" if timed else "cannot hold"
        return finding(record, "whole counts", verdict, claim, _nearest(arm), why)
    arithmetic = f"{_range(counts)} of {arm.n} round{'s' if len(counts) == 1 else ''} to it"
    return finding(record, "whole counts", "holds", claim, arithmetic)


def _no_total(record: Record, arms: list[Arm]) -> Finding:
    """Shares whose denominator is not recorded: which ones their numerator admits."""
    claim = ", ".join(f"{_name(record, a)}{a.value:.{a.digits}f} %" for a in arms)
    texts = [_denominators(a) for a in arms if a.events and a.value]
    return finding(record, "share", "cannot be checked", claim, "; ".join(texts),
                   "the denominator is not recorded")  # fmt: skip


def _denominators(arm: Arm) -> str:
    """Denominators that give the printed per cent of so many events."""
    assert arm.events is not None
    assert arm.value is not None
    about = 100.0 * arm.events / arm.value
    near = range(max(arm.events, int(0.8 * about)), int(1.25 * about) + 2)
    fitting = [n for n in near if _fits(arm, n)]
    text = f"{arm.events} are {arm.value:.{arm.digits}f} % of "
    return text + (_range(fitting) if fitting else "no whole number")


def _one_total(record: Record) -> int | None:
    """The total whose parts the groups' per cents are; None where they are not."""
    arms, unit = record.arms, record.unit
    shares_of_one = record.measure == "proportion" or (record.measure, unit) == ("count", "%")
    if len(arms) < 2 or record.contrast or not shares_of_one:
        return None
    totals = {a.n for a in arms} | ({record.n} if record.n else set())
    total = next((n for n in totals if n), None)
    bare = all(a.value is not None and a.events is None for a in arms)
    return total if bare and totals <= {None, total} else None


def parts(record: Record, dossier: Dossier) -> Iterator[Finding]:
    """Check whether the groups' per cents admit whole counts of one total."""
    n, arms = _one_total(record), record.arms
    if not n:
        return
    ranges = [(a, whole_counts(a.value or 0.0, a.digits, n)) for a in arms]
    claim = f"{'/'.join(f'{a.value:.{a.digits}f}' for a in arms)} % of {n}"
    empty = [a.label for a, r in ranges if not r]
    if empty:
        text = f"no whole count of {n} for {listed(empty)}"
        yield finding(record, "whole counts", "cannot hold", claim, text)
        return
    counts = "/".join(_range(r) for _, r in ranges)
    low = sum(r[0] for _, r in ranges)
    if all(len(r) == 1 for _, r in ranges):
        rest = n - low
        text = f"only {counts}, sum {low}; others {rest} ({100 * rest / n:.1f} %)"
    else:
        text = f"counts {counts}; more than one reading"
    over = low > n
    yield finding(record, "whole counts", "holds only if" if over else "holds", claim, text,
                  "the groups overlap" if over else "")  # fmt: skip


def sums(record: Record, dossier: Dossier) -> Iterator[Finding]:
    """Check whether the groups add up to the total."""
    arms = record.arms
    if len(arms) < 2:
        return
    parts_of_n = all(a.events is not None and a.n in (None, record.n) for a in arms)
    if record.n and record.events is None and parts_of_n:
        pairs = [("patients", [a.events for a in arms], record.n)]
    else:
        pairs = [("patients", [a.n for a in arms], record.n),
                 ("events", [a.events for a in arms], record.events)]  # fmt: skip
    if record.measure == "count" and (total := _whole(record.value)):
        pairs.append(("counts", [_whole(a.value) for a in arms], total))
        if total != record.n:
            pairs.append(("patients", [a.n for a in arms], total))
    for what, numbers, total in pairs:
        if total and all(x is not None for x in numbers) and total not in numbers:
            yield _sum(record, what, [int(x) for x in numbers if x is not None], total)


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and value == int(value) else None


def _sum(record: Record, what: str, numbers: list[int], total: int) -> Finding:
    added = sum(numbers)
    claim = f"{what}: {total} in all"
    arithmetic = f"{' + '.join(map(str, numbers))} = {added}"
    if added == total:
        return finding(record, "sum", "holds", claim, arithmetic)
    if added < total:
        return finding(record, "sum", "holds only if", claim, arithmetic,
                       f"{total - added} of {total} belong to no group")  # fmt: skip
    return finding(record, "sum", "holds only if", claim, arithmetic,
                   "the groups overlap")  # fmt: skip
