"""A trial protocol: one document that a person reads and the program executes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, model_validator

from ashworth.definitions.cases import Model
from ashworth.definitions.dates import PartialDate
from ashworth.definitions.models import Definition, Identifier
from ashworth.definitions.protocols.analyses import (
    Analysis,
    Estimand,
    Planned,
    Size,
    SourcesDisagree,
    TrialEndpoint,
)
from ashworth.definitions.protocols.assumptions import Assumptions
from ashworth.definitions.protocols.flow import AnyNode, Arm, Randomisation
from ashworth.definitions.protocols.quantities import (
    Derived,
    Eligibility,
    Name,
    Quantity,
    Sourced,
    Unknown,
)


class Amendment(Sourced):
    """A later version: what it changes, and from when.

    Attributes
    ----------
    number : int
        Number of the version that it makes; the first version is 1.
    from_text : str
        Day, month or year from which it holds, or "unknown".
    from_randomised : int or None
        Number of the randomised patient from whom it holds.
    changes : mapping
        Keys of the protocol. Mappings are merged, everything else is replaced, null removes;
        lists of things with ids are merged by id, and ``remove: true`` takes one out.
    """

    number: Annotated[int, Field(ge=2)]
    title: str
    from_text: PartialDate | Unknown = Field(alias="from")
    from_randomised: Annotated[int, Field(ge=1)] | None = None
    changes: dict[str, Any] = Field(min_length=1)


class RouteGiven(Model):
    """A patient of a worked case."""

    values: dict[Name, bool | int | float | str | None] = Field(default_factory=dict)
    arm: Identifier | None = None


class RouteExpected(Model):
    """Where the patient gets: the last node, and what is given."""

    ends: Identifier
    verdict: str | None = None
    treatment: str | None = None


class RouteCase(Model):
    """A worked case: a patient, an arm if chance gave one, and the route that follows."""

    name: str
    protocol_version: Annotated[int, Field(ge=1)] | None = None
    given: RouteGiven
    expect: RouteExpected


class Protocol(Definition):
    """A trial protocol.

    Attributes
    ----------
    registry_ids : tuple of str
    phase : str
    begins : str
        Day, month or year from which the first version holds, or "unknown".
    quantities, derived, eligibility, flow, arms, randomisation
        What is known, who may enter, where each result leads.
    endpoints, estimands, analyses, planned
        What is asked and how it is answered.
    sizes : tuple of Size
        What ``ashworth trial size`` prints.
    assumptions : Assumptions or None
        The truth of a simulation, apart from the design.
    disagreements, unknowns
        Where sources differ, and what none of them tells.
    amendments : tuple of Amendment
    """

    registry_ids: tuple[str, ...] = ()
    phase: str
    setting: str
    status: str
    begins: PartialDate | Unknown = "unknown"
    quantities: dict[Name, Quantity]
    derived: dict[Name, Derived] = Field(default_factory=dict)
    eligibility: Eligibility
    flow: tuple[AnyNode, ...] = Field(min_length=1)
    arms: dict[Identifier, Arm]
    randomisation: Randomisation | None = None
    endpoints: dict[Identifier, TrialEndpoint]
    estimands: tuple[Estimand, ...] = ()
    analyses: tuple[Analysis, ...]
    planned: Planned = Planned()
    sizes: tuple[Size, ...] = ()
    assumptions: Assumptions | None = None
    disagreements: tuple[SourcesDisagree, ...] = ()
    unknowns: tuple[str, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    cases: tuple[RouteCase, ...] = ()

    def cited(self) -> frozenset[str]:
        """Every reference key that the protocol uses, at the head or at a single statement."""
        return super().cited() | frozenset(_references(self.model_dump()))

    @model_validator(mode="after")
    def _ids_once(self) -> Protocol:
        for what, items in (("node", self.flow), ("analysis", self.analyses), ("size", self.sizes)):
            ids = [item.id for item in items]
            twice = sorted({i for i in ids if ids.count(i) > 1})
            if twice:
                raise ValueError(f"each {what} has an id of its own; twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _versions_in_order(self) -> Protocol:
        numbers = [a.number for a in self.amendments]
        if numbers != list(range(2, 2 + len(numbers))):
            raise ValueError("amendments are numbered 2, 3, ... in order")
        return self


def _references(data: Any) -> Iterator[str]:
    """Yield the value of every key `reference`, at any depth."""
    if isinstance(data, dict):
        if isinstance(data.get("reference"), str):
            yield data["reference"]
        data = list(data.values())
    if isinstance(data, (list, tuple)):
        for item in data:
            yield from _references(item)
