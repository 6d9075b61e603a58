"""What is not a cell: shards, fibres, dust, saturated blobs, air bubbles, the cartridge wall."""

from __future__ import annotations

import cv2
import numpy as np

from ashworth.testing.independent_phantoms.cells import CD45, CK, DAPI, HER2
from ashworth.testing.independent_phantoms.fields import Plane, Tiles, coverage, crop, grid


def debris(tiles: Tiles, rng: np.random.Generator) -> Plane:
    """A shard or fibre that glows in every channel, or dust in cytokeratin and HER2 only."""
    pick = rng.random()
    if pick < 0.4:
        return _glow(_shard(tiles, rng), rng)
    return _glow(_fibre(rng), rng) if pick < 0.65 else _dust(rng)


def _glow(shape: Plane, rng: np.random.Generator) -> Plane:
    """Autofluorescence: broad, weaker towards the red."""
    counts = np.exp(rng.normal(np.log(250), 0.6))
    return shape[..., None] * (counts * rng.uniform(0.4, 1.0, 4)).astype(np.float32)


def _shard(tiles: Tiles, rng: np.random.Generator) -> Plane:
    side = 96
    corners = int(rng.integers(3, 8))
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = rng.uniform(5, 26, corners)
    points = np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1) + side / 2
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 255, cv2.LINE_AA)
    texture = np.exp(0.5 * crop(tiles.fractal, side, rng))
    return (mask * np.float32(1 / 255) * texture).astype(np.float32)


def _fibre(rng: np.random.Generator) -> Plane:
    side, steps = 224, 45
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.13, steps))
    stride = rng.uniform(1.0, 3.8)
    points = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], axis=1) * stride, axis=0)
    points += side / 2 - points.mean(axis=0)
    mask = np.zeros((side, side), np.uint8)
    width = int(rng.integers(2, 6))
    cv2.polylines(mask, [np.rint(points).astype(np.int32)], False, 255, width, cv2.LINE_AA)
    return mask * np.float32(1 / 255)


def _dust(rng: np.random.Generator) -> Plane:
    side = 64
    x, y = grid(side)
    cloud = np.zeros((side, side), np.float32)
    for cx, cy, size in rng.normal(0, (7, 7, 0.7), (int(rng.integers(4, 15)), 3)):
        cloud += coverage((1.2 + abs(size) - np.hypot(x - cx, y - cy)).astype(np.float32))
    stamp = np.zeros((side, side, 4), np.float32)
    stamp[..., CK] = cloud * np.float32(np.exp(rng.normal(np.log(150), 0.6)))
    stamp[..., HER2] = cloud * np.float32(np.exp(rng.normal(np.log(80), 0.6)))
    return stamp


def blob(radius_px: float, counts: float) -> Plane:
    """A glowing ball, as bright in every channel; on the fine grid."""
    radius = 2 * radius_px
    side = 2 * int(np.ceil(radius)) + 24
    x, y = grid(side)
    thickness = np.sqrt(np.clip(1 - (x * x + y * y) / np.float32(radius**2), 0, 1)) ** 0.4
    return np.repeat((thickness * np.float32(counts))[..., None], 4, axis=2)


def bubble(x: Plane, y: Plane, radius_px: float, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Light added (4, height, width) and background kept (height, width) around an air bubble.

    `x`, `y` are distances in camera pixels from the bubble's middle.
    """
    turn, bright = rng.uniform(0, 2 * np.pi), rng.uniform(60, 160)
    rho, theta = np.hypot(x, y), np.arctan2(y, x)
    inner = np.exp(-(((rho - radius_px + 14) / 5) ** 2)) * np.float32(0.35)
    ring = np.exp(-(((rho - radius_px) / 4) ** 2)) + inner
    ring = ring * (0.6 + 0.4 * np.cos(theta - np.float32(turn)))
    tint = (bright * np.array([1.0, 0.7, 0.5, 0.8])).astype(np.float32)
    kept = 1 - np.float32(0.45) / (1 + np.exp(np.clip((rho - radius_px) / 3, -30, 30)))
    return tint[:, None, None] * ring, kept


def wall_height(x_px: Plane, mean_px: float, rng: np.random.Generator) -> Plane:
    """How far the cartridge's wall reaches into the image at each column; within 0.6 to 1.4."""
    height = np.ones_like(x_px)
    for length in (5200.0, 1700.0, 410.0):
        phase = rng.uniform(0, 2 * np.pi)
        height += np.float32(0.13) * np.sin(
            x_px * np.float32(2 * np.pi / length) + np.float32(phase)
        )
    return height * np.float32(mean_px)


def wall(x: Plane, y: Plane, mean_px: float, tiles: Tiles, rng: np.random.Generator) -> Plane:
    """Glow of the wall along the upper side, (4, height, width); `x`, `y` in cartridge pixels."""
    distance = wall_height(x, mean_px, rng) - y
    side = tiles.fractal.shape[0]
    rows = (np.floor(y).astype(np.intp) % side)[:, :1]
    grainy = tiles.fractal[rows, np.floor(x).astype(np.intp)[:1] % side]
    glow = 1 / (1 + np.exp(-np.clip(distance / 2.5, -30, 30)))
    glow = glow * (1 + 0.25 * grainy) + 0.25 * np.exp(-np.clip(-distance, 0, 300) / 18) * (
        distance < 0
    )
    tint = np.zeros(4, np.float32)
    tint[[DAPI, CK, CD45, HER2]] = (320, 260, 160, 240)
    return tint[:, None, None] * np.maximum(glow, 0).astype(np.float32)
