"""What a caller asks of a group-sequential design: read, checked, all faults at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ashworth.trials.faults import Faults

from .boundaries import EfficacyRule, FutilityRule, Rules
from .checks import (
    SPENDING_FAMILIES,
    bounds_of,
    check_fractions,
    check_parameter,
    check_spender,
    numbers,
)
from .recursion import Floats, crossing
from .spending import Spender, check_spent

EfficacyFamily = Literal[
    "obrien_fleming", "pocock", "hwang_shih_decani", "kim_demets", "user",
    "exact_obrien_fleming", "exact_pocock", "wang_tsiatis", "haybittle_peto", "fixed",
]  # fmt: skip
FutilityFamily = Literal[
    "none", "obrien_fleming", "pocock", "hwang_shih_decani", "kim_demets", "user", "fixed",
]  # fmt: skip
_EFFICACY = (
    *SPENDING_FAMILIES, "exact_obrien_fleming", "exact_pocock", "wang_tsiatis", "haybittle_peto",
    "fixed",
)  # fmt: skip
_FUTILITY = ("none", *SPENDING_FAMILIES, "fixed")
_SHAPES = {"exact_obrien_fleming": 0.0, "exact_pocock": 0.5}
MOST_LOOKS = 100
MOST_BOUND = 40.0


@dataclass(frozen=True, slots=True)
class Request:
    """A checked request: looks and rules."""

    times: Floats
    rules: Rules


def read_request(**asked: Any) -> Request:
    """Check the arguments of `group_sequential`; refuse them with all faults at once."""
    faults = Faults("group_sequential")
    faults.level_and_power(asked["alpha"], asked["sided"], asked["power"])
    fractions = _fractions(faults, asked["looks"], asked["information_fractions"])
    _check_efficacy(faults, asked, fractions)
    _check_futility(faults, asked, fractions)
    faults.refuse()
    assert fractions is not None
    sided = asked["sided"]
    futility = _futility_rule(asked)
    rules = Rules(_efficacy_rule(asked), futility, asked["alpha"] / sided,
                  1.0 - asked["power"], sided)  # fmt: skip
    times = np.asarray(fractions, dtype=np.float64)
    _check_spent_already(faults, rules, times, 1.0 - rules.beta)
    return Request(times, rules)


def _fractions(faults: Faults, looks: Any, fractions: Any) -> tuple[float, ...] | None:
    if (looks is None) == (fractions is None):
        found = "neither" if looks is None else "both"
        faults.add("looks", found, "looks or information_fractions", "give one of the two")
        return None
    if fractions is not None:
        right = check_fractions(faults, "information_fractions", fractions, to_one=True)
        return numbers(fractions) if right else None
    if not faults.whole("looks", looks):
        return None
    if looks > MOST_LOOKS:
        faults.add("looks", f"{looks:g}", f"at most {MOST_LOOKS}")
        return None
    return tuple((k + 1) / int(looks) for k in range(int(looks)))


def _check_efficacy(faults: Faults, asked: dict[str, Any], fractions: Any) -> None:
    family = asked["efficacy"]
    family = family if faults.one_of("efficacy", family, _EFFICACY) else ""
    check_spender(faults, "", family, asked["gamma"], asked["rho"])
    check_parameter(faults, "shape", asked["shape"], "wang_tsiatis", family)
    if family == "wang_tsiatis" and asked["shape"] is not None:
        faults.number("shape", asked["shape"], least=-2, most=2)
    if family == "haybittle_peto":
        faults.number("interim_z", asked["interim_z"], above=0, most=40)
    check_parameter(faults, "bounds", asked["bounds"], "fixed", family)
    if family == "fixed" and asked["bounds"] is not None:
        _check_bounds(faults, "bounds", asked["bounds"], fractions, 0, least=0.0)
    check_parameter(faults, "spent", asked["spent"], "user", family)
    if family == "user" and asked["spent"] is not None:
        check_spent(faults, "spent", asked["spent"], fractions, asked["alpha"], whole=True)


def _check_futility(faults: Faults, asked: dict[str, Any], fractions: Any) -> None:
    family, power = asked["futility"], numbers([asked["power"]])
    family = family if faults.one_of("futility", family, _FUTILITY) else ""
    check_spender(faults, "futility_", family, asked["futility_gamma"],
                  asked["futility_rho"])  # fmt: skip
    check_parameter(faults, "futility_bounds", asked["futility_bounds"], "fixed", family)
    if family == "fixed" and asked["futility_bounds"] is not None:
        _check_bounds(faults, "futility_bounds", asked["futility_bounds"], fractions, 1)
    check_parameter(faults, "futility_spent", asked["futility_spent"], "user", family)
    if family == "user" and asked["futility_spent"] is not None and power is not None:
        check_spent(faults, "futility_spent", asked["futility_spent"], fractions,
                    1.0 - power[0], whole=True)  # fmt: skip
    if not isinstance(asked["binding"], bool):
        faults.add("binding", repr(asked["binding"]), "True or False")
    if family == "none":
        if asked["binding"] is True:
            faults.add("binding", "True without futility", "False", "choose a futility family")
        return
    if isinstance(asked["sided"], int) and asked["sided"] == 2:
        faults.add("futility", f"{family!r} with sided 2", "a one-sided design",
                   "give sided=1 and half of alpha")  # fmt: skip
    spends = family == "fixed" or str(asked["efficacy"]) in SPENDING_FAMILIES
    if asked["binding"] is True and not spends:
        faults.add("binding", f"True with efficacy {asked['efficacy']!r}",
                   "an efficacy bound that spends", "choose binding=False")  # fmt: skip


def _check_bounds(
    faults: Faults, name: str, values: Any, fractions: Any, fewer: int, least: float | None = None
) -> None:
    found = bounds_of(values)
    if found is None:
        faults.add(name, repr(values), "z values, one per look", "list the bounds")
        return
    if fractions is not None and len(found) != len(fractions) - fewer:
        words = "one per look before the last" if fewer else "one per look"
        faults.add(name, f"{len(found)} values", f"{len(fractions) - fewer} values, {words}")
    if least is not None and any(v <= least for v in found):
        faults.add(name, f"{min(found):g}", f"z above {least:g}")
    if any(math.isfinite(v) and abs(v) > MOST_BOUND for v in found):
        faults.add(name, str(list(found)), f"z within {MOST_BOUND:g}, or infinite for no bound")
    if least is not None and found and found[-1] == math.inf:
        faults.add(name, "infinity at the last look", "a number at the last look")


def _check_spent_already(faults: Faults, rules: Rules, times: Floats, power: float) -> None:
    """Demand that given bounds leave something: alpha for the last look, an error below power."""
    rule = rules.efficacy
    if rule.interim_z is None and not rule.fixed:
        return
    given = (rule.interim_z,) * (len(times) - 1) if rule.interim_z else rule.fixed
    upper = np.asarray(given, dtype=np.float64)
    bottom = -upper if rules.sided == 2 else np.full(len(upper), -np.inf)
    used = float(crossing(times[: len(upper)], bottom, upper, 0.0)[0].sum())
    if rule.interim_z is not None and used >= rules.alpha:
        faults.add("interim_z", f"{rule.interim_z:g}, which spends {used:.3g}",
                   f"a bound that leaves some of {rules.alpha:g} for the last look",
                   "give a larger interim_z")  # fmt: skip
    if rule.fixed and used >= power:
        faults.add("bounds", f"bounds with error {used:.3g}", f"an error below power {power:g}",
                   "give larger bounds")  # fmt: skip
    faults.refuse()


def _efficacy_rule(asked: dict[str, Any]) -> EfficacyRule:
    family = asked["efficacy"]
    if family in SPENDING_FAMILIES:
        spent = tuple(v / asked["sided"] for v in numbers(asked["spent"]) or ())
        return EfficacyRule(spender=Spender(family, asked["gamma"], asked["rho"], spent))
    if family == "haybittle_peto":
        return EfficacyRule(interim_z=float(asked["interim_z"]))
    if family == "fixed":
        return EfficacyRule(fixed=bounds_of(asked["bounds"]) or ())
    shape = asked["shape"] if family == "wang_tsiatis" else _SHAPES[family]
    return EfficacyRule(shape=float(shape))


def _futility_rule(asked: dict[str, Any]) -> FutilityRule:
    family, binding = asked["futility"], asked["binding"]
    if family == "none":
        return FutilityRule()
    if family == "fixed":
        return FutilityRule(fixed=bounds_of(asked["futility_bounds"]) or (), binding=binding)
    spent = numbers(asked["futility_spent"]) or ()
    spender = Spender(family, asked["futility_gamma"], asked["futility_rho"], spent)
    return FutilityRule(spender=spender, binding=binding)
