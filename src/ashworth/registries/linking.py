"""One trial from several registrations: numbers of five kinds joined, contradictions kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from ashworth.registries.identifiers import trial_ids
from ashworth.registries.normalisation.phases import phase_codes
from ashworth.registries.normalisation.statuses import (
    ctis_code,
    possible_classes,
    status_class,
    status_on,
)
from ashworth.registries.record import Registration

__all__ = ["Contradiction", "LinkedTrial", "link", "trial_ids"]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two registrations of one trial, or two member states, that do not agree.

    Attributes
    ----------
    about : {"status", "phases", "ids"}
        ``ids``: two registrations of one registry were joined as one trial.
    values : tuple of (str, str)
        Registration (with its member state) and its value, verbatim.
    """

    about: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LinkedTrial:
    """All registrations of one trial.

    Attributes
    ----------
    trial_id : str
        The NCT number where there is one, else the first of the other ids.
    ids : tuple of str
    records : tuple of Registration
        The main one first: ClinicalTrials.gov before the others.
    contradictions : tuple of Contradiction
    """

    trial_id: str
    ids: tuple[str, ...]
    records: tuple[Registration, ...]
    contradictions: tuple[Contradiction, ...]

    @property
    def main(self) -> Registration:
        """The registration whose texts stand for the trial."""
        return self.records[0]


def link(records: Sequence[Registration]) -> list[LinkedTrial]:
    """Join registrations that share a number, directly or through others.

    Of several versions of one registration (of one member state) the latest is kept, of an EU CT
    number the highest resubmission. Numbers are looked for in the registry's own number and in
    `Registration.ids`; titles and texts are not searched, for they name other trials too.

    Examples
    --------
    >>> a = Registration("ctgov", "x", "NCT01975142", ids=("2013-002654-75",))
    >>> b = Registration("euctr", "y", "2013-002654-75", member_state="NL")
    >>> [t.trial_id for t in link([a, b])]
    ['NCT01975142']
    """
    latest = _latest(records)
    own = [trial_ids([r.registry_id, *r.ids]) or (r.registry_id,) for r in latest]
    groups = _Groups(len(latest))
    seen: dict[str, int] = {}
    for i, ids in enumerate(own):
        for name in ids:
            groups.join(seen.setdefault(name, i), i)
    members: dict[int, list[int]] = {}
    for i in range(len(latest)):
        members.setdefault(groups.root(i), []).append(i)
    return [_trial([latest[i] for i in rows], [own[i] for i in rows]) for rows in members.values()]


def _latest(records: Sequence[Registration]) -> list[Registration]:
    kept: dict[tuple[str, str, str], Registration] = {}
    for record in records:
        key = (record.source, _number(record), record.member_state)
        old = kept.get(key)
        if old is None or _order(record) >= _order(old):
            kept[key] = record
    return list(kept.values())


def _number(record: Registration) -> str:
    """The registry's number, without the resubmission of an EU CT number."""
    return record.registry_id[:14] if record.source == "ctis" else record.registry_id


def _order(record: Registration) -> tuple[str, str]:
    return (record.registry_id if record.source == "ctis" else "", record.processed)


class _Groups:
    """Disjoint sets."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def root(self, i: int) -> int:
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i

    def join(self, i: int, j: int) -> None:
        a, b = self.root(i), self.root(j)
        self._parent[max(a, b)] = min(a, b)


_FIRST = {"ctgov": 0, "ctis": 1, "euctr": 2, "isrctn": 3}


def _trial(records: list[Registration], ids: list[tuple[str, ...]]) -> LinkedTrial:
    ordered = sorted(records, key=lambda r: (_FIRST[r.source], r.registry_id, r.member_state))
    every = tuple(dict.fromkeys(name for own in ids for name in own))
    nct = sorted(name for name in every if name.startswith("NCT"))
    main = ordered[0]
    name = nct[0] if nct else (trial_ids([main.registry_id]) or (main.registry_id,))[0]
    return LinkedTrial(name, every, tuple(ordered), tuple(_contradictions(ordered)))


def _contradictions(records: Sequence[Registration]) -> Iterator[Contradiction]:
    told = [(source, label, value) for r in records for source, label, value in _statuses(r)]
    if _differ_within(told) or _differ_across(records):
        yield Contradiction("status", tuple((label, value) for _, label, value in told))
    phases = [(_label(r), "/".join(r.phases), _codes(r)) for r in records if r.phases]
    if len({codes for _, _, codes in phases}) > 1:
        yield Contradiction("phases", tuple((label, value) for label, value, _ in phases))
    numbers = dict.fromkeys((r.source, _number(r)) for r in records)
    if len(numbers) > len({source for source, _ in numbers}):
        yield Contradiction("ids", tuple(numbers))


def _statuses(record: Registration) -> Iterator[tuple[str, str, str]]:
    """Source, place and status: of each country where a record speaks for several."""
    if len(record.member_states) > 1:
        for state in record.member_states:
            if state.status:
                yield record.source, f"{_label(record)} {state.country}", state.status
    elif record.status:
        yield record.source, _label(record), record.status
    elif record.source == "isrctn" and status_on(record).status != "unknown":
        yield record.source, _label(record), f"{status_on(record).status} by its dates"


def _differ_within(told: Iterable[tuple[str, str, str]]) -> bool:
    """Whether one registry gives two statuses."""
    found: dict[str, set[str]] = {}
    for source, _, value in told:
        same = ctis_code(value) if source == "ctis" else value
        found.setdefault(source, set()).add(same)
    return any(len(values) > 1 for values in found.values())


def _differ_across(records: Sequence[Registration]) -> bool:
    """Whether two registries have no class of status in common."""
    if len({r.source for r in records}) < 2:
        return False
    classes: dict[str, frozenset[str]] = {}
    for record in records:
        states = (status_class(record.source, s.status) for s in record.member_states)
        own = possible_classes(record) | {c for c in states if c and c != "unknown"}
        classes[record.source] = classes.get(record.source, frozenset()) | own
    return any(not a & b for a, b in combinations(filter(None, classes.values()), 2))


def _codes(record: Registration) -> frozenset[str]:
    """Phases in one writing; the EU register has no early phase 1."""
    codes = (code for text in record.phases for code in phase_codes(text) or (text,))
    return frozenset("PHASE1" if code == "EARLY_PHASE1" else code for code in codes)


def _label(record: Registration) -> str:
    state = f" {record.member_state}" if record.member_state else ""
    return f"{record.source} {record.registry_id}{state}"
