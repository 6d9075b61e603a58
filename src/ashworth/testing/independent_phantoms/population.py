"""Who lies where: the objects of a cartridge, drawn once per seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from ashworth.imaging.cartridge import Layout
from ashworth.testing.independent_phantoms.fields import PIXEL_UM
from ashworth.testing.independent_phantoms.placement import Group, place
from ashworth.testing.independent_phantoms.spec import IndependentSpec

KINDS = (
    "blob",
    "bubble",
    "ctc",
    "apoptotic_ctc",
    "doublet",
    "ck_without_nucleus",
    "debris",
    "leukocyte",
    "unclassified_nucleus",
)
TUMOUR = ("ctc", "apoptotic_ctc", "ck_without_nucleus")
HER2_MEDIANS = (1.3, 6.0, 25.0, 100.0)
"""Median HER2 density of the classes 0, 1+, 2+, 3+ by immunofluorescence; leukocytes have 1."""
HER2_SIGMA = 0.30

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Population:
    """Columns of equal length, one entry per object; counts are means over the regions.

    `angle` turns the stamp; `library` is the stamp of a leukocyte or unclassified nucleus, -1 for
    all others.
    """

    kind: NDArray[np.str_]
    x: Reals
    y: Reals
    diameter_um: Reals
    dapi: Reals
    ck: Reals
    cd45: Reals
    density: Reals
    her2_class: NDArray[np.int64]
    cluster: NDArray[np.int64]
    depth_um: Reals
    angle: Reals
    library: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the objects."""
        return len(self.x)


def lognormal(
    rng: np.random.Generator, median: float, sigma: float, low: float, high: float, n: int
) -> Reals:
    """Lognormal draws truncated to low..high, by inversion.

    Examples
    --------
    >>> draws = lognormal(np.random.default_rng(1), 500, 0.8, 80, 3000, 1000)
    >>> bool(draws.min() >= 80), bool(draws.max() <= 3000)
    (True, True)
    """
    first, last = ndtr(np.log(np.array([low, high]) / median) / sigma)
    return median * np.exp(sigma * ndtri(rng.uniform(first, last, n)))


def populate(
    spec: IndependentSpec,
    rng: np.random.Generator,
    cell_um: Reals,
    nucleus_um: Reals,
) -> Population:
    """Draw every object; `cell_um` and `nucleus_um` are the diameters of the stamp library."""
    kind, cluster = _kinds(spec, rng)
    n = len(kind)
    library = np.where(_among(kind, KINDS[-2:]), rng.integers(0, len(cell_um), n), -1)
    diameter = _diameters(spec, rng, kind)
    diameter = np.where(kind == "leukocyte", cell_um[library], diameter)
    diameter = np.where(kind == "unclassified_nucleus", nucleus_um[library], diameter)
    her2_class = np.where(_among(kind, TUMOUR), rng.choice(4, n, p=spec.her2_mix), -1)
    dapi, ck, cd45 = _stains(spec, rng, kind)
    seam = np.zeros(n, bool)
    seam[np.flatnonzero((kind == "ctc") & (cluster < 0))[: spec.seam_ctcs]] = True
    x, y = place(spec, rng, Group(kind, cluster, diameter / PIXEL_UM / 2, seam))
    depth = np.clip(rng.normal(0, max(spec.focus_sd_um, 1e-9), n), -7, 7)
    density = _densities(rng, kind, her2_class)
    angle = np.where(library >= 0, rng.uniform(0, 2 * np.pi, n), 0.0)
    return Population(
        kind, x, y, diameter, dapi, ck, cd45, density, her2_class, cluster, depth, angle, library
    )


def _among(kind: NDArray[np.str_], names: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.isin(kind, names)


def _kinds(
    spec: IndependentSpec, rng: np.random.Generator
) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Kind and cluster (-1: none) of each object, large and rare ones first."""
    nuclei = int(rng.poisson(spec.nuclei_per_frame * spec.frames))
    bare = int(rng.binomial(nuclei, spec.unclassified_fraction))
    counts = (
        spec.blobs,
        spec.bubbles,
        spec.ctcs,
        spec.apoptotic,
        spec.doublets,
        spec.ck_bodies,
        spec.debris,
        nuclei - bare,
        bare,
    )
    kind = np.repeat(np.array(KINDS), counts)
    cluster = np.full(len(kind), -1)
    left = int(rng.binomial(max(spec.ctcs - spec.seam_ctcs, 0), spec.cluster_fraction))
    end, number = spec.blobs + spec.bubbles + spec.ctcs, 0
    while left >= 2:
        size = min(int(rng.choice([2, 3, 4], p=[0.6, 0.25, 0.15])), left)
        cluster[end - size : end] = number
        end, left, number = end - size, left - size, number + 1
    return kind, cluster


def _diameters(spec: IndependentSpec, rng: np.random.Generator, kind: NDArray[np.str_]) -> Reals:
    n = len(kind)
    ctc = lognormal(rng, spec.ctc_diameter_um, 0.24, 6, 32, n)
    whole_cell = lognormal(rng, 10.5, 0.12, 8, 14, n)
    body = lognormal(rng, 5.5, 0.35, 3, 12, n)
    choices = {
        "blob": np.full(n, 2 * PIXEL_UM * spec.blob_radius_px),
        "bubble": np.full(n, 2 * PIXEL_UM * spec.bubble_radius_px),
        "ctc": ctc,
        "apoptotic_ctc": ctc,
        "doublet": whole_cell,
        "ck_without_nucleus": body,
    }
    return np.select([kind == name for name in choices], list(choices.values()), 14.0)


def _stains(
    spec: IndependentSpec, rng: np.random.Generator, kind: NDArray[np.str_]
) -> tuple[Reals, Reals, Reals]:
    """Mean counts above background of DAPI (nucleus), cytokeratin and CD45 (cell)."""
    n = len(kind)
    dapi = lognormal(rng, 580, 0.4, 200, 1500, n)
    ck = lognormal(rng, spec.ck_median, 0.85, 80, 3000, n)
    ck = np.where(kind == "leukocyte", rng.gamma(4, 1.2, n), ck)
    ck = np.where(kind == "unclassified_nucleus", 0.0, ck)
    positive = _among(kind, ("leukocyte", "doublet"))
    cd45 = np.where(positive, lognormal(rng, 210, 0.4, 80, 500, n), 0.0)
    return np.where(kind == "ck_without_nucleus", 0.0, dapi), ck, cd45


def _densities(
    rng: np.random.Generator, kind: NDArray[np.str_], her2_class: NDArray[np.int64]
) -> Reals:
    """HER2 relative to leukocytes, whose density has mean 1 and coefficient of variation 0.4."""
    log_variance = np.log1p(0.4**2)
    z = rng.standard_normal(len(kind))
    white = np.exp(np.sqrt(log_variance) * z - log_variance / 2)
    tumour = np.array(HER2_MEDIANS)[her2_class] * np.exp(HER2_SIGMA * z)
    lifeless = _among(kind, ("blob", "bubble", "debris"))
    return np.where(lifeless, np.nan, np.where(her2_class >= 0, tumour, white))


def truth_table(population: Population, spec: IndependentSpec, layout: Layout) -> pl.DataFrame:
    """One row per object, sorted by object_id; see `IndependentPhantom`."""
    p, (wide, high) = population, spec.size_px
    column = np.minimum(p.x // spec.width, spec.columns - 1).astype(int)
    row = np.minimum(p.y // spec.height, spec.rows - 1).astype(int)
    number = np.zeros((spec.rows, spec.columns), int)
    for value, (c, r) in zip(layout.numbers, layout.places, strict=True):
        number[r, c] = value
    reach = p.diameter_um / PIXEL_UM / 2
    left, top = p.x - column * spec.width, p.y - row * spec.height
    gap = np.minimum.reduce([left, spec.width - left, top, spec.height - top])
    edge = np.minimum.reduce([p.x, wide - p.x, p.y, high - p.y])
    nullable = {"her2_class": p.her2_class, "cluster_id": p.cluster}
    return pl.DataFrame(
        {
            "object_id": np.arange(len(p)),
            "kind": p.kind.astype(object).tolist(),
            "x_px": p.x,
            "y_px": p.y,
            "frame": number[row, column],
            "on_border": gap < reach,
            "at_edge": edge < reach,
            "diameter_um": p.diameter_um,
            "her2_density": p.density,
            **nullable,
            "is_ctc": p.kind == "ctc",
        }
    ).with_columns(
        pl.col("her2_density").fill_nan(None),
        *[pl.when(pl.col(name) >= 0).then(pl.col(name)).alias(name) for name in nullable],
    )
