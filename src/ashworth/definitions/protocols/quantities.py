"""What a protocol knows of a patient: quantities, derived values, criteria."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ashworth.definitions.cases import Model
from ashworth.definitions.models import Identifier, Origin, ReferenceKey

Unknown = Literal["unknown"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
Expression = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="An expression of the protocol language, e.g. `ctc >= 5 cells/7.5mL`.",
    ),
]
QuantityType = Literal["boolean", "number", "count", "category", "date"]
Stage = Literal["screening", "before_randomisation", "after_randomisation"]


class Sourced(Model):
    """What a statement rests on."""

    origin: Origin | None = None
    reference: ReferenceKey | None = None
    note: str | None = None


class Quantity(Sourced):
    """One thing that is known of a patient, with type, unit and the stage when it is known.

    Attributes
    ----------
    type : {"boolean", "number", "count", "category", "date"}
    unit : str or None
        Needed for numbers and counts; ``"1"`` says that there is none.
    values : tuple of str
        The categories.
    known : {"screening", "before_randomisation", "after_randomisation"}
        The earliest stage at which the value exists.
    missing : {"unknown", "false"}
        What a missing value means: nothing is known (default), or, for a boolean only, no.
    assay : str or None
        Id of the assay that measures it.
    """

    title: str
    type: QuantityType
    unit: str | None = None
    values: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    known: Stage = "screening"
    missing: Literal["unknown", "false"] = "unknown"
    assay: Identifier | None = None

    @model_validator(mode="after")
    def _fits_its_type(self) -> Quantity:
        if (self.type in ("number", "count")) != (self.unit is not None):
            raise ValueError("numbers and counts, and only they, have a unit ('1' for none)")
        if (self.type == "category") != (len(self.values) > 0):
            raise ValueError("categories, and only they, list their values")
        if len(set(self.values)) != len(self.values):
            raise ValueError("each category once")
        if self.missing == "false" and self.type != "boolean":
            raise ValueError("only a missing boolean can mean false")
        return self


class Derived(Sourced):
    """A named value computed from quantities and from earlier derived values."""

    title: str | None = None
    value: Expression


class Criterion(Sourced):
    """A named condition of eligibility.

    Attributes
    ----------
    text : str
        The condition in words.
    when : str or None
        The expression that decides it; None where the sources' words cannot be decided by the
        quantities of this protocol: it is then printed and left to the investigator.
    """

    id: Identifier
    text: str
    when: Expression | None = None


class Eligibility(Sourced):
    """All of `include` and none of `exclude`."""

    include: tuple[Criterion, ...] = ()
    exclude: tuple[Criterion, ...] = ()

    @model_validator(mode="after")
    def _ids_once(self) -> Eligibility:
        ids = [c.id for c in (*self.include, *self.exclude)]
        if len(set(ids)) != len(ids):
            raise ValueError("each criterion has an id of its own")
        return self
