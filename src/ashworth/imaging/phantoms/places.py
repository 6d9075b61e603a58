"""Where the objects lie: uniform over the cartridge, in groups, without forbidden overlap."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ashworth.errors import InputError, Problem
from ashworth.imaging.phantoms.populations import PLAIN
from ashworth.imaging.phantoms.spec import PhantomSpec
from ashworth.streams import stream

Points = NDArray[np.float64]

ROUNDS = 150
NUCLEI_APART = 0.6
"""Smallest distance of two plain nuclei that are not of one clump, in sums of their radii."""
BULGE = 1.12
"""Reach of an outline beyond the radius of the disc of equal area, as gaps are kept."""


def grid(frames: int) -> tuple[int, int]:
    """Columns and rows of a cartridge with this many frames.

    Examples
    --------
    >>> grid(175), grid(35), grid(144), grid(2)
    ((35, 5), (7, 5), (36, 4), (2, 1))
    """
    known = {210: 6, 180: 5, 175: 5, 170: 5, 144: 4, 140: 4}
    rows = known.get(frames) or next(
        r for r in (5, 4, 3, 2, 1) if frames % r == 0 and r * r <= frames
    )
    return frames // rows, rows


def place(spec: PhantomSpec, seed: int, objects: pl.DataFrame) -> Points:
    """Give every object its centre (x, y) in cartridge pixels.

    Groups are drawn uniformly; where two conflict, the later one is drawn anew. Tumour cells,
    controls, doublets, blobs and bubbles are never cut by the outer edge of the cartridge.

    Raises
    ------
    InputError
        If the cartridge is too crowded.
    """
    if objects.is_empty():
        return np.empty((0, 2))
    rng = stream(seed, "places")
    group = objects["group"].to_numpy()
    radius = objects["diameter_um"].to_numpy() / (2 * spec.pixel_size_um)
    plain = objects["kind"].is_in(PLAIN).to_numpy()
    offset = _within_groups(stream(seed, "groups"), objects, radius)
    margin = _margins(objects, group, radius, offset)
    centre = _uniform(spec, rng, margin)
    seams = _seam_groups(spec, objects)
    _onto_seams(spec, rng, centre, seams, margin)
    for _ in range(ROUNDS):
        losers = _losers(centre[group] + offset, radius, plain, group, spec)
        if not losers.size:
            return centre[group] + offset
        again = _uniform(spec, rng, margin)
        _onto_seams(spec, rng, again, seams, margin)
        centre[losers] = again[losers]
    raise InputError([_too_crowded(spec)], subject="the phantom's spec")


def _too_crowded(spec: PhantomSpec) -> Problem:
    """No places left."""
    found = f"{spec.nuclei_per_frame:g} nuclei, {spec.tumour_cells / spec.frames:g} CTC per frame"
    remedy = "ask for fewer or smaller objects and bubbles, a smaller min_gap_um or larger frames"
    return Problem("spec", None, "nuclei_per_frame", found, "what finds room", remedy)


def _uniform(spec: PhantomSpec, rng: np.random.Generator, margin: Points) -> Points:
    """Draw a place for every group, its margin away from the outer edge."""
    columns, rows = grid(spec.frames)
    size = np.array([columns * spec.frame_width, rows * spec.frame_height], np.float64)
    rim = np.array([spec.edge_width_px if spec.edge_counts > 0 else 0.0, 0.0])
    least = np.minimum(margin[:, None] + rim, size / 2)
    return least - 0.5 + rng.random((len(margin), 2)) * (size - 2 * least)


def _margins(
    objects: pl.DataFrame, group: NDArray[np.int64], radius: Points, offset: Points
) -> Points:
    """Distance that a group's centre keeps from the outer edge."""
    cut = objects["kind"].is_in((*PLAIN, "debris", "ck_without_nucleus")).to_numpy()
    reach = np.where(cut, 0.0, np.hypot(*offset.T) + 1.3 * radius + 2)
    margin = np.zeros(int(group.max()) + 1)
    np.maximum.at(margin, group, reach)
    return margin


def _seam_groups(spec: PhantomSpec, objects: pl.DataFrame) -> NDArray[np.int64]:
    """Groups of the tumour cells that are wanted on seams."""
    alone = objects.filter((pl.col("kind") == "ctc") & pl.col("cluster_id").is_null())
    return alone["group"].to_numpy()[: spec.tumour_cells_on_seams]


def _onto_seams(
    spec: PhantomSpec,
    rng: np.random.Generator,
    centre: Points,
    seams: NDArray[np.int64],
    margin: Points,
) -> None:
    """Move groups onto a seam that is drawn among all."""
    columns, rows = grid(spec.frames)
    upright = columns - 1
    pick = rng.integers(0, upright + rows - 1, len(seams)) if len(seams) else np.empty(0, int)
    shift = rng.uniform(-0.4, 0.4, len(seams)) * (margin[seams] - 2) / 1.3
    for group, seam, away in zip(seams, pick, shift, strict=True):
        if seam < upright:
            centre[group, 0] = (seam + 1) * spec.frame_width - 0.5 + away
        else:
            centre[group, 1] = (seam - upright + 1) * spec.frame_height - 0.5 + away


def _within_groups(rng: np.random.Generator, objects: pl.DataFrame, radius: Points) -> Points:
    """Offset of every object from its group's first member: members touch."""
    offset = np.zeros((objects.height, 2))
    group = objects["group"].to_numpy()
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
        members = order[start : start + size]
        for k in range(1, size):
            offset[members[k]] = _beside(rng, offset[members[:k]], radius[members], k)
    return offset


def _beside(rng: np.random.Generator, taken: Points, radius: Points, k: int) -> Points:
    """Put member k in touch with an earlier one, as free of the others as twelve tries find."""
    partner = rng.integers(0, k, 12)
    angle = rng.uniform(0, 2 * np.pi, 12)
    reach = rng.uniform(0.85, 1.0, 12) * (radius[partner] + radius[k])
    tries = taken[partner] + reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    apart = np.linalg.norm(tries[:, None] - taken[None], axis=2) / (radius[:k] + radius[k])
    return tries[int(np.argmax(apart.min(axis=1)))]


def _losers(
    centre: Points,
    radius: Points,
    plain: NDArray[np.bool_],
    group: NDArray[np.int64],
    spec: PhantomSpec,
) -> NDArray[np.int64]:
    """Later groups of all pairs that are too near."""
    gap = spec.min_gap_um / spec.pixel_size_um
    first, second = _neighbours(centre, radius, max(gap, 0.0))
    other = group[first] != group[second]
    first, second = first[other], second[other]
    distance = np.hypot(*(centre[first] - centre[second]).T)
    reach = radius[first] + radius[second]
    free = plain[first] & plain[second]
    wanted = np.where(free, NUCLEI_APART * reach, BULGE * reach + gap)
    near = distance < wanted
    return np.unique(np.maximum(group[first], group[second])[near])


def _neighbours(
    centre: Points, radius: Points, gap: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of objects that may be too near; the few large ones are paired with all."""
    usual = 3.0 * np.median(radius)
    small, large = np.flatnonzero(radius <= usual), np.flatnonzero(radius > usual)
    reach = 2 * BULGE * radius[small].max() + gap
    pairs = small[KDTree(centre[small]).query_pairs(reach, output_type="ndarray")]
    every = np.arange(len(radius))
    first = [pairs[:, 0], *(np.full(len(every) - 1, k) for k in large)]
    second = [pairs[:, 1], *(np.delete(every, k) for k in large)]
    return np.concatenate(first), np.concatenate(second)
