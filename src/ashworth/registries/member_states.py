"""What the member states of one trial say about its status, and how often they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from ashworth.registries.linking import LinkedTrial
from ashworth.registries.normalisation.statuses import ctis_code, status_class
from ashworth.version import __version__

if TYPE_CHECKING:
    import polars as pl

NOT_TOLD = "not told"


@dataclass(frozen=True, slots=True)
class MemberStateStatuses:
    """Agreement of member states on the status of their common trial.

    Attributes
    ----------
    n_records, n_trials : int
        Records of member states, and trials that have one.
    n_several : int
        Trials with records of two member states or more.
    n_differing : int
        Of these, trials in which two records differ; a status that is not told counts as a value
        of its own.
    n_contradicting : int
        Of these, trials in which two records tell two statuses.
    n_classes : int
        Of these, trials in which the statuses that are told are of two classes (open, ended ...).
    most_states : int
    pairs : mapping of (str, str) to int
        Two statuses to the number of trials in which both stand.
    """

    n_records: int
    n_trials: int
    n_several: int
    n_differing: int
    n_contradicting: int
    n_classes: int
    most_states: int
    pairs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    version: str = __version__

    @property
    def share_differing(self) -> float:
        """Share of the trials with several member states; NaN where there is none."""
        return self.n_differing / self.n_several if self.n_several else float("nan")

    @property
    def share_contradicting(self) -> float:
        """Share of the trials with several member states; NaN where there is none."""
        return self.n_contradicting / self.n_several if self.n_several else float("nan")

    def table(self) -> pl.DataFrame:
        """Pairs of statuses, the most frequent first: `status`, `other_status`, `n_trials`."""
        import polars as pl

        rows = [(*pair, n) for pair, n in self.pairs.items()]
        schema = {"status": pl.String, "other_status": pl.String, "n_trials": pl.Int64}
        return pl.DataFrame(rows, schema=schema, orient="row")


def member_state_statuses(trials: Sequence[LinkedTrial]) -> MemberStateStatuses:
    """Count how often the member states of a trial differ in its status.

    A difference is not always an error: a trial can have ended in one country and go on in another.

    Parameters
    ----------
    trials : sequence of LinkedTrial
        From `ashworth.registries.linking.link`.

    Examples
    --------
    >>> from ashworth.registries.linking import link
    >>> from ashworth.registries.record import Registration
    >>> records = [
    ...     Registration("euctr", "x", "2010-000001-01", member_state=state, status=status)
    ...     for state, status in (("DE", "Ongoing"), ("FR", "Completed"), ("NL", ""))
    ... ]
    >>> found = member_state_statuses(link(records))
    >>> found.n_records, found.n_several, found.n_contradicting, len(found.pairs)
    (3, 1, 1, 3)
    """
    vectors = [states for states in map(_states, trials) if states]
    several = [states for states in vectors if len(states) > 1]
    values = [sorted({status for _, _, status in states}) for states in several]
    told = [[v for v in found if v != NOT_TOLD] for found in values]
    classes = [{status_class(source, s) for source, _, s in states if s != NOT_TOLD}
               for states in several]  # fmt: skip
    pairs = Counter(pair for found in values for pair in combinations(found, 2))
    return MemberStateStatuses(
        n_records=sum(map(len, vectors)), n_trials=len(vectors), n_several=len(several),
        n_differing=sum(len(v) > 1 for v in values), n_contradicting=sum(len(v) > 1 for v in told),
        n_classes=sum(len(c) > 1 for c in classes), most_states=max(map(len, vectors), default=0),
        pairs=dict(sorted(pairs.items(), key=lambda item: (-item[1], item[0]))),
    )  # fmt: skip


def _states(trial: LinkedTrial) -> list[tuple[str, str, str]]:
    """Source, country and status of every member state's record."""
    return list(_vector(trial))


def _vector(trial: LinkedTrial) -> Iterator[tuple[str, str, str]]:
    for record in trial.records:
        if record.source == "euctr" and record.member_state:
            yield record.source, record.member_state, record.status or NOT_TOLD
        for state in record.member_states:
            yield record.source, state.country, ctis_code(state.status) or NOT_TOLD
