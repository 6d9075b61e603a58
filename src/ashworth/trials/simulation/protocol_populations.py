"""Who is compared with whom in a simulated protocol."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ashworth.definitions.protocols.analyses import Analysis
from ashworth.trials.simulation.protocol_trials import Enrolled, ProtocolTrial

Floats = NDArray[np.float64]


def compared_arms(trial: ProtocolTrial, analysis: Analysis) -> tuple[int, int] | None:
    """Positions of control and experimental arm; None where nothing is compared."""
    experimental, control = analysis.experimental, analysis.control
    if not trial.randomised or experimental is None or control is None:
        return None
    return trial.arms.index(control), trial.arms.index(experimental)


def analysed(trial: ProtocolTrial, enrolled: Enrolled, analysis: Analysis) -> NDArray[np.bool_]:
    """Who is analysed: per protocol leaves out who did not adhere; `within` limits further."""
    who = np.ones(enrolled.arm.shape, dtype=np.bool_)
    if analysis.population == "per_protocol":
        who &= enrolled.adherent
    if analysis.within is not None:
        compiled = trial.router.value("analyses", analysis.id, "within")
        answer = compiled(enrolled.values, enrolled.arm.size)
        true = np.asarray(answer.known) & np.asarray(answer.values).astype(np.bool_)
        who &= true.reshape(who.shape)
    return who


def mixture(
    groups: NDArray[np.int16], arms: NDArray[np.uint8], who: NDArray[np.bool_], k: int
) -> NDArray[np.float64]:
    """Share of the enrolled by replicate, arm and hazard group, shape (replicates, 2, k)."""
    return np.stack(
        [
            np.stack([(who & (arms == arm) & (groups == g)).mean(axis=1) for g in range(k)], axis=1)
            for arm in (0, 1)
        ],
        axis=1,
    )


def arms_and_analysed(
    trial: ProtocolTrial, enrolled: Enrolled, analysis: Analysis
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """1 for the experimental arm, and who of both compared arms is analysed."""
    pair = compared_arms(trial, analysis)
    who = analysed(trial, enrolled, analysis)
    arms = np.zeros(enrolled.arm.shape, dtype=np.uint8)
    if pair is not None:
        arms = (enrolled.arm == pair[1]).astype(np.uint8)
        who = who & np.isin(enrolled.arm, pair)
    return arms, who
