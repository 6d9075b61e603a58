"""Check printed statistics: every check whose fields a statistic has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ashworth.evidence.consistency.check_across import design, flow, versions
from ashworth.evidence.consistency.check_ratios import ratios, ratios_of_counts
from ashworth.evidence.consistency.check_shares import parts, shares, sums
from ashworth.evidence.consistency.check_tests import p_of_counts, sign_tests
from ashworth.evidence.consistency.check_times import medians, rates, survival
from ashworth.evidence.consistency.findings import Disagreement, Finding, Findings
from ashworth.evidence.consistency.records import Dossier, Record, dossier
from ashworth.evidence.consistency.tables import dossiers_of_table
from ashworth.version import __version__

Check = Callable[[Record, Dossier], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    shares, parts, sums, p_of_counts, sign_tests, ratios, ratios_of_counts, survival, medians,
    rates,
)  # fmt: skip


def check_statistics(statistics: Any, *, unverified: bool = False) -> Findings:
    """Check printed numbers against each other.

    When to use it: before a published number is believed, pooled or quoted. Which checks run is
    decided by which fields a statistic has, never by who printed it. Nothing is estimated: every
    check asks whether the printed numbers can be true together, allowing for their rounding.

    Parameters
    ----------
    statistics : sequence of `ashworth.definitions.Study`, DataFrame, or mapping of columns
        Studies of the evidence base, or one row per statistic (polars, pandas or a mapping).
        Columns: ``study``, ``measure`` and ``origin`` are needed; ``statistic``, ``label``,
        ``outcome``, ``contrast``, ``timepoint``, ``population``, ``model``, ``value``, ``lower``,
        ``upper``, ``level``, ``standard_error`` (of a ratio's logarithm), ``unit``, ``events``,
        ``n``, ``p`` ("0.03" or "<0.001"), ``p_test``, ``document``, ``document_version``; per
        group k = 1, 2, ...: ``group_k``, ``events_k``, ``n_k``, ``person_years_k``, ``value_k``,
        ``lower_k``, ``upper_k``. Ratios on the natural scale; shares and survival in per cent.
        Text keeps the printed digits; from a float a final 0 is lost.
    unverified : bool
        Check unverified numbers too; else they are left out and counted.

    Returns
    -------
    Findings
        Verdicts ``holds``, ``holds only if``, ``cannot hold`` and ``cannot be checked``, each
        with its arithmetic; conflicts between documents beside them.

    Raises
    ------
    InputError
        All faults of a table at once: no origin, limits swapped or without level or not around
        their estimate, a ratio on the log scale, a standard error or p-value of 0, a share above
        100 %, one statistic twice, decimal commas.

    Notes
    -----
    From limits, ``SE = log(upper / lower) / (2 z)``, ``p = 2 Phi(-|log estimate| / SE)`` and
    ``events = 4 / SE^2``. Every printed number stands for all numbers that round to it.

    Examples
    --------
    >>> found = check_statistics({"study": ["A"], "measure": ["hazard_ratio"], "value": ["1.23"],
    ...     "lower": ["1.06"], "upper": ["1.43"], "level": [0.95], "p": ["<0.006"],
    ...     "origin": ["publication"]})
    >>> found.table()["check", "verdict"].rows()[1]
    ('p from interval', 'holds only if')
    """
    if isinstance(statistics, Sequence) and all(hasattr(s, "statistics") for s in statistics):
        return _of_studies(statistics, unverified)
    return check_dossiers(dossiers_of_table(statistics), unverified=unverified)


def check_dossiers(dossiers: Iterable[Dossier], *, unverified: bool = False) -> Findings:
    """Check what was read from tables."""
    return _found(dossiers, unverified, ())


def _of_studies(studies: Sequence[Any], unverified: bool) -> Findings:
    """Check studies of the evidence base, with their conflicts between documents."""
    left = sum(s.origin == "unverified" for study in studies for s in study.statistics)
    dossiers = [dossier(s, unverified=unverified) for s in studies]
    conflicts = tuple(d for s in studies for d in _disagreements(s, unverified))
    return _found(dossiers, unverified, conflicts, 0 if unverified else left)


def _disagreements(study: Any, unverified: bool) -> Iterator[Disagreement]:
    for c in study.conflicts:
        sayings = tuple(
            (s.document, s.says) for s in c.sayings if unverified or s.origin != "unverified"
        )
        if sayings:
            yield Disagreement(study.id, c.id, c.about, sayings, c.consequence)


def _found(
    dossiers: Iterable[Dossier],
    unverified: bool,
    conflicts: tuple[Disagreement, ...],
    left_out: int | None = None,
) -> Findings:
    """Run every check on every record."""
    dossiers = list(dossiers)
    if left_out is None:
        dossiers, left_out = _verified(dossiers, unverified)
    findings = [f for d in dossiers for f in _all(d)]
    return Findings(
        tuple(findings), conflicts, tuple((d.study, d.title) for d in dossiers),
        sum(len(d.records) for d in dossiers), left_out, "consistency of printed statistics",
        {"unverified": unverified}, __version__,
    )  # fmt: skip


def _verified(dossiers: list[Dossier], unverified: bool) -> tuple[list[Dossier], int]:
    from dataclasses import replace

    if unverified:
        return dossiers, 0
    kept = [
        replace(d, records=tuple(r for r in d.records if r.origin != "unverified"))
        for d in dossiers
    ]
    return kept, sum(len(a.records) - len(b.records) for a, b in zip(dossiers, kept, strict=True))


def _all(d: Dossier) -> list[Finding]:
    """Every check of a study, in the order of its statistics."""
    found = [f for record in d.records for check in CHECKS for f in check(record, d)]
    found += [*versions(d), *flow(d), *design(d)]
    place = {record.id: k for k, record in enumerate(d.records)}
    return sorted(found, key=lambda f: place.get(f.statistic, len(place)))
