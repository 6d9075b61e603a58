"""Measurements over pixel lists; arrays in, arrays out."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.pixel_lists import Floats, Positions, median_of
from ashworth.imaging.shape_features import Coordinates, eccentricity, perimeter

Columns = NDArray[np.float64]

INTENSITIES = (
    "mean",
    "peak",
    "nucleus_mean",
    "ring_mean",
    "granularity",
    "saturated_share",
)
"""What `intensities` gives for one channel, in order."""

ACCEPT = (
    "MeanIntensity", "MaxIntensity", "MedianIntensity", "StandardDeviation", "Mass", "Size",
    "Perimeter", "Eccentricity", "P2A", "Overlay",
)  # fmt: skip
"""What `accept_features` gives for one channel, in order; ACCEPT's names."""


@numba.njit(cache=True, nogil=True)
def coordinates(position: Positions, width: int) -> tuple[Coordinates, Coordinates]:
    """Column and row of flat positions."""
    x, y = np.empty(position.size, np.int32), np.empty(position.size, np.int32)
    for i in range(position.size):
        row = position[i] // width
        x[i], y[i] = position[i] - row * width, row
    return x, y


@numba.njit(cache=True, nogil=True)
def parts(
    start: Positions,
    position: Positions,
    cells: NDArray[np.int32],
    nuclei: NDArray[np.int32],
    width: int,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell nucleus and membrane of each cell.

    Parameters
    ----------
    start, position : ndarray of int64
        Pixels of the cells.
    cells, nuclei : ndarray of int32, raveled
        Labels; a nucleus bears the label of its cell.
    width : int

    Returns
    -------
    in_nucleus, at_rim : ndarray of bool, in the order of `position`
        Whether a pixel belongs to the cell's nucleus; lies within two pixels of its outline.
    """
    in_nucleus, at_rim = (
        np.empty(position.size, np.bool_),
        np.zeros(position.size, np.bool_),
    )
    for k in range(1, start.size - 1):
        for i in range(start[k], start[k + 1]):
            p = position[i]
            in_nucleus[i] = nuclei[p] == k
            x = p % width
            if x < 2 or x >= width - 2 or p < 2 * width or p + 2 * width >= cells.size:
                at_rim[i] = True
                continue
            for q in (p - 2, p + 2, p - 2 * width, p + 2 * width, p - width - 1, p - width + 1,
                      p + width - 1, p + width + 1):  # fmt: skip
                if cells[q] != k:
                    at_rim[i] = True
                    break
    return in_nucleus, at_rim


@numba.njit(cache=True, nogil=True)
def intensities(
    above: Floats,
    raw: NDArray[np.uint16],
    local: Floats,
    start: Positions,
    position: Positions,
    in_nucleus: NDArray[np.bool_],
    at_rim: NDArray[np.bool_],
    saturation: float,
) -> Columns:
    """Measure one channel in every cell, above the cell's local background.

    Parameters
    ----------
    above, raw : ndarray, raveled frame
    local : ndarray of float32, shape (n,)
        Local background of each cell, on the scale of `above`.
    start, position : ndarray of int64
        Pixels of the cells.
    in_nucleus, at_rim : ndarray of bool
        From `parts`.
    saturation : float
        Pixel values from here on are saturated.

    Returns
    -------
    ndarray of float64, shape (n, 6)
        `INTENSITIES`: mean and highest value over the cell, mean over its nucleus (NaN without),
        mean over the ring within two pixels of its outline, standard deviation over mean
        (granularity), share of saturated pixels.
    """
    n = start.size - 2
    out = np.full((n, 6), np.nan)
    for k in range(1, n + 1):
        if start[k] == start[k + 1]:
            continue
        total = square = inner = outer = 0.0
        peak = -np.inf
        n_inner = n_outer = n_saturated = 0
        for i in range(start[k], start[k + 1]):
            v = np.float64(above[position[i]]) - local[k - 1]
            total += v
            square += v * v
            peak = max(peak, v)
            if in_nucleus[i]:
                inner += v
                n_inner += 1
            if at_rim[i]:
                outer += v
                n_outer += 1
            if raw[position[i]] >= saturation:
                n_saturated += 1
        m = start[k + 1] - start[k]
        mean = total / m
        out[k - 1, 0] = mean
        out[k - 1, 1] = peak
        if n_inner > 0:
            out[k - 1, 2] = inner / n_inner
        out[k - 1, 3] = outer / n_outer if n_outer > 0 else np.nan
        if mean > 0:
            out[k - 1, 4] = np.sqrt(max(0.0, square / m - mean * mean)) / mean
        out[k - 1, 5] = n_saturated / m
    return out


@numba.njit(cache=True, nogil=True)
def accept_features(
    smooth: Floats,
    raw: NDArray[np.uint16],
    start: Positions,
    position: Positions,
    x: Coordinates,
    y: Coordinates,
    in_nucleus: NDArray[np.bool_],
    threshold: float,
    level: float,
    pixel_um2: float,
) -> Columns:
    """Measure one channel by ACCEPT's definitions, on the channel's own mask within each cell.

    Parameters
    ----------
    smooth, raw : ndarray, raveled frame
        The mask is `smooth` above `threshold`; values are `raw` minus `level`, not below 0.
    start, position : ndarray of int64
        Pixels of the cells.
    x, y : ndarray of int32
        Their `coordinates`.
    in_nucleus : ndarray of bool
        From `parts`.
    threshold, level : float
        Channel's threshold; median of the frame's unlabelled pixels.
    pixel_um2 : float
        Area of a pixel.

    Returns
    -------
    ndarray of float64, shape (n, 10)
        `ACCEPT`; a cell whose mask is empty has size, mass and overlay 0, the rest NaN.
        Perimeter in pixels, Size in square micrometres, P2A = perimeter^2 / (4 pi area).
    """
    n = start.size - 2
    out = np.full((n, 10), np.nan)
    buffer = np.empty(max(1, np.max(np.diff(start))), np.float32)
    for k in range(1, n + 1):
        mine = position[start[k] : start[k + 1]]
        member = np.empty(mine.size, np.bool_)
        total = square = peak = 0.0
        m = n_nucleus = n_both = 0
        for i in range(mine.size):
            p = mine[i]
            member[i] = smooth[p] > threshold
            inner = in_nucleus[start[k] + i]
            n_nucleus += inner
            if member[i]:
                v = max(0.0, np.float64(raw[p]) - level)
                buffer[m] = v
                m += 1
                total += v
                square += v * v
                peak = max(peak, v)
                n_both += inner
        row = out[k - 1]
        row[4], row[5] = total, m * pixel_um2
        row[9] = n_both / n_nucleus if n_nucleus > 0 else 0.0
        if m == 0:
            continue
        row[0], row[1], row[2] = total / m, peak, median_of(buffer[:m])
        row[3] = np.sqrt(max(0.0, square / m - (total / m) ** 2) * m / max(1, m - 1))
        row[6] = perimeter(member, x[start[k] : start[k + 1]], y[start[k] : start[k + 1]])
        row[7] = eccentricity(member, x[start[k] : start[k + 1]], y[start[k] : start[k + 1]])
        row[8] = row[6] ** 2 / (4 * np.pi * m)
    return out


@numba.njit(cache=True, nogil=True)
def sharpness(
    smooth: Floats,
    start: Positions,
    position: Positions,
    nuclei: NDArray[np.int32],
    width: int,
) -> NDArray[np.float64]:
    """Steepest slope of the nuclear stain in each cell, per pixel, relative to its height there.

    High in focus, low out of focus; independent of the stain's brightness. NaN without nucleus.
    """
    n, size = start.size - 2, smooth.size
    out = np.full(n, np.nan)
    for k in range(1, n + 1):
        steepest, highest = 0.0, 0.0
        for p in position[start[k] : start[k + 1]]:
            if nuclei[p] == k:
                highest = max(highest, np.float64(smooth[p]))
            if p >= width and p + width < size and 0 < p % width < width - 1:
                dx = smooth[p + 1] - smooth[p - 1]
                dy = smooth[p + width] - smooth[p - width]
                steepest = max(steepest, dx * dx + dy * dy)
        if highest > 0:
            out[k - 1] = 0.5 * np.sqrt(steepest) / highest
    return out


@numba.njit(cache=True, nogil=True)
def speckle(
    smooth: Floats, start: Positions, position: Positions, width: int, radius: int
) -> NDArray[np.float64]:
    """Share of a cell's signal that stands out as spots.

    For every pixel the excess over the mean of the eight pixels at `radius` round it, where
    positive; their sum over the cell's sum. About 0.1 in evenly stained cells, higher where the
    stain has gathered into grains smaller than the radius. NaN where the sum is not positive.
    """
    n, height = start.size - 2, smooth.size // width
    out = np.full(n, np.nan)
    near = round(0.7071 * radius)
    for k in range(1, n + 1):
        total = spots = 0.0
        for p in position[start[k] : start[k + 1]]:
            total += smooth[p]
            x, y = p % width, p // width
            if x < radius or y < radius or x >= width - radius or y >= height - radius:
                continue
            straight = (
                smooth[p - radius] + smooth[p + radius]
                + smooth[p - radius * width] + smooth[p + radius * width]
            )  # fmt: skip
            up, down = p - near * width, p + near * width
            diagonal = smooth[up - near] + smooth[up + near] + smooth[down - near]
            around = (straight + diagonal + smooth[down + near]) / 8
            spots += max(0.0, smooth[p] - around)
        if total > 0:
            out[k - 1] = spots / total
    return out


@numba.njit(cache=True, nogil=True)
def places(
    start: Positions,
    position: Positions,
    nuclei: NDArray[np.int32],
    bodies: NDArray[np.int32],
    width: int,
    height: int,
) -> NDArray[np.float64]:
    """Locate each cell.

    Returns
    -------
    ndarray of float64, shape (n, 6)
        Centre x and y in pixels (pixel centres are at whole numbers), pixels of the cell and of
        its nucleus, body that most of its pixels lie on (0: none), whether it touches the edge.
    """
    n = start.size - 2
    out = np.zeros((n, 6))
    for k in range(1, n + 1):
        mine = position[start[k] : start[k + 1]]
        x_sum = y_sum = 0.0
        n_nucleus, body, edge = 0, 0, False
        for p in mine:
            x, y = p % width, p // width
            x_sum += x
            y_sum += y
            n_nucleus += nuclei[p] == k
            if bodies[p] != 0:
                body = bodies[p]
            edge = edge or x == 0 or y == 0 or x == width - 1 or y == height - 1
        m = max(1, mine.size)
        out[k - 1, 0], out[k - 1, 1] = x_sum / m, y_sum / m
        out[k - 1, 2], out[k - 1, 3] = mine.size, n_nucleus
        out[k - 1, 4], out[k - 1, 5] = body, edge
    return out


@numba.njit(cache=True, nogil=True)
def unlabelled(cells: NDArray[np.int32], step: int) -> Positions:
    """Unlabelled pixels (all, if there are none) among every `step`-th row and column.

    As flat positions in the array of these rows and columns.
    """
    rows, columns = (cells.shape[0] - 1) // step + 1, (cells.shape[1] - 1) // step + 1
    found = np.empty(rows * columns + 1, np.int64)
    for everywhere in (False, True):
        n = 0
        for y in range(rows):
            for x in range(columns):
                found[n] = y * columns + x
                n += everywhere or cells[step * y, step * x] == 0
        if n > 0:
            break
    return found[:n]


@numba.njit(cache=True, nogil=True)
def median_at(sample: NDArray[np.uint16], position: Positions) -> float:
    """Median of raveled pixels at some positions, by counting."""
    counts = np.zeros(65536, np.int32)
    for p in position:
        counts[sample[p]] += 1
    n = position.size
    below, value, lower = 0, -1, -1
    while below <= n // 2:
        value += 1
        below += counts[value]
        if lower < 0 and below > (n - 1) // 2:
            lower = value
    return 0.5 * (lower + value)
