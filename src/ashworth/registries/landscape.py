"""Who studies tumour cells, where, in which phase, on a date: trials with their evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from ashworth.registries.classification.rules import CellRules, cell_rules
from ashworth.registries.classification.verdicts import CellVerdict, classify
from ashworth.registries.history import dated
from ashworth.registries.linking import LinkedTrial, link
from ashworth.registries.merging import merged_values
from ashworth.registries.normalisation.dates import precise_date
from ashworth.registries.normalisation.normalised import Normalised, normalise
from ashworth.registries.overrides import Override
from ashworth.registries.readers.ctgov_history import FORMAT as HISTORY
from ashworth.registries.record import Registration, slim
from ashworth.registries.survey import Surveyed
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

FOCUS_TIER = 3
OPEN_OR_PLANNED = ("open", "planned")
TIERS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class LandscapeTrial:
    """One trial of the landscape.

    Attributes
    ----------
    trial : LinkedTrial
    verdict : CellVerdict
    values : Normalised
        Of the main registration; what it does not tell, of the others.
    status : str
        Of the trial: open if any registration is open.
    overridden : tuple of Override
    """

    trial: LinkedTrial
    verdict: CellVerdict
    values: Normalised
    status: str
    specimen: str
    scope: str
    tier: int | None
    overridden: tuple[Override, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The trial for JSON."""
        main = self.trial.main
        start = self.values.start
        return {
            "registry_id": self.trial.trial_id,
            "ids": list(self.trial.ids),
            "title": main.brief_title or main.official_title,
            "specimen": self.specimen,
            "scope": self.scope,
            "tier": self.tier,
            "evidence": [
                {"rule": e.rule, "specimen": e.specimen, "field": e.field, "tier": e.tier,
                 "words": e.words}
                for e in self.verdict.evidence
            ],
            "roles": list(self.verdict.roles),
            "status": self.status,
            "status_basis": self.values.status_basis,
            "last_known_status": self.values.last_known_status or None,
            "phases": list(self.values.phases),
            "highest_phase": self.values.highest_phase,
            "lead_country": self.values.lead_country,
            "countries": list(self.values.countries),
            "start": None if start is None else start.first_day.isoformat(),
            "start_precision": None if start is None else start.precision,
            "enrolment": self.values.enrolment,
            "enrolment_kind": self.values.enrolment_kind,
            "processed": main.processed,
            "sha256": main.sha256,
            "source": main.source,
            "url": main.url,
            "contradictions": [
                {"about": c.about, "values": [list(v) for v in c.values]}
                for c in self.trial.contradictions
            ],
            "overridden": [f"{o.field} = {o.value}: {o.reason}" for o in self.overridden],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Landscape:
    """Trials of tumour cells on a date.

    Attributes
    ----------
    trials : tuple of LandscapeTrial
        Every trial, in order of id; `named` are those whose registrations name cells.
    n_registrations, n_trials : int
        Everything that was looked at.
    n_later : int
        Registrations of versions after the date, or first posted after it: left out.
    unused_overrides : tuple of str
        Ids of overrides that no trial has.
    as_of : date
    """

    trials: tuple[LandscapeTrial, ...]
    n_registrations: int
    n_trials: int
    as_of: date
    rules_version: int
    unknown_values: Mapping[str, int] = field(default_factory=dict)
    n_later: int = 0
    unused_overrides: tuple[str, ...] = ()
    version: str = __version__

    @property
    def named(self) -> tuple[LandscapeTrial, ...]:
        """Trials whose registrations name cells, and those with an override."""
        return tuple(t for t in self.trials if t.specimen != "none" or t.overridden)

    def focus(self, tier: int = FOCUS_TIER, scope: str = "breast") -> list[LandscapeTrial]:
        """Trials whose best evidence is of a tier or better."""
        return [t for t in self.trials
                if t.scope == scope and t.tier is not None and t.tier <= tier
                and t.specimen != "none"]  # fmt: skip

    def counts(self, scope: str = "breast") -> dict[str, dict[str, dict[str, int]]]:
        """Counts by specimen, country, phase, status, year and role at each tier cut-off."""
        return {str(tier): _counts(self.focus(tier, scope), tier) for tier in TIERS}

    def table(self) -> pl.DataFrame:
        """One row per trial whose registrations name cells."""
        import polars as pl

        rows = [_row(t.to_dict()) for t in self.named]
        return pl.DataFrame(rows, infer_schema_length=None)


def landscape_on(
    records: Sequence[Registration | Surveyed],
    *,
    as_of: date,
    overrides: Iterable[Override] = (),
    rules: CellRules | None = None,
) -> Landscape:
    """Make the landscape of registrations on a date.

    Versions that a registry made after the date are left out, and registrations first posted
    after it where the version's day is not told; of the others the latest counts. Rows of a
    history (`ctgov_history`) date the status of the registrations that they belong to.

    Parameters
    ----------
    records : sequence of Registration or Surveyed
        What was read; surveyed registrations carry their verdict.
    as_of : date
    overrides : iterable of Override
        Verdicts by hand, applied last.
    rules : CellRules, optional

    Examples
    --------
    >>> record = Registration("ctgov", "x", "NCT00000001", brief_title="CTC clusters",
    ...     conditions=("Breast Cancer",), status="RECRUITING", phases=("PHASE3",))
    >>> found = landscape_on([record], as_of=date(2019, 9, 1))
    >>> found.counts()["3"]["specimen"]
    {'CTC': 1}
    """
    rules = rules or cell_rules()
    judged = [_judged(r, rules) for r in records]
    known = [s for s in dated(judged, as_of) if _was_there(s.record, as_of)]
    verdicts = {id(s.record): s.verdict for s in known}
    by_id: dict[str, list[Override]] = {}
    for override in overrides:
        by_id.setdefault(override.registry_id, []).append(override)
    linked = link([s.record for s in known])
    trials = [_placed(trial, as_of, verdicts, by_id) for trial in linked]
    unknown = Counter(u for t in trials for u in t.values.unknown)
    trials.sort(key=lambda t: t.trial.trial_id)
    return Landscape(tuple(trials), len(records), len(linked), as_of, rules.version,
                     dict(sorted(unknown.items())), _plain(judged) - _plain(known),
                     tuple(sorted(set(by_id) - {i for t in linked for i in t.ids})))  # fmt: skip


def _plain(found: Sequence[Surveyed]) -> int:
    """Registrations without rows of histories."""
    return sum(s.record.format != HISTORY for s in found)


def _was_there(record: Registration, as_of: date) -> bool:
    """Whether a version is of the date or before; where that is not told, its first posting."""
    if record.processed:
        return record.processed <= str(as_of)
    posted = precise_date(record.first_posted.text)
    return posted is None or posted.first_day <= as_of


def _judged(record: Registration | Surveyed, rules: CellRules) -> Surveyed:
    if isinstance(record, Surveyed):
        return record
    return Surveyed(slim(record), classify(record, rules))


def _placed(
    trial: LinkedTrial, as_of: date, verdicts: Mapping[int, CellVerdict],
    overrides: Mapping[str, list[Override]],
) -> LandscapeTrial:  # fmt: skip
    """Class a trial by its registration with the best evidence."""
    own = [verdicts[id(record)] for record in trial.records]
    best = min(own, key=lambda v: (v.tier or 9, v.scope != "breast"))
    scope = "breast" if any(v.scope == "breast" for v in own) else "other"
    values = [normalise(record, as_of) for record in trial.records]
    chosen = tuple(o for name in trial.ids for o in overrides.get(name, ()))
    specimen, scope, tier = _overridden(best, scope, chosen)
    merged, status = merged_values(trial, values), _status(values)
    return LandscapeTrial(trial, best, merged, status, specimen, scope, tier, chosen)


def _overridden(
    best: CellVerdict, scope: str, chosen: Sequence[Override]
) -> tuple[str, str, int | None]:
    """Apply overrides in order."""
    specimen, tier = best.specimen, best.tier
    for override in chosen:
        if override.field == "specimen":
            specimen = override.value
            tier = None if specimen == "none" else (tier or FOCUS_TIER)
        elif override.field == "scope":
            scope = override.value
        else:
            tier = int(override.value) if override.value else None
    return specimen, scope, tier


def _status(values: Sequence[Normalised]) -> str:
    """Open if any registration is open, else the first that is known."""
    found = [v.status for v in values]
    for status in ("open", "planned", "paused", "closed", "ended", "void"):
        if status in found and (status == "open" or found[0] in (status, "unknown")):
            return status
    return found[0]


def _counts(trials: Sequence[LandscapeTrial], tier: int) -> dict[str, dict[str, int]]:
    years = [t.values.start.first_day.year if t.values.start else None for t in trials]
    specimens = [t.specimen if t.overridden else t.verdict.specimen_at(tier) for t in trials]
    return {
        "specimen": _counted(s for s in specimens),
        "country": _counted(t.values.lead_country or "not told" for t in trials),
        "phase": _counted(t.values.highest_phase or _no_phase(t) for t in trials),
        "status": _counted(t.status for t in trials),
        "year": _counted("not told" if y is None else str(y) for y in years),
        "role": _counted(role for t in trials for role in t.verdict.roles),
        "open_or_planned": {"trials": sum(t.status in OPEN_OR_PLANNED for t in trials)},
        "overridden": {"trials": sum(bool(t.overridden) for t in trials)},
    }  # fmt: skip


def _no_phase(trial: LandscapeTrial) -> str:
    """Not applicable and not told are two things."""
    return "NA" if "NA" in trial.values.phases else "not told"


def _counted(values: Iterable[str]) -> dict[str, int]:
    found = Counter(values)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _row(document: Mapping[str, Any]) -> dict[str, Any]:
    """One flat row: lists joined, evidence as words."""
    row: dict[str, Any] = {}
    for key, value in document.items():
        if key == "evidence":
            row[key] = "; ".join(f"{e['rule']} {e['field']}: {e['words']}" for e in value)
        elif key == "contradictions":
            row[key] = "; ".join(f"{c['about']}: " + ", ".join("=".join(v) for v in c["values"])
                                 for c in value)  # fmt: skip
        elif isinstance(value, list):
            row[key] = " ".join(map(str, value))
        else:
            row[key] = value
    return row


@dataclass(frozen=True, slots=True)
class LandscapeChange:
    """What changed between two dates.

    Attributes
    ----------
    new, started, closed, vanished : tuple of str
        Ids: not there before; open now and not before; open before and not now; not there now.
    """

    first: date
    second: date
    new: tuple[str, ...]
    started: tuple[str, ...]
    closed: tuple[str, ...]
    vanished: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Kind of change and id."""
        import polars as pl

        kinds = ("new", "started", "closed", "vanished")
        rows = [(kind, name) for kind in kinds for name in getattr(self, kind)]
        return pl.DataFrame(rows, schema={"change": pl.String, "registry_id": pl.String},
                            orient="row")  # fmt: skip


def compare_dates(before: Landscape, after: Landscape, tier: int = FOCUS_TIER) -> LandscapeChange:
    """Tell what changed between two landscapes of breast trials."""
    old = {t.trial.trial_id: t.status for t in before.focus(tier)}
    new = {t.trial.trial_id: t.status for t in after.focus(tier)}
    both = sorted(set(old) & set(new))
    return LandscapeChange(
        before.as_of, after.as_of, tuple(sorted(set(new) - set(old))),
        tuple(i for i in both if new[i] == "open" and old[i] != "open"),
        tuple(i for i in both if old[i] == "open" and new[i] != "open"),
        tuple(sorted(set(old) - set(new))),
    )  # fmt: skip
