"""What the literature says, as data: one study per file, every printed number with its origin.

A number is kept as its document prints it; what follows from it (an implied p-value, a share) is
computed by the checks and never stored beside it, unless the document itself prints it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ashworth.definitions.cases import Model
from ashworth.definitions.models import Definition, Identifier, Origin, ReferenceKey

Measure = Literal[
    "hazard_ratio", "risk_ratio", "odds_ratio", "rate_ratio", "mortality_ratio", "difference",
    "proportion", "count", "rate", "survival", "median", "mean", "test", "interaction", "text",
]  # fmt: skip
Adjustment = Literal["none", "stratified", "adjusted", "unknown"]
StudySetting = Literal["dcis", "early", "neoadjuvant", "metastatic", "none"]
Marker = Literal["ctc", "dtc", "ctdna", "treatment", "other"]
Specimen = Literal["blood", "bone_marrow", "plasma", "tissue", "none"]
TestName = Literal[
    "fisher_two_sided", "fisher_less", "fisher_greater", "chi_square", "chi_square_yates",
    "log_rank", "wald", "likelihood_ratio", "sign", "unknown",
]  # fmt: skip
_RATIOS = ("hazard_ratio", "risk_ratio", "odds_ratio", "rate_ratio", "mortality_ratio")
_SHARES = ("proportion", "survival")
Risk = Literal["low", "moderate", "high"]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Printed(Model):
    """A p-value as it is printed.

    Attributes
    ----------
    relation : {"=", "<", ">"}
    value : float, above 0, at most 1
    test : str
        Which test the document names.
    """

    relation: Literal["=", "<", ">"] = "="
    value: Annotated[float, Field(gt=0, le=1)]
    test: TestName = "unknown"


class Group(Model):
    """One arm or group of a statistic, as far as it is printed.

    Attributes
    ----------
    label : str
    events, n : int, optional
        Numerator and denominator.
    person_years : float, optional
    value, lower, upper : float, optional
        The group's own estimate (a share in per cent, a median, a rate) with its limits.
    """

    label: str
    events: Annotated[int, Field(ge=0)] | None = None
    n: Annotated[int, Field(ge=0)] | None = None
    person_years: Annotated[float, Field(gt=0)] | None = None
    value: Finite | None = None
    lower: Finite | None = None
    upper: Finite | None = None

    @model_validator(mode="after")
    def _events_within_n(self) -> Group:
        """Check the numerator against the denominator."""
        if self.events is not None and self.n is not None and self.events > self.n:
            raise ValueError(f"{self.events} events among {self.n}")
        _in_order(self.value, self.lower, self.upper)
        return self


def _in_order(value: float | None, lower: float | None, upper: float | None) -> None:
    """Limits come in pairs and in order, with the estimate between them."""
    if (lower is None) != (upper is None):
        raise ValueError("one limit without the other")
    if lower is None or upper is None:
        return
    if lower > upper:
        raise ValueError(f"limits swapped: {lower} above {upper}")
    if value is not None and not lower <= value <= upper:
        raise ValueError(f"{value} outside of its limits {lower} to {upper}")


class Cutoff(Model):
    """From which number of cells in which amount a patient is positive."""

    at_least: Annotated[int, Field(ge=0)] | None = None
    more_than: Annotated[float, Field(ge=0)] | None = None
    per_ml: Annotated[float, Field(gt=0)] | None = None
    text: str


class Statistic(Model):
    """One statement of one document.

    Attributes
    ----------
    id : str
        Unique in its study.
    label : str
        What it is, in words.
    measure : str
        Kind of number; ratios stand on the natural scale, proportions and survival in per cent.
    outcome : str, optional
        Endpoint or property in one word: ``dfs``, ``os``, ``pfs``, ``positivity``, ``pcr``, ....
    contrast : str, optional
        Who is compared with whom, e.g. "CTC >= 1 against 0".
    marker : {"ctc", "dtc", "ctdna", "treatment", "other"}
        What the contrast is about.
    timepoint : str, optional
        When the marker was measured, e.g. ``before_therapy``.
    value, lower, upper, level : float, optional
        Estimate with its limits and their level (0.95).
    unit : str
        "%" or "months", ...; empty for ratios.
    events, n : int, optional
        Numerator (or events behind the estimate) and denominator.
    groups : tuple of Group
        The arms.
    cutoff : Cutoff, optional, and `volume_ml`
        The statistic's own, where they are not the study's.
    setting : str, optional
        Its own, in a study of several settings.
    p : Printed, optional
    population : str
        To whom it applies.
    adjustment : {"none", "stratified", "adjusted", "unknown"}
    model : str
        Covariates or method in words.
    document : str
        Reference key.
    document_version : str
        Which version of the document, e.g. "abstract 2017".
    origin : str
        source_review, publication, derived or unverified.
    note : str
    """

    id: Identifier
    label: str
    measure: Measure
    outcome: Identifier | None = None
    contrast: str | None = None
    marker: Marker = "other"
    timepoint: str | None = None
    value: Finite | None = None
    lower: Finite | None = None
    upper: Finite | None = None
    level: Annotated[float, Field(gt=0.5, lt=1)] | None = None
    unit: str = ""
    events: Annotated[int, Field(ge=0)] | None = None
    n: Annotated[int, Field(ge=0)] | None = None
    groups: tuple[Group, ...] = ()
    cutoff: Cutoff | None = None
    volume_ml: Annotated[float, Field(gt=0)] | None = None
    p: Printed | None = None
    setting: StudySetting | None = None
    population: str = ""
    adjustment: Adjustment = "unknown"
    model: str = ""
    document: ReferenceKey
    document_version: str = ""
    origin: Origin
    note: str = ""

    @model_validator(mode="after")
    def _possible(self) -> Statistic:
        """Limits with their level around the estimate; ratios above 0; shares up to 100."""
        _in_order(self.value, self.lower, self.upper)
        if self.lower is not None and self.level is None:
            raise ValueError("limits without their level")
        if self.events is not None and self.n is not None and self.events > self.n:
            raise ValueError(f"{self.events} events among {self.n}")
        owners = (self, *self.groups)
        printed = [x for o in owners for x in (o.value, o.lower, o.upper) if x is not None]
        ratios = [x for x in (self.value, self.lower, self.upper) if x is not None]
        if self.measure in _RATIOS and any(x <= 0.0 for x in ratios):
            raise ValueError(f"a ratio with {min(ratios)}: ratios stand on the natural scale")
        if self.measure in _SHARES and any(not 0.0 <= x <= 100.0 for x in printed):
            raise ValueError("per cent outside of 0 to 100")
        return self


class FunnelStep(Model):
    """How many patients reached a step; screened, positive, randomised, assessable stay apart."""

    step: str
    n: Annotated[int, Field(ge=0)]
    document: ReferenceKey
    origin: Origin
    note: str = ""


class Saying(Model):
    """What one document says."""

    document: ReferenceKey
    says: str
    origin: Origin


class Conflict(Model):
    """Documents that disagree about one thing."""

    id: Identifier
    about: str
    sayings: Annotated[tuple[Saying, ...], Field(min_length=1)]
    consequence: str = ""


class Quips(Model):
    """Risk of bias by the six QUIPS domains (Hayden et al. 2013)."""

    participation: Risk
    attrition: Risk
    prognostic_factor: Risk
    outcome: Risk
    confounding: Risk
    analysis: Risk
    judged_by: str


class Study(Definition):
    """A study, trial or review, with all that is known of its numbers.

    Attributes
    ----------
    study_kind : str
        primary, pooled_patient_data, meta_analysis, trial, review, biology, historical.
    year : int
    review_references : tuple of int
        Numbers in the source review's list.
    setting, specimen : str
    population : str
    assay : str, and `assay_definition`, the id of a shipped assay where it is one.
    volume_ml : float, optional
    cutoff : Cutoff, optional
    timepoints : str
    countries : str
    phase : str
    registry : dict of str to str
    sample_size : dict of str to str
        What is known of the planning; what is not is named as unknown.
    funnel : tuple of FunnelStep
    cohort : str
        Word for the patients, shared by every study of the same patients.
    contains : tuple of str
        Cohorts whose patients are (partly) in this one.
    statistics : tuple of Statistic
    conflicts : tuple of Conflict
    quips : Quips, optional
    remark_items : dict of int to str
        REMARK items by number: reported, partly, not reported.
    """

    study_kind: Literal[
        "primary", "pooled_patient_data", "meta_analysis", "trial", "review", "biology",
        "historical",
    ]  # fmt: skip
    year: Annotated[int, Field(ge=1800, le=2100)]
    review_references: tuple[int, ...] = ()
    setting: StudySetting
    population: str = ""
    specimen: Specimen
    assay: str = ""
    assay_definition: Identifier | None = None
    volume_ml: Annotated[float, Field(gt=0)] | None = None
    cutoff: Cutoff | None = None
    timepoints: str = ""
    countries: str = ""
    phase: str = ""
    registry: dict[str, str] = Field(default_factory=dict)
    sample_size: dict[str, str] = Field(default_factory=dict)
    funnel: tuple[FunnelStep, ...] = ()
    cohort: Identifier
    contains: tuple[Identifier, ...] = ()
    statistics: tuple[Statistic, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    quips: Quips | None = None
    remark_items: dict[int, Literal["reported", "partly", "not_reported"]] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _ids_once(self) -> Study:
        """Statistics and conflicts bear different ids."""
        for name, items in (("statistics", self.statistics), ("conflicts", self.conflicts)):
            ids = [item.id for item in items]
            twice = sorted({i for i in ids if ids.count(i) > 1})
            if twice:
                raise ValueError(f"{name}: {', '.join(twice)} more than once")
        return self

    def cited(self) -> frozenset[str]:
        """Every document that the study's numbers come from."""
        documents = {s.document for s in self.statistics} | {f.document for f in self.funnel}
        documents |= {s.document for c in self.conflicts for s in c.sayings}
        return frozenset(self.references) | documents
