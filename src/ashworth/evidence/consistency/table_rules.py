"""What the numbers of one row, and rows among each other, must obey."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ashworth.errors import Problem
from ashworth.evidence.consistency.cells import Cells
from ashworth.evidence.consistency.records import RATIOS, SHARES, Arm, Record

_RELATED = {"value", "lower", "upper"}


def row_faults(record: Record, cells: Cells) -> list[Problem]:
    """All faults of one statistic, but for those that come of cells which cannot be read."""
    unread = {p.column for p in cells.problems}
    rules = (_shares, _counts, _groups) if unread & _RELATED else (_limits, _scale, _shares,
                                                                  _counts, _groups)  # fmt: skip
    return [p for rule in rules for p in rule(record, cells) if p.column not in unread]


def _limits(r: Record, cells: Cells) -> Iterator[Problem]:
    if (r.lower is None) != (r.upper is None):
        missing = "lower" if r.lower is None else "upper"
        yield cells.problem(missing, "one limit without the other", "both limits or none",
                            "fill in the other limit")  # fmt: skip
    if r.limits is None:
        return
    if r.level is None:
        yield cells.problem("level", "limits without their level", "e.g. 0.95",
                            "write the level that the document states")  # fmt: skip
    if r.limits[0] > r.limits[1]:
        yield cells.problem("lower", f"limits swapped: {r.lower:g} above {r.upper:g}",
                            "lower <= upper", "exchange them")  # fmt: skip


def _scale(r: Record, cells: Cells) -> Iterator[Problem]:
    """Estimates outside of their limits; ratios on the scale of logarithms."""
    if r.level is not None and not 0.5 < r.level < 1:
        yield cells.problem("level", f"{r.level:g}", "between 0.5 and 1", "write 0.95 for 95 %")
    if r.standard_error is not None and r.standard_error <= 0:
        yield cells.problem("standard_error", f"{r.standard_error:g}", "above 0",
                            "correct it, or leave it empty")  # fmt: skip
    logs = [x for x in (r.value, r.lower, r.upper) if x is not None and x < 0]
    if r.measure in RATIOS and (logs or r.value == 0):
        yield cells.problem("value", f"a ratio with {logs[0] if logs else 0:g}",
                            "ratios above 0, on the natural scale",
                            _mend_logs(r))  # fmt: skip
    elif r.value is not None and r.limits and r.limits[0] <= r.limits[1]:
        yield from _outside(r, r.value, r.limits, cells)


def _mend_logs(r: Record) -> str:
    numbers = [x for x in (r.value, r.lower, r.upper) if x is not None]
    if max(numbers) > 20:
        return "logarithm and natural scale are mixed: write all three on the natural scale"
    words = ", ".join(f"{math.exp(x):.3g}" for x in numbers)
    return f"they look like logarithms; on the natural scale they would be {words}"


def _outside(
    r: Record, value: float, limits: tuple[float, float], cells: Cells
) -> Iterator[Problem]:
    low, high = limits
    if low <= value <= high:
        return
    remedy = "correct the number that is misread"
    if r.measure in RATIOS:
        if value > 0 and low <= math.log(value) <= high:
            remedy = "the limits look like logarithms, the estimate does not: use one scale"
        elif value < 20 and low <= math.exp(value) <= high:
            remedy = f"the estimate looks like a logarithm: exp({value:g}) = {math.exp(value):.3g}"
    yield cells.problem("value", f"{value:g} outside of its limits {low:g} to {high:g}",
                        "an estimate within its limits", remedy)  # fmt: skip


def _shares(r: Record, cells: Cells) -> Iterator[Problem]:
    if r.measure not in SHARES:
        return
    places = [("value", r.value), ("lower", r.lower), ("upper", r.upper)]
    for k, arm in enumerate(r.arms, 1):
        places += [(f"value_{k}", arm.value), (f"lower_{k}", arm.lower), (f"upper_{k}", arm.upper)]
    for column, x in places:
        if x is not None and not 0 <= x <= 100:
            yield cells.problem(column, f"{x:g} per cent", "0 to 100", "correct the per cent")


def _counts(r: Record, cells: Cells) -> Iterator[Problem]:
    if r.events is not None and r.n is not None and r.events > r.n:
        yield cells.problem("events", f"{r.events} events among {r.n}", "events <= n",
                            "correct the counts")  # fmt: skip


def _groups(r: Record, cells: Cells) -> Iterator[Problem]:
    for k, arm in enumerate(r.arms, 1):
        if arm.events is not None and arm.n is not None and arm.events > arm.n:
            yield cells.problem(f"events_{k}", f"{arm.events} events among {arm.n}",
                                "events <= n", "correct the counts")  # fmt: skip
        if arm.person_years is not None and arm.person_years <= 0:
            yield cells.problem(f"person_years_{k}", f"{arm.person_years:g}", "above 0",
                                "correct the person-years")  # fmt: skip
        if (arm.lower is None) != (arm.upper is None):
            yield cells.problem(f"lower_{k}", "one limit without the other",
                                "both limits or none", "fill in the other limit")  # fmt: skip
        elif arm.lower is not None and arm.upper is not None and arm.lower > arm.upper:
            yield cells.problem(f"lower_{k}", f"limits swapped: {arm.lower:g} above {arm.upper:g}",
                                "lower <= upper", "exchange them")  # fmt: skip
        elif _apart(arm):
            yield cells.problem(
                f"value_{k}", f"{arm.value:g} outside of {arm.lower:g} to {arm.upper:g}",
                "an estimate within its limits", "correct the number that is misread",
            )  # fmt: skip


def _apart(arm: Arm) -> bool:
    """Whether a group's estimate lies outside of its limits."""
    if arm.value is None or arm.lower is None or arm.upper is None:
        return False
    return not arm.lower <= arm.value <= arm.upper


def twice(records: Sequence[Record], name: str, rows: Sequence[int]) -> list[Problem]:
    """One statistic of a study in two rows."""
    seen: dict[tuple[str, ...], int] = {}
    problems = []
    for row, r in zip(rows, records, strict=False):
        own = r.id if not r.id.startswith("row-") else ""
        key = (r.study, own) if own else (
            r.study, r.label, r.measure, r.outcome, r.contrast, r.timepoint, r.population,
            r.document, r.document_version)  # fmt: skip
        if key in seen:
            problems.append(
                Problem(name, row, "study", f"{r.study} once more, as in row {seen[key]}",
                        "each statistic of a study once",
                        "leave one out, or tell them apart by 'statistic'")
            )  # fmt: skip
        seen.setdefault(key, row)
    return problems
