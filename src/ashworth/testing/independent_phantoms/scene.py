"""Stamps of single objects and the light of a whole frame before the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.cartridge import Layout
from ashworth.testing.independent_phantoms import artefacts, cells, optics
from ashworth.testing.independent_phantoms.camera import PAD, Camera, padded_shape
from ashworth.testing.independent_phantoms.cells import Look
from ashworth.testing.independent_phantoms.fields import FINE_UM, PIXEL_UM, Plane, Tiles
from ashworth.testing.independent_phantoms.population import Population
from ashworth.testing.independent_phantoms.spec import IndependentSpec

LIBRARY = 220
DEPTHS_UM = np.arange(0.0, 8.0)

_DRAWN: dict[str, Callable[[Look, Tiles, np.random.Generator], Plane]] = {
    "ctc": cells.tumour_cell,
    "apoptotic_ctc": cells.apoptotic_cell,
    "doublet": cells.doublet,
    "ck_without_nucleus": cells.ck_body,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that the frames of a cartridge share; never changed after it was made."""

    spec: IndependentSpec
    seed: int
    layout: Layout
    tiles: Tiles
    spreads: list[list[Plane]]
    library: list[Plane]
    population: Population
    camera: Camera


def stream(*key: int) -> np.random.Generator:
    """Random numbers that belong to a key, e.g. (seed, purpose, object)."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(key)))


def leukocyte_library(
    spec: IndependentSpec, tiles: Tiles, spreads: list[list[Plane]], rng: np.random.Generator
) -> tuple[list[Plane], NDArray[np.float64], NDArray[np.float64]]:
    """Stamps of unit brightness, seen through the optics; cell and nucleus diameters in um."""
    diameter_um = np.clip(9.4 * np.exp(rng.normal(0, 0.11, LIBRARY)), 7, 13)
    stamps, nucleus_um = [], np.zeros(LIBRARY)
    for i, size in enumerate(diameter_um):
        stamp, area = cells.leukocyte(Look(size, 1, 1, 1, 1), tiles, rng)
        stamps.append(optics.blurred(stamp, _spread(spreads, rng.normal(0, 1) * spec.focus_sd_um)))
        nucleus_um[i] = 2 * np.sqrt(area / np.pi) * FINE_UM
    return stamps, diameter_um, nucleus_um


def _spread(spreads: list[list[Plane]], depth_um: float) -> list[Plane]:
    return spreads[min(round(abs(depth_um)), len(spreads) - 1)]


def stamp_of(scene: Scene, item: int) -> Plane:
    """One object on the fine grid as the microscope shows it, (side, side, 4), in counts."""
    p, rng = scene.population, stream(scene.seed, 5, item)
    her2 = float(p.density[item]) * cells.LEUKOCYTE_HER2
    dapi, ck, cd45 = float(p.dapi[item]), float(p.ck[item]), float(p.cd45[item])
    if p.library[item] >= 0:
        return scene.library[p.library[item]] * np.array((dapi, ck, cd45, her2), np.float32)
    kind = str(p.kind[item])
    if kind in _DRAWN:
        look = Look(float(p.diameter_um[item]), dapi, ck, cd45, her2)
        stamp = _DRAWN[kind](look, scene.tiles, rng)
    elif kind == "blob":
        stamp = artefacts.blob(scene.spec.blob_radius_px, scene.spec.blob_counts)
    else:
        stamp = artefacts.debris(scene.tiles, rng)
    return optics.blurred(stamp, _spread(scene.spreads, float(p.depth_um[item])))


def patch_of(stamp: Plane, x: float, y: float, angle: float) -> tuple[Plane, int, int]:
    """Stamp turned by `angle` and sampled by the camera; its upper left pixel in the cartridge."""
    side = len(stamp) // 2 + 2 if angle == 0 else int(len(stamp) * 0.6) + 2
    left, top = int(np.floor(x)) - side // 2, int(np.floor(y)) - side // 2
    cosine, sine = 2 * np.cos(angle), 2 * np.sin(angle)
    middle, cx, cy = (len(stamp) - 1) / 2, x - left - 0.5, y - top - 0.5
    back = np.array(
        [
            [cosine, -sine, middle - cosine * cx + sine * cy],
            [sine, cosine, middle - sine * cx - cosine * cy],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(stamp, back, (side, side), flags=flags)), left, top


def objects_of(scene: Scene, index: int) -> Plane:
    """Light of cells, debris and blobs around a frame, (4, height, width) with `PAD` margins."""
    p = scene.population
    x0, y0 = (value - PAD for value in scene.layout.origin(index))
    height, width = padded_shape(scene.spec)
    canvas = np.zeros((4, height, width), np.float32)
    reach = p.diameter_um / PIXEL_UM + 70
    near = (p.x > x0 - reach) & (p.x < x0 + width + reach) & (p.kind != "bubble")
    near &= (p.y > y0 - reach) & (p.y < y0 + height + reach)
    for item in np.flatnonzero(near).tolist():
        patch, left, top = patch_of(stamp_of(scene, item), p.x[item], p.y[item], p.angle[item])
        _add(canvas, patch, left - x0, top - y0)
    return canvas


def _add(canvas: Plane, patch: Plane, left: int, top: int) -> None:
    """Add a patch (side, side, 4) to a canvas (4, height, width), cut at its borders."""
    height, width = canvas.shape[1:]
    rows = slice(max(top, 0), min(top + len(patch), height))
    columns = slice(max(left, 0), min(left + patch.shape[1], width))
    if rows.start < rows.stop and columns.start < columns.stop:
        cut = patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        canvas[:, rows, columns] += np.moveaxis(cut, 2, 0)


def add_obstacles(scene: Scene, index: int, canvas: Plane, kept: Plane) -> None:
    """Add bubbles and the wall to the canvas; lower the share of background that is kept."""
    spec, p = scene.spec, scene.population
    x0, y0 = scene.layout.origin(index)
    x = np.arange(canvas.shape[2], dtype=np.float32)[None, :] + np.float32(x0 - PAD + 0.5)
    y = np.arange(canvas.shape[1], dtype=np.float32)[:, None] + np.float32(y0 - PAD + 0.5)
    limit = spec.bubble_radius_px + 40
    for item in np.flatnonzero(p.kind == "bubble").tolist():
        dx, dy = x - np.float32(p.x[item]), y - np.float32(p.y[item])
        if np.abs(dx).min() < limit and np.abs(dy).min() < limit:
            rng = stream(scene.seed, 5, item)
            added, left = artefacts.bubble(dx, dy, spec.bubble_radius_px, rng)
            canvas += added
            kept *= left[PAD : PAD + spec.height, PAD : PAD + spec.width]
    if spec.edge_band_px and y0 - PAD < 3 * spec.edge_band_px:
        lit = slice(0, int(3 * spec.edge_band_px) + PAD)
        rng = stream(scene.seed, 8)
        canvas[:, lit] += artefacts.wall(x, y[lit], spec.edge_band_px, scene.tiles, rng)
