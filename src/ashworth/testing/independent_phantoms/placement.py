"""Positions without impossible overlaps: obstacles first, then everything by rejection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ashworth.errors import InputError, Problem
from ashworth.testing.independent_phantoms.spec import IndependentSpec

Reals = NDArray[np.float64]
_CROWD, _APART, _ROUNDS = 0.95, 1.12, 200


@dataclass(frozen=True, slots=True)
class Group:
    """Objects to place: kind, cluster (-1: none), radius in pixels, whether on a seam."""

    kind: NDArray[np.str_]
    cluster: NDArray[np.int64]
    radius_px: Reals
    on_seam: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Units:
    """What moves as one: a single object or a whole cluster."""

    radius_px: Reals
    factor: Reals
    on_seam: NDArray[np.bool_]
    large: NDArray[np.bool_]


def place(spec: IndependentSpec, rng: np.random.Generator, group: Group) -> tuple[Reals, Reals]:
    """Draw positions in cartridge pixels; nuclei may touch, tumour cells keep a small gap.

    Raises
    ------
    InputError
        The cartridge has no room for that many objects.
    """
    unit, offset_x, offset_y = _units_of(group, rng)
    units = _summary(group, unit, offset_x, offset_y)
    x, y = _draw(spec, rng, units)
    waiting = np.arange(0)
    for _ in range(_ROUNDS):
        waiting = _conflicts(spec, units, x, y)
        if len(waiting) == 0:
            return x[unit] + offset_x, y[unit] + offset_y
        new_x, new_y = _draw(spec, rng, units)
        x[waiting], y[waiting] = new_x[waiting], new_y[waiting]
    problem = Problem(
        "IndependentSpec",
        None,
        None,
        f"{len(group.kind)} objects, {len(waiting)} without a place",
        "as many as fit without overlap",
        "ask for fewer or smaller objects, or for more frames",
    )
    raise InputError([problem], subject="the spec of a simulated cartridge")


def _units_of(group: Group, rng: np.random.Generator) -> tuple[NDArray[np.int64], Reals, Reals]:
    """Unit of each object and its place within it: the cells of a cluster touch in a bunch."""
    n = len(group.kind)
    members: dict[int, list[int]] = {}
    for i in np.flatnonzero(group.cluster >= 0).tolist():
        members.setdefault(int(group.cluster[i]), []).append(i)
    head, dx, dy = np.arange(n), np.zeros(n), np.zeros(n)
    for cells in members.values():
        head[cells] = cells[0]
    unit = np.unique(head, return_inverse=True)[1]
    for cells in members.values():
        _bunch(cells, group.radius_px, dx, dy, rng)
    return unit, dx, dy


def _bunch(cells: list[int], radius: Reals, dx: Reals, dy: Reals, rng: np.random.Generator) -> None:
    """Put each further cell of a cluster against an earlier one, clear of all others."""
    for k, cell in enumerate(cells[1:], 1):
        while True:
            near = cells[int(rng.integers(k))]
            angle = rng.uniform(0, 2 * np.pi)
            step = 0.97 * (radius[cell] + radius[near])
            dx[cell], dy[cell] = dx[near] + step * np.cos(angle), dy[near] + step * np.sin(angle)
            gaps = [
                np.hypot(dx[cell] - dx[o], dy[cell] - dy[o]) - 0.96 * (radius[cell] + radius[o])
                for o in cells[:k]
            ]
            if min(gaps) > 0:
                break


def _summary(group: Group, unit: NDArray[np.int64], dx: Reals, dy: Reals) -> _Units:
    n = int(unit.max()) + 1 if len(unit) else 0
    radius, factor = np.zeros(n), np.zeros(n)
    crowd = np.isin(group.kind, ("leukocyte", "unclassified_nucleus"))
    np.maximum.at(radius, unit, np.hypot(dx, dy) + group.radius_px)
    np.maximum.at(factor, unit, np.where(crowd, _CROWD, _APART))
    on_seam, large = np.zeros(n, bool), np.zeros(n, bool)
    on_seam[unit] = group.on_seam
    large[unit] = np.isin(group.kind, ("blob", "bubble"))
    return _Units(radius, factor, on_seam, large)


def _draw(spec: IndependentSpec, rng: np.random.Generator, units: _Units) -> tuple[Reals, Reals]:
    """Uniform positions; units on a seam get their middle near a random inner border."""
    n, (wide, high) = len(units.radius_px), spec.size_px
    x, y = rng.uniform(0, wide, n), rng.uniform(0, high, n)
    vertical = rng.random(n) * (spec.columns + spec.rows - 2) < spec.columns - 1
    near = rng.uniform(-0.6, 0.6, n) * units.radius_px
    column = rng.integers(1, max(spec.columns, 2), n) * spec.width + near
    row = rng.integers(1, max(spec.rows, 2), n) * spec.height + near
    x = np.where(units.on_seam & vertical, column, x)
    return x, np.where(units.on_seam & ~vertical, row, y)


def _conflicts(spec: IndependentSpec, units: _Units, x: Reals, y: Reals) -> NDArray[np.int64]:
    """Units to draw again: on the wall, beside a large obstacle, or on an earlier unit."""
    bad = (
        y < 1.45 * spec.edge_band_px + units.radius_px
        if spec.edge_band_px
        else np.zeros(len(x), bool)
    )
    for k in np.flatnonzero(units.large):
        near = np.hypot(x - x[k], y - y[k]) < units.radius_px[k] + units.radius_px + 8
        near[: k + 1] = False
        bad |= near
    small = np.flatnonzero(~units.large)
    if len(small) > 1:
        reach = 2 * _APART * float(units.radius_px[small].max())
        tree = KDTree(np.stack([x[small], y[small]], axis=1))
        first, second = small[tree.query_pairs(reach, output_type="ndarray")].T
        distance = np.hypot(x[first] - x[second], y[first] - y[second])
        factor = np.maximum(units.factor[first], units.factor[second])
        hit = distance < factor * (units.radius_px[first] + units.radius_px[second])
        bad[np.maximum(first, second)[hit]] = True
    return np.flatnonzero(bad)
