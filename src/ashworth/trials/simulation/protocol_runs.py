"""Blocks of simulated trials of a protocol: what each analysis shows, summed over replicates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from ashworth.trials.simulation.performance import Performance, Sums, average, proportion
from ashworth.trials.simulation.protocol_populations import (
    analysed,
    arms_and_analysed,
    compared_arms,
    mixture,
)
from ashworth.trials.simulation.protocol_trials import Enrolled, ProtocolTrial
from ashworth.trials.simulation.questions import Question
from ashworth.trials.simulation.runs import check_run, simulate_survival
from ashworth.trials.simulation.survival_measures import (
    Theory,
    expected_of,
    sum_looks,
    survival_rows,
)

Floats = NDArray[np.float64]


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


def _time_to_event(
    trial: ProtocolTrial, enrolled: Enrolled, asked: Question, seed: int, first: int, sums: Sums
) -> None:
    groups, hazards = trial.hazard_groups(enrolled, asked.analysis)
    arms, who = arms_and_analysed(trial, enrolled, asked.analysis)
    design = trial.survival_design(asked.analysis, hazards, groups.shape[1], asked.looks)
    looks = simulate_survival(
        design, replicates=len(groups), seed=seed, scenario=f"{trial.scenario} outcome",
        first=first, groups=groups, arms=np.where(who, arms, 2).astype(np.uint8),
    )  # fmt: skip
    sums.add("analysed", who.sum(axis=1).astype(np.float64))
    if compared_arms(trial, asked.analysis) is None:
        sums.add("events", looks.events[:, -1])
        return
    sum_looks(looks, asked.plan, asked.alpha, asked.sided, sums)
    shares = mixture(groups, arms, who, len(hazards.rates))
    for arm, g in np.ndindex(shares.shape[1:]):
        sums.add(f"share {arm} {g}", shares[:, arm, g])


def _binary(trial: ProtocolTrial, enrolled: Enrolled, asked: Question, sums: Sums) -> None:
    outcome, _ = trial.outcome(asked.analysis.endpoint)
    probability = trial.success_probability(enrolled, asked.analysis.endpoint)
    uniform = enrolled.source.uniforms(f"outcome {asked.analysis.endpoint}")
    success = uniform[:, 0].reshape(probability.shape) < probability
    seen = uniform[:, 1].reshape(probability.shape) >= outcome.missing
    who = analysed(trial, enrolled, asked.analysis)
    if asked.analysis.population == "intention_to_treat":
        success = success & seen
    else:
        who = who & seen
    sums.add("analysed", who.sum(axis=1).astype(np.float64))
    pair = compared_arms(trial, asked.analysis)
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
) -> tuple[list[Performance], Theory | None]:
    """Turn sums into ADEMP rows; for a time to event, theory beside the simulated power."""
    found = _route_rows(trial, sums)
    theory = None
    kind = trial.trial.protocol.endpoints[asked.analysis.endpoint].type
    if kind == "time_to_event":
        theory = expected_of(trial, asked, sums)
        found += survival_rows(trial, asked, sums, theory)
    else:
        found += _binary_rows(asked, sums)
    return found, theory


def _route_rows(trial: ProtocolTrial, sums: Sums) -> list[Performance]:
    found = [average(sums, "screened", "patients screened", "flow")]
    found += [average(sums, f"visit {id}", f"share at '{id}'", "flow") for id in trial.trial.nodes
              if f"visit {id}" in sums.count and sums.mean(f"visit {id}") > 0]  # fmt: skip
    if trial.randomised:
        found.append(average(sums, "concordant", "share treated alike in both arms", "policies"))
    if trial.course.adherence:
        found.append(average(sums, "adherent", "share who adhere", "policies"))
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
