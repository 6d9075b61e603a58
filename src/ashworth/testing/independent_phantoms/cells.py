"""Single cells: outline, nucleus with chromatin, cytokeratin fibres, granular membrane.

Every function gives a sharp stamp (side, side, 4) on the fine grid, in counts above background.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ashworth.testing.independent_phantoms.fields import (
    FINE_UM,
    Plane,
    Tiles,
    contour,
    coverage,
    crop,
    grid,
    level,
    scaled,
)

DAPI, CK, CD45, HER2 = range(4)
LEUKOCYTE_HER2 = 12.0
"""HER2 counts of a leukocyte: a relative density of 1."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a cell is to look like: diameter of the outline, mean counts over its regions."""

    diameter_um: float
    dapi: float
    ck: float
    cd45: float
    her2: float


def side_for(diameter_um: float) -> int:
    """Side of a stamp that leaves room for rough outlines and the point spread."""
    return 2 * int(np.ceil(0.75 * diameter_um / FINE_UM)) + 28


def area_fine_px(diameter_um: float) -> float:
    """Area in fine pixels of a disc of this diameter."""
    return float(np.pi * (diameter_um / FINE_UM / 2) ** 2)


def rim(outline: Plane, tiles: Tiles, rng: np.random.Generator) -> Plane:
    """Membrane seen from above: a granular band 0.8 um inside the outline."""
    band = np.exp(-(((outline - 1.5) / 2.5) ** 2))
    grains = 0.35 + np.maximum(crop(tiles.grain, len(outline), rng), -0.3) ** 2
    return band * grains * coverage(outline)


def membrane(
    outline: Plane, mean: float, share: float, tiles: Tiles, rng: np.random.Generator
) -> Plane:
    """Stain with a share on the granular membrane, the rest over the whole cell."""
    body = coverage(outline)
    cloud = body * (1 + 0.15 * crop(tiles.swell, len(outline), rng))
    edge = scaled(rim(outline, tiles, rng), body, mean * share)
    return edge + scaled(cloud, body, mean * (1 - share))


def chromatin(nucleus: Plane, mean: float, tiles: Tiles, rng: np.random.Generator) -> Plane:
    """Dome of DNA with fractal texture and up to three dark nucleoli."""
    body = coverage(nucleus)
    depth = np.clip(nucleus, 0, None)
    dome = 0.55 + np.sqrt(depth / max(float(depth.max()), 1.0))
    texture = dome * np.exp(0.42 * crop(tiles.fractal, len(nucleus), rng)) * body
    x, y = grid(len(nucleus))
    for _ in range(int(rng.integers(0, 4))):
        cx, cy = rng.uniform(-7, 7, 2)
        texture *= 1 - 0.45 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / rng.uniform(4, 14))
    return scaled(texture, body, mean)


def lobed_nucleus(side: int, area_px: float, lobes: int, rng: np.random.Generator) -> Plane:
    """Kidney (2 merged lobes) or segmented nucleus: lobes along an arc, joined by bridges."""
    x, y = grid(side)
    size = np.sqrt(area_px / np.pi / lobes)
    spacing = rng.uniform(1.2, 1.55) if lobes == 2 else rng.uniform(1.6, 1.95)
    bend = size * (rng.uniform(1.2, 2.0) if lobes == 2 else rng.uniform(1.5, 2.1))
    angles = rng.uniform(0, 2 * np.pi) + np.arange(lobes) * spacing * size / bend
    middles = bend * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    middles -= middles.mean(axis=0) + rng.normal(0, 1, 2)
    bumps = [size * rng.uniform(0.85, 1.15) - np.hypot(x - cx, y - cy) for cx, cy in middles]
    joined = np.logaddexp.reduce(np.array(bumps) * 0.9, axis=0) / 0.9
    return level(joined.astype(np.float32), area_px)


def leukocyte_nucleus(
    outline: Plane, area_px: float, tiles: Tiles, rng: np.random.Generator
) -> Plane:
    """Round (lymphocyte), kidney-shaped (monocyte) or 2 to 4 lobes (granulocyte)."""
    side, pick = len(outline), rng.random()
    if pick < 0.4:
        x, y = grid(side)
        shape = contour(x, y, np.sqrt(area_px / np.pi), rng, 0.07)
        shape = level(shape + 0.4 * crop(tiles.swell, side, rng), area_px)
    else:
        lobes = 2 if pick < 0.6 else int(rng.integers(2, 5))
        shape = lobed_nucleus(side, area_px * 0.9, lobes, rng)
    return np.minimum(shape, outline - np.float32(1.5))


def leukocyte(look: Look, tiles: Tiles, rng: np.random.Generator) -> tuple[Plane, float]:
    """A leukocyte and the area of its nucleus in fine pixels."""
    side, area = side_for(look.diameter_um), area_fine_px(look.diameter_um)
    x, y = grid(side)
    outline = contour(x, y, look.diameter_um / FINE_UM / 2, rng, 0.05)
    outline = level(outline + 0.5 * crop(tiles.swell, side, rng), area)
    nucleus = leukocyte_nucleus(outline, area * rng.uniform(0.45, 0.75), tiles, rng)
    stamp = np.zeros((side, side, 4), np.float32)
    stamp[..., DAPI] = chromatin(nucleus, look.dapi, tiles, rng)
    stamp[..., CK] = scaled(coverage(outline), coverage(outline), look.ck)
    stamp[..., CD45] = membrane(outline, look.cd45, rng.uniform(0.6, 0.85), tiles, rng)
    stamp[..., HER2] = membrane(outline, look.her2, 0.4, tiles, rng)
    return stamp, float(coverage(nucleus).sum())


def filaments(outline: Plane, nucleus: Plane, tiles: Tiles, rng: np.random.Generator) -> Plane:
    """Cytokeratin: persistent random walks splatted into the cell, weighted by its habit.

    The habit is drawn: an even network, a perinuclear basket, or a cap at one pole.
    """
    side, fibres, steps = len(outline), int(rng.integers(25, 70)), 48
    radius = np.sqrt(float((outline > 0).sum()) / np.pi)
    spot, turn = rng.uniform(0, 2 * np.pi, (2, fibres, 1))
    start = radius * np.sqrt(rng.uniform(0, 0.7, (fibres, 1)))
    heading = turn + np.cumsum(rng.normal(0, 0.22, (fibres, steps)), axis=1)
    xs = start * np.cos(spot) + np.cumsum(np.cos(heading), axis=1)
    ys = start * np.sin(spot) + np.cumsum(np.sin(heading), axis=1)
    cols = np.clip(np.rint(xs + (side - 1) / 2), 0, side - 1).astype(np.intp)
    rows = np.clip(np.rint(ys + (side - 1) / 2), 0, side - 1).astype(np.intp)
    mesh = np.bincount((rows * side + cols).ravel(), minlength=side * side)
    mesh = np.sqrt(mesh.reshape(side, side).astype(np.float32))
    body = coverage(outline)
    cloud = np.float32(0.5) + np.float32(0.15) * crop(tiles.grain, side, rng)
    return (
        (mesh / max(float(mesh.sum()), 1) * float(body.sum()) + cloud)
        * body
        * habit(outline, nucleus, rng)
    )


def habit(outline: Plane, nucleus: Plane, rng: np.random.Generator) -> Plane:
    """Where in the cell cytokeratin lies: even, around the nucleus, or a cap; thin over DNA."""
    pick = rng.random()
    over = 1 - rng.uniform(0.3, 0.6) * coverage(nucleus)
    if pick < 0.5:
        return over
    if pick < 0.8:
        return over * (0.25 + np.exp(-np.abs(nucleus + 2) / rng.uniform(5, 10)))
    x, y = grid(len(outline))
    pole = rng.uniform(0, 2 * np.pi)
    toward = (x * np.cos(pole) + y * np.sin(pole)) / np.sqrt((outline > 0).sum() / np.pi)
    return over * (0.3 + 1 / (1 + np.exp(-4 * toward)))


def tumour_cell(look: Look, tiles: Tiles, rng: np.random.Generator) -> Plane:
    """An intact tumour cell: nucleus inside the cytoplasm, cytokeratin, HER2, no CD45."""
    side, area = side_for(look.diameter_um), area_fine_px(look.diameter_um)
    radius = look.diameter_um / FINE_UM / 2
    x, y = grid(side)
    outline = contour(x, y, radius, rng, rng.uniform(0.06, 0.2))
    outline = level(outline + 1.0 * crop(tiles.swell, side, rng), area)
    share = rng.uniform(0.3, 0.58)
    shift, pole = (1 - np.sqrt(share)) * radius * rng.uniform(0, 0.7), rng.uniform(0, 2 * np.pi)
    dx, dy = np.float32(shift * np.cos(pole)), np.float32(shift * np.sin(pole))
    nucleus = contour(x - dx, y - dy, radius * np.sqrt(share), rng, 0.1)
    nucleus = level(nucleus + 0.5 * crop(tiles.swell, side, rng), area * share)
    nucleus = np.minimum(nucleus, outline - np.float32(1.5))
    stamp = np.zeros((side, side, 4), np.float32)
    stamp[..., DAPI] = chromatin(nucleus, look.dapi, tiles, rng)
    stamp[..., CK] = scaled(filaments(outline, nucleus, tiles, rng), coverage(outline), look.ck)
    stamp[..., HER2] = membrane(outline, look.her2, rng.uniform(0.5, 0.75), tiles, rng)
    return stamp


def apoptotic_cell(look: Look, tiles: Tiles, rng: np.random.Generator) -> Plane:
    """A dying tumour cell: blebbed outline, speckled cytokeratin, condensed DNA fragments."""
    side, area = side_for(look.diameter_um), area_fine_px(look.diameter_um)
    radius = look.diameter_um / FINE_UM / 2
    x, y = grid(side)
    outline = contour(x, y, radius, rng, 0.18) + 2.2 * crop(tiles.swell, side, rng)
    outline = level(outline, area)
    speckle = np.maximum(crop(tiles.grain, side, rng) - 1.1, 0) ** 1.2 + 0.03
    shards = np.full((side, side), -9.0, np.float32)
    for _ in range(int(rng.integers(2, 6))):
        cx, cy = rng.uniform(-0.5, 0.5, 2) * radius
        size = rng.uniform(0.14, 0.3) * radius
        shards = np.maximum(shards, (size - np.hypot(x - cx, y - cy)).astype(np.float32))
    shards = np.minimum(shards, outline)
    stamp = np.zeros((side, side, 4), np.float32)
    stamp[..., DAPI] = scaled(coverage(shards), coverage(shards), look.dapi)
    stamp[..., CK] = scaled(speckle * coverage(outline), coverage(outline), look.ck)
    stamp[..., HER2] = membrane(outline, look.her2, 0.4, tiles, rng)
    return stamp


def doublet(look: Look, tiles: Tiles, rng: np.random.Generator) -> Plane:
    """A leukocyte that carries cytokeratin, all over or as a fragment stuck on one side."""
    stamp, _ = leukocyte(look, tiles, rng)
    side = len(stamp)
    x, y = grid(side)
    radius, reach = look.diameter_um / FINE_UM / 2, rng.choice([0.0, 0.45])
    pole = rng.uniform(0, 2 * np.pi)
    dx, dy = np.float32(reach * radius * np.cos(pole)), np.float32(reach * radius * np.sin(pole))
    body = contour(x - dx, y - dy, radius * (0.95 - 0.3 * (reach > 0)), rng, 0.08)
    fibres = filaments(body, np.full_like(body, -99.0), tiles, rng)
    stamp[..., CK] += scaled(fibres, coverage(body), look.ck)
    return stamp


def ck_body(look: Look, tiles: Tiles, rng: np.random.Generator) -> Plane:
    """A piece of cytoplasm without nucleus."""
    side, area = side_for(look.diameter_um), area_fine_px(look.diameter_um)
    x, y = grid(side)
    outline = contour(x, y, look.diameter_um / FINE_UM / 2, rng, 0.14)
    outline = level(outline + 0.5 * crop(tiles.swell, side, rng), area)
    grains = (1 + 0.3 * crop(tiles.grain, side, rng)) * coverage(outline)
    stamp = np.zeros((side, side, 4), np.float32)
    stamp[..., CK] = scaled(np.maximum(grains, 0), coverage(outline), look.ck)
    stamp[..., HER2] = membrane(outline, look.her2, 0.5, tiles, rng)
    return stamp
