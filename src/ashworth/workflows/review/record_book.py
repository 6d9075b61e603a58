"""Every number of the review comes from here: a reference in, words with their source out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

from ashworth.definitions.evidence_models import FunnelStep, Group, Statistic, Study
from ashworth.definitions.loader import Catalogue
from ashworth.definitions.models import Reference
from ashworth.errors import DefinitionError
from ashworth.evidence import check_statistics
from ashworth.registries.landscape import Landscape, landscape_on
from ashworth.registries.survey import survey
from ashworth.reports.living import Citation, Cited, Source, Sourced
from ashworth.workflows.evidence_definitions import said

REGISTRY = Path(__file__).parent / "registry"
ORIGINS = {
    "source_review": "the source review",
    "publication": "another publication",
    "derived": "derived here",
    "project_choice": "chosen by this project",
    "unverified": "unverified",
}


@dataclass(frozen=True, slots=True)
class ComputedNumber:
    """A number that the program computes for the review.

    Attributes
    ----------
    text : str
        As printed.
    title : str
    facts : tuple of (str, str)
        How it was made.
    """

    text: str
    title: str
    facts: tuple[tuple[str, str], ...]


@dataclass
class RecordBook:
    """Records of studies, protocols, registries and computations by reference.

    Attributes
    ----------
    folders : tuple of Path
        A user's own records beside the shipped ones.
    registry : tuple of Path
        Registry files of the landscape.

    A reference is ``study/statistic``, ``study/statistic|form``, ``study/funnel:step``,
    ``study/year``, or ``kind:name`` for what is computed (see `computed`).
    """

    folders: tuple[Path, ...] = ()
    registry: tuple[Path, ...] = (REGISTRY,)
    computed: dict[str, ComputedNumber] = field(default_factory=dict)
    cited: dict[str, Cited] = field(default_factory=dict)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The shipped definitions and the user's."""
        return Catalogue(self.folders)

    @cached_property
    def studies(self) -> Mapping[str, Study]:
        """Studies by id."""
        return {s.id: s for s in self.catalogue.all("study") if isinstance(s, Study)}

    @cached_property
    def landscape(self) -> Landscape:
        """Trials of the registry records, on the day of the latest of them."""
        read = survey(self.registry)
        days = [s.record.processed for s in read.surveyed if s.record.processed]
        return landscape_on(read.surveyed, as_of=date.fromisoformat(max(days)[:10]))

    @cached_property
    def references(self) -> Mapping[str, Reference]:
        """Documents by key."""
        return self.catalogue.references()

    @cached_property
    def verdicts(self) -> Mapping[tuple[str, str], str]:
        """What the consistency checks say of every statistic."""
        findings = check_statistics(list(self.studies.values()), unverified=True)
        found: dict[tuple[str, str], list[str]] = {}
        for row in findings.table().iter_rows(named=True):
            words = f"{row['check']}: {row['verdict']}"
            if row["condition"]:
                words += f" ({row['condition']})"
            found.setdefault((row["study"], row["statistic"]), []).append(words)
        return {key: "; ".join(dict.fromkeys(words)) for key, words in found.items()}

    def number(self, reference: str) -> Sourced:
        """Give the words of a reference and their source.

        Raises
        ------
        DefinitionError
            If nothing answers to the reference, or what answers is unverified.
        """
        path, _, form = reference.partition("|")
        if ":" in path.split("/")[0]:
            return self._computed(path)
        study_id, _, name = path.partition("/")
        if study_id not in self.studies:
            raise DefinitionError(f"review: no study '{study_id}' for [[{reference}]]")
        study = self.studies[study_id]
        if name == "year":
            return Sourced(str(study.year), _year_source(study))
        if name.startswith("funnel:"):
            return self._funnel(study, name.removeprefix("funnel:"))
        statistic = self.statistic(study, name)
        return Sourced(words_of(statistic, form), self.source_of(study, statistic))

    def statistic(self, study: Study, name: str) -> Statistic:
        """Find a verified statistic of a study."""
        found = next((s for s in study.statistics if s.id == name), None)
        if found is None:
            known = ", ".join(s.id for s in study.statistics)
            raise DefinitionError(f"review: {study.id} has no statistic '{name}'; it has {known}")
        if found.origin == "unverified":
            raise DefinitionError(
                f"review: {study.id}/{name} is unverified and never reaches an output"
            )
        return found

    def source_of(self, study: Study, statistic: Statistic) -> Source:
        """Describe a statistic: origin, interval, denominator, document, verdict."""
        self.cite(statistic.document)
        facts = [("value", said(statistic)), ("study", study.title)]
        if statistic.population:
            facts.append(("population", statistic.population))
        if statistic.n is not None:
            facts.append(("denominator", f"{statistic.n}"))
        if statistic.adjustment != "unknown":
            facts.append(("adjustment", statistic.adjustment))
        facts.append(("document", self.document(statistic.document)))
        if statistic.document_version:
            facts.append(("version", statistic.document_version))
        facts.append(("origin", ORIGINS[statistic.origin]))
        verdict = self.verdicts.get((study.id, statistic.id), "nothing to check it against")
        facts.append(("consistency check", verdict))
        return Source(slug(f"{study.id} {statistic.id}"), statistic.label, tuple(facts))

    def document(self, key: str) -> str:
        """Authors, year and journal of a document."""
        reference = self.references.get(key)
        if reference is None:
            return key
        year = "" if reference.year is None else f" {reference.year}"
        return f"{reference.authors}{year}. {reference.journal}"

    def cite(self, key: str) -> Cited:
        """Cite a document: author and year."""
        if key not in self.references:
            raise DefinitionError(f"review: no reference '{key}'")
        reference = self.references[key]
        author = re.split(r"[ ,]", reference.authors.strip())[0]
        year = "" if reference.year is None else f" {reference.year}"
        return self.cited.setdefault(key, Cited(key, f"{author}{year}"))

    def citations(self) -> tuple[Citation, ...]:
        """The documents that were cited, by key."""
        return tuple(self._citation(key) for key in sorted(self.cited))

    def _citation(self, key: str) -> Citation:
        reference = self.references[key]
        title = f" {reference.title}." if reference.title else ""
        year = f" ({reference.year})." if reference.year is not None else "."
        url = f"https://clinicaltrials.gov/study/{reference.nct}" if reference.nct else ""
        return Citation(
            key, f"{reference.authors}{year}{title} {reference.journal}.", reference.doi or "", url
        )

    def _computed(self, path: str) -> Sourced:
        if path not in self.computed:
            known = ", ".join(sorted(self.computed))
            raise DefinitionError(f"review: nothing computed answers to [[{path}]]; known: {known}")
        found = self.computed[path]
        return Sourced(found.text, Source(slug(path), found.title, found.facts))

    def _funnel(self, study: Study, name: str) -> Sourced:
        step = next((s for s in study.funnel if s.step == name), None)
        if step is None:
            known = "; ".join(s.step for s in study.funnel)
            raise DefinitionError(f"review: {study.id} has no step '{name}'; it has {known}")
        if step.origin == "unverified":
            raise DefinitionError(f"review: {study.id}/{name} is unverified")
        return Sourced(f"{step.n:,}", self._step_source(study, step))

    def _step_source(self, study: Study, step: FunnelStep) -> Source:
        self.cite(step.document)
        facts = [("value", str(step.n)), ("study", study.title),
                 ("document", self.document(step.document)),
                 ("origin", ORIGINS[step.origin])]  # fmt: skip
        if step.note:
            facts.append(("note", step.note))
        return Source(slug(f"{study.id} {step.step}"), f"patients: {step.step}", tuple(facts))


def slug(text: str) -> str:
    """Make an id of words.

    Examples
    --------
    >>> slug("STIC: events (0.8)")
    'stic-events-0-8'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def words_of(statistic: Statistic, form: str) -> str:
    """Print a statistic, whole or one part of it.

    Forms: nothing (estimate with limits, or events of n), ``value``, ``n``, ``events``, ``of``,
    ``p``, ``interval``, ``group NAME`` (its value), ``of NAME`` (its events of n), ``n NAME``.
    """
    if not form:
        return _whole(statistic)
    kind, _, label = form.partition(" ")
    if label:
        group = _group(statistic, label)
        return _GROUP_FORMS[kind](statistic, group)
    return _FORMS[kind](statistic)


def _value(number: float | None, unit: str) -> str:
    if number is None:
        raise DefinitionError("review: the record has no such number")
    text = f"{number:,.6g}"
    return f"{text} {unit}".strip() if unit else text


def _interval(low: float | None, high: float | None, level: float | None) -> str:
    if low is None or high is None:
        raise DefinitionError("review: the record has no interval")
    lead = "" if level is None else f"{100 * level:.0f} % CI "
    return f"{lead}{low:g} to {high:g}"


def _whole(s: Statistic) -> str:
    if s.measure == "text":
        return s.label
    if s.value is None and s.events is not None and s.n is not None:
        return f"{s.events:,} of {s.n:,}"
    text = _value(s.value, s.unit)
    if s.lower is not None and s.upper is not None:
        text += f" ({_interval(s.lower, s.upper, s.level)})"
    elif s.events is not None and s.n is not None:
        text += f" ({s.events:,} of {s.n:,})"
    return text


def _p(s: Statistic) -> str:
    if s.p is None:
        raise DefinitionError(f"review: {s.id} has no p-value")
    return f"p {s.p.relation} {s.p.value:g}"


def _count(number: int | None) -> str:
    if number is None:
        raise DefinitionError("review: the record has no such count")
    return f"{number:,}"


def _group(s: Statistic, label: str) -> Group:
    found = next((g for g in s.groups if g.label == label), None)
    if found is None:
        known = "; ".join(g.label for g in s.groups)
        raise DefinitionError(f"review: {s.id} has no group '{label}'; it has {known}")
    return found


def _group_value(s: Statistic, g: Group) -> str:
    limits = "" if g.lower is None else f" ({_interval(g.lower, g.upper, s.level)})"
    return _value(g.value, s.unit) + limits


_FORMS: dict[str, Callable[[Statistic], str]] = {
    "value": lambda s: _value(s.value, s.unit),
    "n": lambda s: _count(s.n),
    "events": lambda s: _count(s.events),
    "of": lambda s: f"{_count(s.events)} of {_count(s.n)}",
    "p": _p,
    "interval": lambda s: _interval(s.lower, s.upper, s.level),
}
_GROUP_FORMS: dict[str, Callable[[Statistic, Group], str]] = {
    "group": _group_value,
    "of": lambda s, g: f"{_count(g.events)} of {_count(g.n)}",
    "n": lambda s, g: _count(g.n),
    "events": lambda s, g: _count(g.events),
}


def _year_source(study: Study) -> Source:
    facts = (("value", str(study.year)), ("study", study.title))
    return Source(slug(f"{study.id} year"), "year of publication", facts)
