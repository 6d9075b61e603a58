"""What may be done with a log: open, allocate, correct, unblind, see; each is a new record."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from ashworth.errors import InputError, Problem
from ashworth.storage.allocations.database import (
    AllocationLog,
    all_records,
    alone,
    append,
    create_table,
)
from ashworth.storage.allocations.faults import AllocationLogError
from ashworth.storage.allocations.records import (
    ROLES,
    START,
    Head,
    LogState,
    composed,
    read_state,
)
from ashworth.storage.allocations.sealing import draw, sealed_seed, unsealed_seed
from ashworth.trials.faults import Faults
from ashworth.trials.randomisation.allocation import allocate
from ashworth.trials.randomisation.scheme import AllocationScheme
from ashworth.version import __version__

Result = TypeVar("Result")
PROTOCOL = ("id", "version", "hash")


def open_log(
    log: AllocationLog, scheme: AllocationScheme, *, protocol: Mapping[str, str],
    roles: Mapping[str, Sequence[str]], who: str, rehearsal: bool = False,
) -> Head:  # fmt: skip
    """Begin a log: scheme, protocol, roles, and a seed from the operating system, sealed.

    Parameters
    ----------
    log : AllocationLog
        With a key.
    scheme : AllocationScheme
    protocol : mapping
        ``id``, ``version`` and ``hash``.
    roles : mapping of str to sequence of str
        People of each of `ROLES`; someone must administer.
    who : str
    rehearsal : bool
        The log says in its first record that no patient of it is real.

    Raises
    ------
    InputError
        With all faults of the arguments, or where a log is there already.
    AllocationLogError
    """
    key = _key(log)
    faults = Faults("opening of the log")
    _named(faults, "who", who)
    for name in PROTOCOL:
        _named(faults, f"protocol.{name}", protocol.get(name))
    for role in roles:
        faults.one_of("roles", role, ROLES)
    if not roles.get("administer"):
        faults.add("roles.administer", "nobody", "at least one person", "name who administers")
    faults.refuse()

    def act(connection: Connection) -> Head:
        if all_records(connection):
            raise _refusal("log", "a log that is open already", "a new place",
                           "use the open log, or name another file or database")  # fmt: skip
        create_table(connection)
        log_id = uuid.uuid4().hex
        content = {
            "log_id": log_id, "rehearsal": rehearsal, "scheme": scheme.to_dict(),
            "scheme_hash": scheme.digest(), "protocol": {n: protocol[n] for n in PROTOCOL},
            "roles": {role: sorted(set(roles.get(role, ()))) for role in ROLES},
            "sealed_seed": sealed_seed(key, log_id), "version": __version__,
        }  # fmt: skip
        record = composed(key, Head(0, START), "open", who, content)
        append(connection, record)
        return Head(record.number, record.digest)

    return alone(log, act, opening=True)


def allocate_patient(
    log: AllocationLog, patient: str, factors: Mapping[str, str], *, who: str, request_id: str,
    eligibility: Mapping[str, Any],
) -> str:  # fmt: skip
    """Allocate one patient and give the arm, nothing else.

    A request repeated with its id gets the arm that it got before. A second request for a
    patient is refused. The arm is told only after the record is safe on disk.

    Parameters
    ----------
    log : AllocationLog
        With its key.
    patient : str
    factors : mapping of str to str
    who : str
        Needs the role ``allocate``.
    request_id : str
        Chosen by the caller, new for each patient.
    eligibility : mapping
        ``verdict`` must be ``"eligible"``; whatever else it holds is recorded.

    Raises
    ------
    InputError
        Unknown stratum or factor, missing factor, not eligible, allocated already, no such role;
        nothing is written.
    AllocationLogError
        Changed log, other key, full disk, no connection.
    """
    faults = Faults("request for an allocation")
    for name, value in (("patient", patient), ("who", who), ("request_id", request_id)):
        _named(faults, name, value)
    verdict = _plain(faults, "eligibility", eligibility)
    if verdict.get("verdict") != "eligible":
        faults.add("eligibility.verdict", repr(verdict.get("verdict")), "'eligible'",
                   "allocate only eligible patients")  # fmt: skip
    given = _plain(faults, "factors", factors)
    faults.refuse()

    def act(connection: Connection, state: LogState) -> tuple[str, dict[str, Any] | None]:
        known = _made_before(state, patient, given, request_id)
        if known is not None:
            return known, None
        content = _allocation(log, state, given)
        content |= {"patient": patient, "request_id": request_id, "eligibility": verdict}
        return content["arm"], content

    return _recorded(log, who, "allocate", "allocation", act)


def _made_before(
    state: LogState, patient: str, factors: Mapping[str, str], request_id: str
) -> str | None:
    """Arm of this very request, if it was answered before; refuse what contradicts."""
    for number, made in state.allocations:
        same = made["patient"] == patient
        if made["request_id"] == request_id:
            if same and made["factors"] == dict(factors):
                return made["arm"]
            raise _refusal("request_id", f"{request_id!r}, used in record {number} for another "
                           "patient or other factors", "a new id for a new patient",
                           "choose a new request id")  # fmt: skip
        if same:
            raise _refusal("patient", f"{patient!r}, allocated in record {number} at {made['at']} "
                           f"by {made['who']}", "a patient without allocation",
                           "look the allocation up; correct errors by a correction")  # fmt: skip
    return None


def _allocation(log: AllocationLog, state: LogState, factors: Mapping[str, str]) -> dict[str, Any]:
    """Spend the next draw of the sealed seed."""
    opening, scheme, index = state.opening, state.scheme, len(state.allocations)
    seed = unsealed_seed(_key(log), opening["log_id"], opening["sealed_seed"])
    made = allocate(scheme, state.history(), factors, draw(seed, index))
    return {
        "scheme_hash": scheme.digest(), "protocol": opening["protocol"], "factors": dict(factors),
        "stratum": list(scheme.stratum_of(factors)), "scores": list(made.scores),
        "probabilities": list(made.probabilities), "arm": made.arm, "reason": made.reason,
        "probability": made.probabilities[scheme.arms.index(made.arm)], "draw_index": index,
        "block_size": made.block_size, "slot": made.slot,
    }  # fmt: skip


def correct_record(
    log: AllocationLog, number: int, *, field: str, value: str, reason: str, who: str
) -> Head:
    """Say that a field of an allocation should have been otherwise; nothing is overwritten.

    Later draws go on from the factors as they were at randomisation; the analysis sees both. The
    arm cannot be corrected.
    """
    faults = Faults("correction")
    for name, text in (("who", who), ("reason", reason), ("field", field), ("value", value)):
        _named(faults, name, text)
    faults.refuse()

    def act(connection: Connection, state: LogState) -> tuple[None, dict[str, Any]]:
        made = dict(state.allocations).get(number)
        if made is None:
            raise _refusal("number", str(number), "the number of an allocation",
                           "look the record up")  # fmt: skip
        names = [*dict(state.scheme.factors), "patient", "eligibility"]
        if field not in names:
            raise _refusal("field", repr(field), ", ".join(names), "name what was wrong")
        levels = dict(state.scheme.factors).get(field)
        if levels is not None and value not in levels:
            raise _refusal("value", repr(value), " or ".join(levels), "give a known level")
        return None, {"corrects": number, "field": field, "value": value, "reason": reason}

    _recorded(log, who, "correct", "correction", act)
    return log_head(log)


def unblind_patient(log: AllocationLog, patient: str, *, reason: str, who: str) -> str:
    """Give the arm of a patient in an emergency; the record is written first."""
    faults = Faults("unblinding")
    for name, text in (("who", who), ("reason", reason)):
        _named(faults, name, text)
    faults.refuse()

    def act(connection: Connection, state: LogState) -> tuple[str, dict[str, Any]]:
        for number, made in state.allocations:
            if made["patient"] == patient:
                content = {"unblinds": number, "patient": patient, "reason": reason}
                return made["arm"], content
        raise _refusal("patient", repr(patient), "an allocated patient", "correct the patient id")

    return _recorded(log, who, "unblind", "unblinding", act)


def see_allocations(log: AllocationLog, *, reason: str, who: str) -> list[dict[str, Any]]:
    """Give all allocations to who may see them; that they were seen is recorded first."""
    faults = Faults("access")
    for name, text in (("who", who), ("reason", reason)):
        _named(faults, name, text)
    faults.refuse()

    def act(connection: Connection, state: LogState) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        shown = ("number", "patient", "arm", "factors", "stratum", "at", "who")
        rows = [{k: made[k] for k in shown} for _, made in state.allocations]
        return rows, {"reason": reason, "allocations": len(rows)}

    return _recorded(log, who, "see", "access", act)


def change_role(
    log: AllocationLog, person: str, role: str, *, granted: bool, reason: str, who: str
) -> Head:
    """Give a role to a person or take it; the last who administers stays."""
    faults = Faults("change of a role")
    for name, text in (("who", who), ("reason", reason), ("person", person)):
        _named(faults, name, text)
    faults.one_of("role", role, ROLES)
    faults.refuse()

    def act(connection: Connection, state: LogState) -> tuple[None, dict[str, Any]]:
        if role == "administer" and not granted and state.roles[role] <= {person}:
            raise _refusal("person", f"{person!r}, the last who administers", "another person",
                           "let another administer first")  # fmt: skip
        return None, {"person": person, "role": role, "granted": granted, "reason": reason}

    _recorded(log, who, "administer", "role", act)
    return log_head(log)


def log_head(log: AllocationLog) -> Head:
    """Number and hash of the last record; print it and keep it outside the database."""

    def act(connection: Connection) -> Head:
        records = all_records(connection)
        if not records:
            raise AllocationLogError("there is no log here yet: open it first")
        return Head(records[-1].number, records[-1].digest)

    return alone(log, act)


def _recorded(
    log: AllocationLog, who: str, role: str, kind: str,
    act: Callable[[Connection, LogState], tuple[Result, dict[str, Any] | None]],
) -> Result:  # fmt: skip
    """Read the log, demand the role, act and append what the act says, in one transaction."""
    key = _key(log)

    def whole(connection: Connection) -> Result:
        state = read_state(all_records(connection), key)
        if who not in state.roles.get(role, frozenset()):
            raise _refusal("who", repr(who), f"a person with the role {role}",
                           "let who administers the log grant the role")  # fmt: skip
        answer, content = act(connection, state)
        if content is not None:
            append(connection, composed(key, state.head, kind, who, content))
        return answer

    return alone(log, whole)


def _key(log: AllocationLog) -> bytes:
    if log.key is None:
        raise _refusal("key", "nothing", "the key of the log", "give the key file")
    return log.key


def _named(faults: Faults, name: str, value: Any) -> None:
    right = isinstance(value, str) and value.strip() and value.isprintable()
    if not right:
        faults.add(name, repr(value), "one line of text", "give it")


def _plain(faults: Faults, name: str, values: Any) -> dict[str, Any]:
    """Give the mapping as JSON keeps it, so that what is hashed is what is read back."""
    try:
        found = json.loads(json.dumps(values, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        faults.add(name, repr(values), "a mapping of plain values", "give text and numbers")
        return {}
    return found


def _refusal(column: str, found: str, allowed: str, remedy: str) -> InputError:
    problem = Problem("allocation log", None, column, found, allowed, remedy)
    return InputError([problem], subject="the request; nothing was written")
