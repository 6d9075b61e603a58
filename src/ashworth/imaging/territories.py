"""Which pixels belong to which nucleus: growth from the nuclei into their bodies."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.pixel_lists import pixel_lists, select

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
def _rim(labels: Labels) -> NDArray[np.int64]:
    """Flat positions of the labelled pixels that have a free neighbour (of four)."""
    height, width = labels.shape
    flat = labels.ravel()
    found = np.empty(4096, np.int64)
    n = 0
    for p in range(flat.size):
        if flat[p] == 0:
            continue
        x = p % width
        if (
            (p >= width and flat[p - width] == 0)
            or (p + width < flat.size and flat[p + width] == 0)
            or (x > 0 and flat[p - 1] == 0)
            or (x < width - 1 and flat[p + 1] == 0)
        ):
            if n == found.size:
                found = np.concatenate((found, np.empty(n, np.int64)))
            found[n] = p
            n += 1
    return found[:n]


@numba.njit(cache=True, nogil=True)
def _step(
    flat: NDArray[np.int32],
    width: int,
    front: NDArray[np.int64],
    allowed: NDArray[np.uint8],
    diagonal: bool,
) -> NDArray[np.int64]:
    """Grow labels by one pixel into free pixels where `allowed`; return the new front."""
    fresh = np.empty(max(16, 2 * front.size), np.int64)
    m = 0
    moves = np.array([-1, 1, -width, width, -width - 1, -width + 1, width - 1, width + 1])
    sides = np.array([-1, 1, 0, 0, -1, 1, -1, 1])
    for p in front:
        x = p % width
        for k in range(8 if diagonal else 4):
            q, u = p + moves[k], x + sides[k]
            if q < 0 or q >= flat.size or u < 0 or u >= width or flat[q] != 0 or allowed[q] == 0:
                continue
            flat[q] = flat[p]
            if m == fresh.size:
                fresh = np.concatenate((fresh, np.empty(m, np.int64)))
            fresh[m] = q
            m += 1
    return fresh[:m]


@numba.njit(cache=True, nogil=True)
def _grow_cells(
    cells: Labels, body: NDArray[np.uint8], everywhere: NDArray[np.uint8], near: int, far: int
) -> None:
    """Grow cells in place: `near` steps anywhere, up to `far` steps over `body`.

    Steps alternate between four and eight neighbours, so that the front stays close to a circle.
    """
    front, width = _rim(cells), cells.shape[1]
    flat = cells.reshape(-1)
    for step in range(max(near, far)):
        allowed = everywhere if step < near else body.reshape(-1)
        front = _step(flat, width, front, allowed, step % 2 == 1)
        if front.size == 0:
            return


@numba.njit(cache=True, nogil=True)
def _grow_annuli(
    owner: Labels,
    annulus: Labels,
    free: NDArray[np.uint8],
    everywhere: NDArray[np.uint8],
    gap: int,
    wide: int,
) -> None:
    """Grow `owner` by gap and annulus; copy the free pixels of the latter into `annulus`."""
    front, width = _rim(owner), owner.shape[1]
    flat, out, clear = owner.reshape(-1), annulus.reshape(-1), free.reshape(-1)
    for step in range(gap + wide):
        front = _step(flat, width, front, everywhere, step % 2 == 1)
        if step >= gap:
            for p in front:
                if clear[p] != 0:
                    out[p] = flat[p]


@numba.njit(cache=True, nogil=True)
def _measure_bodies(
    bodies: Labels, nuclei: Labels, count: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Pixels of each body, and whether a nucleus lies on it."""
    area, nucleated = np.zeros(count, np.int64), np.zeros(count, np.bool_)
    flat, nucleus = bodies.ravel(), nuclei.ravel()
    for p in range(flat.size):
        if flat[p] != 0:
            area[flat[p]] += 1
            if nucleus[p] != 0:
                nucleated[flat[p]] = True
    return area, nucleated


@numba.njit(cache=True, nogil=True)
def _add(cells: Labels, bodies: Labels, new_label: NDArray[np.int32]) -> None:
    """Write the bodies without nucleus into the cells, where these are free."""
    flat, body = cells.reshape(-1), bodies.ravel()
    for p in range(flat.size):
        if body[p] != 0 and new_label[body[p]] != 0 and flat[p] == 0:
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
    cells = nuclei.copy()
    _grow_cells(cells, body, np.ones(body.size, np.uint8), reach.ring, reach.body)
    area, nucleated = _measure_bodies(bodies, nuclei, count)
    alone = ~nucleated & (area >= smallest_px)
    alone[0] = False
    new_label = np.zeros(count, np.int32)
    new_label[alone] = int(nuclei.max(initial=0)) + 1 + np.arange(alone.sum(), dtype=np.int32)
    _add(cells, bodies, new_label)
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


def annuli(cells: Labels, free: NDArray[np.uint8], *, reach: Reach) -> Labels:
    """Label the pixels round each cell from which its local background is read.

    Parameters
    ----------
    cells : ndarray of int32, shape (height, width)
    free : ndarray of uint8, same shape
        Zero where anything is stained; such pixels are no background.
    reach : Reach

    Returns
    -------
    ndarray of int32
        Label of the nearest cell at `gap` to `gap` + `annulus` pixels from it, 0 elsewhere.
    """
    annulus = np.zeros_like(cells)
    everywhere = np.ones(cells.size, np.uint8)
    _grow_annuli(cells.copy(), annulus, free, everywhere, reach.gap, reach.annulus)
    return annulus
