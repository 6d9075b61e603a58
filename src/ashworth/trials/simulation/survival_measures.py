"""What times to an event show in a block of trials, and theory beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ashworth.trials.simulation.expected import ExpectedScore
from ashworth.trials.simulation.look_plans import (
    BENEFIT,
    FUTILITY,
    HARM,
    ExpectedLooks,
    LookPlan,
    expected_looks,
    first_crossings,
    score_at_events,
)
from ashworth.trials.simulation.performance import (
    Performance,
    Sums,
    average,
    proportion,
    spread_of,
)
from ashworth.trials.simulation.protocol_trials import ProtocolTrial
from ashworth.trials.simulation.questions import Question
from ashworth.trials.simulation.runs import SimulatedLooks

Floats = NDArray[np.float64]


def sum_looks(
    looks: SimulatedLooks, plan: LookPlan | None, alpha: float, sided: int, sums: Sums
) -> None:
    """Add what a block's looks show: with a plan up to where each trial ends."""
    z = -looks.column("statistic")
    rows, last = np.arange(len(z)), np.full(len(z), z.shape[1] - 1)
    if plan is None:
        critical = float(ndtri(1 - alpha / sided))
        benefit, harm = z[:, -1] > critical, z[:, -1] < -critical
    else:
        last, outcome = first_crossings(z, plan)
        benefit, harm = outcome == BENEFIT, outcome == HARM
        _sum_plan(looks, z, plan, last, outcome, sums)
    sums.add("benefit", benefit.astype(np.float64))
    if sided == 2:
        sums.add("harm", harm.astype(np.float64))
    sums.add("events", looks.events[rows, last])
    sums.add("day", looks.column("day")[rows, last])
    entered = looks.column("entered_control") + looks.column("entered_experimental")
    sums.add("entered", entered[rows, last])
    beta = looks.column("log_hazard_ratio")[rows, last]
    information = looks.column("information")[rows, last]
    sums.add("beta", beta)
    with np.errstate(divide="ignore"):
        sums.add("model_se", np.where(information > 0, 1 / np.sqrt(information), np.nan))
    sums.add("no_estimate", np.isnan(beta).astype(np.float64))


def _sum_plan(
    looks: SimulatedLooks, z: Floats, plan: LookPlan, last: NDArray[np.int64],
    outcome: NDArray[np.int64], sums: Sums,
) -> None:  # fmt: skip
    for k in range(plan.number):
        sums.add(f"z {k}", z[:, k])
        sums.add(f"look events {k}", looks.events[:, k])
        sums.add(f"look day {k}", looks.column("day")[:, k])
        for name, how in (("benefit", BENEFIT), ("harm", HARM), ("futility", FUTILITY)):
            sums.add(f"{name} {k}", ((last == k) & (outcome == how)).astype(np.float64))
    if plan.has_futility and not plan.design.binding:
        _, ignoring = first_crossings(z, plan, heed_futility=False)
        sums.add("benefit, futility ignored", (ignoring == BENEFIT).astype(np.float64))


@dataclass(frozen=True, slots=True)
class Theory:
    """What theory expects of an analysis.

    Attributes
    ----------
    score : ExpectedScore
        On the day of the last analysis.
    looks : ExpectedLooks or None
    """

    score: ExpectedScore
    looks: ExpectedLooks | None


def expected_of(trial: ProtocolTrial, asked: Question, sums: Sums) -> Theory | None:
    """Theory for the arms and hazards that were drawn; None where nothing is compared."""
    if "share 0 0" not in sums.count:
        return None
    hazards = trial.hazards(asked.analysis.endpoint)
    k, n = len(hazards.rates), trial.course.randomised
    shares = np.array([[sums.mean(f"share {arm} {g}") for g in range(k)] for arm in (0, 1)])
    design = trial.survival_design(asked.analysis, hazards, n, asked.looks)
    _, score = score_at_events(design, asked.looks[-1], n, shares)
    plan = asked.plan
    looks = None if plan is None else expected_looks(design, plan, n, shares=shares)
    return Theory(score, looks)


def survival_rows(
    trial: ProtocolTrial, asked: Question, sums: Sums, theory: Theory | None
) -> list[Performance]:
    """Rows of events, crossings, estimates.

    Where the trial ends with a number of events, theory says only about where events and days lie:
    several events fall on one day, and some trials do not reach the number.
    """
    n, looks = trial.course.randomised, None if theory is None else theory.looks
    events = None if theory is None else n * theory.score.events
    if looks is not None:
        events = _at_the_end(looks, looks.events)
    found = [
        average(sums, "events", "events", "log-rank", events, rough=asked.looks != (0,)),
        average(sums, "analysed", "patients analysed", asked.analysis.population),
    ]
    if theory is None:
        return found
    score = theory.score
    power = score.power(n, asked.alpha, asked.sided)
    if looks is not None:
        power = float(looks.upward.sum())
        found += _look_rows(asked, sums, looks)
    name = "probability of declaring non-inferiority" if asked.analysis.margin else (
        "probability of a significant benefit"
    )  # fmt: skip
    found.append(proportion(sums, "benefit", name, "log-rank score", power))
    if "benefit, futility ignored" in sums.count:
        found.append(proportion(sums, "benefit, futility ignored", f"{name}, futility ignored",
                                "log-rank score"))  # fmt: skip
    if asked.sided == 2:
        harm = None if looks is None else float(looks.downward.sum())
        found.append(
            proportion(sums, "harm", "probability of significant harm", "log-rank score", harm)
        )
    limit = None if looks is not None else math.log(score.limit_hazard_ratio)
    found.append(average(sums, "beta", "log hazard ratio", "Cox", limit))
    found.append(spread_of(sums, "beta", "empirical standard error of log HR", "Cox"))
    found.append(average(sums, "model_se", "model standard error of log HR", "Cox"))
    return found


def _at_the_end(looks: ExpectedLooks, values: Floats) -> float:
    """Mean over where the trials end; who crosses nothing ends at the last look."""
    stops = looks.upward + looks.downward
    return float(values[:-1] @ stops[:-1] + values[-1] * (1.0 - stops[:-1].sum()))


def _look_rows(asked: Question, sums: Sums, looks: ExpectedLooks) -> list[Performance]:
    plan = asked.plan
    assert plan is not None
    below = "harm" if plan.design.sided == 2 else "futility"
    found = [
        average(
            sums,
            "day",
            "day of the end of the trial",
            "looks",
            _at_the_end(looks, looks.days),
            rough=True,
        ),
        average(sums, "entered", "patients randomised by the end", "looks"),
    ]
    for k in range(plan.number):
        found.append(average(sums, f"look day {k}", f"day of look {k + 1}", "looks",
                             float(looks.days[k]), rough=True))  # fmt: skip
        found.append(proportion(sums, f"benefit {k}", f"ends for benefit at look {k + 1}",
                                "log-rank score", float(looks.upward[k])))  # fmt: skip
        if np.isfinite(plan.lower_z[k]):
            found.append(proportion(sums, f"{below} {k}", f"ends for {below} at look {k + 1}",
                                    "log-rank score", float(looks.downward[k])))  # fmt: skip
    return found
