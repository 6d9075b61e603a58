"""Checks that sequential designs share."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ashworth.trials.faults import Faults

SPENDING_FAMILIES = ("obrien_fleming", "pocock", "hwang_shih_decani", "kim_demets", "user")
CLOSEST = 0.001
MOST_REPEATS = 10_000_000
MOST_Z = 30.0
MOST = 1e9


def numbers(values: Any) -> tuple[float, ...] | None:
    """Finite numbers of a sequence, or None where it is not one."""
    if values is None or isinstance(values, str | bytes | bool | dict | set):
        return None
    try:
        found = list(values)
    except TypeError:
        return None
    if any(isinstance(v, bool | str | bytes) for v in found):
        return None
    try:
        real = tuple(float(v) for v in found)
    except (TypeError, ValueError, OverflowError):
        return None
    return real if all(math.isfinite(v) for v in real) else None


def bounds_of(values: Any) -> tuple[float, ...] | None:
    """Numbers of a sequence that may be infinite, or None where it is not one."""
    if values is None or isinstance(values, str | bytes | bool | dict | set):
        return None
    try:
        real = tuple(float(v) for v in values if not isinstance(v, bool | str | bytes))
        whole = len(real) == len(list(values))
    except (TypeError, ValueError, OverflowError):
        return None
    return real if whole and not any(math.isnan(v) for v in real) else None


def check_fractions(faults: Faults, name: str, values: Any, *, to_one: bool = False) -> bool:
    """Demand information fractions: above 0, increasing, at most 1, apart from each other."""
    found = numbers(values)
    before = len(faults.problems)
    if not found:
        faults.add(name, repr(values), "increasing numbers above 0, at most 1", "list the looks")
        return False
    if found[0] <= 0:
        faults.add(name, f"{found[0]:g} at look 1", "a number above 0")
    for look, (a, b) in enumerate(pairwise(found), start=2):
        if b <= a:
            faults.add(name, f"{b:g} at look {look}, {a:g} before", "looks that increase",
                       "order the looks")  # fmt: skip
        elif b - a < CLOSEST * b:
            faults.add(name, f"{a:g} and {b:g}", f"looks at least {CLOSEST:g} of the later apart",
                       "merge the two looks")  # fmt: skip
    if max(found) > 1:
        faults.add(name, f"{max(found):g}", "at most 1", "give fractions of the maximum")
    elif to_one and found[-1] != 1:
        faults.add(name, f"{found[-1]:g} at the end", "1 at the last look", "add the final look")
    return len(faults.problems) == before


def check_repeats(faults: Faults, repeats: Any) -> None:
    """Demand a whole number of simulations that ends today."""
    if faults.whole("repeats", repeats, least=100) and repeats > MOST_REPEATS:
        faults.add("repeats", f"{repeats:g}", f"at most {MOST_REPEATS}")


def check_sided_level(faults: Faults, alpha: Any, sided: Any) -> bool:
    """Demand sides, and a level between 0 and 0.5 per side."""
    right = faults.one_of("sided", sided, (1, 2))
    return faults.number("alpha", alpha, above=0, below=0.5 * (sided if right else 1)) and right


def check_spender(faults: Faults, prefix: str, family: Any, gamma: Any, rho: Any) -> None:
    """Demand the parameter of a spending family, and no other's."""
    check_parameter(faults, f"{prefix}gamma", gamma, "hwang_shih_decani", family)
    check_parameter(faults, f"{prefix}rho", rho, "kim_demets", family)
    if gamma is not None:
        faults.number(f"{prefix}gamma", gamma, least=-100, most=100)
    if rho is not None:
        faults.number(f"{prefix}rho", rho, above=0, most=100)


def check_parameter(faults: Faults, name: str, value: Any, owner: str, family: Any) -> None:
    """Demand a parameter where its family is chosen, and nowhere else."""
    if family == owner and value is None:
        faults.add(name, "nothing", f"a value for {owner}", "give the parameter")
    if family != owner and value is not None:
        faults.add(name, repr(value), f"nothing unless {owner} is chosen", "leave it out")


def series(
    faults: Faults, name: str, values: Any, *, least: float = -math.inf, empty: bool = False
) -> NDArray[np.float64]:
    """Finite numbers of a sequence within a range, as an array."""
    found = numbers(values.tolist() if isinstance(values, np.ndarray) else values)
    if found is None or (not found and not empty):
        faults.add(name, repr(values)[:60], "finite numbers", "list the values")
        return np.zeros(0)
    if found and max(map(abs, found)) > MOST:
        faults.add(name, f"{max(map(abs, found)):g}", f"numbers at most {MOST:g}")
    if found and min(found) < least:
        faults.add(name, f"{min(found):g}", f"numbers at least {least:g}")
    return np.asarray(found, dtype=np.float64)
