"""What kinds of objects there are, how many, how large and how bright: one row each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from ashworth.imaging.phantoms.spec import PhantomSpec
from ashworth.streams import stream

Column: TypeAlias = NDArray[np.float64] | NDArray[np.int64] | list[int | None]

KINDS = (
    "ctc",
    "leukocyte",
    "unclassified_nucleus",
    "apoptotic_ctc",
    "doublet",
    "ck_without_nucleus",
    "debris",
    "blob",
    "bubble",
    "control_her2_negative",
    "control_her2_strong",
)
"""Kinds of objects in the truth."""

PLAIN = ("leukocyte", "unclassified_nucleus")
"""Kinds that may overlap each other."""

_COLUMNS = {
    "kind": pl.String,
    "group": pl.Int64,
    "lobes": pl.Int64,
    "cluster_id": pl.Int64,
    "diameter_um": pl.Float64,
    "nucleus_diameter_um": pl.Float64,
    "dapi_counts": pl.Float64,
    "ck_counts": pl.Float64,
    "cd45_counts": pl.Float64,
    "her2_density": pl.Float64,
    "her2_class": pl.Int64,
}


def populate(spec: PhantomSpec, seed: int) -> pl.DataFrame:
    """Draw all objects of a cartridge but their places.

    Parameters
    ----------
    spec : PhantomSpec
    seed : int

    Returns
    -------
    polars.DataFrame
        One row per object; `group` numbers what is placed as one body (a cluster, a clump, or a
        single object), rising in the order in which places are given.
    """
    parts, first_group = [], 0
    for make in (_bubbles, _blobs, _tumour_cells, _controls, _apoptotic, _doublets, _ck_bodies,
                 _debris, _nuclei):  # fmt: skip
        part = make(spec, seed)
        if part.height:
            parts.append(part.with_columns(pl.col("group") + first_group))
            first_group += int(part["group"].to_numpy().max()) + 1
    return pl.concat(parts) if parts else _rows("ctc", 0, {})


def lognormal_within(
    rng: np.random.Generator, n: int, median: float, sigma: float, limits: tuple[float, float]
) -> NDArray[np.float64]:
    """Draw from a lognormal that is truncated to `limits`, by its inverse distribution.

    Examples
    --------
    >>> x = lognormal_within(np.random.default_rng(1), 999, 500.0, 0.75, (80.0, 3000.0))
    >>> bool(80 <= x.min() and x.max() <= 3000)
    True
    """
    u = rng.random(n)
    if sigma == 0:
        return np.full(n, float(np.clip(median, *limits)))
    low, high = ndtr(np.log(np.array(limits) / median) / sigma)
    drawn = median * np.exp(sigma * ndtri(low + u * (high - low)))
    return np.clip(drawn, *limits)


def shares(n: int, parts: ArrayLike) -> NDArray[np.int64]:
    """Split n into whole numbers in proportion to `parts` (largest remainders).

    Examples
    --------
    >>> shares(10, (0.35, 0.30, 0.20, 0.15)).tolist()
    [4, 3, 2, 1]
    """
    exact = n * np.asarray(parts, np.float64)
    whole = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: n - whole.sum()]] += 1
    return whole


def _rows(kind: str | list[str], n: int, columns: Mapping[str, Column]) -> pl.DataFrame:
    """Objects of one kind; what is not given is absent."""
    zero = {"group": np.arange(n), "lobes": 0, "cluster_id": None, "her2_class": None}
    given = {"kind": kind, **zero, **columns}
    filled = {c: given.get(c, 0.0) for c in _COLUMNS}
    series = {c: v if isinstance(v, (np.ndarray, list)) else [v] * n for c, v in filled.items()}
    return pl.DataFrame(series, schema=_COLUMNS)


def _bubbles(spec: PhantomSpec, seed: int) -> pl.DataFrame:
    """Air bubbles."""
    radius = spec.bubble_radius_um * stream(seed, "bubble").uniform(0.7, 1.3, spec.bubbles)
    return _rows("bubble", spec.bubbles, {"diameter_um": 2 * radius})


def _blobs(spec: PhantomSpec, seed: int) -> pl.DataFrame:
    """Aggregates of dye, bright in every channel."""
    n, level = spec.blobs, np.full(spec.blobs, spec.blob_counts)
    size = np.full(n, 2 * spec.blob_radius_px * spec.pixel_size_um)
    bright = {"dapi_counts": level, "ck_counts": level, "cd45_counts": level}
    density = level / spec.leukocyte_her2_counts
    return _rows("blob", n, {"diameter_um": size, **bright, "her2_density": density})


def _cell_columns(
    spec: PhantomSpec, rng: np.random.Generator, diameter: NDArray[np.float64]
) -> dict[str, Column]:
    """Nucleus and stains of cells that bear cytokeratin."""
    n = len(diameter)
    nucleus = diameter * np.clip(rng.normal(0.64, 0.06, n), 0.48, 0.8)
    return {
        "lobes": np.ones(n, np.int64),
        "diameter_um": diameter,
        "nucleus_diameter_um": nucleus,
        "dapi_counts": lognormal_within(rng, n, spec.dapi_counts, spec.dapi_sigma, spec.dapi_range),
        "ck_counts": lognormal_within(rng, n, spec.ck_counts, spec.ck_sigma, spec.ck_range),
    }


def _her2(
    spec: PhantomSpec, rng: np.random.Generator, classes: NDArray[np.int64]
) -> dict[str, Column]:
    """HER2 relative to leukocytes, lognormal within a class."""
    median = np.array(spec.her2_density)[classes]
    spread = np.exp(spec.her2_sigma * rng.standard_normal(len(classes)))
    return {"her2_class": classes, "her2_density": median * spread}


def _tumour_cells(spec: PhantomSpec, seed: int) -> pl.DataFrame:
    """Intact CTCs; the last ones form clusters."""
    n, rng = spec.tumour_cells, stream(seed, "ctc")
    diameter = lognormal_within(
        rng, n, spec.ctc_diameter_um, spec.ctc_diameter_sigma, spec.ctc_diameter_range_um
    )
    cells = _cell_columns(spec, rng, diameter)
    classes = rng.permutation(np.repeat(np.arange(4), shares(n, spec.her2_mix)))
    in_clusters = min(round(spec.cluster_share * n), n - spec.tumour_cells_on_seams)
    sizes = _sizes(rng, in_clusters, 4)
    single = n - sum(sizes)
    group = np.concatenate([np.arange(single), single + np.repeat(np.arange(len(sizes)), sizes)])
    cluster = [None] * single + [k + 1 for k, size in enumerate(sizes) for _ in range(size)]
    place = {"group": group.astype(np.int64), "cluster_id": cluster}
    return _rows("ctc", n, {**cells, **_her2(spec, rng, classes), **place})


def _sizes(rng: np.random.Generator, n: int, most: int) -> list[int]:
    """Split n members into groups of 2 to `most`; a single one left over stays alone."""
    sizes: list[int] = []
    while n >= 2:
        size = min(int(rng.integers(2, most + 1)), n)
        size = size + 1 if n - size == 1 and size < most else size
        sizes.append(size)
        n -= size
    return sizes


def _controls(spec: PhantomSpec, seed: int) -> pl.DataFrame:
    """Spiked cells of a line, HER2 by immunofluorescence 0 and 3+."""
    n = spec.controls_negative + spec.controls_strong
    rng = stream(seed, "control")
    middle = spec.control_diameter_um
    diameter = lognormal_within(rng, n, middle, 0.15, (0.6 * middle, 1.6 * middle))
    strong = np.arange(n) >= spec.controls_negative
    kinds = np.where(strong, "control_her2_strong", "control_her2_negative").tolist()
    her2 = _her2(spec, rng, np.where(strong, 3, 0))
    return _rows(kinds, n, {**_cell_columns(spec, rng, diameter), **her2})


def _apoptotic(spec: PhantomSpec, seed: int) -> pl.DataFrame:
    """Dying CTCs: fragmented nucleus, cytokeratin in speckles."""
    n, rng = spec.apoptotic_ctcs, stream(seed, "apoptotic")
    limits = spec.ctc_diameter_range_um
    diameter = lognormal_within(rng, n, 0.9 * spec.ctc_diameter_um, 0.2, limits)
    cells = _cell_columns(spec, rng, diameter)
    cells["lobes"] = rng.integers(3, 7, n)
    cells["nucleus_diameter_um"] = 0.5 * diameter
    classes = rng.permutation(np.repeat(np.arange(4), shares(n, spec.her2_mix)))
    return _rows("apoptotic_ctc", n, {**cells, **_her2(spec, rng, classes)})


def _doublets(spec: PhantomSpec, seed: int) -> pl.DataFrame:
    """CTC-like signal with a leukocyte on top of it: CK+ CD45+."""
    n, rng = spec.doublets, stream(seed, "doublet")
    diameter = lognormal_within(
        rng, n, spec.ctc_diameter_um, spec.ctc_diameter_sigma, spec.ctc_diameter_range_um
    )
    cells = _cell_columns(spec, rng, diameter)
    low, high = spec.cd45_range
    limits = (low + 0.3 * (high - low), high)
    cells["cd45_counts"] = lognormal_within(rng, n, spec.cd45_counts, spec.cd45_sigma, limits)
    return _rows("doublet", n, {**cells, **_her2(spec, rng, np.zeros(n, np.int64))})


def _ck_bodies(spec: PhantomSpec, seed: int) -> pl.DataFrame:
    """Bodies with cytokeratin and without nucleus, such as large vesicles."""
    n, rng = spec.ck_bodies, stream(seed, "ck body")
    ck = lognormal_within(rng, n, 0.6 * spec.ck_counts, spec.ck_sigma, spec.ck_range)
    size = lognormal_within(rng, n, 4.5, 0.35, (2.0, 11.0))
    density = spec.her2_density[0] * np.exp(spec.her2_sigma * rng.standard_normal(n))
    stains = {"diameter_um": size, "ck_counts": ck, "her2_density": density}
    return _rows("ck_without_nucleus", n, stains)


def _debris(spec: PhantomSpec, seed: int) -> pl.DataFrame:
    """Dust and fibres that shine in every channel."""
    n, rng = spec.debris, stream(seed, "debris")
    level = lognormal_within(rng, n, 300.0, 0.6, (100.0, 3000.0))
    channel = np.exp(0.2 * rng.standard_normal((4, n))) * level
    stains = {
        "diameter_um": lognormal_within(rng, n, 6.0, 0.4, (2.0, 20.0)),
        "dapi_counts": channel[0],
        "ck_counts": channel[1],
        "cd45_counts": 0.7 * channel[2],
        "her2_density": channel[3] / spec.leukocyte_her2_counts,
    }
    return _rows("debris", n, stains)


def _nuclei(spec: PhantomSpec, seed: int) -> pl.DataFrame:
    """Leukocytes and unclassified nuclei, some of them in clumps."""
    n, rng = round(spec.frames * spec.nuclei_per_frame), stream(seed, "nuclei")
    plain = rng.permutation(n) < round(spec.unclassified_share * n)
    lobed = (rng.random(n) < spec.neutrophil_share) & ~plain
    sigma = spec.leukocyte_diameter_sigma
    diameter = spec.leukocyte_diameter_um * np.exp(sigma * rng.standard_normal(n))
    ratio = spec.nucleus_diameter_um / spec.leukocyte_diameter_um
    share = np.clip(ratio * (1 + 0.06 * rng.standard_normal(n)), 0.3, 0.92)
    nucleus = diameter * np.where(lobed, 0.95 * share, share)
    low, high = spec.cd45_range
    cd45 = lognormal_within(rng, n, spec.cd45_counts, spec.cd45_sigma, (low, high))
    shape = 1 / max(spec.leukocyte_her2_cv, 1e-6) ** 2
    columns = {
        "group": _clumps(rng, n, round(spec.clump_share * n)),
        "lobes": np.where(lobed, rng.integers(3, 5, n), 1),
        "diameter_um": np.where(plain, nucleus, diameter),
        "nucleus_diameter_um": nucleus,
        "dapi_counts": lognormal_within(rng, n, spec.dapi_counts, spec.dapi_sigma, spec.dapi_range),
        "ck_counts": np.where(plain, 0.0, spec.autofluorescence_counts * rng.gamma(6, 1 / 6, n)),
        "cd45_counts": np.where(plain, 0.0, cd45),
        "her2_density": rng.gamma(shape, 1 / shape, n),
    }
    return _rows(np.where(plain, PLAIN[1], PLAIN[0]).tolist(), n, columns)


def _clumps(rng: np.random.Generator, n: int, clumped: int) -> NDArray[np.int64]:
    """Group of every nucleus; the first `clumped` ones (after mixing) stick together."""
    sizes = _sizes(rng, clumped, 5)
    sizes += [1] * (n - sum(sizes))
    return rng.permutation(np.repeat(np.arange(len(sizes)), sizes)).astype(np.int64)
