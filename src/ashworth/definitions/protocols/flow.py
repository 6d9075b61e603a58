"""The way of a patient through a trial: nodes, arms as policies, randomisation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ashworth.definitions.cases import Model
from ashworth.definitions.models import Identifier
from ashworth.definitions.protocols.quantities import Expression, Name, Sourced, Unknown


class Node(Sourced):
    """What every node has: an id and the words of the diagram.

    `observed` is the number of patients that the trial's report printed for this node.
    """

    id: Identifier
    title: str
    observed: Annotated[int, Field(ge=0)] | None = None
    observed_note: str | None = None


class Screen(Node):
    """Eligible patients go on, the others go to `otherwise`; unknown stays undecided.

    Attributes
    ----------
    criteria : tuple of str
        Ids of the criteria asked here; empty: all of them.
    """

    do: Literal["screen"]
    criteria: tuple[Identifier, ...] = ()
    next: Identifier
    otherwise: Identifier


class Measure(Node):
    """Quantities become known."""

    do: Literal["measure"]
    quantities: tuple[Name, ...] = Field(min_length=1)
    next: Identifier


class Derive(Node):
    """Derived values become known."""

    do: Literal["derive"]
    values: tuple[Name, ...] = Field(min_length=1)
    next: Identifier


class Case(Model):
    """One branch of a decision."""

    when: Expression
    next: Identifier
    label: str | None = None


class Decide(Node):
    """The first true case leads on.

    Without a true case `otherwise` leads on, or the decision is not exhaustive. An unknown case
    before the first true one makes the verdict unknown.
    """

    do: Literal["decide"]
    cases: tuple[Case, ...] = Field(min_length=1)
    otherwise: Identifier | None = None
    otherwise_label: str | None = None


class Randomise(Node):
    """Chance leads on: arm to node."""

    do: Literal["randomise"]
    arms: dict[Identifier, Identifier] = Field(min_length=2)


class Treat(Node):
    """The arm's policy is carried out."""

    do: Literal["treat"]
    arm: Identifier
    next: Identifier


class Assess(Node):
    """Endpoints, and quantities that become known only now."""

    do: Literal["assess"]
    endpoints: tuple[Identifier, ...] = ()
    quantities: tuple[Name, ...] = ()
    next: Identifier


class Stop(Node):
    """The path ends."""

    do: Literal["stop"]


AnyNode = Annotated[
    Screen | Measure | Derive | Decide | Randomise | Treat | Assess | Stop,
    Field(discriminator="do"),
]


class Arm(Sourced):
    """A policy: from what is known to the treatment that is given.

    Attributes
    ----------
    give : str
        An expression that answers a category, e.g. ``'trastuzumab'`` or
        ``if ctc_high then 'chemotherapy' else 'endocrine therapy'``.
    """

    title: str
    give: Expression


Method = Literal["simple", "permuted_blocks", "efron", "big_stick", "block_urn", "minimisation"]


class Randomisation(Sourced):
    """Ratio, method and factors of the allocation; what sources do not tell is unknown."""

    ratio: dict[Identifier, Annotated[int, Field(ge=1)]]
    method: Method | Unknown = "unknown"
    factors: tuple[Name, ...] | Unknown = "unknown"
    block_sizes: tuple[Annotated[int, Field(ge=1)], ...] = ()
    probability: Annotated[float, Field(gt=0.5, le=1)] | None = None
    start: str | None = None

    @model_validator(mode="after")
    def _two_arms(self) -> Randomisation:
        if len(self.ratio) < 2:
            raise ValueError("randomisation needs two or more arms")
        return self
