"""`study.toml`: what a study declares about itself, checked whole before any table is read."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    StrictBool,
    ValidationError,
    field_validator,
    model_validator,
)

from ashworth.definitions.cases import Requirement
from ashworth.errors import InputError, Problem
from ashworth.records.formats import DateFormat
from ashworth.workflows.study.analysis_settings import (
    REQUESTS,
    AnalysisRequest,
    Request,
    SettingsSection,
)

ClockStart = Literal["specimen", "index-delayed-entry", "index"]
Population = Literal["none", "negative_binomial", "poisson_lognormal"]
TimeUnit = Literal["months", "years"]
MOST_BYTES = 1_000_000
DAYS_PER = {"months": 365.25 / 12, "years": 365.25}


class InputSettings(SettingsSection):
    """How the files are written; nothing here is guessed."""

    date_format: DateFormat = "YYYY-MM-DD"
    decimal: Literal[".", ","] = "."
    separator: Literal["auto", ",", ";", "\t"] = "auto"
    encoding: Literal["auto", "utf-8", "latin-1", "cp1252"] = "auto"
    missing: tuple[str, ...] | None = None
    declared_identifiers: tuple[str, ...] = ()


class TimePoint(SettingsSection):
    """A planned draw: its name in `specimens` and its label in the report."""

    name: str
    label: str | None = None

    @property
    def title(self) -> str:
        """Label for people."""
        return self.label or self.name.replace("_", " ")


class Covariate(SettingsSection):
    """A column of `patients` beyond the standard ones, or a label and order for any column."""

    type: Literal["integer", "number", "text", "boolean", "date"] = "text"
    label: str | None = None
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None
    per: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    transform: Literal["none", "log1p", "log2"] = "none"

    @model_validator(mode="after")
    def _limits_in_order(self) -> Covariate:
        """Check the limits against each other."""
        low, high = self.minimum, self.maximum
        if low is not None and high is not None and low > high:
            raise ValueError("minimum must not be larger than maximum")
        return self


class StudySettings(SettingsSection):
    """Everything that `study.toml` may say.

    Either a counted marker from specimens (`assay` and `rule`) or a covariate that plays the
    marker (`marker` and `cut`); never both.
    """

    title: str
    setting: Literal["dcis", "early", "metastatic"]
    index_event: str
    endpoints: Annotated[tuple[str, ...], Field(min_length=1)]
    simulated: StrictBool = False
    description: str = ""
    source: str = ""

    assay: str | None = None
    rule: str | None = None
    dynamics: str | None = None
    volume_model: Literal["none", "binomial_thinning", "homogeneous_poisson"] = "none"
    population: Population = "none"
    recovery: float = Field(default=1.0, gt=0, le=1)
    blank_rate: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    fulfilled: tuple[Requirement, ...] = ()

    marker: str | None = None
    cut: float | None = Field(default=None, allow_inf_nan=False)
    marker_label: str | None = None

    timepoints: tuple[TimePoint, ...] = ()
    clock: ClockStart = "specimen"
    adjust: tuple[str, ...] = ()
    subgroups: tuple[str, ...] = ()
    stratify: tuple[str, ...] = ()
    describe: tuple[str, ...] = ()
    time_unit: TimeUnit = "months"
    survival_at: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = ()
    restricted_mean_at: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    interval: Literal["plain", "log", "log-log"] = "log-log"
    ties: Literal["efron", "breslow"] = "efron"

    input: InputSettings = InputSettings()
    columns: dict[str, dict[str, str]] = Field(default_factory=dict)
    covariates: dict[str, Covariate] = Field(default_factory=dict)
    analyses: tuple[AnalysisRequest, ...] = ()

    @field_validator("endpoints", "adjust", "subgroups", "stratify", "describe", "survival_at")
    @classmethod
    def _each_once(cls, values: tuple[str | float, ...]) -> tuple[str | float, ...]:
        """Refuse repeated entries."""
        twice = sorted({str(v) for v in values if values.count(v) > 1})
        if twice:
            raise ValueError(f"every entry only once; {', '.join(twice)} stands there repeatedly")
        return values

    @model_validator(mode="after")
    def _roles_apart(self) -> StudySettings:
        """Refuse a column that plays two parts in one model."""
        for column in (*self.adjust, *self.subgroups):
            if column == self.marker:
                raise ValueError(f"{column} is the marker and cannot be adjusted for as well")
            if column in self.stratify:
                raise ValueError(f"{column} stratifies and cannot be adjusted for as well")
        for column in (*self.adjust, *self.subgroups, *self.stratify, *self.describe):
            if column in ("patient_id", "index_date"):
                raise ValueError(f"{column} names a patient or a date and is no covariate")
        return self

    @model_validator(mode="after")
    def _one_marker(self) -> StudySettings:
        """Check that exactly one kind of marker is declared, with its partner keys."""
        if (self.marker is None) == (self.rule is None):
            raise ValueError(
                "declare either a rule with its assay (counts) or a marker with its cut (covariate)"
            )
        if self.marker is not None and self.cut is None:
            raise ValueError("marker needs cut: the value from which on it counts as high")
        if self.rule is not None and self.assay is None:
            raise ValueError("rule needs assay: a count without its assay has no status")
        if self.rule is not None and not self.timepoints:
            raise ValueError("rule needs [[timepoints]]: at least one draw")
        if self.marker is not None and (self.timepoints or self.dynamics):
            raise ValueError("a covariate marker has no timepoints and no dynamics")
        names = [t.name for t in self.timepoints]
        if len(set(names)) != len(names):
            raise ValueError("timepoints: every name may stand only once")
        return self

    @model_validator(mode="after")
    def _analyses_fit(self) -> StudySettings:
        """Check that the analyses name endpoints and time points of this study."""
        faults = [
            f"analyses, entry {place} ({request.kind}): {fault}"
            for place, request in enumerate(self.analyses, start=1)
            for fault in self._faults_of(request)
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _faults_of(self, request: Request) -> Iterator[str]:
        """What one analysis asks for that this study does not have."""
        points = [t.name for t in self.timepoints]
        unknown = [e for e in request.endpoints if e not in self.endpoints]
        if unknown:
            yield f"endpoint {', '.join(unknown)}; declared are {', '.join(self.endpoints)}"
        asked = [p for p in request.named_timepoints() if p not in points]
        if asked:
            yield f"time point {', '.join(asked)}; declared are {', '.join(points) or 'none'}"
        if request.needs_counts and not self.counted:
            yield "needs a counted marker (assay, rule and timepoints)"
        elif request.draws > len(points) and self.counted:
            yield f"needs {request.draws} [[timepoints]]"
        elif not asked and self.counted:
            yield from request.faults_of_draws(points)

    @property
    def counted(self) -> bool:
        """Whether the marker comes from specimens and counts."""
        return self.rule is not None

    @property
    def days_per_unit(self) -> float:
        """Days in one unit of the report's time axis (365.25 days a year)."""
        return DAYS_PER[self.time_unit]


def load_settings(path: Path) -> StudySettings:
    """Read and check `study.toml`.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    StudySettings

    Raises
    ------
    InputError
        With every fault: missing file, not TOML, unknown key, wrong value.
    """
    try:
        document = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise InputError([_fault(None, str(error), "TOML", "mend that line")]) from None
    try:
        return StudySettings.model_validate(document)
    except ValidationError as error:
        raise InputError(_faults(error), subject=path.name) from None


def _text(path: Path) -> str:
    """Read the file, or say why it cannot be read."""
    allowed = f"a UTF-8 text file of at most {MOST_BYTES:,} bytes"
    try:
        if path.stat().st_size > MOST_BYTES:
            found = f"{path.stat().st_size:,} bytes"
            raise InputError([_fault(None, found, allowed, "is this the right file?")])
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError([_fault(None, "no such file", "a study.toml", f"create {path}")]) from None
    except UnicodeDecodeError:
        fault = _fault(None, "bytes that are not UTF-8", allowed, "save the file as UTF-8")
        raise InputError([fault]) from None
    except OSError as error:
        found = error.strerror or type(error).__name__
        remedy = "give a file that you may read"
        raise InputError([_fault(None, found, allowed, remedy)]) from None


def _fault(key: str | None, found: str, allowed: str, remedy: str) -> Problem:
    """One problem of study.toml."""
    return Problem("study.toml", None, key, found, allowed, remedy)


def _faults(error: ValidationError) -> list[Problem]:
    """Translate pydantic's errors into problems."""
    entries = error.errors()
    inside = {e["loc"][:-1] for e in entries if e["loc"] and isinstance(e["loc"][-1], int)}
    return [_translate(e) for e in entries if not (e["type"] == "too_short" and e["loc"] in inside)]


_KINDS = {
    "tuple_type": "a list, such as [...]",
    "bool_type": "true or false, without quotation marks",
    "too_short": "a list with at least one entry",
}
"""Our words for what pydantic says in its own."""


def _place(loc: tuple[Any, ...]) -> tuple[str | None, str | None]:
    """Key as a person counts it (entries from 1), and the kind of an analysis."""
    if len(loc) > 1 and loc[0] == "analyses":
        kind = str(loc[2]) if len(loc) > 2 else None
        head = f"analyses, entry {loc[1] + 1}" + (f" ({kind})" if kind else "")
        return ".".join([head, *(str(part) for part in loc[3:])]), kind
    return ".".join(str(part) for part in loc) or None, None


def _translate(entry: Any) -> Problem:
    """Translate one of pydantic's errors."""
    key, kind = _place(entry["loc"])
    found = repr(entry["input"]) if not isinstance(entry["input"], dict) else "this table"
    if entry["type"] == "extra_forbidden":
        return _unknown_key(key, str(entry["loc"][-1]), kind)
    if entry["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return _unknown_kind(key, entry["input"])
    if entry["type"] == "missing":
        return _fault(key, "nothing", "a value", f"add '{entry['loc'][-1]}' to study.toml")
    message = entry["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return _fault(key, found, _KINDS.get(entry["type"], message), "correct the value")


def _unknown_kind(key: str | None, table: Any) -> Problem:
    """An analysis without a kind, or of a kind that there is not."""
    kind = table.get("kind") if isinstance(table, dict) else None
    near = difflib.get_close_matches(str(kind), REQUESTS, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else "see docs/reference/analyses.md"
    found = "no kind" if kind is None else f"kind {kind!r}"
    return _fault(key, found, f"one of {', '.join(REQUESTS)}", remedy)


def _unknown_key(key: str | None, name: str, kind: str | None) -> Problem:
    """A key that does not belong where it stands."""
    page, known = "study-toml.md", _known_keys()
    if kind in REQUESTS:
        page, known = "analyses.md", sorted(REQUESTS[kind].model_fields)
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else "remove it"
    if name in known:
        remedy = "it belongs elsewhere; keys of the whole study stand above the first [table]"
    return _fault(key, "an unknown key", f"the keys of docs/reference/{page}", remedy)


def _known_keys() -> list[str]:
    """All keys of all sections but the analyses, for suggestions."""
    sections = (StudySettings, InputSettings, TimePoint, Covariate)
    return sorted({key for section in sections for key in section.model_fields})
