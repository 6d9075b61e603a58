"""Worked cases: what a definition must answer, written by a person beside the definition."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

OutcomeKind = Literal[
    "ipsilateral_invasive_recurrence",
    "regional_recurrence",
    "distant_recurrence",
    "recurrence_unspecified",
    "contralateral_invasive_breast_cancer",
    "second_primary_non_breast",
    "dcis_ipsilateral",
    "dcis_contralateral",
    "progression",
    "death_breast_cancer",
    "death_other_cause",
    "death_unknown_cause",
    "last_contact",
    "last_disease_assessment",
    "surgery",
    "pcr",
    "no_pcr",
]
RunOutcome = Literal["done", "failed", "insufficient_volume", "not_evaluable", "not_done"]
Status = Literal["positive", "negative", "not_assessable"]
Requirement = Literal["nucleated_cells_screened", "morphological_category", "isotype_control"]
Scalar = str | int | float | bool | None


class Model(BaseModel):
    """Base of all definition models: frozen, and keys that the schema lacks are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)


class CountGiven(Model):
    """What the laboratory delivers for one patient and time point."""

    n_cells: Annotated[int, Field(ge=0)] | None = None
    volume_ml: Annotated[float, Field(gt=0)] | None = None
    nucleated_cells: Annotated[int, Field(gt=0)] | None = None
    outcome: RunOutcome = "done"
    fulfilled: tuple[Requirement, ...] | None = None


class StatusExpected(Model):
    """What the rule says about it."""

    status: Status
    level: str | None = None


class StatusCase(Model):
    """One count and the status that follows; `on` asks for the cut-off of that day."""

    name: str
    on: date | None = None
    given: CountGiven
    expect: StatusExpected


class PairGiven(Model):
    """Counts at two time points with the volumes that were analysed."""

    n_from: Annotated[int, Field(ge=0)]
    n_to: Annotated[int, Field(ge=0)]
    volume_from_ml: Annotated[float, Field(gt=0)] | None = None
    volume_to_ml: Annotated[float, Field(gt=0)] | None = None


class ClassExpected(Model):
    """The dynamics class; null where the rule gives none."""

    dynamics_class: str | None


class DynamicsCase(Model):
    """Two counts and the class that follows."""

    name: str
    given: PairGiven
    expect: ClassExpected


class Fact(Model):
    """One dated fact of the table `outcomes`."""

    day: int
    kind: OutcomeKind


class EventExpected(Model):
    """The row of `events`, or the fact that the derivation must refuse."""

    exit_day: int | None = None
    event_code: Annotated[int, Field(ge=0)] | None = None
    refused: bool = False


class EventCase(Model):
    """Facts about one patient and what the endpoint makes of them."""

    name: str
    given: tuple[Fact, ...]
    expect: EventExpected


class SubtypeExpected(Model):
    """The class; null means unknown."""

    subtype: str | None


class SubtypeCase(Model):
    """Columns of one patient and the class that follows; columns left out are null."""

    name: str
    given: dict[str, Scalar]
    expect: SubtypeExpected
