"""Simulated patients as a protocol's assumptions describe them."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from ashworth.definitions.protocols.assumptions import Concentration, Draw
from ashworth.errors import InputError, Problem
from ashworth.trials.language.columns import Column
from ashworth.trials.protocols.route_columns import ColumnRouter

Columns = dict[str, Column]


def draw_population(router: ColumnRouter, n: int, *, seed: int, block: int = 0) -> Columns:
    """Draw the quantities of `n` simulated patients.

    Counter-based random numbers (Philox 4x64 of numpy): the key is the seed and the purpose (a
    digest of what is drawn), the counter starts at the block, so that another quantity or
    another block never moves these draws.

    Parameters
    ----------
    router : ColumnRouter
        The protocol, compiled; its `codes` code the categories.
    n : int
        Patients.
    seed, block : int
        Same seed and block, same patients.

    Raises
    ------
    InputError
        If the protocol has no assumptions about patients.
    """
    assumed = router.trial.protocol.assumptions
    if assumed is None or not assumed.population:
        raise InputError(
            [Problem(router.trial.document.name, None, "assumptions.population", "nothing",
                     "draws for the quantities that the flow needs", "add them to the protocol")],
            subject="the assumptions",
        )  # fmt: skip
    columns: Columns = {}
    truth: dict[str, NDArray[np.float64]] = {}
    for i, draw in enumerate(assumed.population):
        made = _made(router, draw, i, n, columns, truth, seed, block)
        where = _where(router, draw, i, n, columns)
        for name, column in made.items():
            columns[name] = _joined(columns.get(name), column, where)
    return columns


def stream(seed: int, block: int, purpose: str) -> np.random.Generator:
    """Give the generator of one purpose in one block."""
    digest = hashlib.blake2b(f"{seed}:{purpose}".encode(), digest_size=16).digest()
    key = int.from_bytes(digest, "little")
    return np.random.Generator(np.random.Philox(key=key, counter=block << 192))


def _where(
    router: ColumnRouter, draw: Draw, i: int, n: int, columns: Columns
) -> NDArray[np.bool_] | None:
    if draw.where is None:
        return None
    values = router.derive(columns, n)
    answer = router.value("assumptions", "population", i, "where")(values, n)
    return answer.known & answer.values.astype(np.bool_, copy=False)


def _joined(old: Column | None, new: Column, where: NDArray[np.bool_] | None) -> Column:
    if where is None:
        return new
    if old is None:
        return Column(new.values, new.known & where)
    values = np.where(where, new.values, old.values).astype(new.values.dtype, copy=False)
    return Column(values, np.where(where, new.known, old.known))


def _made(
    router: ColumnRouter, draw: Draw, i: int, n: int, columns: Columns,
    truth: dict[str, NDArray[np.float64]], seed: int, block: int,
) -> Columns:  # fmt: skip
    purpose = f"population {i} {' '.join(draw.set)}"
    random = stream(seed, block, purpose)
    name = draw.set[0]
    if draw.table is not None:
        made = _from_table(router, draw, n, random)
    elif draw.value is not None:
        values = router.derive(columns, n)
        found = router.value("assumptions", "population", i, "value")(values, n)
        made = {name: Column(np.array(found.values), np.array(found.known))}
    else:
        made = {name: Column(_numbers(draw, name, n, random, truth), np.ones(n, dtype=np.bool_))}
    if draw.missing:
        kept = stream(seed, block, f"{purpose} missing").random(n) >= draw.missing
        made = {k: Column(c.values, c.known & kept) for k, c in made.items()}
    return made


def _numbers(
    draw: Draw, name: str, n: int, random: np.random.Generator,
    truth: dict[str, NDArray[np.float64]],
) -> NDArray:  # fmt: skip
    if draw.probability is not None:
        return random.random(n) < draw.probability
    if draw.uniform is not None:
        return random.uniform(*draw.uniform, n)
    if draw.normal is not None:
        return random.normal(*draw.normal, n)
    assert draw.concentration is not None
    concentration = _concentrations(draw.concentration, n, random, truth)
    truth[name] = concentration
    spec = draw.concentration
    return random.poisson(concentration * spec.volume_ml * spec.recovery).astype(np.float64)


def _concentrations(
    spec: Concentration, n: int, random: np.random.Generator,
    truth: dict[str, NDArray[np.float64]],
) -> NDArray[np.float64]:  # fmt: skip
    """True cells per ml: log-normal among those who have cells, or an earlier one changed."""
    if spec.of is not None:
        assert spec.change_median is not None
        noise = np.exp(spec.change_log_sd * random.standard_normal(n))
        return truth[spec.of] * spec.change_median * noise
    assert spec.median_per_ml is not None
    assert spec.log_sd is not None
    own = spec.median_per_ml * np.exp(spec.log_sd * random.standard_normal(n))
    return np.where(random.random(n) < spec.share_without, 0.0, own)


def _from_table(router: ColumnRouter, draw: Draw, n: int, random: np.random.Generator) -> Columns:
    assert draw.table is not None
    edges = np.cumsum([row.share for row in draw.table])
    picked = np.searchsorted(edges[:-1] / edges[-1], random.random(n), side="right")
    known = np.ones(n, dtype=np.bool_)
    made = {}
    for name in draw.set:
        quantity = router.trial.protocol.quantities[name]
        raw = [row.values[name] for row in draw.table]
        if quantity.type == "category":
            options = np.array([router.codes.of(str(v)) for v in raw], dtype=np.int32)
        else:
            options = np.array(raw, dtype=np.bool_ if quantity.type == "boolean" else np.float64)
        made[name] = Column(options[picked], known)
    return made
