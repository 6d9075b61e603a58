"""What `[[analyses]]` of a study file may ask for: one model per kind of analysis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


class SettingsSection(BaseModel):
    """A table of `study.toml`: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Request(SettingsSection):
    """What all kinds share.

    Times (`at`, `breaks`, ...) are in the study's `time_unit`.
    """

    title: str | None = None
    endpoints: tuple[str, ...] = ()
    timepoint: str | None = None

    needs_counts: ClassVar[bool] = False
    draws: ClassVar[int] = 0
    """How many time points the analysis needs at least, for a counted marker."""

    def named_timepoints(self) -> tuple[str, ...]:
        """Time points that the request names."""
        return () if self.timepoint is None else (self.timepoint,)

    def faults_of_draws(self, points: Sequence[str]) -> Iterator[str]:
        """What is wrong with the order of the draws that the request names."""
        yield from ()


class Seeded(Request):
    """An analysis with random numbers."""

    seed: int = Field(default=1, ge=0)


class ProportionalHazardsRequest(Request):
    """Test of proportional hazards, with scaled Schoenfeld residuals."""

    kind: Literal["proportional_hazards"]
    transform: Literal["km", "rank", "identity", "log"] = "km"


class PredictedSurvivalRequest(Request):
    """Survival that the multivariable model predicts for profiles of covariates."""

    kind: Literal["predicted_survival"]
    at: tuple[Positive, ...] = ()
    profiles: tuple[dict[str, str | float | bool], ...] = ()


class PenalisedRequest(Request):
    """Cox, Firth and profile-likelihood limits side by side."""

    kind: Literal["penalised"]


class FrailtyRequest(Request):
    """Shared frailty over centres."""

    kind: Literal["frailty"]
    by: str = "centre"
    distribution: Literal["gamma", "gaussian"] = "gamma"


class DilutionRequest(Request):
    """What counting noise does to the hazard ratio of the status."""

    kind: Literal["dilution"]
    needs_counts = True


class LandmarkRequest(Request):
    """Outcome from landmarks on, by what was known by then."""

    kind: Literal["landmark"]
    at: Annotated[tuple[Positive, ...], Field(min_length=1)]
    by: Literal["status", "dynamics"] = "status"
    needs_counts = True


class TimeVaryingStatusRequest(Request):
    """The status as it changes over all draws."""

    kind: Literal["time_varying_status"]
    max_age: Positive | None = None
    needs_counts = True
    draws = 2


class WindowsRequest(Request):
    """Hazard ratio in windows of follow-up."""

    kind: Literal["windows"]
    breaks: Annotated[tuple[Positive, ...], Field(min_length=1)]

    @field_validator("breaks")
    @classmethod
    def _in_order(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        """Windows follow each other."""
        if list(values) != sorted(set(values)):
            raise ValueError("ascending times, each once")
        return values


class MilestonesRequest(Request):
    """Differences of survival at milestones and of restricted means; weighted log-rank tests."""

    kind: Literal["milestones"]
    at: Annotated[tuple[Positive, ...], Field(min_length=1)]
    restricted_mean_at: Positive | None = None


class CompetingRisksRequest(Request):
    """Cumulative incidence, Gray's test, cause-specific and Fine-Gray models."""

    kind: Literal["competing_risks"]
    at: tuple[Positive, ...] = ()


class SurveillanceRequest(Request):
    """Absolute risk and predictive values from the draw on; lead time."""

    kind: Literal["surveillance"]
    at: Annotated[tuple[Positive, ...], Field(min_length=1)]


class DiscriminationRequest(Seeded):
    """Concordance, time-dependent AUC and Brier score with and without the marker."""

    kind: Literal["discrimination"]
    at: Annotated[tuple[Positive, ...], Field(min_length=1)]
    reclassify_at: tuple[Share, ...] = ()
    bootstrap: int = Field(default=200, ge=0, le=10_000)


class ValueAddedRequest(Seeded):
    """Likelihood ratio and adequacy, optimism, calibration, decision curve."""

    kind: Literal["value_added"]
    at: Positive
    bootstrap: int = Field(default=200, ge=0, le=10_000)


class MarkerFormRequest(Request):
    """Continuous count against the cut-off."""

    kind: Literal["marker_form"]
    knots: int = Field(default=4, ge=3, le=7)


class CutPointRequest(Seeded):
    """Search for a cut-off with the corrected p-value."""

    kind: Literal["cut_point"]
    minimum_share: float = Field(default=0.1, gt=0, lt=0.5)
    bootstrap: int = Field(default=200, ge=0, le=10_000)


class SubgroupInteractionRequest(Request):
    """Marker within subgroups with interaction tests, adjusted or not."""

    kind: Literal["subgroup_interaction"]
    by: Annotated[tuple[str, ...], Field(min_length=1)]
    adjusted: StrictBool = False


class TreatmentInteractionRequest(Request):
    """Treatment by marker."""

    kind: Literal["treatment_interaction"]
    treatment: str
    randomised: StrictBool = False
    adjusted: StrictBool = False
    at: Positive | None = None


class ResponseRequest(Request):
    """Response by count and by dynamics class."""

    kind: Literal["response"]
    response: str
    adjusted: StrictBool = False
    needs_counts = True


class MonitoringRequest(Request):
    """Counts under therapy: kinetics and one picture of all patients."""

    kind: Literal["monitoring"]
    needs_counts = True
    draws = 2


class PersistenceRequest(Request):
    """Whether those high at the first draw are still high at the second."""

    kind: Literal["persistence"]
    first: str | None = None
    second: str | None = None
    needs_counts = True
    draws = 2

    def named_timepoints(self) -> tuple[str, ...]:
        """Time points that the request names."""
        return tuple(p for p in (self.timepoint, self.first, self.second) if p is not None)

    def faults_of_draws(self, points: Sequence[str]) -> Iterator[str]:
        """Refuse a second draw that is not later: groups by the future are immortal time."""
        first = self.first or points[0]
        later = points[points.index(first) + 1 :]
        if not later:
            yield f"no time point is declared after first = '{first}'"
        elif self.second is not None and self.second not in later:
            yield f"second = '{self.second}' is not after first = '{first}': immortal time"


class PoolingRequest(Request):
    """Centres or studies pooled: one stage, two stages, one left out."""

    kind: Literal["pooling"]
    by: str = "centre"
    interactions: tuple[str, ...] = ()


class ImputationRequest(Seeded):
    """Multivariable model with missing covariates imputed."""

    kind: Literal["imputation"]
    imputations: int = Field(default=20, ge=2, le=1000)


AnalysisRequest = Annotated[
    ProportionalHazardsRequest
    | PredictedSurvivalRequest
    | PenalisedRequest
    | FrailtyRequest
    | DilutionRequest
    | LandmarkRequest
    | TimeVaryingStatusRequest
    | WindowsRequest
    | MilestonesRequest
    | CompetingRisksRequest
    | SurveillanceRequest
    | DiscriminationRequest
    | ValueAddedRequest
    | MarkerFormRequest
    | CutPointRequest
    | SubgroupInteractionRequest
    | TreatmentInteractionRequest
    | ResponseRequest
    | MonitoringRequest
    | PersistenceRequest
    | PoolingRequest
    | ImputationRequest,
    Field(discriminator="kind"),
]

REQUESTS: dict[str, type[Request]] = {
    get_args(request.model_fields["kind"].annotation)[0]: request
    for request in get_args(get_args(AnalysisRequest)[0])
}
"""Models by kind, in the order of the documentation."""
