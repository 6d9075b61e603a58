"""Which analysis is simulated, at which level, with which looks; what is assumed is said."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ashworth.definitions.protocols.analyses import Analysis, Looks
from ashworth.errors import InputError, Problem
from ashworth.trials.faults import Faults
from ashworth.trials.simulation.expected import expected_score
from ashworth.trials.simulation.look_plans import LookPlan, plan_looks
from ashworth.trials.simulation.protocol_populations import (
    arms_and_analysed,
    compared_arms,
    mixture,
)
from ashworth.trials.simulation.protocol_trials import ProtocolTrial

ASSUMED_ALPHA, ASSUMED_SIDED = 0.05, 2
PILOT = 20_000
"""Patients of the pilot from whom the expected events are computed."""


@dataclass(frozen=True, slots=True)
class Question:
    """One analysis with level and sides; what the protocol does not tell is assumed and said.

    Attributes
    ----------
    assumed : tuple of str
        What was assumed.
    plan : LookPlan or None
        Interim looks.
    events : int or None
        Events at which the last analysis is done; None: on the last day.
    """

    analysis: Analysis
    alpha: float
    sided: int
    assumed: tuple[str, ...] = ()
    plan: LookPlan | None = None
    events: int | None = None

    @property
    def looks(self) -> tuple[int, ...]:
        """Events of each look; 0 for the last day."""
        return self.plan.events if self.plan is not None else (self.events or 0,)


def question(
    trial: ProtocolTrial, id: str | None = None, *, alpha: float | None = None,
    sided: int | None = None, looks: Looks | None = None, events: int | None = None,
) -> Question:  # fmt: skip
    """Choose an analysis (the first one by default) and complete its level and looks.

    Parameters
    ----------
    trial : ProtocolTrial
    id : str, optional
        Of the analysis.
    alpha, sided, looks, events
        Instead of the protocol's.

    Raises
    ------
    InputError
        Unknown analysis, an endpoint that cannot be simulated, alpha or sides out of range, looks
        that cannot be.
    """
    analysis = _analysis(trial, id)
    faults = Faults("simulation")
    assumed: list[str] = []
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
    _check_kind(faults, trial, analysis, looks, events)
    faults.refuse()
    trial.outcome(analysis.endpoint)
    planned = events if events is not None else _planned(trial, analysis)
    plan = None
    wanted = looks if looks is not None else analysis.looks
    if wanted is not None and _compares_times(trial, analysis):
        plan = _plan(trial, analysis, wanted, float(level), int(sides), planned)
        assumed += plan.assumed
    return Question(analysis, float(level), int(sides), tuple(assumed), plan, planned)


def _analysis(trial: ProtocolTrial, id: str | None) -> Analysis:
    analyses = {a.id: a for a in trial.trial.protocol.analyses}
    if id is not None and id not in analyses:
        raise InputError(
            [Problem(trial.trial.document.name, None, "analysis", f"'{id}'", ", ".join(analyses),
                     "name one of them")], subject="the simulation",
        )  # fmt: skip
    return analyses[id] if id is not None else next(iter(analyses.values()))


def _kind(trial: ProtocolTrial, analysis: Analysis) -> str:
    return trial.trial.protocol.endpoints[analysis.endpoint].type


def _compares_times(trial: ProtocolTrial, analysis: Analysis) -> bool:
    pair = compared_arms(trial, analysis)
    return pair is not None and _kind(trial, analysis) == "time_to_event"


def _check_kind(
    faults: Faults, trial: ProtocolTrial, analysis: Analysis, looks: Looks | None,
    events: int | None,
) -> None:  # fmt: skip
    if _kind(trial, analysis) not in ("time_to_event", "binary"):
        faults.add("analysis", analysis.id, "a time to event or a binary endpoint",
                   "choose another analysis")  # fmt: skip
    if (looks is not None or events is not None) and not _compares_times(trial, analysis):
        faults.add("looks", analysis.id, "two arms compared by times to an event",
                   "leave out the looks, or choose another analysis")  # fmt: skip
    if events is not None:
        most = trial.course.randomised
        if faults.whole("events", events, least=1) and events > most:
            faults.add("events", str(events), f"events that {most:,} patients can have",
                       "ask for fewer events or more patients")  # fmt: skip


def _planned(trial: ProtocolTrial, analysis: Analysis) -> int | None:
    """Events that the protocol plans, for its primary analysis."""
    planned = trial.trial.protocol.planned.events
    told = isinstance(planned, int) and planned <= trial.course.randomised
    return int(planned) if told and analysis.role == "primary" else None  # type: ignore[arg-type]


def _plan(
    trial: ProtocolTrial, analysis: Analysis, looks: Looks, alpha: float, sided: int,
    events: int | None,
) -> LookPlan:  # fmt: skip
    return plan_looks(
        looks, alpha=alpha, sided=sided,
        power=None if analysis.power == "unknown" else analysis.power, planned_events=events,
        expected_events=events or _expected_events(trial, analysis),
    )  # fmt: skip


def _expected_events(trial: ProtocolTrial, analysis: Analysis) -> float:
    """Events expected by the last day, over the arms and hazards of some pilot patients."""
    count = max(1, math.ceil(PILOT / trial.course.randomised))
    enrolled = trial.enrol(0, 0, min(count, trial.replicates_at_once()))
    groups, hazards = trial.hazard_groups(enrolled, analysis)
    arms, who = arms_and_analysed(trial, enrolled, analysis)
    shares = np.asarray(mixture(groups, arms, who, len(hazards.rates)).mean(axis=0))
    design = trial.survival_design(analysis, hazards, trial.course.randomised)
    return trial.course.randomised * expected_score(design, shares=shares).events
