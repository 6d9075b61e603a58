"""Check what was read off a figure: all faults of all arms at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ashworth.evidence.reconstruction.clicks import Clicks, repair
from ashworth.evidence.reconstruction.intervals import ArmCurve
from ashworth.survival.inputs import Booleans, Faults, Floats, Integers, labels, numbers

Scale = Literal["proportion", "percent"]
ONLY = "all"
_PERCENT_FROM = 1.5
_MOST = 10_000_000  # patients of one arm: more is a slip, and would fill the memory
_TABLE = {"risk_time", "at_risk"}
_UNKNOWN = "no number of patients"


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm, checked.

    Attributes
    ----------
    label : object
        Its label.
    clicks : Clicks
        The points, repaired.
    curve : ArmCurve
        The points with those of the risk table between them.
    risk_time : ndarray, shape (i,)
        Times of the risk table that are used; only 0 without a table.
    n_unused : int
        Rows of the risk table after the end of the curve with nobody at risk.
    """

    label: Any
    clicks: Clicks
    curve: ArmCurve
    risk_time: Floats
    n_unused: int


@dataclass(frozen=True, slots=True)
class _Table:
    """Columns of the risk table with each row's arm."""

    time: Floats
    number: Floats
    arms: list[Any]
    codes: Integers


def read_arms(
    time: Any,
    survival: Any,
    arm: Any,
    risk_time: Any,
    at_risk: Any,
    risk_arm: Any,
    n: Any,
    total_events: Any,
    scale: Scale,
    largest_repair: float,
) -> tuple[Arm, ...]:
    """Check the columns of `reconstruct` and split them by arm."""
    faults = Faults("reconstruct")
    t, s, arms, codes = _points(time, survival, arm, scale, faults)
    table = _risk_table(risk_time, at_risk, risk_arm, arm is not None, faults)
    sizes = _per_arm(n, "n", arms, faults)
    totals = _per_arm(total_events, "total_events", arms, faults)
    if table is not None:
        _same_arms(arms, table, faults)
    read = {problem.column for problem in faults.problems}
    points, numbers_read = read.isdisjoint({"time", "survival"}), read.isdisjoint(_TABLE)
    found = []
    for code, label in enumerate(arms):
        rows = np.flatnonzero(codes == code)
        risk = _of_arm(label, table, sizes.get(label), faults) if numbers_read else None
        clicks = _clicks(label, t[rows], s[rows], rows, largest_repair, faults) if points else None
        if risk is None or clicks is None:
            continue
        made = _join(label, clicks, *risk, totals.get(label))
        _check_total(made, largest_repair, faults)
        found.append(made)
    faults.stop()
    return tuple(found)


def _points(
    time: Any, survival: Any, arm: Any, scale: Scale, faults: Faults
) -> tuple[Floats, Floats, list[Any], Integers]:
    t, s = numbers(time, "time", faults), numbers(survival, "survival", faults)
    arms, codes = ([ONLY], np.zeros(t.size, dtype=np.int64))
    if arm is not None:
        arms, codes = labels(arm, "arm", faults)
    for name, size in (("survival", s.size), ("arm", codes.size)):
        if size != t.size:
            faults.note(name, f"{size} values", f"{t.size}, as many as time", "align the columns")
    if t.size == 0:
        faults.note("time", "no points", "at least one point of each arm", "click the curve")
    faults.stop()
    for name, values in (("time", t), ("survival", s)):
        remedy = "leave the point out, or read it off again"
        faults.rows(~np.isfinite(values), name, "missing or infinite values", "numbers", remedy)
    remedy = "set points just left of the axis to 0; check the axis of the digitised figure"
    faults.rows(t < 0.0, "time", "negative values", "0 or later", remedy)
    return t, _proportions(s, scale, faults), arms, codes


def _proportions(values: Floats, scale: Scale, faults: Faults) -> Floats:
    """Survival from 0 to 1; a small overshoot is left to the repair."""
    finite = values[np.isfinite(values)]
    top = float(finite.max(initial=0.0))
    if scale == "percent":
        if 0.0 < top <= 1.0:
            faults.note("survival", f"per cent said, largest value {top:g}", "values up to 100",
                        'pass scale="proportion"')  # fmt: skip
        values, unit = values / 100.0, "0 to 100"
    else:
        unit = "0 to 1"
        if _PERCENT_FROM < top <= 100.0 / 0.95:
            remedy = 'divide by 100, or pass scale="percent" (the command: --percent)'
            faults.note("survival", f"values up to {top:g}: per cent", "0 to 1", remedy)
            return values
    bad = (values < -0.05) | (values > 1.05)
    remedy = "check the axis of the digitised figure; a curve of events is 1 - survival"
    faults.rows(bad, "survival", f"values outside {unit}", unit, remedy)
    return values


def _risk_table(
    risk_time: Any, at_risk: Any, risk_arm: Any, named: bool, faults: Faults
) -> _Table | None:
    """The risk table's columns; None without a table."""
    given = {"risk_time": risk_time, "at_risk": at_risk}
    absent = [name for name, values in given.items() if values is None]
    if len(absent) == 2:
        if risk_arm is not None:
            faults.note(
                "risk_arm", "arms without a table", "risk_time and at_risk", "pass all three"
            )
        return None
    if absent:
        faults.note(absent[0], "nothing", "risk_time and at_risk together", "pass both columns")
        return None
    t, m = numbers(risk_time, "risk_time", faults), numbers(at_risk, "at_risk", faults)
    arms, codes = ([ONLY], np.zeros(t.size, dtype=np.int64))
    if (risk_arm is not None) != named:
        faults.note("risk_arm", "in one of the two tables", "arm and risk_arm, or neither",
                    "name the arm in every row of both")  # fmt: skip
    elif risk_arm is not None:
        arms, codes = labels(risk_arm, "risk_arm", faults)
    for name, size in (("at_risk", m.size), ("risk_arm", codes.size)):
        if size != t.size:
            faults.note(
                name, f"{size} values", f"{t.size}, as many as risk_time", "align the columns"
            )
            return None
    if t.size == 0:
        faults.note("risk_time", "no rows", "a row at time 0", "leave the table out, and pass n")
        return None
    _check_table(t, m, faults)
    return _Table(t, m, arms, codes)


def _check_table(t: Floats, m: Floats, faults: Faults) -> None:
    remedy = "read the number off again, or leave the row out"
    bad: Booleans = ~np.isfinite(t) | (t < 0.0)
    faults.rows(bad, "risk_time", "missing or negative values", "0 or later", remedy)
    whole = np.isfinite(m) & (m >= 0.0) & (m <= _MOST) & (m == np.floor(m))
    allowed = f"whole numbers, 0 to {_MOST:,}"
    faults.rows(~whole, "at_risk", "values that are no counts", allowed, remedy)


def _per_arm(values: Any, name: str, arms: list[Any], faults: Faults) -> dict[Any, int]:
    """Numbers by arm from one number or a mapping."""
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        if len(arms) != 1:
            faults.note(name, "one number for several arms", "a mapping from arm to number",
                        f"pass {name} as {{arm: number}}")  # fmt: skip
            return {}
        values = {arms[0]: values}
    for label, value in values.items():
        if label not in arms:
            known = ", ".join(map(str, arms))
            faults.note(name, f"arm {label!r}", f"arms of the curve: {known}", "correct the label")
        whole = isinstance(value, int | float | np.integer | np.floating) and value == value // 1
        least = 1 if name == "n" else 0
        if isinstance(value, bool) or not whole or not least <= value <= _MOST:
            allowed = f"a whole number, {least} to {_MOST:,}"
            faults.note(name, f"{value!r} of arm {label}", allowed, "give the count of patients")
    if any(problem.column == name for problem in faults.problems):
        return {}
    return {label: int(value) for label, value in values.items()}


def _same_arms(arms: list[Any], table: _Table, faults: Faults) -> None:
    for label in arms:
        if label not in table.arms:
            faults.note("risk_arm", f"no row of arm {label!r}", "numbers at risk of every arm",
                        "add its rows, or reconstruct the arms apart")  # fmt: skip
    for label in table.arms:
        if label not in arms:
            faults.note("arm", f"no point of arm {label!r}", "points of every arm",
                        "click its curve, or leave its numbers out")  # fmt: skip


def _of_arm(
    label: Any, table: _Table | None, size: int | None, faults: Faults
) -> tuple[Floats, Integers] | None:
    """Times and numbers at risk of one arm, from time 0."""
    if table is None or label not in table.arms:
        if size is None:
            wrong = [p for p in faults.problems if p.column in ("n", *_TABLE)]
            if table is None and all(p.found.startswith(_UNKNOWN) for p in wrong):
                remedy = "pass risk_time and at_risk, or n (the command: --risk or --patients)"
                faults.note("n", f"{_UNKNOWN} of arm {label}", "a risk table, or n", remedy)
            return None
        return np.zeros(1), np.array([size], dtype=np.int64)
    rows = table.codes == table.arms.index(label)
    t, m = table.time[rows], table.number[rows].astype(np.int64)
    before = len(faults.problems)
    _check_arm_table(label, t, m, faults)
    if t[0] > 0.0 and size is None:
        faults.note("risk_time", f"first time {t[0]:g} of arm {label}", "a row at time 0",
                    "add it, or pass n")  # fmt: skip
    if t[0] == 0.0 and (m[0] == 0 or size not in (None, m[0])):
        allowed = "1 or more" if size is None else f"n={size}"
        faults.note("at_risk", f"{m[0]} at time 0 of arm {label}", allowed, "correct one of them")
    if len(faults.problems) > before:
        return None
    if t[0] > 0.0:
        assert size is not None
        t, m = np.append(0.0, t), np.append(size, m)
        _check_arm_table(label, t, m, faults)
    return t, m


def _check_arm_table(label: Any, t: Floats, m: Integers, faults: Faults) -> None:
    late = np.flatnonzero(t[1:] <= t[:-1])
    if late.size:
        faults.note("risk_time", f"{t[late[0] + 1]:g} after {t[late[0]]:g} in arm {label}",
                    "increasing times", "sort the table; leave repeated rows out")  # fmt: skip
    rises = np.flatnonzero(m[1:] > m[:-1])
    for i in rises[:3].tolist():
        found = f"{m[i + 1]} at {t[i + 1]:g} after {m[i]} at {t[i]:g} in arm {label}"
        remedy = "read them off again; look for exchanged arms"
        faults.note("at_risk", found, "numbers that never rise", remedy)


def _clicks(
    label: Any, t: Floats, s: Floats, rows: Any, most: float, faults: Faults
) -> Clicks | None:
    """Points of one arm with time 0, repaired."""
    back = np.flatnonzero(t[1:] < t[:-1])
    if back.size:
        i = int(back[0])
        more = f", and {back.size - 1} more times" if back.size > 1 else ""
        found = f"{t[i + 1]:g} after {t[i]:g} in arm {label} (row {rows[i + 1]} from 0){more}"
        remedy = "sort each arm's points, and correct those clicked backwards"
        faults.note("time", found, "times in increasing order within an arm", remedy)
        return None
    if t[0] > 0.0:
        t, s, rows = np.append(0.0, t), np.append(1.0, s), np.append(rows[0], rows)
    if t[-1] == 0.0:
        faults.note("time", f"only time 0 in arm {label}", "points after time 0", "click the curve")
        return None
    return repair(t, s, most, rows, faults)


def _join(label: Any, clicks: Clicks, t: Floats, m: Integers, total: int | None) -> Arm:
    """Put the times of the risk table among the points; the curve is a step function."""
    used = (t <= clicks.time[-1]) | (m > 0)
    risk_time, number = t[used], m[used]
    time = np.union1d(clicks.time, risk_time)
    survival = clicks.survival[np.searchsorted(clicks.time, time, side="right") - 1]
    starts = np.searchsorted(time, risk_time)
    curve = ArmCurve(time, survival, starts.astype(np.int64), number, total)
    return Arm(label, clicks, curve, risk_time, int((~used).sum()))


def event_limits(curve: ArmCurve) -> tuple[float, float]:
    r"""Fewest and most events that a curve with these numbers at risk can hold, unrounded.

    In an interval that starts with n at risk, ends with m and where survival falls by the factor
    r, all censored at its start leave m + d at risk, of whom d = m (1/r - 1) have an event; all
    censored at its end give d = n (1 - r).
    """
    ends = [*curve.starts[1:].tolist(), curve.time.size]
    levels = np.append(1.0, curve.survival)[ends]
    before = np.append(1.0, levels[:-1])
    ratio = np.divide(levels, before, out=np.ones_like(levels), where=before > 0)
    numbers_after = np.append(curve.at_risk[1:], 0)
    inverse = np.divide(1.0, ratio, out=np.ones_like(ratio), where=ratio > 0)
    fewest = (numbers_after * (inverse - 1.0)).sum()
    most = (curve.at_risk * (1.0 - ratio)).sum()
    return float(max(fewest, 0.0)), float(most)


def _check_total(arm: Arm, error: float, faults: Faults) -> None:
    """Refuse a total of events that no patients behind this curve can have."""
    total = arm.curve.total_events
    if total is None:
        return
    fewest, most = event_limits(arm.curve)
    slack = 1.0 + error * float(arm.curve.at_risk[0])
    if not fewest - slack <= total <= most + slack:
        faults.note("total_events", f"{total} of arm {arm.label}",
                    f"about {fewest:.0f} to {most:.0f}, by its curve and numbers at risk",
                    "check the total, the arm and the endpoint")  # fmt: skip
