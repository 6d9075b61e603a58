"""Interim looks in simulated trials: when they come, what stops, and what theory expects.

Bounds are those of the planned information fractions. A look comes when its number of events is
reached, or on the last day. The z of this module is positive when the experimental arm does
better (the simulated statistic with its sign turned).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ashworth.definitions.protocols.analyses import Looks
from ashworth.trials.faults import Faults
from ashworth.trials.sequential.design import GroupSequential, group_sequential
from ashworth.trials.sequential.recursion import crossing
from ashworth.trials.simulation.design import SurvivalDesign
from ashworth.trials.simulation.expected import ExpectedScore, expected_score

Floats = NDArray[np.float64]
ASSUMED_SPENDING, ASSUMED_POWER = "obrien_fleming", 0.9
NONE, BENEFIT, HARM, FUTILITY = 0, 1, 2, 3
"""How a replicate ends: without crossing, or at which bound."""


@dataclass(frozen=True, slots=True)
class LookPlan:
    """Looks of a trial with their bounds.

    Attributes
    ----------
    events : tuple of int
        Events of each look, increasing; 0 as the last: on the last day.
    design : GroupSequential
        Fractions and bounds; z.
    assumed : tuple of str
        What the protocol does not tell.
    """

    events: tuple[int, ...]
    design: GroupSequential
    assumed: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """Looks in all, the last included."""
        return len(self.events)

    @property
    def has_futility(self) -> bool:
        """Whether a bound for futility is heeded."""
        return self.design.sided == 1 and self.design.futility != "none"

    @property
    def lower_z(self) -> Floats:
        """Lower bounds: of harm in two-sided designs, else of futility before the last look."""
        lower = np.array(self.design.lower_z)
        if self.design.sided == 1 and not self.has_futility:
            return np.full(self.number, -np.inf)
        if self.has_futility:
            lower[-1] = -np.inf
        return lower


def plan_looks(
    looks: Looks,
    *,
    alpha: float,
    sided: int,
    power: float | None,
    planned_events: int | None,
    expected_events: float,
) -> LookPlan:
    """Complete the looks of a protocol.

    Parameters
    ----------
    looks : Looks
        As the protocol has them.
    alpha, sided : float, int
    power : float or None
        For bounds for futility that spend 1 - power; 0.9 is assumed where it is not told.
    planned_events : int or None
        Events of the last look; without them the last look is on the last day.
    expected_events : float
        Events expected by the last day, to which fractions refer without planned ones.

    Raises
    ------
    InputError
        Number of looks unknown; too few events for the looks; bounds that cannot be computed.
    """
    assumed: list[str] = []
    fractions = _fractions(looks, assumed)
    options = _family(looks, assumed)
    if options.get("futility", "none") != "none" and power is None:
        assumed.append(f"power {ASSUMED_POWER:g} for futility (the protocol's is unknown)")
    design = group_sequential(
        information_fractions=fractions, alpha=alpha, sided=sided,  # type: ignore[arg-type]
        power=power or ASSUMED_POWER, binding=looks.binding, **options,
    )  # fmt: skip
    total = planned_events or expected_events
    if planned_events is None:
        assumed.append(f"looks at fractions of the {total:.0f} events expected by the last day")
    events = [max(1, round(f * total)) for f in design.information_fractions]
    events[-1] = planned_events or 0
    _refuse_few(events, total)
    return LookPlan(tuple(events), design, tuple(assumed))


def _fractions(looks: Looks, assumed: list[str]) -> tuple[float, ...]:
    if looks.fractions != "unknown":
        return looks.fractions
    if looks.number == "unknown":
        faults = Faults("the looks")
        faults.add("number", "unknown", "fractions of the looks, or how many there are",
                   "give them, in the protocol or as options")  # fmt: skip
        faults.refuse()
    number = int(looks.number)
    if number > 1:
        assumed.append(f"{number} equally spaced looks (the protocol's fractions are unknown)")
    return tuple((k + 1) / number for k in range(number))


def _family(looks: Looks, assumed: list[str]) -> dict[str, Any]:
    spending = looks.spending
    if spending == "unknown":
        spending = ASSUMED_SPENDING
        assumed.append("spending like O'Brien and Fleming's (the protocol's is unknown)")
    options: dict[str, Any] = {"efficacy": spending}
    needs = {"hwang_shih_decani": "gamma", "kim_demets": "rho", "wang_tsiatis": "shape",
             "haybittle_peto": "interim_z"}  # fmt: skip
    if spending in needs:
        options[needs[spending]] = getattr(looks, needs[spending])
    futility = looks.futility
    if futility == "unknown":
        assumed.append("no bound for futility (the protocol's is unknown)")
        futility = "none"
    if futility != "none":
        options |= {"futility": futility, "futility_gamma": looks.futility_gamma,
                    "futility_rho": looks.futility_rho}  # fmt: skip
    return {k: v for k, v in options.items() if v is not None}


def _refuse_few(events: list[int], total: float) -> None:
    before = [e for e in events if e]
    faults = Faults("the looks")
    if before != sorted(set(before)) or before[-1] > total:
        faults.add(
            "events", f"{total:.0f} events for {len(events)} looks",
            "more events from look to look", "plan fewer looks or more patients",
        )  # fmt: skip
    faults.refuse()


def first_crossings(z: Floats, plan: LookPlan, *, heed_futility: bool = True) -> tuple[
    NDArray[np.int64], NDArray[np.int64]
]:  # fmt: skip
    """Where and how each replicate ends.

    Parameters
    ----------
    z : ndarray, shape (replicates, looks)
        Positive for benefit.
    plan : LookPlan
    heed_futility : bool
        Whether crossing the bound for futility ends a trial.

    Returns
    -------
    look, outcome : ndarray of int, shape (replicates,)
        Number of the last look done, from 0; `NONE`, `BENEFIT`, `HARM` or `FUTILITY`.

    Examples
    --------
    >>> plan = plan_looks(Looks(number=2, spending="pocock"), alpha=0.025, sided=1, power=None,
    ...     planned_events=100, expected_events=100.0)
    >>> first_crossings(np.array([[0.0, 3.0], [2.5, 0.0], [0.0, 0.0]]), plan)
    (array([1, 0, 1]), array([1, 1, 0]))
    """
    up = z >= np.array(plan.design.upper_z)
    lower = (
        plan.lower_z if heed_futility or plan.design.sided == 2 else np.full(z.shape[1], -np.inf)
    )
    down = z <= lower if plan.design.sided == 2 else z < lower
    ended = up | down
    look = np.where(ended.any(axis=1), ended.argmax(axis=1), z.shape[1] - 1)
    rows = np.arange(len(z))
    below = HARM if plan.design.sided == 2 else FUTILITY
    outcome = np.where(up[rows, look], BENEFIT, np.where(down[rows, look], below, NONE))
    return look, outcome


@dataclass(frozen=True, slots=True)
class ExpectedLooks:
    """What theory expects of a plan.

    Attributes
    ----------
    days : ndarray, shape (looks,)
        Calendar day on which the expected events of each look are reached.
    events : ndarray
        Expected events on that day.
    mean, spread : ndarray
        Of z at each look.
    upward, downward : ndarray
        Probabilities of the first crossing of each bound at each look.
    """

    days: Floats
    events: Floats
    mean: Floats
    spread: Floats
    upward: Floats
    downward: Floats


def expected_looks(
    design: SurvivalDesign, plan: LookPlan, n: int, *, shares: Floats | None = None
) -> ExpectedLooks:
    """Crossing probabilities by recursion over the expected log-rank scores of each look.

    The scores at the days on which the events are expected give means, standard deviations and
    information; increments are taken as independent (exact in the limit near the null
    hypothesis). Accurate to what the normal approximation allows.
    """
    found = [score_at_events(design, e, n, shares) for e in plan.events]
    scores = [s for _, s in found]
    mean = np.array([-np.sqrt(n) * s.mean / np.sqrt(s.variance) for s in scores])
    spread = np.array([s.spread for s in scores])
    information = np.maximum.accumulate(np.array([s.variance for s in scores]))
    times = information / information[-1]
    upper = (np.array(plan.design.upper_z) - mean) / spread
    lower = (plan.lower_z - mean) / spread
    up, down = crossing(times, lower, upper, 0.0)
    days = np.array([float(day) for day, _ in found])
    return ExpectedLooks(days, n * np.array([s.events for s in scores]), mean, spread, up, down)


def score_at_events(
    design: SurvivalDesign, events: int, n: int, shares: Floats | None
) -> tuple[int, ExpectedScore]:
    """First day with so many expected events, and the score on it.

    For 0 events, and where so many are not expected, the last day.
    """
    last = expected_score(design, shares=shares)
    if events == 0 or n * last.events <= events:
        return design.latest, last
    low, high, best = 1, design.latest, last
    while high - low > 1:
        day = (low + high) // 2
        score = expected_score(design, shares=shares, day=day)
        if n * score.events >= events:
            high, best = day, score
        else:
            low = day
    return high, best
