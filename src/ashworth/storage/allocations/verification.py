"""Find any change of a log: by its chain, its signatures, its own rule, and an anchor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ashworth.errors import AshworthError, InputError, Problem
from ashworth.storage.allocations.database import AllocationLog, all_records, alone
from ashworth.storage.allocations.records import (
    Head,
    LogState,
    Record,
    chain_faults,
    past_of,
    read_state,
)
from ashworth.storage.allocations.sealing import draw, unsealed_seed
from ashworth.trials.randomisation.allocation import allocate
from ashworth.version import __version__


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked and found.

    Attributes
    ----------
    problems : tuple of str
        Empty when the log is as it was written.
    records, allocations : int
    head : str
        ``number:hash`` of the last record, to keep outside.
    signatures, arms, anchored : bool
        Whether signatures and arms were checked (that needs the key), and an anchor.
    """

    problems: tuple[str, ...]
    records: int
    allocations: int
    head: str
    signatures: bool
    arms: bool
    anchored: bool
    version: str = __version__

    @property
    def valid(self) -> bool:
        """Nothing was found."""
        return not self.problems


def verify_log(
    log: AllocationLog, *, anchor: str | None = None, who: str | None = None
) -> Verification:
    """Check a whole log; with its key each arm is drawn anew.

    Without key: every hash, the chain, the columns. With key: every signature, so that a chain
    written anew by another hand is found, and every arm by scheme and draw. With an anchor (an
    earlier head kept outside): that no tail was cut off, by anyone.

    Parameters
    ----------
    log : AllocationLog
    anchor : str, optional
        ``number:hash``.
    who : str, optional
        Needs the role ``verify`` where the key is given.

    Raises
    ------
    InputError
        No such role, or the anchor is none.
    AllocationLogError
        The database cannot be read.
    """
    records = alone(log, lambda connection: _read(connection))
    problems = chain_faults(records, log.key)
    if not records:
        problems.append("there are no records")
    state = None if problems else _state(records, log.key, problems)
    if state is not None and log.key is not None:
        _demand_role(state, who)
        problems += _replayed(state, log.key)
    if anchor is not None:
        problems += _unlike_anchor(records, anchor)
    head = Head(records[-1].number, records[-1].digest) if records else Head(0, "")
    allocations = sum(r.kind == "allocation" for r in records)
    rechecked = state is not None and log.key is not None
    return Verification(tuple(problems), len(records), allocations, str(head), log.key is not None,
                        rechecked, anchor is not None)  # fmt: skip


def _read(connection: Connection) -> list[Record]:
    return all_records(connection)


def _state(records: list[Record], key: bytes | None, problems: list[str]) -> LogState | None:
    try:
        return read_state(records, key)
    except (AshworthError, KeyError, TypeError, ValueError) as error:
        problems.append(f"the records do not make a log: {error}")
        return None


def _demand_role(state: LogState, who: str | None) -> None:
    if who not in state.roles.get("verify", frozenset()):
        problem = Problem("allocation log", None, "who", repr(who), "a person with the role verify",
                          "let who administers the log grant the role")  # fmt: skip
        raise InputError([problem], subject="the request")


def _replayed(state: LogState, key: bytes) -> list[str]:
    """Draw every arm anew from the seed, the scheme and what came before."""
    opening, past, found = state.opening, [], []
    seed = unsealed_seed(key, opening["log_id"], opening["sealed_seed"])
    if state.scheme.digest() != opening["scheme_hash"]:
        found.append("record 1: the scheme's hash is not that of the scheme")
    patients: set[str] = set()
    for index, (number, made) in enumerate(state.allocations):
        again = allocate(state.scheme, past, made["factors"], draw(seed, index))
        pairs: Mapping[str, tuple[Any, Any]] = {
            "draw_index": (made["draw_index"], index), "arm": (made["arm"], again.arm),
            "probabilities": (made["probabilities"], list(again.probabilities)),
            "scores": (made["scores"], list(again.scores)),
            "scheme_hash": (made["scheme_hash"], opening["scheme_hash"]),
            "protocol": (made["protocol"], opening["protocol"]),
        }  # fmt: skip
        found += [f"record {number}: {name} is not what scheme and seed give"
                  for name, (there, here) in pairs.items() if there != here]  # fmt: skip
        if made["patient"] in patients:
            found.append(f"record {number}: patient {made['patient']!r} is allocated twice")
        patients.add(made["patient"])
        past.append(past_of(made))
    return found


def _unlike_anchor(records: list[Record], anchor: str) -> list[str]:
    number, _, digest = anchor.strip().partition(":")
    if not number.isdecimal() or len(digest) != 64:
        problem = Problem("command", None, "anchor", repr(anchor), "number:hash, as printed",
                          "copy the kept head whole")  # fmt: skip
        raise InputError([problem])
    if int(number) > len(records):
        return [f"the log ends at record {len(records)}, but the anchor is record {number}: the "
                "tail was cut off"]  # fmt: skip
    if not int(number) or records[int(number) - 1].digest != digest:
        return [f"record {number} is not the one of the anchor"]
    return []
