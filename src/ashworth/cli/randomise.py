"""`ashworth trial randomise ...`: allocation with concealment, and its log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import cyclopts
from cyclopts import Parameter

from ashworth.cli.output import show_json, show_lines

app = cyclopts.App(
    name="randomise", help="Allocate patients with concealment; verify the log; simulate schemes."
)
Pairs = Annotated[list[str] | None, Parameter(negative=())]
Role = Literal["administer", "allocate", "see", "correct", "unblind", "verify"]


class Shown(Protocol):
    """What the steps return."""

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        ...


def _show(made: Shown, *, json: bool) -> int:
    if json:
        show_json(made.to_dict())
    else:
        show_lines(made.lines())
    return 0


@app.command(name="open")
def open_(
    protocol: str,
    log: str,
    /,
    *,
    scheme: Path,
    who: str,
    role: Annotated[list[str], Parameter(negative=())],
    key: Path | None = None,
    make_key: Annotated[bool, Parameter(negative=())] = False,
    rehearsal: Annotated[bool, Parameter(negative=())] = False,
    version: int | None = None,
    folder: Annotated[list[Path] | None, Parameter(negative=())] = None,
    json: bool = False,
) -> int:
    """Open the allocation log of a trial; its seed comes from the operating system and is sealed.

    Parameters
    ----------
    protocol
        Id of a protocol, or a YAML file; the log keeps its version and hash.
    log
        File (SQLite) or postgresql://user@host/database.
    scheme
        YAML file with method, arms and the method's options.
    who
        Who opens it.
    role
        Role and person, as allocate=nurse (may be repeated).
    key
        Key file; the environment variable ASHWORTH_ALLOCATION_KEY by default.
    make_key
        Make the key file first.
    rehearsal
        Say in the log that no real patient stands in it.
    version
        Version of the protocol; the newest by default.
    folder
        Folder with own definitions (may be repeated).
    json
        Print JSON.
    """
    from ashworth.workflows.randomise.scheme_file import (
        named_values,
        protocol_identity,
        read_scheme,
    )
    from ashworth.workflows.randomise.steps import open_randomisation

    roles: dict[str, list[str]] = {}
    for name, person in named_values(role, "role"):
        roles.setdefault(name, []).append(person)
    identity = protocol_identity(protocol, version=version, folders=tuple(folder or ()))
    made = open_randomisation(
        log, read_scheme(scheme), key=key, protocol=identity, roles=roles, who=who,
        make_key=make_key, rehearsal=rehearsal,
    )  # fmt: skip
    return _show(made, json=json)


@app.command
def allocate(
    log: str,
    patient: str,
    /,
    *,
    who: str,
    request_id: str,
    verdict: str,
    reason: Pairs = None,
    factor: Pairs = None,
    key: Path | None = None,
    json: bool = False,
) -> int:
    """Allocate one patient; the arm is told and nothing else.

    Parameters
    ----------
    log
        File (SQLite) or postgresql://user@host/database.
    patient
        Pseudonym of the patient.
    who
        Who asks; needs the role allocate.
    request_id
        Name of this request; the same name again gives the same arm.
    verdict
        Verdict of eligibility; only eligible is allocated.
    reason
        Reason of the verdict (may be repeated).
    factor
        Factor and level, as site=north (may be repeated).
    key
        Key file; the environment variable ASHWORTH_ALLOCATION_KEY by default.
    json
        Print JSON.
    """
    from ashworth.workflows.randomise.scheme_file import named_values
    from ashworth.workflows.randomise.steps import allocate_next

    made = allocate_next(
        log, patient, dict(named_values(factor or [], "factor")), who=who, request_id=request_id,
        eligibility={"verdict": verdict, "reasons": reason or []}, key=key,
    )  # fmt: skip
    return _show(made, json=json)


@app.command
def correct(
    log: str,
    record: int,
    /,
    *,
    field: str,
    value: str,
    reason: str,
    who: str,
    key: Path | None = None,
    json: bool = False,
) -> int:
    """Add a correction of a record; the record itself stays and no arm changes.

    Parameters
    ----------
    log
        File (SQLite) or postgresql://user@host/database.
    record
        Number of the record.
    field
        What is corrected.
    value
        What it should have been.
    reason
        Why.
    who
        Who corrects; needs the role correct.
    key
        Key file; the environment variable ASHWORTH_ALLOCATION_KEY by default.
    json
        Print JSON.
    """
    from ashworth.workflows.randomise.steps import correct_allocation

    made = correct_allocation(
        log, record, field=field, value=value, reason=reason, who=who, key=key
    )
    return _show(made, json=json)


@app.command
def unblind(
    log: str, patient: str, /, *, reason: str, who: str, key: Path | None = None, json: bool = False
) -> int:
    """Tell the arm of a patient in an emergency; it is recorded.

    Parameters
    ----------
    log
        File (SQLite) or postgresql://user@host/database.
    patient
        Pseudonym of the patient.
    reason
        Why.
    who
        Who asks; needs the role unblind.
    key
        Key file; the environment variable ASHWORTH_ALLOCATION_KEY by default.
    json
        Print JSON.
    """
    from ashworth.workflows.randomise.steps import unblind as unblind_one

    return _show(unblind_one(log, patient, reason=reason, who=who, key=key), json=json)


@app.command
def role(
    log: str,
    person: str,
    role: Role,
    /,
    *,
    reason: str,
    who: str,
    take: Annotated[bool, Parameter(negative=())] = False,
    key: Path | None = None,
    json: bool = False,
) -> int:
    """Grant a role to a person, or take it.

    Parameters
    ----------
    log
        File (SQLite) or postgresql://user@host/database.
    person
        Whose role changes.
    role
        Which role.
    reason
        Why.
    who
        Who changes it; needs the role administer.
    take
        Take the role instead of granting it.
    key
        Key file; the environment variable ASHWORTH_ALLOCATION_KEY by default.
    json
        Print JSON.
    """
    from ashworth.workflows.randomise.steps import set_role

    made = set_role(log, person, role, granted=not take, reason=reason, who=who, key=key)
    return _show(made, json=json)


@app.command
def verify(
    log: str,
    /,
    *,
    anchor: str | None = None,
    who: str | None = None,
    key: Path | None = None,
    without_key: Annotated[bool, Parameter(negative=())] = False,
    json: bool = False,
) -> int:
    """Verify a log: hashes, chain, signatures, every arm drawn anew; exit code 1 on a fault.

    Parameters
    ----------
    log
        File (SQLite) or postgresql://user@host/database.
    anchor
        Newest head that was kept outside the log.
    who
        Who verifies; needs the role verify where the key is used.
    key
        Key file; the environment variable ASHWORTH_ALLOCATION_KEY by default.
    without_key
        Check only what can be checked without the key.
    json
        Print JSON.
    """
    from ashworth.workflows.randomise.steps import verify_randomisation

    made = verify_randomisation(log, anchor=anchor, who=who, key=key, with_key=not without_key)
    _show(made, json=json)
    return 0 if made.found.valid else 1


@app.command
def export(
    log: str, /, *, reason: str, who: str, key: Path | None = None, out: Path | None = None,
    json: bool = False,
) -> int:  # fmt: skip
    """Give all allocations to who may see them; it is recorded.

    Parameters
    ----------
    log
        File (SQLite) or postgresql://user@host/database.
    reason
        Why.
    who
        Who sees them; needs the role see.
    key
        Key file; the environment variable ASHWORTH_ALLOCATION_KEY by default.
    out
        New CSV file of the allocations.
    json
        Print JSON.
    """
    from ashworth.workflows.randomise.steps import export_allocations

    return _show(export_allocations(log, reason=reason, who=who, key=key, out=out), json=json)


@app.command
def metrics(
    scheme: Path, /, *, patients: int, replicates: int = 100_000, seed: int = 1, json: bool = False
) -> int:
    """Simulate the balance and predictability of a scheme.

    Parameters
    ----------
    scheme
        YAML file with method, arms and the method's options.
    patients
        Patients of a trial.
    replicates
        Simulated trials.
    seed
        Seed of the simulation; never that of a real trial.
    json
        Print JSON.
    """
    from ashworth.workflows.randomise.scheme_file import read_scheme
    from ashworth.workflows.randomise.steps import scheme_metrics

    made = scheme_metrics(read_scheme(scheme), patients, replicates=replicates, seed=seed)
    return _show(made, json=json)


@app.command(name="check-installation")
def check_installation(*, log: str | None = None, json: bool = False) -> int:
    """Recompute reference numbers and try the log on this machine; exit code 1 on a fault.

    Parameters
    ----------
    log
        An empty place, e.g. a PostgreSQL database; a temporary SQLite file by default.
    json
        Print JSON.
    """
    from ashworth.workflows.randomise.validation import installation_check

    made = installation_check(log)
    _show(made, json=json)
    return 0 if made.passed else 1
