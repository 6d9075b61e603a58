"""Checks that tests, powers and sizes of proportions share."""

from __future__ import annotations

from typing import Any

from ashworth.trials.faults import Faults
from ashworth.trials.log_rank_sizes.checks import is_number

from .regions import TESTS, WITH_MARGIN

MOST_PER_ARM = 3000
ALTERNATIVES = ("two-sided", "greater", "less")


def check_counts(faults: Faults, arms: dict[str, tuple[Any, Any]], *, patients: str = "n") -> None:
    """Demand whole events between 0 and n in each arm."""
    for arm, (events, n) in arms.items():
        right = faults.whole(f"{patients}_{arm}", n)
        if faults.whole(f"events_{arm}", events, least=0) and right and events > n:
            remedy = "events cannot exceed the patients of the arm"
            faults.add(f"events_{arm}", f"{events} of {n}", f"at most {n}", remedy)


def check_arms(faults: Faults, n_control: Any, n_experimental: Any) -> None:
    """Demand whole arms, small enough to enumerate all tables."""
    for name, n in (("n_control", n_control), ("n_experimental", n_experimental)):
        if faults.whole(name, n) and n > MOST_PER_ARM:
            remedy = "use two_proportions_formula for larger arms"
            faults.add(name, f"{n:g}", f"at most {MOST_PER_ARM} for exact tables", remedy)


def check_test(faults: Faults, test: Any, null_difference: Any) -> None:
    """Demand a known test, and a margin only where the test knows one."""
    known = faults.one_of("test", test, TESTS)
    right = faults.number("null_difference", null_difference, above=-1, below=1)
    if known and right and null_difference != 0.0 and test not in WITH_MARGIN:
        remedy = f"choose one of {', '.join(WITH_MARGIN)}, or leave the margin out"
        found = f"{null_difference:g} with test '{test}'"
        faults.add("null_difference", found, "0 for a test of no difference", remedy)


def check_side(
    faults: Faults, shares: tuple[Any, Any], null_difference: Any, sided: Any, alternative: Any,
    *, different: bool = False,
) -> str:  # fmt: skip
    """Tell the alternative: ``auto`` follows the margin, without one the assumed difference.

    With `different` the assumed difference must lie on the side of the alternative.
    """
    named = faults.one_of("alternative", alternative, ("auto", "greater", "less"))
    right = [faults.probability(k, v) for k, v in
             zip(("p_control", "p_experimental"), shares, strict=True)]  # fmt: skip
    if not (named and all(right) and is_number(null_difference)):
        return "two-sided"
    gap = shares[1] - shares[0]
    if sided == 2:
        if different and gap == null_difference:
            _same(faults, shares)
        return "two-sided"
    if alternative == "auto":
        lead = -null_difference if null_difference else gap
        alternative = "greater" if lead > 0 else "less"
        if lead == 0:
            _same(faults, shares)
            return alternative
    beyond = gap - null_difference if alternative == "greater" else null_difference - gap
    if different and beyond <= 1e-12:
        _wrong_side(faults, gap, null_difference, alternative)
    return alternative


def _same(faults: Faults, shares: tuple[Any, Any]) -> None:
    remedy = "give the difference to be shown, a margin, or the alternative 'greater' or 'less'"
    faults.add("p_experimental", f"{shares[1]:g}, as p_control", "another share", remedy)


def _wrong_side(faults: Faults, gap: float, null_difference: float, alternative: str) -> None:
    side = "above" if alternative == "greater" else "below"
    remedy = (
        "the margin or the alternative points the wrong way: a margin is negative where more "
        "events are better, positive where fewer are; superiority by a margin names its alternative"
    )
    found = f"{null_difference:g} with an assumed difference of {gap:g}"
    faults.add("null_difference", found, f"a difference {side} null_difference", remedy)
