"""How each kind of size is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from scipy.special import ndtri
from scipy.stats import nbinom

from ashworth.enumeration import proportion_interval
from ashworth.trials.faults import Faults
from ashworth.trials.log_rank_sizes.course import TrialCourse
from ashworth.trials.log_rank_sizes.events import log_rank_events, log_rank_power
from ashworth.trials.log_rank_sizes.limits import implied_events
from ashworth.trials.log_rank_sizes.patients import log_rank_size
from ashworth.trials.marker_trials.assay_error import assay_enrichment
from ashworth.trials.marker_trials.effects import marker_designs
from ashworth.trials.proportions.conditional import fisher_conditional_power
from ashworth.trials.proportions.detectable import two_proportions_detectable
from ashworth.trials.proportions.formulas import two_proportions_formula
from ashworth.trials.proportions.power import two_proportions_power
from ashworth.trials.proportions.simon import simon_two_stage
from ashworth.trials.proportions.size import two_proportions_size
from ashworth.trials.protocol_sizes.asked import Asked
from ashworth.trials.sequential.design import group_sequential
from ashworth.trials.sequential.whole_events import sequential_events
from ashworth.trials.simulation.dilution import diluted_strategy

Answer = tuple[str, Mapping[str, Any]]


def _events(asked: Asked) -> Answer:
    method = asked.value("method", "schoenfeld")
    found = log_rank_events(
        asked.hazard_ratio, alpha=asked.value("alpha"), sided=asked.value("sided"),
        power=asked.value("power"), ratio=asked.ratio, null_hazard_ratio=asked.null_hazard_ratio,
        method=method,
    )  # fmt: skip
    return found.method, {
        "events": found.events, "events_integer": found.events_integer,
        "power_integer": found.power_integer,
    }  # fmt: skip


def _events_power(asked: Asked) -> Answer:
    power = log_rank_power(
        asked.value("events"), asked.hazard_ratio, alpha=asked.value("alpha"),
        sided=asked.value("sided"), ratio=asked.ratio, null_hazard_ratio=asked.null_hazard_ratio,
    )  # fmt: skip
    return "schoenfeld", {"power": float(getattr(power, "power", power))}


def _patients(asked: Asked) -> Answer:
    course = TrialCourse(
        hazard_ratio=asked.hazard_ratio, accrual_duration=asked.value("accrual"),
        follow_up=asked.value("follow_up"), control_median=asked.value("control_median"),
        ratio=asked.ratio, dropout_hazard=asked.value("drop_out", 0.0),
    )  # fmt: skip
    found = log_rank_size(
        course, alpha=asked.value("alpha"), sided=asked.value("sided"), power=asked.value("power"),
        null_hazard_ratio=asked.null_hazard_ratio, method=asked.value("method", "lachin_foulkes"),
    )  # fmt: skip
    return found.method, {
        "patients": found.patients, "events": found.events,
        "patients_integer": found.patients_control_integer + found.patients_experimental_integer,
        "power_integer": found.power_integer,
    }  # fmt: skip


def _two_arm_levels(asked: Asked) -> dict[str, Any]:
    return {"alpha": asked.value("alpha"), "sided": asked.value("sided")}


def _proportions_size(asked: Asked) -> Answer:
    p0, p1 = asked.value("control"), asked.value("experimental")
    levels, power = _two_arm_levels(asked), asked.value("power")
    kept = 1 - asked.value("drop_out", 0.0)
    if asked.value("test", "fisher") == "normal":
        how = asked.value("formula", "pooled")
        formula = two_proportions_formula(p0, p1, power=power, ratio=asked.ratio, method=how,
                                          **levels)  # fmt: skip
        each = (formula.n_control_integer, formula.n_experimental_integer)
        more = {"n_per_arm": formula.n_control, "power_integer": formula.power_integer}
        method = f"normal approximation, {formula.method}"
    else:
        exact = two_proportions_size(p0, p1, power=power, ratio=asked.ratio,
                                     test=asked.value("test", "fisher"), **levels)  # fmt: skip
        each = (exact.n_control, exact.n_experimental)
        more = {"power_integer": exact.power, "type_1_error": exact.type_1_error}
        method = f"exact, {exact.method}"
    total = sum(each)
    found = {"n_control": each[0], "n_experimental": each[1], "n": total, **more}
    if kept < 1:
        found["n_with_drop_out"] = math.ceil(total / kept - 1e-9)
    return method, found


def _proportions_power(asked: Asked) -> Answer:
    n0 = asked.given.get("n_control", asked.given.get("n_per_arm"))
    n1 = asked.given.get("n_experimental", asked.given.get("n_per_arm"))
    found = two_proportions_power(
        asked.value("control"), asked.value("experimental"), n0, n1,
        test=asked.value("test", "fisher"), **_two_arm_levels(asked),
    )  # fmt: skip
    return f"exact, {found.method}", {"power": found.power, "type_1_error": found.type_1_error}


def _detectable(asked: Asked) -> Answer:
    n = asked.value("n_per_arm")
    found = two_proportions_detectable(
        asked.value("control"), n, n, alternative=asked.value("alternative", "less"),
        power=asked.value("power"), test=asked.value("test", "fisher"), **_two_arm_levels(asked),
    )  # fmt: skip
    exact = "normal approximation" if found.method in ("pooled", "unpooled") else "exact"
    return f"{exact}, {found.method}", {"experimental": found.p_experimental,
                                      "difference": found.difference}  # fmt: skip


def _conditional(asked: Asked) -> Answer:
    experimental, control = asked.value("rates")
    (x1, x0), (s1, s0) = asked.value("successes"), asked.value("assessed")
    n = asked.value("n_per_arm")
    found = fisher_conditional_power(
        x0, s0, x1, s1, n, n, alternative=asked.value("alternative", "less"), p_control=control,
        p_experimental=experimental, alpha=asked.value("alpha"),
    )  # fmt: skip
    return f"conditional power, {found.method}", {"probability": found.probability}


def _simon(asked: Asked) -> Answer:
    found = simon_two_stage(asked.value("p0"), asked.value("p1"), alpha=asked.value("alpha"),
                            beta=1 - asked.value("power"))  # fmt: skip
    best = found.optimal if asked.value("kind", "optimal") == "optimal" else found.minimax
    return f"Simon two-stage, {best.kind}", {
        "r1": best.r1, "n1": best.n1, "r": best.r, "n": best.n, "type_1_error": best.type_1_error,
        "power": best.power,
    }  # fmt: skip


def _single_arm(asked: Asked) -> Answer:
    hits, n = asked.value("successes"), asked.value("n")
    limits = proportion_interval(hits, n, level=asked.value("level", 0.95))
    return "exact interval (Clopper-Pearson)", {
        "share": hits / n, "lower": float(limits.lower), "upper": float(limits.upper),
    }  # fmt: skip


def _sequential(asked: Asked) -> Answer:
    looks = asked.analysis.looks if asked.analysis is not None else None
    fractions = asked.given.get("fractions", getattr(looks, "fractions", None))
    options: dict[str, Any] = {"efficacy": asked.value("spending", "obrien_fleming")}
    if fractions in (None, "unknown"):
        options["looks"] = asked.value("looks")
    else:
        options["information_fractions"] = fractions
    design = group_sequential(alpha=asked.value("alpha"), sided=asked.value("sided"),
                              power=asked.value("power"), **options)  # fmt: skip
    found: dict[str, Any] = {
        "z": list(design.upper_z), "nominal_p": list(design.nominal_p),
        "inflation": design.inflation,
    }  # fmt: skip
    if "hazard_ratio" in asked.given or "median_ratio" in asked.given:
        whole = sequential_events(design, asked.hazard_ratio, ratio=asked.ratio,
                                  null_hazard_ratio=asked.null_hazard_ratio)  # fmt: skip
        found |= {"events_integer": list(whole.events_integer),
                  "power_integer": whole.power_integer}  # fmt: skip
    return f"{design.method}; efficacy {design.efficacy}", found


def _screening(asked: Asked) -> Answer:
    """Yield of a funnel, and how many to screen so that enough come through.

    The product of the shares of each step; the number to screen with 90 % confidence is that of
    the negative binomial distribution at the product.
    """
    chains = [asked.given["steps"]] if "steps" in asked.given else []
    chains += asked.given.get("then", [])
    shares = [b / a for chain in chains for a, b in pairwise(chain)]
    shares += asked.given.get("shares", [])
    faults = Faults(f"the size '{asked.size.id}'")
    if not shares:
        faults.add("steps", "nothing", "counts of a funnel, or shares")
    for share in shares:
        faults.number("steps", share, above=0, most=1)
    faults.refuse()
    passed, wanted = math.prod(shares), asked.value("wanted")
    more = float(nbinom.ppf(0.9, wanted, passed)) if passed < 1 else 0.0
    return "product of the steps; negative binomial", {
        "yield": passed, "to_screen": wanted / passed,
        "to_screen_integer": math.ceil(wanted / passed - 1e-9),
        "to_screen_with_90_percent": int(wanted + more),
    }  # fmt: skip


def _strategy(asked: Asked) -> Answer:
    ratio = float(asked.value("discordant_hazard_ratio"))
    found = diluted_strategy(asked.trial, analysis=asked.size.analysis, ratios=(ratio,))
    if found is None:
        raise asked.refusal("analysis", "a trial without two rules that differ, or assumptions",
                            "a randomised strategy trial", "leave this size away")  # fmt: skip
    row = found.rows[0]
    answer: dict[str, Any] = {
        "concordant_share": found.concordant, "overall_hazard_ratio": row.overall_hazard_ratio,
        "declared": row.declared, "events": found.events,
    }  # fmt: skip
    if found.at_margin is not None:
        answer["discordant_hazard_ratio_at_the_margin"] = found.at_margin
    return f"{found.method}; illustrative hazards", answer


def _enrichment(asked: Asked) -> Answer:
    found = assay_enrichment(
        asked.value("prevalence"), asked.value("effect_ratio", 0.0),
        sensitivity=asked.value("sensitivity", 1.0), specificity=asked.value("specificity", 1.0),
    )  # fmt: skip
    return found.method, {
        "positive_rate": found.positive_rate, "ppv": found.ppv, "inflation": found.inflation,
        "randomised_ratio": found.randomised_ratio, "screened_ratio": found.screened_ratio,
    }  # fmt: skip


def _designs(asked: Asked) -> Answer:
    found = marker_designs(
        asked.value("prevalence"), asked.value("effect_positive"), asked.value("effect_negative"),
        sd=asked.value("sd", 1.0), power=asked.value("power"), **_two_arm_levels(asked),
    )  # fmt: skip
    return found.method, {row.design: row.randomised for row in found.rows}


def _from_interval(asked: Asked) -> Answer:
    events = implied_events(asked.value("lower"), asked.value("upper"),
                            level=asked.value("level", 0.95), ratio=asked.ratio)  # fmt: skip
    return "4 / SE^2 of the log hazard ratio", {"events": events}


def _from_p_value(asked: Asked) -> Answer:
    ratio, p, sided = asked.hazard_ratio, asked.value("p_value"), asked.value("sided", 2)
    faults = Faults(f"the size '{asked.size.id}'")
    faults.number("p_value", p, above=0, below=1)
    faults.number("hazard_ratio", ratio, above=0)
    if ratio == 1:
        faults.add("hazard_ratio", "1", "a hazard ratio other than 1")
    faults.refuse()
    z = float(ndtri(1 - p / sided))
    share = asked.ratio / (1 + asked.ratio) ** 2
    return "z^2 / (p1 p2 (log HR)^2)", {"events": z * z / share / math.log(ratio) ** 2}


KINDS: dict[str, Callable[[Asked], Answer]] = {
    "log_rank_events": _events,
    "log_rank_power": _events_power,
    "log_rank_patients": _patients,
    "two_proportions_size": _proportions_size,
    "two_proportions_power": _proportions_power,
    "two_proportions_detectable": _detectable,
    "fisher_conditional_power": _conditional,
    "simon_two_stage": _simon,
    "single_arm": _single_arm,
    "group_sequential": _sequential,
    "screening": _screening,
    "marker_strategy": _strategy,
    "enrichment": _enrichment,
    "marker_designs": _designs,
    "events_from_interval": _from_interval,
    "events_from_p_value": _from_p_value,
}
