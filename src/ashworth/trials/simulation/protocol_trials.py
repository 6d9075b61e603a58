"""A protocol simulated from its own file: patients, counts, routes, chance, treatment, outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ashworth.definitions.protocols.analyses import Analysis
from ashworth.definitions.protocols.assumptions import Course, Hazard, Outcome, Scenario
from ashworth.definitions.protocols.flow import Randomise, Treat
from ashworth.errors import InputError, Problem
from ashworth.trials.language.columns import Column
from ashworth.trials.protocols.executable import Executable
from ashworth.trials.protocols.population import draw_population
from ashworth.trials.protocols.route_columns import ColumnRouter
from ashworth.trials.random_numbers.uniforms import Draws, draws
from ashworth.trials.simulation.design import (
    DAYS_PER_MONTH,
    GroupHazards,
    SurvivalDesign,
    stacked,
)
from ashworth.trials.simulation.missing_assumptions import refuse_missing

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
ROWS_AT_ONCE = 400_000
_MOST_SCREENED = 4_000_000


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The patients of a block of replicates who are allocated (or enter, without chance).

    Attributes
    ----------
    values : dict of str to Column
        Quantities and derived values, and `arm` and `treatment`; rows over replicates, then
        patients in order of enrolment.
    arm : ndarray of int16, shape (replicates, n)
        Position of the arm in `arms`.
    adherent : ndarray of bool, shape (replicates, n)
    screened : ndarray, shape (replicates,)
        Patients screened until the last one was enrolled.
    visits : dict of str to ndarray
        Share of the screened patients who came to each node, per replicate.
    concordant : ndarray, shape (replicates,)
        Share of the enrolled whom the first two arms treat alike; NaN with one arm.
    """

    values: dict[str, Column]
    arm: NDArray[np.int16]
    adherent: NDArray[np.bool_]
    screened: Floats
    visits: dict[str, Floats]
    concordant: Floats
    source: Draws


class ProtocolTrial:
    """A protocol ready to be simulated under one scenario of its assumptions.

    Parameters
    ----------
    trial : Executable
    scenario : str
        Id of a scenario of the assumptions, or ``"base"``.
    patients : int, optional
        Enrolled patients; by default those of the assumed course.
    effect : float, optional
        Hazard ratio that the experimental arm of the analysis is given on top of the assumptions.

    Raises
    ------
    InputError
        Assumptions that are missing (named), an unknown scenario.
    """

    def __init__(
        self, trial: Executable, *, scenario: str = "base", patients: int | None = None,
        effect: float | None = None,
    ) -> None:  # fmt: skip
        self.trial, self.scenario, self.effect = trial, scenario, effect
        self.router = ColumnRouter(trial)
        assumed = trial.protocol.assumptions
        refuse_missing(trial, scenario)
        assert assumed is not None
        self._chosen = next((s for s in assumed.scenarios if s.id == scenario), None)
        self.course = _course(assumed.course, self._chosen, patients)
        self.arms = self._arms()

    def _arms(self) -> tuple[str, ...]:
        design = self.trial.protocol.randomisation
        if design is not None:
            return tuple(design.ratio)
        return tuple(dict.fromkeys(n.arm for n in self.trial.protocol.flow if isinstance(n, Treat)))

    @property
    def randomised(self) -> bool:
        """Whether chance gives the arm."""
        return self.trial.protocol.randomisation is not None

    def outcome(self, endpoint: str) -> tuple[Outcome, tuple[str | int, ...]]:
        """Assumptions about an endpoint and their place, the scenario's first."""
        assumed = self.trial.protocol.assumptions
        assert assumed is not None
        if self._chosen is not None and endpoint in self._chosen.outcomes:
            place = ("assumptions", "scenarios", self._chosen.id, "outcomes", endpoint)
            return self._chosen.outcomes[endpoint], place
        if endpoint not in assumed.outcomes:
            raise InputError(
                [Problem(self.trial.document.name, None, f"assumptions.outcomes.{endpoint}",
                         "nothing", "hazards or successes of the endpoint",
                         f"add what is assumed of '{endpoint}'")],
                subject="the assumptions",
            )  # fmt: skip
        return assumed.outcomes[endpoint], ("assumptions", "outcomes", endpoint)

    @cached_property
    def share_enrolled(self) -> float:
        """Share of screened patients who are enrolled, from a pilot of 50,000."""
        source = draws(0, f"pilot {self.scenario}", np.zeros(1, dtype=np.int64), 50_000)
        masks = self.router.visited(draw_population(self.router, source), source.rows)
        share = float(self._enrolled(masks).mean())
        if share == 0:
            raise InputError(
                [Problem(self.trial.document.name, None, "assumptions.population",
                         "no patient of 50,000 is enrolled", "patients who meet the criteria",
                         "correct the draws: see the routes of trial check")],
                subject="the assumptions",
            )  # fmt: skip
        return share

    def _enrolled(self, masks: Mapping[str, Flags]) -> Flags:
        """Who reaches the randomisation or, without one, a treatment."""
        kind = Randomise if self.randomised else Treat
        taken = [masks[id] for id, node in self.trial.nodes.items() if isinstance(node, kind)]
        return np.logical_or.reduce(taken)

    def replicates_at_once(self) -> int:
        """Replicates whose patients are drawn together."""
        return max(1, min(500, ROWS_AT_ONCE // self._to_screen()))

    def _to_screen(self) -> int:
        n, p = self.course.randomised, self.share_enrolled
        return math.ceil((n + 7 * math.sqrt(n * (1 - p)) + 10) / p)

    def enrol(self, seed: int, first: int, count: int) -> Enrolled:
        """Draw, route and allocate the patients of replicates ``first, first + 1, ...``."""
        numbers = np.arange(first, first + count, dtype=np.int64)
        screen = self._to_screen()
        while True:
            source = draws(seed, self.scenario, numbers, screen)
            columns = draw_population(self.router, source)
            masks = self.router.visited(columns, source.rows)
            taken = self._enrolled(masks).reshape(count, screen)
            if (taken.sum(axis=1) >= self.course.randomised).all():
                return self._allocate(source, columns, masks, taken)
            screen *= 2
            if screen > _MOST_SCREENED:
                raise InputError(
                    [Problem(self.trial.document.name, None, "assumptions",
                             f"{screen:,} screened for {self.course.randomised:,} enrolled",
                             f"at most {_MOST_SCREENED:,}", "assume fewer patients")],
                    subject="the assumptions",
                )  # fmt: skip

    def _allocate(
        self, source: Draws, columns: Mapping[str, Column], masks: Mapping[str, Flags],
        taken: Flags,
    ) -> Enrolled:  # fmt: skip
        n, count = self.course.randomised, len(source.replicates)
        order = np.cumsum(taken, axis=1)
        keep = taken & (order <= n)
        rows = np.flatnonzero(keep.ravel())
        screened = (order < n).sum(axis=1) + 1.0
        inside = np.arange(source.n)[None] < screened[:, None]
        visits = _visit_shares(masks, inside)
        values = {
            k: Column(np.asarray(c.values)[rows], np.asarray(c.known)[rows])
            for k, c in self.router.derive(columns, source.rows).items()
        }
        own = Draws(source.key, source.replicates, n)
        arm = self._arm_positions(own)
        adherent = self._adherence(own, arm)
        values |= self._given(values, arm, adherent)
        concordant = self._concordant(values, count, n)
        return Enrolled(values, arm, adherent, screened, visits, concordant, own)

    def _arm_positions(self, own: Draws) -> NDArray[np.int16]:
        """Arms in permuted blocks of twice the ratio, in order of enrolment."""
        shape = (len(own.replicates), own.n)
        design = self.trial.protocol.randomisation
        if design is None:
            return np.zeros(shape, dtype=np.int16)
        pattern = np.repeat(np.arange(len(self.arms)), [2 * r for r in design.ratio.values()])
        size = pattern.size
        blocks = -(-own.n // size)
        padded = np.full((shape[0], blocks * size), np.inf)
        padded[:, : own.n] = own.uniforms("allocation")[:, 0].reshape(shape)
        ranks = padded.reshape(shape[0], blocks, size).argsort(axis=2).argsort(axis=2)
        return pattern[ranks].reshape(shape[0], -1)[:, : own.n].astype(np.int16)

    def _adherence(self, own: Draws, arm: NDArray[np.int16]) -> NDArray[np.bool_]:
        share = np.array([self.course.adherence.get(a, 1.0) for a in self.arms])
        if (share == 1).all():
            return np.ones(arm.shape, dtype=np.bool_)
        return own.uniforms("adherence")[:, 0].reshape(arm.shape) < share[arm]

    def _given(
        self, values: Mapping[str, Column], arm: NDArray[np.int16], adherent: NDArray[np.bool_]
    ) -> dict[str, Column]:
        """The columns `arm` and `treatment` as the assumptions read them."""
        codes = self.router.codes
        rows = arm.size
        every = np.ones(rows, dtype=np.bool_)
        names = np.array([codes.of(a) for a in self.arms], dtype=np.int32)[arm.ravel()]
        else_arm = self.course.adherence_else
        treatment = np.zeros(rows, dtype=np.int32)
        known = np.zeros(rows, dtype=np.bool_)
        for position, name in enumerate(self.arms):
            mine = arm.ravel() == position
            for follows, policy in ((adherent.ravel(), name), (~adherent.ravel(), else_arm)):
                who = mine & follows
                if policy is not None and who.any():
                    given = self.router.treatment(policy, values, rows)
                    treatment[who] = np.asarray(given.values)[who]
                    known[who] = np.asarray(given.known)[who]
        return {"arm": Column(names, every), "treatment": Column(treatment, known)}

    def _concordant(self, values: Mapping[str, Column], count: int, n: int) -> Floats:
        if not self.randomised:
            return np.full(count, np.nan)
        a, b = (self.router.treatment(arm, values, count * n) for arm in self.arms[:2])
        same = a.known & b.known & (a.values == b.values)
        return same.reshape(count, n).mean(axis=1)

    def hazards(self, endpoint: str) -> GroupHazards:
        """Hazards of the groups: one per case, and with an effect the same times the effect."""
        outcome, _ = self.outcome(endpoint)
        cases = stacked([case_hazards(h) for h in outcome.hazards])
        if self.effect is None:
            return cases
        return stacked([cases, GroupHazards(cases.starts, cases.rates * self.effect)])

    def hazard_groups(
        self, enrolled: Enrolled, analysis: Analysis
    ) -> tuple[NDArray[np.int16], GroupHazards]:
        """Group of every patient by the first case that fits, and the groups' hazards."""
        outcome, place = self.outcome(analysis.endpoint)
        group = self._first_case(enrolled, outcome.hazards, (*place, "hazards"))
        group = group.reshape(enrolled.arm.shape)
        if self.effect is not None and analysis.experimental in self.arms:
            treated = enrolled.arm == self.arms.index(analysis.experimental)
            group = group + len(outcome.hazards) * treated
        return group.astype(np.int16), self.hazards(analysis.endpoint)

    def success_probability(self, enrolled: Enrolled, endpoint: str) -> Floats:
        """Probability of success of every patient, shape (replicates, n)."""
        outcome, place = self.outcome(endpoint)
        group = self._first_case(enrolled, outcome.successes, (*place, "successes"))
        found = np.array([s.probability for s in outcome.successes])[group]
        return found.reshape(enrolled.arm.shape)

    def _first_case(self, enrolled: Enrolled, cases: tuple, place: tuple) -> NDArray[np.int64]:
        rows = enrolled.arm.size
        group = np.full(rows, -1, dtype=np.int64)
        for i, case in enumerate(cases):
            open_ = group < 0
            if case.when is None:
                group[open_] = i
                continue
            answer = self.router.value(*place, i, "when")(enrolled.values, rows)
            true = np.asarray(answer.known) & np.asarray(answer.values).astype(np.bool_)
            group[open_ & true] = i
        if (group < 0).any():
            raise InputError(
                [Problem(self.trial.document.name, None, ".".join(map(str, place)),
                         f"{int((group < 0).sum())} simulated patients fit no case",
                         "cases for everybody", "add a last case without 'when'")],
                subject="the assumptions",
            )  # fmt: skip
        return group

    def survival_design(
        self, analysis: Analysis, hazards: GroupHazards, n: int, looks: tuple[int, ...] = (0,)
    ) -> SurvivalDesign:
        """The design of a time-to-event analysis over the assumed course, with looks at events."""
        accrual = self.course.accrual_months * DAYS_PER_MONTH
        latest = math.ceil(accrual + self.course.follow_up_months * DAYS_PER_MONTH)
        margin = analysis.margin if isinstance(analysis.margin, float) else 1.0
        return SurvivalDesign(
            hazards, n, (0.0, accrual), latest, drop_out=self.course.drop_out_per_month
            / DAYS_PER_MONTH, looks=looks, null_hazard_ratio=margin,
        )  # fmt: skip


def case_hazards(case: Hazard) -> GroupHazards:
    """Hazards of one case per day: median or pieces, times a ratio that may come late."""
    rates = case.per_month or (math.log(2) / (case.median_months or 1.0),)
    starts = case.from_month if case.per_month else (0.0,)
    knots = np.array(sorted({*starts, case.hazard_ratio_from_month}))
    base = np.asarray(rates)[np.searchsorted(starts, knots, side="right") - 1]
    effect = np.where(knots >= case.hazard_ratio_from_month, case.hazard_ratio, 1.0)
    return GroupHazards(knots[None] * DAYS_PER_MONTH, (base * effect)[None] / DAYS_PER_MONTH)


def _visit_shares(masks: Mapping[str, Flags], inside: Flags) -> dict[str, Floats]:
    """Share of the screened patients who came to each node, before any chance."""
    screened = inside.sum(axis=1)
    return {
        node: (mask.reshape(inside.shape) & inside).sum(axis=1) / screened
        for node, mask in masks.items()
    }


def _course(course: Course | None, chosen: Scenario | None, patients: int | None) -> Course:
    found = chosen.course if chosen is not None and chosen.course is not None else course
    assert found is not None
    return found if patients is None else replace_patients(found, patients)


def replace_patients(course: Course, patients: int) -> Course:
    """The same course with another number of patients."""
    return course.model_copy(update={"randomised": patients})
