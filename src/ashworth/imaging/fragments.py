"""Fragments of a broken nucleus: one cell, not several."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.nuclei_regions import root
from ashworth.imaging.pixel_lists import Positions

Labels = NDArray[np.int32]
Counts = NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def _areas(
    nuclei: Labels, body: NDArray[np.uint8], inside: Positions, n: int
) -> tuple[Counts, NDArray[np.bool_]]:
    """Pixels of each label, and whether it lies on stained cytoplasm."""
    area, on_body = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.bool_)
    flat, stained = nuclei.reshape(-1), body.reshape(-1)
    for p in inside:
        area[flat[p]] += 1
        on_body[flat[p]] |= stained[p] != 0
    return area, on_body


@numba.njit(cache=True, nogil=True)
def _join(
    nuclei: Labels, body: NDArray[np.uint8], inside: Positions, small: NDArray[np.bool_], gap: int
) -> Labels:
    """Give near small labels on one body the same representative; see `join_fragments`."""
    height, width = nuclei.shape
    parent = np.arange(small.size).astype(np.int32)
    for p in inside:
        y, x = p // width, p % width
        own = nuclei[y, x]
        if not small[own] or body[y, x] == 0:
            continue
        for v in range(y, min(y + gap + 1, height)):
            for u in range(max(x - gap, 0), min(x + gap + 1, width)):
                other = nuclei[v, u]
                if other != 0 and other != own and small[other] and body[v, u] != 0:
                    a, b = root(parent, own), root(parent, other)
                    parent[max(a, b)] = min(a, b)
    for k in range(small.size):
        parent[k] = root(parent, k)
    return parent


@numba.njit(cache=True, nogil=True)
def _renamed(nuclei: Labels, inside: Positions, number: Labels) -> None:
    """Give every label its number, in place."""
    flat = nuclei.reshape(-1)
    for p in inside:
        flat[p] = number[flat[p]]


def join_fragments(
    nuclei: Labels, inside: Positions, body: NDArray[np.uint8], *, largest_px: int, gap_px: int
) -> None:
    """Take small nuclei that lie close together on stained cytoplasm for pieces of one, in place.

    An apoptotic tumour cell has several small, round pieces of nucleus in one body of
    cytokeratin; each would otherwise count as a tumour cell.

    Parameters
    ----------
    nuclei : ndarray of int32, shape (height, width)
        Labels 1..n; afterwards 1..m, the pieces of one nucleus bear the same label.
    inside : ndarray of int64
        Flat positions of the labels.
    body : ndarray of uint8, same shape
        Non-zero where cytoplasm is stained.
    largest_px : int
        Larger nuclei are whole.
    gap_px : int
        Pieces lie no further apart than this.

    Examples
    --------
    >>> from ashworth.imaging.pixel_lists import labelled
    >>> nuclei = np.zeros((9, 30), np.int32)
    >>> nuclei[3:6, 3:6], nuclei[3:6, 8:11], nuclei[3:6, 20:23] = 1, 2, 3
    >>> body = np.ones((9, 30), np.uint8)
    >>> join_fragments(nuclei, labelled(nuclei), body, largest_px=5, gap_px=3)
    >>> int(nuclei.max())
    3
    >>> join_fragments(nuclei, labelled(nuclei), body, largest_px=20, gap_px=3)
    >>> int(nuclei.max())
    2
    """
    n = int(nuclei.reshape(-1)[inside].max(initial=0))
    area, on_body = _areas(nuclei, body, inside, n)
    small = on_body & (area <= largest_px)
    if small.sum() < 2:
        return
    representative = _join(nuclei, body, inside, small, gap_px)
    kept, number = np.unique(representative, return_inverse=True)
    if kept.size < area.size:
        _renamed(nuclei, inside, number.astype(np.int32))
