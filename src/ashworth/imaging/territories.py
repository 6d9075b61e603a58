"""Which pixels belong to which nucleus: growth from the nuclei into their bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.nuclei_regions import root
from ashworth.imaging.pixel_lists import (
    PixelLists,
    Positions,
    by_label,
    labelled,
    marked,
    pixel_lists,
    select,
)

Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a cell reaches from its nucleus, in pixels.

    Attributes
    ----------
    ring : int
        Width of the cytoplasm taken round every nucleus.
    body : int
        How far the cell may follow stained cytoplasm.
    gap, annulus : int
        Distance from the cell to its annulus of local background, and the annulus' width.
    """

    ring: int
    body: int
    gap: int
    annulus: int


@numba.njit(cache=True, nogil=True)
def _rim(labels: Labels, inside: Positions) -> Positions:
    """Those of the labelled positions that have a free neighbour (of four)."""
    width = labels.shape[1]
    flat = labels.reshape(-1)
    found = np.empty(inside.size, np.int64)
    n = 0
    for p in inside:
        x = p % width
        if (
            (p >= width and flat[p - width] == 0)
            or (p + width < flat.size and flat[p + width] == 0)
            or (x > 0 and flat[p - 1] == 0)
            or (x < width - 1 and flat[p + 1] == 0)
        ):
            found[n] = p
            n += 1
    return found[:n]


@numba.njit(cache=True, nogil=True)
def _step(
    labels: Labels, front: Positions, allowed: NDArray[np.uint8], diagonal: bool
) -> Positions:
    """Grow labels by one pixel into free pixels and give the new front.

    Only where `allowed`; anywhere, if that is empty.
    """
    width, flat, n = labels.shape[1], labels.reshape(-1), labels.size
    moves = np.array([-1, 1, -width, width, -width - 1, -width + 1, width - 1, width + 1])
    sides, anywhere = np.array([-1, 1, 0, 0, -1, 1, -1, 1]), allowed.size == 0
    fresh = np.empty(max(16, 2 * front.size), np.int64)
    m = 0
    for p in front:
        if m + 8 > fresh.size:
            fresh = np.concatenate((fresh, np.empty(m + 8, np.int64)))
        x, label = p % width, flat[p]
        inner = 0 < x < width - 1 and width <= p < n - width
        for k in range(8 if diagonal else 4):
            q = p + moves[k]
            if not inner and (q < 0 or q >= n or not 0 <= x + sides[k] < width):
                continue
            if flat[q] == 0 and (anywhere or allowed[q] != 0):
                flat[q] = label
                fresh[m] = q
                m += 1
    return fresh[:m]


@numba.njit(cache=True, nogil=True)
def _grow_cells(
    cells: Labels, inside: Positions, body: NDArray[np.uint8], near: int, far: int
) -> None:
    """Grow cells in place: `near` steps anywhere, up to `far` steps over `body`.

    Steps alternate between four and eight neighbours, so that the front stays close to a circle.
    """
    front, anywhere = _rim(cells, inside), np.empty(0, np.uint8)
    for step in range(max(near, far)):
        allowed = anywhere if step < near else body.reshape(-1)
        front = _step(cells, front, allowed, step % 2 == 1)
        if front.size == 0:
            return


@numba.njit(cache=True, nogil=True)
def _grow_annuli(
    cells: Labels, inside: Positions, gap: int, wide: int
) -> tuple[NDArray[np.int32], Positions]:
    """Labels and positions of the annuli; the cells are grown for it and then restored."""
    front, anywhere = _rim(cells, inside), np.empty(0, np.uint8)
    found, flat = np.empty(65536, np.int64), cells.reshape(-1)
    n = inner = 0
    for step in range(gap + wide):
        front = _step(cells, front, anywhere, step % 2 == 1)
        if n + front.size > found.size:
            found = np.concatenate((found, np.empty(n + front.size, np.int64)))
        found[n : n + front.size] = front
        n += front.size
        if step < gap:
            inner = n
    owner = np.empty(n - inner, np.int32)
    for k in range(n):
        if k >= inner:
            owner[k - inner] = flat[found[k]]
        flat[found[k]] = 0
    return owner, found[inner:n]


@numba.njit(cache=True, nogil=True)
def _unstained(
    start: Positions,
    position: Positions,
    stains: NDArray[np.float32],
    thresholds: NDArray[np.float32],
) -> tuple[Positions, Positions]:
    """Leave out of lists the positions that are stained in any channel."""
    kept, first = np.empty_like(position), start.copy()
    m = 0
    for k in range(1, start.size - 1):
        first[k] = m
        for p in position[start[k] : start[k + 1]]:
            clear = True
            for c in range(thresholds.size):
                clear &= stains[c, p] <= thresholds[c]
            kept[m] = p
            m += clear
    first[start.size - 1] = m
    return first, kept[:m]


@numba.njit(cache=True, nogil=True)
def _bodies(inside: Positions, height: int, width: int) -> tuple[Labels, int]:
    """Number the 8-connected parts of a list of positions in reading order; and their count."""
    labels = np.zeros((height, width), np.int32)
    flat, parent, n = labels.reshape(-1), np.zeros(inside.size + 1, np.int32), 0
    for p in inside:
        up, own = p - width, 0
        left, right = p % width > 0, (p + 1) % width > 0
        for q, there in ((p - 1, left), (up - 1, left), (up, True), (up + 1, right)):
            if there and q >= 0 and flat[q] != 0:
                other = root(parent, flat[q])
                own = own or other
                low, high = min(own, other), max(own, other)
                parent[high] = low
                own = low
        if own == 0:
            n += 1
            parent[n] = n
            own = n
        flat[p] = own
    number, count = np.zeros(n + 1, np.int32), 0
    for k in range(1, n + 1):
        count += parent[k] == k
        number[k] = count if parent[k] == k else number[root(parent, k)]
    for p in inside:
        flat[p] = number[flat[p]]
    return labels, count


@numba.njit(cache=True, nogil=True)
def _measure_bodies(
    bodies: Labels, inside: Positions, nuclei: Labels, count: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Pixels of each body, and whether a nucleus lies on it."""
    area, nucleated = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.bool_)
    flat, nucleus = bodies.reshape(-1), nuclei.reshape(-1)
    for p in inside:
        area[flat[p]] += 1
        if nucleus[p] != 0:
            nucleated[flat[p]] = True
    return area, nucleated


@numba.njit(cache=True, nogil=True)
def _add(cells: Labels, bodies: Labels, inside: Positions, new_label: NDArray[np.int32]) -> None:
    """Write the bodies without nucleus into the cells, where these are free."""
    flat, body = cells.reshape(-1), bodies.reshape(-1)
    for p in inside:
        if new_label[body[p]] != 0 and flat[p] == 0:
            flat[p] = new_label[body[p]]


def cells_of(
    nuclei: Labels,
    body: NDArray[np.uint8],
    *,
    reach: Reach,
    smallest_px: int,
    inside: Positions | None = None,
) -> tuple[Labels, Labels]:
    """Give every nucleus its cell, and every body without nucleus a cell of its own.

    Parameters
    ----------
    nuclei : ndarray of int32, shape (height, width)
        Labels 1..n.
    body : ndarray of uint8, same shape
        Non-zero where cytoplasm is stained.
    reach : Reach
    smallest_px : int
        Bodies without nucleus and of fewer pixels are left out.
    inside : ndarray of int64, optional
        The positions `labelled` in `nuclei`, where they are known.

    Returns
    -------
    cells : ndarray of int32
        Labels 1..n of the nuclei, then those of bodies without nucleus.
    bodies : ndarray of int32
        Connected bodies (8-connected), 0 outside.
    """
    inside = labelled(nuclei) if inside is None else inside
    stained = marked(body)
    bodies, count = _bodies(stained, *nuclei.shape)
    cells = nuclei.copy()
    _grow_cells(cells, inside, body, reach.ring, reach.body)
    area, nucleated = _measure_bodies(bodies, stained, nuclei, count)
    alone = ~nucleated & (area >= smallest_px)
    alone[0] = False
    new_label = np.zeros(count + 1, np.int32)
    first = int(nuclei.reshape(-1)[inside].max(initial=0)) + 1
    new_label[alone] = first + np.arange(alone.sum(), dtype=np.int32)
    _add(cells, bodies, stained, new_label)
    return cells, bodies


@numba.njit(cache=True, nogil=True)
def _trim(
    cells: NDArray[np.int32],
    nuclei: NDArray[np.int32],
    stain: NDArray[np.float32],
    start: NDArray[np.int64],
    position: NDArray[np.int64],
    threshold: float,
    share: float,
    overlay: float,
) -> None:
    """Take the dim rim off stained cells, in place; see `trim_to_stain`."""
    buffer = np.empty(max(1, np.max(np.diff(start))), np.float32)
    for k in range(1, start.size - 1):
        mine = position[start[k] : start[k + 1]]
        m = n_nucleus = n_both = 0
        for p in mine:
            stained = stain[p] > threshold
            inner = nuclei[p] == k
            n_nucleus += inner
            n_both += inner and stained
            if stained:
                buffer[m] = stain[p]
                m += 1
        if m == 0 or n_both < overlay * n_nucleus:
            continue
        level = max(threshold, share * select(buffer[:m], (3 * m) // 4))
        for p in mine:
            if stain[p] <= level and nuclei[p] != k:
                cells[p] = 0


def trim_to_stain(
    cells: Labels,
    nuclei: Labels,
    stain: NDArray[np.float32],
    *,
    threshold: float,
    share: float = 0.4,
    overlay: float = 0.5,
) -> None:
    """Draw the outline of stained cells at a share of their own brightness, in place.

    A threshold low enough for the dimmest cell outlines the halo of a bright one. In every cell
    whose nucleus lies on stain for at least `overlay` of its area (or that has no nucleus),
    pixels that are neither nucleus nor brighter than `share` of the cell's upper quartile of
    stain are given back to the background.

    Parameters
    ----------
    cells, nuclei : ndarray of int32, shape (height, width)
    stain : ndarray of float32, same shape
        Smoothed counts above background.
    threshold : float
        Counts from which a pixel is stained at all.
    """
    lists = pixel_lists(cells)
    _trim(
        cells.reshape(-1), nuclei.reshape(-1), stain.reshape(-1), lists.start, lists.position,
        threshold, share, overlay,
    )  # fmt: skip


def annuli(
    cells: Labels,
    stains: NDArray[np.float32],
    thresholds: Sequence[float],
    *,
    reach: Reach,
    inside: Positions | None = None,
) -> PixelLists:
    """List the pixels round each cell from which its local background is read.

    Parameters
    ----------
    cells : ndarray of int32, shape (height, width)
    stains : ndarray of float32, shape (channels, height, width)
        Smoothed counts above background.
    thresholds : sequence of float
        A pixel that exceeds any channel's threshold is no background.
    reach : Reach
    inside : ndarray of int64, optional
        The positions `labelled` in `cells`, where they are known.

    Returns
    -------
    PixelLists
        By the nearest cell, at `gap` to `gap` + `annulus` pixels from it; from near to far.
    """
    inside = labelled(cells) if inside is None else inside
    n = int(cells.reshape(-1)[inside].max(initial=0))
    owner, position = _grow_annuli(cells, inside, reach.gap, reach.annulus)
    lists = by_label(owner, position, n)
    flat = stains.reshape(len(thresholds), -1)
    return PixelLists(*_unstained(*lists, flat, np.array(thresholds, np.float32)))
