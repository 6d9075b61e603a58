"""Simulated patients as a protocol's assumptions describe them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ashworth.definitions.protocols.assumptions import Concentration, Draw
from ashworth.errors import InputError, Problem
from ashworth.trials.language.columns import Column
from ashworth.trials.protocols.route_columns import ColumnRouter
from ashworth.trials.random_numbers.uniforms import Draws, poisson_quantiles

Columns = dict[str, Column]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def draw_population(router: ColumnRouter, source: Draws) -> Columns:
    """Draw the quantities of simulated patients.

    Parameters
    ----------
    router : ColumnRouter
        The protocol, compiled; its `codes` code the categories.
    source : Draws
        Random numbers by replicate, patient and purpose; the purpose is the quantity's name, so
        that another quantity never moves these draws.

    Returns
    -------
    dict of str to Column
        Rows over replicates, then patients.

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
    patients = _Patients(router, source)
    for number, draw in enumerate(assumed.population):
        patients.add(draw, number)
    return patients.columns


class _Patients:
    """Columns that fill up, draw by draw, and the true concentrations behind the counts."""

    def __init__(self, router: ColumnRouter, source: Draws) -> None:
        self._router, self._source = router, source
        self.columns: Columns = {}
        self._truth: dict[str, Floats] = {}

    def add(self, draw: Draw, number: int) -> None:
        purpose = f"{number} {' '.join(draw.set)}"
        made = self._made(draw, number, purpose)
        if draw.missing:
            kept = self._source.uniforms(f"{purpose} missing")[:, 0] >= draw.missing
            made = {k: Column(c.values, c.known & kept) for k, c in made.items()}
        where = self._where(draw, number)
        for name, column in made.items():
            self.columns[name] = _joined(self.columns.get(name), column, where)

    def _where(self, draw: Draw, number: int) -> Flags | None:
        if draw.where is None:
            return None
        answer = self._value(number, "where")
        return answer.known & answer.values.astype(np.bool_, copy=False)

    def _value(self, number: int, key: str) -> Column:
        rows = self._source.rows
        values = self._router.derive(self.columns, rows)
        return self._router.value("assumptions", "population", number, key)(values, rows)

    def _made(self, draw: Draw, number: int, purpose: str) -> Columns:
        if draw.table is not None:
            return self._from_table(draw, self._source.uniforms(purpose)[:, 0])
        if draw.value is not None:
            found = self._value(number, "value")
            return {draw.set[0]: Column(np.array(found.values), np.array(found.known))}
        known = np.ones(self._source.rows, dtype=np.bool_)
        return {draw.set[0]: Column(self._numbers(draw, self._source.uniforms(purpose)), known)}

    def _numbers(self, draw: Draw, uniform: Floats) -> NDArray:
        first = uniform[:, 0]
        if draw.probability is not None:
            return first < draw.probability
        if draw.uniform is not None:
            return draw.uniform[0] + first * (draw.uniform[1] - draw.uniform[0])
        if draw.normal is not None:
            return draw.normal[0] + draw.normal[1] * ndtri(first)
        assert draw.concentration is not None
        spec = draw.concentration
        truth = self._concentrations(spec, uniform)
        old = self._truth.get(draw.set[0])
        where = self._where(draw, self._number_of(draw))
        self._truth[draw.set[0]] = truth if old is None or where is None else np.where(
            where, truth, old
        )  # fmt: skip
        return poisson_quantiles(uniform[:, 2], truth * spec.volume_ml * spec.recovery)

    def _number_of(self, draw: Draw) -> int:
        assumed = self._router.trial.protocol.assumptions
        assert assumed is not None
        return next(i for i, d in enumerate(assumed.population) if d is draw)

    def _concentrations(self, spec: Concentration, uniform: Floats) -> Floats:
        """True cells per ml: log-normal among those who have cells, or an earlier one changed."""
        normal = ndtri(uniform[:, 0])
        if spec.of is not None:
            assert spec.change_median is not None
            return self._truth[spec.of] * spec.change_median * np.exp(spec.change_log_sd * normal)
        assert spec.median_per_ml is not None
        assert spec.log_sd is not None
        own = spec.median_per_ml * np.exp(spec.log_sd * normal)
        return np.where(uniform[:, 1] < spec.share_without, 0.0, own)

    def _from_table(self, draw: Draw, uniform: Floats) -> Columns:
        assert draw.table is not None
        edges = np.cumsum([row.share for row in draw.table])
        picked = np.searchsorted(edges[:-1] / edges[-1], uniform, side="right")
        known = np.ones(uniform.size, dtype=np.bool_)
        return {
            name: Column(self._options(name, [row.values[name] for row in draw.table])[picked],
                         known)
            for name in draw.set
        }  # fmt: skip

    def _options(self, name: str, raw: list) -> NDArray:
        sort = self._router.trial.protocol.quantities[name].type
        if sort == "category":
            return np.array([self._router.codes.of(str(v)) for v in raw], dtype=np.int32)
        return np.array(raw, dtype=np.bool_ if sort == "boolean" else np.float64)


def _joined(old: Column | None, new: Column, where: Flags | None) -> Column:
    if where is None:
        return new
    if old is None:
        return Column(new.values, new.known & where)
    values = np.where(where, new.values, old.values).astype(new.values.dtype, copy=False)
    return Column(values, np.where(where, new.known, old.known))
