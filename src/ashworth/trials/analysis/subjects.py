"""The patients of a trial as its analysis needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ashworth.trials.language.interpreter import evaluate
from ashworth.trials.language.operators import Value
from ashworth.trials.protocols.executable import Executable
from ashworth.trials.protocols.route import Route, route_patient, with_derived


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Time to an endpoint of every patient; NaN where there is none.

    Attributes
    ----------
    days : ndarray, shape (n,)
        Days from the endpoint's clock.
    event : ndarray of bool, shape (n,)
    """

    days: NDArray[np.float64]
    event: NDArray[np.bool_]


@dataclass(frozen=True)
class Subjects:
    """Patients of a trial, each under the version that holds for them.

    Attributes
    ----------
    ids : tuple of str
    trials : tuple of Executable
        Protocol version of every patient.
    values : tuple of mapping
        Typed quantities.
    arms : tuple of str or None
        Arm that chance gave.
    received : tuple of str or None
        Treatment that was really given, where it is told.
    follow_up : mapping of str to FollowUp
        By time-to-event endpoint.
    """

    ids: tuple[str, ...]
    trials: tuple[Executable, ...]
    values: tuple[Mapping[str, Value], ...]
    arms: tuple[str | None, ...]
    received: tuple[str | None, ...]
    follow_up: Mapping[str, FollowUp] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Patients, screened ones included."""
        return len(self.ids)

    def routes(self) -> tuple[Route, ...]:
        """Way of every patient through the flow of their version."""
        rows = zip(self.trials, self.values, self.arms, strict=True)
        return tuple(route_patient(t, v, arm=a) for t, v, a in rows)

    def truths(self, *place: str | int) -> tuple[bool | None, ...]:
        """Answer of a condition for every patient under their own version; None is unknown."""
        found: list[bool | None] = []
        for trial, patient in zip(self.trials, self.values, strict=True):
            formula = trial.formulas.get(place)
            value = None
            if formula is not None:
                value = evaluate(formula.typed, with_derived(trial, patient))
            found.append(None if value is None else bool(value))
        return tuple(found)

    def planned_treatments(self) -> tuple[str | None, ...]:
        """What the policy of each patient's arm gives; None where there is no arm or no answer."""
        found: list[str | None] = []
        for trial, patient, arm in zip(self.trials, self.values, self.arms, strict=True):
            formula = trial.formulas.get(("arms", arm, "give")) if arm is not None else None
            value = None
            if formula is not None:
                value = evaluate(formula.typed, with_derived(trial, patient))
            found.append(None if value is None else str(value))
        return tuple(found)

    def take(self, rows: Sequence[int]) -> Subjects:
        """Keep some of the patients."""
        pick = np.asarray(rows, dtype=np.int64)
        kept = {k: FollowUp(f.days[pick], f.event[pick]) for k, f in self.follow_up.items()}
        ids, trials, values, arms, received = (
            tuple(part[i] for i in rows)
            for part in (self.ids, self.trials, self.values, self.arms, self.received)
        )
        return Subjects(ids, trials, values, arms, received, kept)  # type: ignore[arg-type]
