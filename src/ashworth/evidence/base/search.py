"""Ask the evidence base: statistics by words, the list of studies, the conflicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from ashworth.definitions.evidence_models import Study
from ashworth.definitions.loader import Catalogue
from ashworth.evidence.base.effects import Effects, FoundStatistic
from ashworth.evidence.base.lists import Conflicts, Studies
from ashworth.evidence.base.words import Words, asked, facts


def find(
    *,
    outcome: Words = None,
    setting: Words = None,
    specimen: Words = None,
    marker: Words = None,
    timepoint: Words = None,
    measure: Words = None,
    adjustment: Words = None,
    unverified: bool = False,
    studies: Words = None,
    catalogue: Catalogue | None = None,
) -> Effects:
    """Find statistics of the evidence base.

    When to use it: to see, or to pool, what the literature says about one outcome in one setting.
    Filters are joined by "and"; several words in one filter by "or".

    Parameters
    ----------
    outcome : str or sequence of str, optional
        "os", "dfs", "pfs", "positivity", "pcr", "clearance", ....
    setting : {"dcis", "early", "neoadjuvant", "metastatic", "none"}, optional
        The statistic's own setting where it has one, else the study's.
    specimen : {"blood", "bone_marrow", "plasma", "tissue", "none"}, optional
    marker : {"ctc", "dtc", "ctdna", "treatment", "other"}, optional
        What the contrast is about.
    timepoint : str, optional
        When the marker was measured: "before_therapy", "two_years", ....
    measure : str, optional
        "hazard_ratio", "proportion", "median", ...; without it every measure but "text".
    adjustment : {"none", "stratified", "adjusted", "unknown"}, optional
    unverified : bool
        Also give values from memory. They never appear otherwise.
    studies : str or sequence of str, optional
        Ids of studies.
    catalogue : Catalogue, optional
        Definitions with a user's own studies; by default those that ship.

    Returns
    -------
    Effects
        Empty where nothing matches; `Effects.summary` says "no verified record" where all that
        matches is from memory.

    Raises
    ------
    InputError
        For every word that no record can have, with those that exist.

    Examples
    --------
    >>> answer = find(outcome="os", setting="early", marker="dtc", adjustment="adjusted")
    >>> answer.table().select("study", "estimate", "lower", "upper", "level").rows()[0]
    ('paddy', 1.23, 1.06, 1.43, 0.95)
    >>> find(studies="bidard2014", outcome="os").summary()
    'no verified record; 3 unverified left out'
    """
    words = {
        "outcome": outcome, "setting": setting, "specimen": specimen, "marker": marker,
        "timepoint": timepoint, "measure": measure, "adjustment": adjustment, "studies": studies,
    }  # fmt: skip
    base = _studies(catalogue)
    chosen = asked(words, base)
    matching = _matching(base, chosen)
    kept = tuple(f for f in matching if unverified or f.statistic.origin != "unverified")
    return Effects(kept, len(matching) - len(kept), {**chosen, "unverified": unverified})


def studies(*, catalogue: Catalogue | None = None) -> Studies:
    """List the studies of the evidence base.

    Examples
    --------
    >>> base = studies()
    >>> {number for study in base for number in study.review_references} == set(range(1, 37))
    True
    """
    return Studies(_studies(catalogue))


def conflicts(*, catalogue: Catalogue | None = None) -> Conflicts:
    """List what documents disagree about, each with what every document says.

    These are not faults of arithmetic: both sides may be right about their own data.

    Examples
    --------
    >>> conflicts().table().filter(study="e5103", conflict="version")["document"].to_list()
    ['banys2019', 'sparano2017', 'sparano2018']
    """
    pairs = tuple((study.id, c) for study in _studies(catalogue) for c in study.conflicts)
    return Conflicts(pairs)


def _studies(catalogue: Catalogue | None) -> tuple[Study, ...]:
    found = (catalogue or Catalogue()).all("study")
    return cast("tuple[Study, ...]", found)


def _matching(
    base: Sequence[Study], chosen: Mapping[str, tuple[str, ...]]
) -> tuple[FoundStatistic, ...]:
    """Keep what bears the words; sentences only if asked for."""
    found = []
    for study in base:
        for statistic in study.statistics:
            words = facts(study, statistic)
            silent = statistic.measure == "text" and "measure" not in chosen
            if not silent and all(words[name] in values for name, values in chosen.items()):
                found.append(FoundStatistic(study, statistic))
    return tuple(found)
