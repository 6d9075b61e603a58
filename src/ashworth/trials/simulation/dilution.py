"""What a strategy trial can show when most patients are treated alike in both arms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from ashworth.errors import InputError
from ashworth.trials.protocols.executable import Executable
from ashworth.trials.simulation.design import GroupHazards, stacked
from ashworth.trials.simulation.expected import ExpectedScore, expected_score
from ashworth.trials.simulation.protocol_trials import ProtocolTrial
from ashworth.trials.simulation.questions import Question, question
from ashworth.version import __version__

Floats = NDArray[np.float64]
RATIOS = tuple(round(0.6 + 0.1 * i, 1) for i in range(25))


@dataclass(frozen=True, slots=True)
class DilutionRow:
    """One hazard ratio of the discordant patients, and what the trial makes of it.

    Attributes
    ----------
    discordant_hazard_ratio : float
        Hazard under the experimental rule's treatment to that under the control rule's.
    overall_hazard_ratio : float
        What the trial estimates over all patients.
    declared : float
        Probability that the primary analysis declares success.
    """

    discordant_hazard_ratio: float
    overall_hazard_ratio: float
    declared: float


@dataclass(frozen=True, slots=True)
class DilutedStrategy:
    """A strategy trial under dilution.

    Attributes
    ----------
    concordant : float
        Share of the patients whom both rules treat alike.
    events : float
        Events expected when the discordant hazard ratio is 1.
    rows : tuple of DilutionRow
    at_margin : float or None
        Discordant hazard ratio at which the overall one reaches the margin.
    """

    protocol: str
    patients: int
    concordant: float
    events: float
    rows: tuple[DilutionRow, ...]
    at_margin: float | None
    illustrative: str | None
    method: str = "expected log-rank score over assumed cells, whole days"
    version: str = __version__


def diluted_strategy(
    trial: Executable,
    *,
    analysis: str | None = None,
    ratios: tuple[float, ...] = RATIOS,
    patients: int = 60_000,
    seed: int = 0,
) -> DilutedStrategy | None:
    """Compute what a two-rule strategy trial shows over hazard ratios of the discordant.

    The cells (control treatment and hazard group by concordance) come from `patients` simulated
    patients of the protocol's base assumptions; from there on everything is expectation.

    Returns
    -------
    DilutedStrategy or None
        None where the protocol has no two rules that can differ, no time to event, or no
        assumptions.

    Examples
    --------
    >>> from ashworth.trials import load_protocol
    >>> found = diluted_strategy(load_protocol("stic-ctc"))
    >>> round(found.concordant, 2)
    0.61
    """
    try:
        base = ProtocolTrial(trial)
        asked = question(base, analysis)
    except InputError:
        return None
    endpoint = trial.protocol.endpoints[asked.analysis.endpoint]
    pair = (asked.analysis.control, asked.analysis.experimental)
    if endpoint.type != "time_to_event" or not base.randomised or None in pair:
        return None
    big = ProtocolTrial(trial, patients=patients)
    enrolled = big.enrol(seed, 0, 1)
    concordant = float(enrolled.concordant[0])
    if concordant in (0.0, 1.0) or math.isnan(concordant):
        return None
    groups, hazards = big.hazard_groups(enrolled, asked.analysis)
    a, b = (big.router.treatment(str(arm), enrolled.values, patients) for arm in pair)
    differ = ~(a.known & b.known & (a.values == b.values))
    shares = _cells(groups.ravel(), differ, len(hazards.rates))
    return _strategy(base, asked, shares, hazards, concordant, ratios)


def _cells(groups: NDArray[np.int16], differ: NDArray[np.bool_], k: int) -> Floats:
    """Share of the patients by concordance (alike, differ) and hazard group."""
    return np.array(
        [[float(((groups == g) & (differ == d)).mean()) for g in range(k)] for d in (False, True)]
    )


def _strategy(
    base: ProtocolTrial, asked: Question, shares: Floats, hazards: GroupHazards,
    concordant: float, ratios: tuple[float, ...],
) -> DilutedStrategy:  # fmt: skip
    trial = base.trial
    n = base.course.randomised
    design, experimental = trial.protocol.randomisation, asked.analysis.experimental
    assert design is not None
    assert experimental is not None
    treated = design.ratio[experimental] / sum(design.ratio.values())

    def score(effect: float) -> ExpectedScore:
        survival = base.survival_design(asked.analysis, _with_effect(hazards, effect), n)
        return expected_score(survival, shares=_by_arm(shares, treated))

    rows = tuple(
        DilutionRow(e, s.limit_hazard_ratio, s.power(n, asked.alpha, asked.sided))
        for e in ratios
        for s in [score(e)]
    )
    margin = asked.analysis.margin
    at_margin = None
    if isinstance(margin, float) and score(50.0).limit_hazard_ratio > margin:
        at_margin = _root(lambda e: math.log(score(e).limit_hazard_ratio / margin))
    assumed = trial.protocol.assumptions
    return DilutedStrategy(
        trial.protocol.id, n, concordant, n * score(1.0).events, rows, at_margin,
        None if assumed is None else assumed.illustrative,
    )  # fmt: skip


def _root(distance: Callable[[float], float]) -> float:
    """Hazard ratio between 1 and 50 at which a distance is 0."""
    return float(brentq(distance, 1.0, 50.0, xtol=1e-9))  # type: ignore[arg-type]


def _with_effect(hazards: GroupHazards, effect: float) -> GroupHazards:
    """The groups, and the same with the effect for discordant patients of the experimental arm."""
    return stacked([hazards, GroupHazards(hazards.starts, hazards.rates * effect)])


def _by_arm(shares: Floats, treated: float) -> Floats:
    """Shares by arm over the plain groups and those with the effect."""
    alike, differ = shares
    control = np.concatenate([(1 - treated) * (alike + differ), np.zeros_like(alike)])
    experimental = np.concatenate([treated * alike, treated * differ])
    return np.stack([control, experimental])
