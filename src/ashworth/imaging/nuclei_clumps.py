"""Touching nuclei: the network looks at each clump, flooding divides it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.nuclei_flood import Landscape, flood
from ashworth.imaging.nuclei_network import Floats, Network, apply, contrast
from ashworth.imaging.nuclei_regions import Boxes, Labels, largest_parts

MARGIN = 4
"""Pixels around a clump that the network sees, where nuclei are as wide as it expects."""

SIDE = 8
"""Patches of like size are looked at together: sides are multiples of this."""

TILE = 384
"""Side of the squares in which a whole image is looked at; multiple of 2."""


@dataclass(frozen=True, slots=True)
class Division:
    """Where flooding sees two nuclei and not one.

    Attributes
    ----------
    pass_ratio : float
        Two tops belong together where the pass between them has this share of the lower one.
    pass_depth : float
        Or where the pass is less than this below the lower top; a nucleus' centre is about 1.
    log_odds : float
        Where the image gives no threshold, pixels with higher log-odds belong to nuclei.
    """

    pass_ratio: float
    pass_depth: float
    log_odds: float


def look_at_image(network: Network, view: Floats) -> tuple[Floats, Floats]:
    """Log-odds and distance of a whole image, square by square; the squares leave no trace.

    Parameters
    ----------
    network : Network
    view : ndarray of float32, shape (height, width)
        As `nuclei_network.contrast` gives it, at the network's scale.

    Returns
    -------
    logit, distance : ndarray of float32, shape (height, width)
    """
    reach = network.reach_px
    height, width = view.shape
    padded = np.pad(view, ((0, height % 2), (0, width % 2)), mode="edge")
    out = np.empty((2, *padded.shape), np.float32)
    for top in range(0, padded.shape[0], TILE):
        for left in range(0, padded.shape[1], TILE):
            y, x = max(top - reach, 0), max(left - reach, 0)
            part = padded[y : top + TILE + reach, x : left + TILE + reach]
            target = out[:, top : top + TILE, left : left + TILE]
            for plane, found in zip(target, apply(network, part[None]), strict=True):
                inner = found[0, top - y :, left - x :]
                plane[...] = inner[: plane.shape[0], : plane.shape[1]]
    return out[0, :height, :width], out[1, :height, :width]


@dataclass(frozen=True, slots=True)
class Clumps:
    """The clumps of an image.

    Attributes
    ----------
    numbers : ndarray of int
        Number of each clump; its pixels have minus this label.
    box : ndarray of int32, shape (parts + 1, 4)
        Top, left, bottom, right (inclusive) of every part of the image, single nuclei included.
    scale : float
        Pixels of the network for each pixel of the image.
    background, height : float
        Level without nuclei, and typical nuclei above it, in image units.
    """

    numbers: NDArray[np.intp]
    box: Boxes
    scale: float
    background: float
    height: float


def divide_clumps(
    labels: Labels, image: Floats, clumps: Clumps, network: Network,
    *, division: Division, smallest_px: int,
) -> int:  # fmt: skip
    """Divide clumps, in place.

    Parameters
    ----------
    labels, image : ndarray of int32 and of float32, shape (height, width)
    clumps : Clumps
    network : Network
    division : Division
    smallest_px : int
        Smaller pieces are dropped.

    Returns
    -------
    int
        Highest label; the pieces have those above the parts' count.
    """
    n = clumps.box.shape[0] - 1
    for k, distance in _distances(image, clumps, network):
        place, mask = _clump(labels, clumps.box[k], k)
        pieces = flood(distance, mask, division.pass_ratio, division.pass_depth)
        count = int(pieces.max())
        n = _write(place, mask, largest_parts(pieces, count, smallest_px), count, n)
    return n


def _clump(labels: Labels, box: NDArray[np.int32], k: int) -> tuple[Labels, NDArray[np.uint8]]:
    """The box of a clump in the label image, and the clump's pixels there."""
    place = labels[box[0] : box[2] + 1, box[1] : box[3] + 1]
    return place, (place == -k).astype(np.uint8)


def _write(place: Labels, mask: NDArray[np.uint8], pieces: Labels, count: int, n: int) -> int:
    """Write pieces into a clump's place, numbered from n + 1."""
    np.copyto(place, np.where(pieces > 0, pieces + n, 0), where=mask > 0)
    return n + count


def _distances(image: Floats, clumps: Clumps, network: Network) -> Iterator[tuple[int, Landscape]]:
    """What the network says about the distance to the edge in the box of each clump."""
    margin = int(np.ceil(MARGIN / clumps.scale))
    groups: dict[int, list[tuple[int, Floats]]] = {}
    for k in clumps.numbers:
        top, left, bottom, right = clumps.box[k]
        patch = image[max(top - margin, 0) : bottom + margin + 1,
                      max(left - margin, 0) : right + margin + 1]  # fmt: skip
        patch = resized(patch, clumps.scale)
        side = -(-max(patch.shape) // SIDE) * SIDE
        groups.setdefault(side, []).append((int(k), patch))
    for side, members in sorted(groups.items()):
        stack = np.full((len(members), side, side), clumps.background, np.float32)
        for place, (_, patch) in zip(stack, members, strict=True):
            place[: patch.shape[0], : patch.shape[1]] = patch
        _, distance = apply(network, contrast(stack, clumps.background, clumps.height))
        for (k, patch), whole in zip(members, distance, strict=True):
            seen = whole[: patch.shape[0], : patch.shape[1]]
            yield k, _in_box(seen, clumps.box[k], margin, image.shape)


def _in_box(
    distance: Floats, box: NDArray[np.int32], margin: int, shape: tuple[int, ...]
) -> Landscape:
    """Bring a patch back to the image's scale, without its margin."""
    top, left, bottom, right = (int(edge) for edge in box)
    y, x = min(top, margin), min(left, margin)
    high = min(bottom + margin + 1, shape[0]) - top + y
    wide = min(right + margin + 1, shape[1]) - left + x
    if distance.shape != (high, wide):
        distance = np.asarray(cv2.resize(distance, (wide, high)), np.float32)
    inner = distance[y : y + bottom - top + 1, x : x + right - left + 1]
    return np.ascontiguousarray(np.maximum(inner, np.float32(0.01)))


def resized(image: Floats, scale: float) -> Floats:
    """Change the size of an image: area means when smaller, cubic when larger."""
    if abs(scale - 1) < 0.15:
        return image
    height, width = (max(2, round(side * scale)) for side in image.shape)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=way), np.float32)
