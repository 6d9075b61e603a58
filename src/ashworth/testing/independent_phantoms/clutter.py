"""Ferrofluid and dirt of one frame: mottle, dim speckles, faint streaks."""

from __future__ import annotations

import cv2
import numpy as np

from ashworth.testing.independent_phantoms.fields import Plane, Tiles, crop

_TINT = np.array([0.5, 1.0, 0.5, 0.8], np.float32)


def mottle(height: int, width: int, tiles: Tiles, rng: np.random.Generator) -> Plane:
    """Texture of the settled ferrofluid, about +/- 5 % around 1, shape (height, width)."""
    side = max(height, width) // 2 + 2
    fine = crop(tiles.fractal, side, rng) + 0.5 * crop(tiles.swell, side, rng)
    fine = np.ascontiguousarray(fine[: height // 2 + 2, : width // 2 + 2], np.float32)
    big = cv2.resize(fine, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(1 + np.float32(0.045) * np.asarray(big))


def add_speckles(canvas: Plane, kernels: list[Plane], rng: np.random.Generator) -> None:
    """Add dim points of 4 to 40 counts, each in one or all channels, to (4, height, width)."""
    height, width = canvas.shape[1:]
    spots = [np.ascontiguousarray(kernel / kernel.max()) for kernel in kernels]
    n = int(rng.poisson(110 * height * width / 1.43e6))
    counts = np.minimum(4 + rng.gamma(1.3, 6, n), 40).astype(np.float32)
    single = np.eye(4, dtype=np.float32)[rng.integers(0, 4, n)]
    tints = _TINT * np.where(rng.random((n, 1)) < 0.7, single, np.float32(1)) * counts[:, None]
    tops, lefts = rng.integers(0, height - 64, n), rng.integers(0, width - 64, n)
    which = rng.integers(0, len(spots), n)
    for tint, top, left, k in zip(tints, tops.tolist(), lefts.tolist(), which, strict=True):
        side = len(spots[k])
        canvas[:, top : top + side, left : left + side] += spots[k] * tint[:, None, None]


def add_streaks(canvas: Plane, rng: np.random.Generator) -> None:
    """Add 2 to 6 long faint curves, as ferrofluid gathers along field lines and scratches."""
    height, width = canvas.shape[1:]
    for _ in range(int(rng.integers(2, 7))):
        steps = int(rng.integers(20, 60))
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.05, steps))
        path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], axis=1) * 8, axis=0)
        path += rng.uniform((0, 0), (width, height)) - path[0]
        low = np.clip(np.floor(path.min(axis=0)).astype(int) - 6, 0, (width, height))
        high = np.clip(np.ceil(path.max(axis=0)).astype(int) + 6, 0, (width, height))
        if min(high - low) < 2:
            continue
        line = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        points = np.rint((path - low) * 8).astype(np.int32)
        cv2.polylines(line, [points], False, 200, int(rng.integers(1, 3)), cv2.LINE_AA, 3)
        glow = cv2.GaussianBlur(line.astype(np.float32), (0, 0), rng.uniform(0.8, 2.0))
        tint = _TINT * np.float32(rng.uniform(5, 22) / 200)
        canvas[:, low[1] : high[1], low[0] : high[0]] += np.asarray(glow) * tint[:, None, None]
