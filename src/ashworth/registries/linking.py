"""One trial from several registrations: ids of five kinds joined, contradictions kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ashworth.registries.record import Registration

_IDS = (
    ("nct", re.compile(r"\bNCT\d{8}\b", re.IGNORECASE)),
    ("ctis", re.compile(r"\b20\d{2}-5\d{5}-\d{2}(?:-\d{2})?\b")),
    (
        "eudract",
        re.compile(r"\b(?:EUCTR)?(20\d{2}|19\d{2})-(\d{6})-(\d{2})(?!-\d)(?:-[A-Z]{2,3})?"),
    ),
    ("isrctn", re.compile(r"\bISRCTN\d{8}\b", re.IGNORECASE)),
    ("utn", re.compile(r"\bU1111-\d{4}-\d{4}\b", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two registrations of one trial that do not agree.

    Attributes
    ----------
    about : str
        status or phases.
    values : tuple of (str, str)
        Registration (with its member state) and value.
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


def trial_ids(texts: Iterable[str]) -> tuple[str, ...]:
    """Find the ids of trials in texts, in one writing.

    Examples
    --------
    >>> trial_ids(["EUCTR2013-002654-75-NL", "nct01975142"])
    ('2013-002654-75', 'NCT01975142')
    >>> trial_ids(["2023-508143-51-01"])
    ('2023-508143-51',)
    """
    found: list[str] = []
    for text in texts:
        for kind, pattern in _IDS:
            found += [_written(kind, match) for match in pattern.finditer(text)]
    return tuple(dict.fromkeys(found))


def _written(kind: str, match: re.Match[str]) -> str:
    if kind == "eudract":
        return f"{match[1]}-{match[2]}-{match[3]}"
    if kind == "ctis":
        return match[0][:14]
    return match[0].upper()


def link(records: Sequence[Registration]) -> list[LinkedTrial]:
    """Join registrations that share an id, directly or through others.

    Of several versions of one registration the latest is kept, of a CTIS number the highest
    resubmission.

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
        name = record.registry_id[:14] if record.source == "ctis" else record.registry_id
        key = (record.source, name, record.member_state)
        old = kept.get(key)
        if old is None or _order(record) >= _order(old):
            kept[key] = record
    return list(kept.values())


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


def _contradictions(records: Sequence[Registration]) -> Iterable[Contradiction]:
    for about in ("status", "phases"):
        values = [(_label(r), _value(r, about)) for r in records]
        told = [(label, value) for label, value in values if value]
        if len({value for _, value in told}) > 1:
            yield Contradiction(about, tuple(told))


def _label(record: Registration) -> str:
    state = f" {record.member_state}" if record.member_state else ""
    return f"{record.source} {record.registry_id}{state}"


def _value(record: Registration, about: str) -> str:
    return record.status if about == "status" else "/".join(record.phases)
