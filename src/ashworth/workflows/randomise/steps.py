"""The steps of a randomised trial: open, allocate, correct, unblind, verify, export, metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ashworth.errors import InputError, Problem
from ashworth.storage.allocations import (
    allocate_patient,
    change_role,
    connect_log,
    correct_record,
    new_key,
    open_log,
    read_key,
    see_allocations,
    unblind_patient,
    verify_log,
)
from ashworth.trials.randomisation.metrics import randomisation_metrics
from ashworth.trials.randomisation.scheme import AllocationScheme
from ashworth.workflows.randomise.results import (
    AllocatedPatient,
    NewRecord,
    OpenedLog,
    SchemeMetrics,
    SeenAllocations,
    VerifiedLog,
)


def open_randomisation(
    where: str, scheme: AllocationScheme, *, key: Path | None = None,
    protocol: Mapping[str, str], roles: Mapping[str, Sequence[str]], who: str,
    make_key: bool = False, rehearsal: bool = False,
) -> OpenedLog:  # fmt: skip
    """Open a log; with `make_key` its key file is made first.

    Parameters
    ----------
    where : str
        File (SQLite) or ``postgresql://...``.
    scheme : AllocationScheme
    key : Path, optional
        Key file; the environment variable ASHWORTH_ALLOCATION_KEY by default.
    protocol : mapping
        ``id``, ``version``, ``hash``.
    roles : mapping of str to sequence of str
    who : str
    make_key, rehearsal : bool

    Raises
    ------
    InputError, AllocationLogError
    """
    if make_key and key is None:
        problem = Problem("command", None, "key", "nothing", "a new file", "name the key file")
        raise InputError([problem])
    if make_key and key is not None:
        new_key(key)
    log = connect_log(where, read_key(key))
    head = open_log(log, scheme, protocol=protocol, roles=roles, who=who, rehearsal=rehearsal)
    return OpenedLog(_shown(where), str(head), scheme.digest(), rehearsal)


def _shown(where: str) -> str:
    """Leave a password out of what is printed."""
    from sqlalchemy import make_url

    return make_url(where).render_as_string(hide_password=True) if "://" in where else where


def allocate_next(
    where: str, patient: str, factors: Mapping[str, str], *, who: str, request_id: str,
    eligibility: Mapping[str, Any], key: Path | None = None,
) -> AllocatedPatient:  # fmt: skip
    """Allocate one patient; see `ashworth.storage.allocations.allocate_patient`."""
    log = connect_log(where, read_key(key))
    arm = allocate_patient(log, patient, factors, who=who, request_id=request_id,
                           eligibility=eligibility)  # fmt: skip
    return AllocatedPatient(patient, arm)


def correct_allocation(
    where: str, number: int, *, field: str, value: str, reason: str, who: str,
    key: Path | None = None,
) -> NewRecord:  # fmt: skip
    """Add a correction of record `number`; the record itself stays."""
    log = connect_log(where, read_key(key))
    head = correct_record(log, number, field=field, value=value, reason=reason, who=who)
    return NewRecord(f"correction of record {number} added", str(head))


def unblind(
    where: str, patient: str, *, reason: str, who: str, key: Path | None = None
) -> AllocatedPatient:
    """Give the arm of a patient in an emergency; it is recorded."""
    log = connect_log(where, read_key(key))
    return AllocatedPatient(patient, unblind_patient(log, patient, reason=reason, who=who))


def set_role(
    where: str, person: str, role: str, *, granted: bool, reason: str, who: str,
    key: Path | None = None,
) -> NewRecord:  # fmt: skip
    """Grant a role or take it."""
    log = connect_log(where, read_key(key))
    head = change_role(log, person, role, granted=granted, reason=reason, who=who)
    return NewRecord(f"{person}: {role} {'granted' if granted else 'taken'}", str(head))


def verify_randomisation(
    where: str, *, anchor: str | None = None, who: str | None = None, key: Path | None = None,
    with_key: bool = True,
) -> VerifiedLog:  # fmt: skip
    """Verify a log; without its key only hashes, chain and columns can be checked."""
    log = connect_log(where, read_key(key) if with_key else None)
    return VerifiedLog(verify_log(log, anchor=anchor, who=who))


def export_allocations(
    where: str, *, reason: str, who: str, key: Path | None = None, out: Path | None = None
) -> SeenAllocations:
    """Give all allocations to who may see them; write them as a table where a file is named.

    Raises
    ------
    InputError
        The file is there already (said before anything is seen), or no such role.
    """
    if out is not None and out.exists():
        problem = Problem("command", None, "out", str(out), "a new file", "name another file")
        raise InputError([problem])
    log = connect_log(where, read_key(key))
    rows = see_allocations(log, reason=reason, who=who)
    if out is not None:
        _write(rows, out)
    return SeenAllocations(tuple(rows), out)


def _write(rows: Sequence[Mapping[str, Any]], out: Path) -> None:
    import polars as pl

    flat = [
        {"number": r["number"], "patient_id": r["patient"], "arm": r["arm"],
         **{f"factor_{k}": v for k, v in r["factors"].items()}, "at_utc": r["at"], "who": r["who"]}
        for r in rows
    ]  # fmt: skip
    try:
        pl.DataFrame(flat, infer_schema_length=None).write_csv(out, line_terminator="\n")
    except OSError as error:
        problem = Problem("command", None, "out", f"{out}: {error.strerror or error}",
                          "a file that can be written", "name another file")  # fmt: skip
        raise InputError([problem]) from None


def scheme_metrics(
    scheme: AllocationScheme, n: int, *, replicates: int = 100_000, seed: int = 1
) -> SchemeMetrics:
    """Simulate a scheme's balance and predictability; the seed is never that of a real trial."""
    return SchemeMetrics(randomisation_metrics(scheme, n, replicates=replicates, seed=seed))
