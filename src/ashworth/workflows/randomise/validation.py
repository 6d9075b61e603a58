"""Validation kit: requirements with their tests, and a check of the installation at hand."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ashworth.errors import AshworthError, InputError
from ashworth.storage.allocations import (
    ROLES,
    AllocationLog,
    AllocationLogError,
    allocate_patient,
    connect_log,
    open_log,
    see_allocations,
    verify_log,
)
from ashworth.storage.allocations.database import all_records, alone
from ashworth.storage.allocations.records import chain_faults
from ashworth.trials.randomisation.allocation import Past, allocate
from ashworth.trials.randomisation.metrics import randomisation_metrics
from ashworth.trials.randomisation.scheme import allocation_scheme
from ashworth.trials.randomisation.sequences import drawn_levels, drawn_uniforms, sequences
from ashworth.version import __version__

GUESSES = {2: 3 / 4, 4: 17 / 24, 6: 41 / 60, 8: 373 / 560}
TWO, THREE = ["0", "1"], ["0", "1", "2"]
FACTORS = {"a": TWO, "b": TWO, "c": THREE, "d": THREE}
MINIMISED = {"range": 1.1956, "variance": 1.1104}
MINIMISED_MCSE = 0.003
WIDTH = 4.5


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One requirement as found in this installation."""

    requirement: str
    run: str
    expected: str
    found: str
    verdict: bool


@dataclass(frozen=True, slots=True)
class InstallationCheck:
    """All rows; the installation may be used when every verdict is true."""

    rows: tuple[CheckRow, ...]
    version: str = __version__

    @property
    def passed(self) -> bool:
        """Every row holds."""
        return all(row.verdict for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        return {"passed": self.passed, "rows": [asdict(r) for r in self.rows],
                "version": self.version}  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        for row in self.rows:
            yield f"{'pass' if row.verdict else 'FAIL'}  {row.requirement}: {row.run}"
            yield f"      expected {row.expected}; found {row.found}"
        yield f"{sum(r.verdict for r in self.rows)} of {len(self.rows)} checks pass"
        yield "Simulated patients only. Research use only; not a medical device."


def requirements() -> list[dict[str, Any]]:
    """Give the matrix: requirement, the tests that hold it, the check of an installation.

    Examples
    --------
    >>> requirements()[0]["id"]
    'RULE-1'
    """
    words = files("ashworth.workflows.randomise").joinpath("requirements.yaml").read_text("utf-8")
    return yaml.safe_load(words)


def installation_check(where: str | None = None) -> InstallationCheck:
    """Recompute reference numbers and try the log, on this machine, with simulated patients.

    Parameters
    ----------
    where : str, optional
        An empty place for a log, e.g. a PostgreSQL database; a temporary SQLite file by default.

    Returns
    -------
    InstallationCheck
    """
    rows: list[CheckRow] = []
    with tempfile.TemporaryDirectory() as folder:
        log = connect_log(where or str(Path(folder) / "check.sqlite"), secrets.token_bytes(32))
        for entry in requirements():
            check = CHECKS.get(entry["check"])
            if check is not None:
                rows += _made(entry["id"], check, log)
    return InstallationCheck(tuple(rows))


def _made(
    name: str, check: Callable[[AllocationLog], Iterator[CheckRow]], log: AllocationLog
) -> list[CheckRow]:
    """Rows of one check; what it raises is a row that fails."""
    rows: list[CheckRow] = []
    try:
        rows += check(log)
    except (AshworthError, DBAPIError, OSError) as error:
        rows.append(CheckRow(name, "the check", "no error", str(error), False))
    return [CheckRow(name, r.run, r.expected, r.found, r.verdict) for r in rows]


def _number(run: str, expected: float, found: float, error: float) -> CheckRow:
    """Compare a simulated number within 4.5 Monte Carlo standard errors."""
    right = abs(found - expected) <= WIDTH * error + 1e-12
    return CheckRow("", run, f"{expected:.4f}", f"{found:.4f} (MCSE {error:.4f})", right)


def _twin(_: AllocationLog) -> Iterator[CheckRow]:
    scheme = allocation_scheme("minimisation", ["a", "b", "c"], factors=FACTORS)
    levels, uniforms = (
        drawn_levels(scheme, 1, np.arange(1), 100),
        drawn_uniforms(1, np.arange(1), 100),
    )
    many, past = sequences(scheme, levels, uniforms).arms[0], []
    for i in range(100):
        given = {f: known[levels[0, i, k]] for k, (f, known) in enumerate(scheme.factors)}
        made = allocate(scheme, past, given, uniforms[0, i])
        past.append(Past(made.arm, given, made.block_size, made.slot))
    same = sum(p.arm == scheme.arms[a] for p, a in zip(past, many, strict=True))
    yield CheckRow("", "100 minimised patients by both", "100 alike", f"{same} alike", same == 100)


def _guesses(_: AllocationLog) -> Iterator[CheckRow]:
    for size, exact in GUESSES.items():
        scheme = allocation_scheme("permuted_blocks", ["a", "b"], block_sizes=[size])
        made = randomisation_metrics(scheme, 10 * size, replicates=5000)
        yield _number(f"guess rate, blocks of {size}", exact, made.guess_rate, made.guess_rate_mcse)


def _efron(_: AllocationLog) -> Iterator[CheckRow]:
    made = randomisation_metrics(allocation_scheme("efron", ["a", "b"]), 100, replicates=20_000)
    yield _number("Efron, mean difference of 100", 4 / 3, made.imbalance, made.imbalance_mcse)


def _minimisation(_: AllocationLog) -> Iterator[CheckRow]:
    for measure in ("range", "variance"):
        scheme = allocation_scheme("minimisation", ["a", "b"], factors=FACTORS, measure=measure)
        made = randomisation_metrics(scheme, 100, replicates=20_000)
        error = float(np.hypot(made.imbalance_mcse, MINIMISED_MCSE))
        yield _number(f"minimisation by {measure}, mean difference of 100", MINIMISED[measure],
                      made.imbalance, error)  # fmt: skip


def _ratio(_: AllocationLog) -> Iterator[CheckRow]:
    scheme = allocation_scheme("ratio_minimisation", ["a", "b"], ratio=[2, 1], factors=FACTORS)
    made = randomisation_metrics(scheme, 40, replicates=20_000)
    yield CheckRow("", "2:1 at each of 40 positions", f"within {WIDTH} MCSE",
                   f"{made.ratio_deviation:.2f} MCSE", made.ratio_deviation < WIDTH)  # fmt: skip


def _request(log: AllocationLog, number: int, factors: Mapping[str, str], who: str = "check",
             again: str = "") -> str:  # fmt: skip
    return allocate_patient(log, f"SIM{number}", factors, who=who, request_id=f"{number}{again}",
                            eligibility={"verdict": "eligible", "simulated": True})  # fmt: skip


def _log(log: AllocationLog) -> Iterator[CheckRow]:
    scheme = allocation_scheme("minimisation", ["a", "b"], factors={"site": TWO})
    open_log(log, scheme, protocol={"id": "installation-check", "version": "1", "hash": "none"},
             roles={role: ["check"] for role in ROLES}, who="check", rehearsal=True)  # fmt: skip
    for i in range(20):
        _request(log, i, {"site": str(i % 2)})
    found = verify_log(log, who="check")
    words = "no faults" if found.valid else found.problems[0]
    yield CheckRow("", "20 simulated patients, every arm drawn anew", "20 allocations, no faults",
                   f"{found.allocations} allocations, {words}",
                   found.valid and found.arms and found.allocations == 20)  # fmt: skip


def _tampering(log: AllocationLog) -> Iterator[CheckRow]:
    rows = alone(log, all_records)
    edited = [*rows[:4], replace(rows[4], body=rows[4].body.replace("SIM", "sim")), *rows[5:]]
    changes = {"a text edited": edited, "a record removed": rows[:4] + rows[5:],
               "two records swapped": [*rows[:4], rows[5], rows[4], *rows[6:]]}  # fmt: skip
    for run, changed in changes.items():
        found = "found" if chain_faults(changed, log.key) else "not found"
        yield CheckRow("", run, "found", found, found == "found")
    other = AllocationLog(log.engine, secrets.token_bytes(32))
    yield _refused("an allocation with another key", lambda: _request(other, 50, {"site": "0"}))


def _triggers(log: AllocationLog) -> Iterator[CheckRow]:
    for words in ("UPDATE allocation_records SET kind = 'x'", "DELETE FROM allocation_records"):
        try:
            with log.engine.begin() as connection:
                connection.execute(text(words))
            found = "done"
        except DBAPIError as error:
            found = "append-only" if "append-only" in str(error) else str(error)
        yield CheckRow("", words.split(" ")[0], "append-only", found, found == "append-only")


def _once(log: AllocationLog) -> Iterator[CheckRow]:
    rows = see_allocations(log, reason="installation check", who="check")
    same = _request(log, 0, {"site": "0"}) == rows[0]["arm"]
    yield CheckRow(
        "", "a request repeated", "the same arm", "the same" if same else "another", same
    )
    yield _refused("a second request", lambda: _request(log, 0, {"site": "0"}, again="b"))


def _refusal(log: AllocationLog) -> Iterator[CheckRow]:
    yield _refused("an unknown level", lambda: _request(log, 60, {"site": "9"}))
    yield _refused("a missing factor", lambda: _request(log, 60, {}))


def _roles(log: AllocationLog) -> Iterator[CheckRow]:
    yield _refused("no role", lambda: _request(log, 60, {"site": "0"}, who="nobody"))
    yield _refused("no role to see", lambda: see_allocations(log, reason="x", who="nobody"))


def _refused(run: str, act: Callable[[], object]) -> CheckRow:
    try:
        act()
    except (InputError, AllocationLogError):
        return CheckRow("", run, "refused", "refused", True)
    return CheckRow("", run, "refused", "done", False)


CHECKS: dict[str | None, Callable[[AllocationLog], Iterator[CheckRow]]] = {
    "twin": _twin, "guesses": _guesses, "efron": _efron, "minimisation": _minimisation,
    "ratio": _ratio, "log": _log, "tampering": _tampering, "triggers": _triggers, "once": _once,
    "refusal": _refusal, "roles": _roles,
}  # fmt: skip
