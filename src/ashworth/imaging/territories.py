"""Which pixels belong to which nucleus: growth from the nuclei into their bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.pixel_lists import (
    PixelLists,
    Positions,
    by_label,
    labelled,
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
def _grow_annuli(owner: Labels, inside: Positions, gap: int, wide: int) -> Positions:
    """Grow `owner` in place by gap and annulus; give the positions of the latter."""
    front, anywhere = _rim(owner, inside), np.empty(0, np.uint8)
    found = np.empty(4096, np.int64)
    n = 0
    for step in range(gap + wide):
        front = _step(owner, front, anywhere, step % 2 == 1)
        if step < gap:
            continue
        if n + front.size > found.size:
            found = np.concatenate((found, np.empty(n + front.size, np.int64)))
        found[n : n + front.size] = front
        n += front.size
    return found[:n]


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
def _measure_bodies(
    bodies: Labels, inside: Positions, nuclei: Labels, count: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Pixels of each body, and whether a nucleus lies on it."""
    area, nucleated = np.zeros(count, np.int64), np.zeros(count, np.bool_)
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
    nuclei: Labels, body: NDArray[np.uint8], *, reach: Reach, smallest_px: int
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

    Returns
    -------
    cells : ndarray of int32
        Labels 1..n of the nuclei, then those of bodies without nucleus.
    bodies : ndarray of int32
        Connected bodies (8-connected), 0 outside.
    """
    count, bodies = cv2.connectedComponents(body, connectivity=8, ltype=cv2.CV_32S)
    bodies = np.asarray(bodies, np.int32)
    cells, inside = nuclei.copy(), labelled(bodies)
    _grow_cells(cells, labelled(nuclei), body, reach.ring, reach.body)
    area, nucleated = _measure_bodies(bodies, inside, nuclei, count)
    alone = ~nucleated & (area >= smallest_px)
    alone[0] = False
    new_label = np.zeros(count, np.int32)
    new_label[alone] = int(nuclei.max(initial=0)) + 1 + np.arange(alone.sum(), dtype=np.int32)
    _add(cells, bodies, inside, new_label)
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
    lists = pixel_lists(cells, int(cells.max(initial=0)))
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

    Returns
    -------
    PixelLists
        By the nearest cell, at `gap` to `gap` + `annulus` pixels from it; from near to far.
    """
    owner, inside = cells.copy(), labelled(cells)
    n = int(cells.reshape(-1)[inside].max(initial=0))
    position = _grow_annuli(owner, inside, reach.gap, reach.annulus)
    lists = by_label(owner.reshape(-1)[position], position, n)
    flat = stains.reshape(len(thresholds), -1)
    return PixelLists(*_unstained(*lists, flat, np.array(thresholds, np.float32)))
