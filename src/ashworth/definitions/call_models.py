"""Call rules as data: which features make a cell a tumour cell, and what else it can be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ashworth.definitions.cases import Model
from ashworth.definitions.models import Definition

Role = Literal["nucleus", "inclusion", "exclusion"]
CalledAs = Literal[
    "ctc",
    "leukocyte",
    "ck_without_nucleus",
    "apoptotic_ctc",
    "doublet",
    "unclassified_nucleus",
    "artefact",
]
Call = CalledAs | Literal["not_evaluable"]
RelativeFeature = Literal[
    "nucleus_um2",
    "diameter_um",
    "nuclear_share",
    "nucleus_p2a",
    "nucleus_on_ck",
    "dapi_over_noise",
    "dapi_of_leukocytes",
    "ck_over_noise",
    "ck_over_leukocytes",
    "ck_nucleus_over_leukocytes",
    "ck_granularity",
    "speckle",
    "cd45_over_noise",
    "cd45_of_leukocytes",
    "cd45_of_ck",
    "saturated_in_all",
    "least_over_most",
]


class Gate(Model):
    """One limit on one relative feature; exactly one of the two."""

    feature: RelativeFeature
    above: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Gate:
        if (self.above is None) == (self.at_most is None):
            raise ValueError("give exactly one of above and at_most")
        return self

    @property
    def limit(self) -> float:
        """The limit."""
        return self.above if self.above is not None else (self.at_most or 0.0)


class CallClass(Model):
    """A class and the gates that must all hold."""

    call: CalledAs
    title: str
    gates: Annotated[tuple[Gate, ...], Field(min_length=1)]


class LeukocytePopulation(Model):
    """Which cells of a cartridge serve as its reference.

    Attributes
    ----------
    minimum : int
        Fewer leukocytes make the cartridge not evaluable.
    cd45_over_noise : float
        A nucleated cell with more CD45 than this many times the background's noise is a
        leukocyte, unless its cytokeratin lies apart from the others'.
    ck_deviations : float
        Cytokeratin that many robust standard deviations above the median lies apart.
    upper_quantile : float
        Quantile of the leukocytes' cytokeratin that `ck_over_leukocytes` is relative to.
    """

    minimum: Annotated[int, Field(ge=5)]
    cd45_over_noise: Annotated[float, Field(gt=0)]
    ck_deviations: Annotated[float, Field(gt=0)]
    upper_quantile: Annotated[float, Field(gt=0.5, lt=1)]


class CallGiven(Model):
    """Relative features of one cell; those left out are missing."""

    features: dict[RelativeFeature, float]


class CallExpected(Model):
    """The call."""

    call: Call


class CallCase(Model):
    """A cell and what it is called."""

    name: str
    given: CallGiven
    expect: CallExpected


class CallRule(Definition):
    """Gates relative to a cartridge's own leukocytes and background, tried in order.

    Attributes
    ----------
    channels : tuple of str
        Roles that must be there; without one no cell is evaluable.
    leukocytes : LeukocytePopulation
    classes : tuple of CallClass
        The first class whose gates all hold is the call. A gate on a missing value is neither
        true nor false; a cell whose class hangs on it is not evaluable.
    otherwise : str
        Call of a cell that fits no class.
    """

    channels: tuple[Role, ...]
    leukocytes: LeukocytePopulation
    classes: Annotated[tuple[CallClass, ...], Field(min_length=1)]
    otherwise: CalledAs
    cases: Annotated[tuple[CallCase, ...], Field(min_length=1)]

    @property
    def caller(self) -> str:
        """Name of the rule as caller of cells."""
        return f"{self.id}@{self.version}"
