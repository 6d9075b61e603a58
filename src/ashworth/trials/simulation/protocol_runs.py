"""Blocks of simulated trials of a protocol: what each analysis shows, summed over replicates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import fisher_exact

from ashworth.definitions.protocols.analyses import Analysis
from ashworth.errors import InputError, Problem
from ashworth.trials.faults import Faults
from ashworth.trials.simulation.expected import ExpectedScore, expected_score
from ashworth.trials.simulation.performance import (
    Performance,
    Sums,
    average,
    proportion,
    spread_of,
)
from ashworth.trials.simulation.protocol_trials import Enrolled, ProtocolTrial
from ashworth.trials.simulation.runs import SimulatedLooks, check_run, simulate_survival

Floats = NDArray[np.float64]
ASSUMED_ALPHA, ASSUMED_SIDED = 0.05, 2


@dataclass(frozen=True, slots=True)
class Question:
    """One analysis with level and sides; what the protocol does not tell is assumed and said.

    Attributes
    ----------
    assumed : tuple of str
        What was assumed.
    """

    analysis: Analysis
    alpha: float
    sided: int
    assumed: tuple[str, ...] = ()


def question(trial: ProtocolTrial, id: str | None = None, *, alpha: float | None = None,
             sided: int | None = None) -> Question:  # fmt: skip
    """Choose an analysis (the first one by default) and complete its level.

    Raises
    ------
    InputError
        Unknown analysis, an endpoint that cannot be simulated, alpha or sides out of range.
    """
    analyses = {a.id: a for a in trial.trial.protocol.analyses}
    if id is not None and id not in analyses:
        raise InputError(
            [Problem(trial.trial.document.name, None, "analysis", f"'{id}'", ", ".join(analyses),
                     "name one of them")], subject="the simulation",
        )  # fmt: skip
    analysis = analyses[id] if id is not None else next(iter(analyses.values()))
    faults = Faults("simulation")
    assumed = []
    level, sides = analysis.alpha, analysis.sided
    if alpha is not None:
        level = alpha
    elif level == "unknown":
        level = ASSUMED_ALPHA
        assumed.append(f"alpha {level} (the protocol's is unknown)")
    if sided is not None:
        faults.one_of("sided", sided, (1, 2))
        sides = sided  # type: ignore[assignment]
    elif sides == "unknown":
        sides = ASSUMED_SIDED
        assumed.append(f"{sides}-sided (the protocol's sides are unknown)")
    faults.number("alpha", level, above=0, below=1)
    if trial.trial.protocol.endpoints[analysis.endpoint].type not in ("time_to_event", "binary"):
        faults.add("analysis", analysis.id, "a time to event or a binary endpoint",
                   "choose another analysis")  # fmt: skip
    faults.refuse()
    trial.outcome(analysis.endpoint)
    return Question(analysis, float(level), int(sides), tuple(assumed))


@dataclass
class BlockResult:
    """Sums of a block of replicates, and what theory expects of its patients."""

    first: int
    count: int
    sums: Sums = field(default_factory=Sums)


def simulate_blocks(
    trial: ProtocolTrial, asked: Question, *, replicates: int, seed: int, first: int = 0
) -> Iterator[BlockResult]:
    """Simulate a protocol's trial, block by block.

    Parameters
    ----------
    trial : ProtocolTrial
    asked : Question
    replicates : int
    seed : int
    first : int
        Number of the first replicate; blocks begin at multiples of their own size, so that a run
        that goes on later makes the same blocks.

    Yields
    ------
    BlockResult
        Sums over the block's replicates.
    """
    check_run(replicates, seed, first)
    size = trial.replicates_at_once()
    done = first
    while done < replicates:
        count = min(size - done % size, replicates - done)
        yield simulate_block_of(trial, asked, seed=seed, first=done, count=count)
        done += count


def simulate_block_of(
    trial: ProtocolTrial, asked: Question, *, seed: int, first: int, count: int
) -> BlockResult:
    """Simulate one block of replicates."""
    enrolled = trial.enrol(seed, first, count)
    result = BlockResult(first, count)
    _routes(trial, enrolled, result.sums)
    kind = trial.trial.protocol.endpoints[asked.analysis.endpoint].type
    if kind == "time_to_event":
        _time_to_event(trial, enrolled, asked, seed, first, result.sums)
    else:
        _binary(trial, enrolled, asked, result.sums)
    return result


def _routes(trial: ProtocolTrial, enrolled: Enrolled, sums: Sums) -> None:
    sums.add("screened", enrolled.screened)
    sums.add("concordant", enrolled.concordant)
    for node, share in enrolled.visits.items():
        sums.add(f"visit {node}", share)
    for position, arm in enumerate(trial.arms):
        sums.add(f"arm {arm}", (enrolled.arm == position).sum(axis=1).astype(np.float64))
    sums.add("adherent", enrolled.adherent.mean(axis=1))


def _pair(trial: ProtocolTrial, asked: Question) -> tuple[int, int] | None:
    """Positions of control and experimental arm; None where nothing is compared."""
    experimental, control = asked.analysis.experimental, asked.analysis.control
    if not trial.randomised or experimental is None or control is None:
        return None
    return trial.arms.index(control), trial.arms.index(experimental)


def _population(trial: ProtocolTrial, enrolled: Enrolled, asked: Question) -> NDArray[np.bool_]:
    """Who is analysed: per protocol leaves out who did not adhere; `within` limits further."""
    who = np.ones(enrolled.arm.shape, dtype=np.bool_)
    if asked.analysis.population == "per_protocol":
        who &= enrolled.adherent
    if asked.analysis.within is not None:
        compiled = trial.router.value("analyses", asked.analysis.id, "within")
        answer = compiled(enrolled.values, enrolled.arm.size)
        true = np.asarray(answer.known) & np.asarray(answer.values).astype(np.bool_)
        who &= true.reshape(who.shape)
    return who


def _time_to_event(
    trial: ProtocolTrial, enrolled: Enrolled, asked: Question, seed: int, first: int, sums: Sums
) -> None:
    groups, hazards = trial.hazard_groups(enrolled, asked.analysis)
    pair = _pair(trial, asked)
    who = _population(trial, enrolled, asked)
    arms = np.zeros(groups.shape, dtype=np.uint8)
    if pair is not None:
        arms = (enrolled.arm == pair[1]).astype(np.uint8)
        who &= np.isin(enrolled.arm, pair)
    design = trial.survival_design(asked.analysis, hazards, groups.shape[1])
    looks = simulate_survival(
        design, replicates=len(groups), seed=seed, scenario=f"{trial.scenario} outcome",
        first=first, groups=groups, arms=np.where(who, arms, 2).astype(np.uint8),
    )  # fmt: skip
    _sum_looks(looks, who, asked, pair, sums)
    if pair is not None:
        _sum_shares(groups, arms, who, len(hazards.rates), sums)


def _sum_looks(
    looks: SimulatedLooks, who: NDArray[np.bool_], asked: Question,
    pair: tuple[int, int] | None, sums: Sums,
) -> None:  # fmt: skip
    events = looks.events[:, -1]
    sums.add("events", events)
    sums.add("analysed", who.sum(axis=1).astype(np.float64))
    sums.add("day", looks.column("day")[:, -1])
    if pair is None:
        return
    z = float(ndtri(1 - asked.alpha / asked.sided))
    statistic = looks.column("statistic")[:, -1]
    sums.add("benefit", (statistic < -z).astype(np.float64))
    if asked.sided == 2:
        sums.add("harm", (statistic > z).astype(np.float64))
    beta = looks.column("log_hazard_ratio")[:, -1]
    information = looks.column("information")[:, -1]
    sums.add("beta", beta)
    with np.errstate(divide="ignore"):
        sums.add("model_se", np.where(information > 0, 1 / np.sqrt(information), np.nan))
    sums.add("no_estimate", np.isnan(beta).astype(np.float64))


def _sum_shares(
    groups: NDArray[np.int16], arms: NDArray[np.uint8], who: NDArray[np.bool_], k: int, sums: Sums
) -> None:
    """Share of the enrolled by arm and hazard group: the mixture that theory needs."""
    for arm in (0, 1):
        for g in range(k):
            share = (who & (arms == arm) & (groups == g)).mean(axis=1)
            sums.add(f"share {arm} {g}", share)


def _binary(trial: ProtocolTrial, enrolled: Enrolled, asked: Question, sums: Sums) -> None:
    outcome, _ = trial.outcome(asked.analysis.endpoint)
    probability = trial.success_probability(enrolled, asked.analysis.endpoint)
    uniform = enrolled.source.uniforms(f"outcome {asked.analysis.endpoint}")
    success = uniform[:, 0].reshape(probability.shape) < probability
    seen = uniform[:, 1].reshape(probability.shape) >= outcome.missing
    who = _population(trial, enrolled, asked)
    if asked.analysis.population == "intention_to_treat":
        success = success & seen
    else:
        who = who & seen
    sums.add("analysed", who.sum(axis=1).astype(np.float64))
    pair = _pair(trial, asked)
    if pair is None:
        with np.errstate(invalid="ignore"):
            sums.add("success", (success & who).sum(axis=1) / who.sum(axis=1))
        return
    counts = [_counts(success, who & (enrolled.arm == arm)) for arm in pair]
    for name, (hits, total) in zip(("control", "experimental"), counts, strict=True):
        with np.errstate(invalid="ignore"):
            sums.add(f"success {name}", hits / total)
    if not trial.trial.protocol.endpoints[asked.analysis.endpoint].wanted:
        counts = [(total - hits, total) for hits, total in counts]
    (hits0, n0), (hits1, n1) = counts
    rows = zip(hits1, n1, hits0, n0, strict=True)
    p = np.array([_p_value(*map(int, row), asked.sided) for row in rows])
    better = hits1 * n0 >= hits0 * n1
    sums.add("benefit", ((p <= asked.alpha) & better).astype(np.float64))
    if asked.sided == 2:
        sums.add("harm", ((p <= asked.alpha) & ~better).astype(np.float64))


def _counts(success: NDArray[np.bool_], who: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    return (success & who).sum(axis=1).astype(np.float64), who.sum(axis=1).astype(np.float64)


@lru_cache(maxsize=200_000)
def _p_value(hits1: int, n1: int, hits0: int, n0: int, sided: int) -> float:
    """Fisher's exact test; one-sided for more successes in the experimental arm."""
    table = [[hits1, n1 - hits1], [hits0, n0 - hits0]]
    return float(fisher_exact(table, alternative="two-sided" if sided == 2 else "greater")[1])


def performance(
    trial: ProtocolTrial, asked: Question, sums: Sums
) -> tuple[list[Performance], ExpectedScore | None]:
    """Turn sums into ADEMP rows; for a time to event, theory beside the simulated power."""
    found = _route_rows(trial, sums)
    score = None
    kind = trial.trial.protocol.endpoints[asked.analysis.endpoint].type
    if kind == "time_to_event":
        score = _expected(trial, asked, sums)
        found += _survival_rows(trial, asked, sums, score)
    else:
        found += _binary_rows(asked, sums)
    return found, score


def _route_rows(trial: ProtocolTrial, sums: Sums) -> list[Performance]:
    found = [average(sums, "screened", "patients screened", "flow")]
    found += [average(sums, f"visit {id}", f"share at '{id}'", "flow") for id in trial.trial.nodes
              if f"visit {id}" in sums.count and sums.mean(f"visit {id}") > 0]  # fmt: skip
    if trial.randomised:
        found.append(average(sums, "concordant", "share treated alike in both arms", "policies"))
    if trial.course.adherence:
        found.append(average(sums, "adherent", "share who adhere", "policies"))
    return found


def _expected(trial: ProtocolTrial, asked: Question, sums: Sums) -> ExpectedScore | None:
    if "share 0 0" not in sums.count:
        return None
    hazards = trial.hazards(asked.analysis.endpoint)
    k = len(hazards.rates)
    shares = np.array([[sums.mean(f"share {arm} {g}") for g in range(k)] for arm in (0, 1)])
    design = trial.survival_design(asked.analysis, hazards, trial.course.randomised)
    return expected_score(design, shares=shares)


def _survival_rows(
    trial: ProtocolTrial, asked: Question, sums: Sums, score: ExpectedScore | None
) -> list[Performance]:
    n = trial.course.randomised
    events = None if score is None else n * score.events
    found = [
        average(sums, "events", "events", "log-rank", events),
        average(sums, "analysed", "patients analysed", asked.analysis.population),
    ]
    if score is None:
        return found
    power = score.power(n, asked.alpha, asked.sided)
    name = "probability of declaring non-inferiority" if score and asked.analysis.margin else (
        "probability of a significant benefit"
    )  # fmt: skip
    found.append(proportion(sums, "benefit", name, "log-rank score", power))
    if asked.sided == 2:
        found.append(proportion(sums, "harm", "probability of significant harm", "log-rank score"))
    limit = math.log(score.limit_hazard_ratio)
    found.append(average(sums, "beta", "log hazard ratio", "Cox", limit))
    found.append(spread_of(sums, "beta", "empirical standard error of log HR", "Cox"))
    found.append(average(sums, "model_se", "model standard error of log HR", "Cox"))
    return found


def _binary_rows(asked: Question, sums: Sums) -> list[Performance]:
    found = [average(sums, "analysed", "patients analysed", asked.analysis.population)]
    if "benefit" not in sums.count:
        return [*found, average(sums, "success", "share of successes", "flow")]
    for arm in ("control", "experimental"):
        found.append(average(sums, f"success {arm}", f"share of successes, {arm}", "flow"))
    found.append(proportion(sums, "benefit", "probability of a significant benefit", "Fisher"))
    if asked.sided == 2:
        found.append(proportion(sums, "harm", "probability of significant harm", "Fisher"))
    return found
