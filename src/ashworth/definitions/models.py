"""What a definition may say: one frozen model per kind, unknown keys refused.

The YAML files under ``data/<kind>/`` are read into these models; the JSON Schemas under
``schemas/`` are published from them.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from ashworth.definitions.cases import (
    DynamicsCase,
    EventCase,
    Model,
    OutcomeKind,
    Requirement,
    Status,
    StatusCase,
    SubtypeCase,
)
from ashworth.definitions.conditions import Condition
from ashworth.definitions.dates import PartialDate, first_day
from ashworth.errors import DefinitionError

Matrix = Literal["blood", "bone_marrow"]
Setting = Literal["dcis", "early", "metastatic"]
MarkerRole = Literal["marker1", "marker2", "marker3"]
DenominatorKind = Literal["volume_ml", "nucleated_cells"]
Origin = Literal["source_review", "publication", "derived", "unverified", "project_choice"]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
ReferenceKey = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]

OUTCOME_KINDS: tuple[OutcomeKind, ...] = get_args(OutcomeKind)
DEATH_KINDS = ("death_breast_cancer", "death_other_cause", "death_unknown_cause")


class Reference(Model):
    """A document that a value comes from."""

    authors: str
    title: str | None = None
    year: Annotated[int, Field(ge=1800, le=2100)] | None = None
    journal: str
    doi: Annotated[str, Field(pattern=r"^10\.\d{4,9}/\S+$")] | None = None
    nct: Annotated[str, Field(pattern=r"^NCT\d{8}$")] | None = None
    origin: Origin = "publication"
    note: str | None = None


class Definition(Model):
    """What every definition carries."""

    id: Identifier
    version: Annotated[int, Field(ge=1)]
    title: str
    origin: Origin
    references: tuple[ReferenceKey, ...]
    notes: tuple[str, ...] = ()

    def cited(self) -> frozenset[str]:
        """Every reference key that the definition uses, at the head or at a single value."""
        return frozenset(self.references)


class Convention(Model):
    """How an assay counts something that is not one plain cell."""

    count: Literal["as_one", "each_cell", "separately", "not_counted", "study_defined", "unknown"]
    note: str
    origin: Origin
    reference: ReferenceKey | None = None


class ImageAnalysis(Model):
    """How the images of an assay are read.

    Attributes
    ----------
    call_rule : str
        Id of the call rule.
    markers : dict of str to str
        What the additional channels show, e.g. ``{"marker1": "her2"}``.
    her2_calibration : str or None
    her2_rules : tuple of str
        Rules for the patient, in order of the report.
    """

    call_rule: Identifier
    markers: dict[Literal["marker1", "marker2", "marker3"], Identifier] = Field(
        default_factory=dict
    )
    her2_calibration: Identifier | None = None
    her2_rules: tuple[Identifier, ...] = ()


class Assay(Definition):
    """A detection method: what it looks at, what it counts, and per how much.

    Attributes
    ----------
    denominator : {"volume_ml", "nucleated_cells"}
        What a count by this assay must be accompanied by.
    phenotype : str
        Phenotype of the count that positivity rules read, e.g. ``"ctc"``.
    clusters, apoptotic : Convention
        How clusters and apoptotic cells enter the count.
    images : ImageAnalysis or None
        How its images are read; None where images are not supported.
    """

    matrix: Matrix
    denominator: DenominatorKind
    phenotype: str
    phenotypes: tuple[str, ...]
    capture: str
    identification: str
    clusters: Convention
    apoptotic: Convention
    images: ImageAnalysis | None = None

    @model_validator(mode="after")
    def _default_phenotype_is_listed(self) -> Assay:
        if self.phenotype not in self.phenotypes:
            raise ValueError(f"phenotype '{self.phenotype}' is not among phenotypes")
        return self

    def cited(self) -> frozenset[str]:
        """Every reference key in use."""
        conventions = {c.reference for c in (self.clusters, self.apoptotic) if c.reference}
        return super().cited() | conventions


class Denominator(Model):
    """What a cut-off refers to; without an amount any screened number will do."""

    kind: DenominatorKind
    amount: Annotated[float, Field(gt=0)] | None = None


class DatedCutoff(Model):
    """A cut-off and the day from which it was in print.

    ``from`` in the file is a day, or the month or year as far as it is known; `from_text` keeps
    it, `from_date` is its first day.
    """

    from_text: PartialDate = Field(alias="from")
    at_least: Annotated[int, Field(ge=1)] | None = None
    more_than: Annotated[float, Field(ge=0)] | None = None
    reference: ReferenceKey
    origin: Origin = "publication"

    @model_validator(mode="after")
    def _one_cutoff(self) -> DatedCutoff:
        if (self.at_least is None) == (self.more_than is None):
            raise ValueError("give exactly one of at_least and more_than")
        return self

    def is_reached(self, value: float) -> bool:
        """Tell whether a count (or a rate, where the rule's scale is a rate) is positive."""
        if self.at_least is not None:
            return value >= self.at_least
        return value > (self.more_than or 0.0)

    @property
    def text(self) -> str:
        """The cut-off as written in tables, e.g. ``>= 5``."""
        return f">= {self.at_least}" if self.at_least is not None else f"> {self.more_than:g}"

    @property
    def from_date(self) -> date:
        """The first day on which the cut-off can have been in print."""
        return first_day(self.from_text)


class Level(Model):
    """A level of an ordinal rule: from this count upwards, until the next level."""

    name: str
    at_least: Annotated[int, Field(ge=0)]


class PositivityRule(Definition):
    """When a count is called positive, by which assay and per how much.

    Attributes
    ----------
    scale : {"count", "rate_per_ml"}
        What the cut-off is compared with: the cells, or cells per ml.
    values : tuple of DatedCutoff
        In order of date; `cutoff` gives the one in force.
    levels : tuple of Level
        Levels of an ordinal rule, from zero upwards; empty otherwise.
    requires : tuple of str
        What must be known, besides the denominator, before the rule answers.
    differs_from : tuple of str
        Rules that look alike and must not be pooled with this one.
    """

    setting: Setting
    timepoint: str | None = None
    matrix: Matrix
    assays: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    phenotype: str
    denominator: Denominator
    scale: Literal["count", "rate_per_ml"] = "count"
    values: Annotated[tuple[DatedCutoff, ...], Field(min_length=1)]
    levels: tuple[Level, ...] = ()
    requires: tuple[Requirement, ...] = ()
    differs_from: tuple[Identifier, ...] = ()
    cases: Annotated[tuple[StatusCase, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ordered(self) -> PositivityRule:
        days = [v.from_date for v in self.values]
        if days != sorted(set(days)):
            raise ValueError("values must be in order of date, each date once")
        counts = [level.at_least for level in self.levels]
        if counts and (counts[0] != 0 or counts != sorted(set(counts))):
            raise ValueError("levels must start at 0 and rise")
        return self

    def cutoff(self, on: date | None = None) -> DatedCutoff:
        """Give the cut-off in force on a day (the latest by default).

        Raises
        ------
        DefinitionError
            If the rule was not yet in print on that day.
        """
        known = [v for v in self.values if on is None or v.from_date <= on]
        if not known:
            raise DefinitionError(
                f"positivity rule '{self.id}': found no value on {on}; "
                f"allowed: {self.values[0].from_date} or later; mend: choose a later date"
            )
        return known[-1]

    def cited(self) -> frozenset[str]:
        """Every reference key in use."""
        return super().cited() | {v.reference for v in self.values}


class DynamicsClass(Model):
    """The class of a pair of statuses."""

    from_status: Status
    to_status: Status
    name: str


class DynamicsRule(Definition):
    """How two counts of one patient form a class; pairs without a row have no class."""

    matrix: Matrix
    at_least: Annotated[int, Field(ge=1)]
    amount: Annotated[float, Field(gt=0)]
    classes: Annotated[tuple[DynamicsClass, ...], Field(min_length=1)]
    caveat: str | None = None
    cases: Annotated[tuple[DynamicsCase, ...], Field(min_length=1)]

    def class_of(self, from_status: str, to_status: str) -> str | None:
        """Name the class of a pair of statuses, or None where the rule has none."""
        for row in self.classes:
            if (row.from_status, row.to_status) == (from_status, to_status):
                return row.name
        return None


Role = Literal["event", "competing", "censoring", "refused", "ignored"]


class Counting(Model):
    """What one kind of fact does to an endpoint, and why.

    ``event`` ends the time with code 1, ``competing`` with `code`, ``censoring`` with 0;
    ``refused`` means that the endpoint cannot be told from such a fact; ``ignored`` leaves the
    patient at risk.
    """

    role: Role
    reason: str
    code: Annotated[int, Field(ge=2)] | None = None
    origin: Origin | None = None

    @model_validator(mode="after")
    def _competing_has_a_code(self) -> Counting:
        if (self.role == "competing") != (self.code is not None):
            raise ValueError("code belongs to role competing, and only there")
        return self


class FollowUp(Model):
    """Where a patient without an event is censored.

    The first kind of `closes` that the patient has gives the day (the latest of that kind); a
    later fact of a kind in `extended_by` moves it on.
    """

    closes: Annotated[tuple[OutcomeKind, ...], Field(min_length=1)]
    extended_by: tuple[OutcomeKind, ...] = ()
    reason: str


class Endpoint(Definition):
    """An endpoint as a table: what every kind of fact does to it.

    Attributes
    ----------
    scale : {"time_to_event", "binary"}
        A binary endpoint has an answer (event or not), not a time at risk.
    outcomes : dict of str to Counting
        One entry for every kind of fact.
    """

    abbreviation: str
    standard: str
    setting: Setting
    scale: Literal["time_to_event", "binary"] = "time_to_event"
    outcomes: dict[OutcomeKind, Counting]
    follow_up: FollowUp
    cases: Annotated[tuple[EventCase, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _complete(self) -> Endpoint:
        missing = [k for k in OUTCOME_KINDS if k not in self.outcomes]
        if missing:
            raise ValueError(f"outcomes lack {', '.join(missing)}")
        if not self.event_kinds:
            raise ValueError("no kind of outcome counts as event")
        return self

    def kinds(self, role: Role) -> tuple[str, ...]:
        """List the kinds of facts with this role, in the order of the outcome kinds."""
        return tuple(k for k in OUTCOME_KINDS if self.outcomes[k].role == role)

    @property
    def event_kinds(self) -> tuple[str, ...]:
        """Kinds that count as event."""
        return self.kinds("event")

    @property
    def competing(self) -> dict[int, tuple[str, ...]]:
        """Competing kinds by event code."""
        codes = sorted({c.code for c in self.outcomes.values() if c.code is not None})
        return {
            code: tuple(k for k in OUTCOME_KINDS if self.outcomes[k].code == code) for code in codes
        }

    @property
    def censoring_kinds(self) -> tuple[str, ...]:
        """Kinds that close follow-up, the preferred first."""
        return self.follow_up.closes


class SubtypeClass(Model):
    """A class and the condition for it."""

    name: str
    title: str
    when: Condition
    origin: Origin | None = None


class Subtype(Definition):
    """A classification of patients: the first class whose condition holds.

    A condition on a missing value is neither true nor false; the class is then unknown unless
    the other parts of the condition decide it.
    """

    missing_values: tuple[str, ...] = ("unknown",)
    classes: Annotated[tuple[SubtypeClass, ...], Field(min_length=1)]
    cases: Annotated[tuple[SubtypeCase, ...], Field(min_length=1)]

    def columns(self) -> tuple[str, ...]:
        """List the columns of `patients` that the classification reads."""
        return tuple(dict.fromkeys(c for row in self.classes for c in row.when.columns()))
