"""Status on a date from the versions of a registration, where they are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from ashworth.registries.readers.ctgov_history import FORMAT
from ashworth.registries.record import Registration
from ashworth.registries.survey import Surveyed


def versions_by_id(found: Sequence[Surveyed]) -> tuple[list[Surveyed], dict[str, list[Surveyed]]]:
    """Part registrations from rows of histories, which are put in order of their days."""
    plain: list[Surveyed] = []
    versions: dict[str, list[Surveyed]] = defaultdict(list)
    for surveyed in found:
        if surveyed.record.format == FORMAT:
            versions[surveyed.record.registry_id].append(surveyed)
        else:
            plain.append(surveyed)
    for rows in versions.values():
        rows.sort(key=lambda s: s.record.processed)
    return plain, dict(versions)


def dated(found: Sequence[Surveyed], as_of: date) -> list[Surveyed]:
    """Registrations with the status that their history tells for a date.

    A registration with a history was not there before its first version. From then on status,
    start, primary completion and enrolment are those of the last version until the date, unless
    the registration itself is of a later version until the date; its texts stay its own. A history
    without a registration stands for itself: it has a status and no text to judge.

    Parameters
    ----------
    found : sequence of Surveyed
        Registrations and rows of histories.
    as_of : date

    Returns
    -------
    list of Surveyed
        Without those that were not there.
    """
    plain, versions = versions_by_id(found)
    kept: list[Surveyed] = []
    for surveyed in plain:
        rows = versions.get(surveyed.record.registry_id)
        placed = surveyed if rows is None else _placed(surveyed, rows, as_of)
        if placed is not None:
            kept.append(placed)
    told = {s.record.registry_id for s in plain}
    return kept + _alone(versions, told, as_of)


def _last_until(rows: Sequence[Surveyed], as_of: date) -> Surveyed | None:
    before = [s for s in rows if s.record.processed <= str(as_of)]
    return before[-1] if before else None


def _placed(surveyed: Surveyed, rows: Sequence[Surveyed], as_of: date) -> Surveyed | None:
    version = _last_until(rows, as_of)
    if version is None:
        return None
    own, row = surveyed.record, version.record
    if own.processed and row.processed < own.processed <= str(as_of):
        return surveyed
    return Surveyed(_with_status(own, row), surveyed.verdict)


def _with_status(own: Registration, row: Registration) -> Registration:
    return msgspec.structs.replace(
        own, status=row.status, last_known_status="", processed=row.processed,
        start=row.start if row.start.text else own.start,
        primary_completion=row.primary_completion, enrolment=row.enrolment,
        enrolment_kind=row.enrolment_kind,
    )  # fmt: skip


def _alone(
    versions: Mapping[str, Sequence[Surveyed]], told: set[str], as_of: date
) -> list[Surveyed]:
    lasts = (_last_until(rows, as_of) for name, rows in versions.items() if name not in told)
    return [s for s in lasts if s is not None]
