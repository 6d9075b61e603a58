"""What a protocol asks and how it answers: endpoints, estimands, analyses, sizes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ashworth.definitions.cases import Model
from ashworth.definitions.models import Identifier
from ashworth.definitions.protocols.quantities import Expression, Name, Sourced, Unknown

Probability = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Test = Literal[
    "log_rank", "cox", "fisher", "boschloo", "farrington_manning", "chi_square",
    "exact_binomial", "descriptive",
]  # fmt: skip


class TrialEndpoint(Sourced):
    """An endpoint of the trial.

    Attributes
    ----------
    type : {"time_to_event", "binary", "continuous", "count"}
    definition : str or None
        Id of the endpoint's definition, where there is one.
    success : str or None
        For a binary endpoint: the expression that is true for a success.
    wanted : bool
        Whether a success is what the patient wants; false for an adverse event.
    clock : {"randomisation", "registration", "treatment"}
        Where time starts.
    """

    title: str
    type: Literal["time_to_event", "binary", "continuous", "count"]
    definition: Identifier | None = None
    success: Expression | None = None
    wanted: bool = True
    clock: Literal["randomisation", "registration", "treatment"] = "randomisation"


class Estimand(Sourced):
    """Population, variable, contrast and what is done with what happens in between (ICH E9 R1)."""

    id: Identifier
    population: str
    variable: Identifier
    contrast: str
    intercurrent: tuple[str, ...] = ()


class Looks(Sourced):
    """Interim looks and the boundary.

    Attributes
    ----------
    fractions : tuple of float or "unknown"
        Information fractions, increasing, the last is 1.
    number : int or "unknown"
        Looks in all, the last included, where the fractions are not told.
    spending, futility : str
        Boundary family; parameters beside them: `gamma` of Hwang, Shih and DeCani, `rho` of Kim
        and DeMets, `shape` of Wang and Tsiatis, `interim_z` of Haybittle and Peto.
    binding : bool
        Whether efficacy counts on stopping for futility.
    """

    fractions: tuple[Annotated[float, Field(gt=0, le=1)], ...] | Unknown = "unknown"
    number: Annotated[int, Field(ge=1)] | Unknown = "unknown"
    spending: (
        Literal[
            "obrien_fleming", "pocock", "hwang_shih_decani", "haybittle_peto", "kim_demets",
            "exact_obrien_fleming", "exact_pocock", "wang_tsiatis",
        ]
        | Unknown
    ) = "unknown"  # fmt: skip
    gamma: float | None = None
    rho: Positive | None = None
    shape: float | None = None
    interim_z: Positive = 3.0
    futility: (
        Literal["none", "obrien_fleming", "pocock", "hwang_shih_decani", "kim_demets"] | Unknown
    ) = "none"
    futility_gamma: float | None = None
    futility_rho: Positive | None = None
    binding: bool = False


class Analysis(Sourced):
    """One analysis: who, which test, which hypothesis, at what level.

    Attributes
    ----------
    population : {"intention_to_treat", "per_protocol", "evaluable"}
    within : str or None
        Expression that limits the analysis, e.g. to discordant patients.
    margin : float, "unknown" or None
        Non-inferiority margin on `scale`; needed for non-inferiority.
    interval_level : float or None
        Level of the printed interval, e.g. 0.90.
    """

    id: Identifier
    title: str | None = None
    role: Literal["primary", "co_primary", "secondary", "exploratory"] = "primary"
    endpoint: Identifier
    experimental: Identifier | None = None
    control: Identifier | None = None
    population: Literal["intention_to_treat", "per_protocol", "evaluable"] = "intention_to_treat"
    within: Expression | None = None
    test: Test | Unknown
    hypothesis: Literal["superiority", "non_inferiority", "estimation"] = "superiority"
    scale: Literal["hazard_ratio", "difference", "ratio"] | None = None
    margin: float | Unknown | None = None
    alpha: Probability | Unknown = "unknown"
    sided: Literal[1, 2] | Unknown = "unknown"
    power: Probability | Unknown = "unknown"
    interval_level: Probability | None = None
    strata: tuple[Name, ...] | Unknown = ()
    looks: Looks | None = None

    @model_validator(mode="after")
    def _margin_where_needed(self) -> Analysis:
        if (self.hypothesis == "non_inferiority") != (self.margin is not None):
            raise ValueError("non-inferiority, and only it, has a margin")
        return self


SizeKind = Literal[
    "log_rank_events",
    "log_rank_patients",
    "log_rank_power",
    "two_proportions_size",
    "two_proportions_power",
    "two_proportions_detectable",
    "fisher_conditional_power",
    "simon_two_stage",
    "single_arm",
    "group_sequential",
    "screening",
    "marker_strategy",
    "enrichment",
    "marker_designs",
    "events_from_interval",
    "events_from_p_value",
]


class Size(Sourced):
    """One size that the protocol asks for; alpha, sides, margin and ratio come from `analysis`.

    Attributes
    ----------
    given : mapping
        The further numbers by name; a list of values makes a row for each.
    printed : mapping
        What the sources print, to stand beside what is computed.
    """

    id: Identifier
    title: str
    kind: SizeKind
    analysis: Identifier | None = None
    given: dict[Name, Any] = Field(default_factory=dict)
    printed: dict[Name, float | int | str] = Field(default_factory=dict)


class Planned(Sourced):
    """Numbers that the trial planned and reached; unknown where no source tells them."""

    screened: Annotated[int, Field(gt=0)] | Unknown = "unknown"
    randomised: Annotated[int, Field(gt=0)] | Unknown = "unknown"
    events: Annotated[int, Field(gt=0)] | Unknown = "unknown"


class SourcesDisagree(Model):
    """Two sources, two numbers: both are named."""

    about: str
    values: tuple[dict[str, Any], ...] = Field(min_length=2)
    used: str | None = None
