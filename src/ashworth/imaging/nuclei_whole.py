"""Nuclei of a whole image as the network sees them, and the width at which it sees them best."""

from __future__ import annotations

import cv2
import numpy as np

from ashworth.imaging.nuclei_flood import flood
from ashworth.imaging.nuclei_foreground import Floats, Survey
from ashworth.imaging.nuclei_network import Network, apply, contrast
from ashworth.imaging.nuclei_regions import Labels

LOG_ODDS = -0.8
"""Pixels with higher log-odds belong to nuclei."""

PASS_RATIO = 0.8
"""Two tops belong together where the pass between them has this share of the lower one."""

PASS_DEPTH = 0.15
"""Or where the pass is less than this below the lower top; a nucleus' centre is about 1."""

TILE = 384
"""Side of the squares in which a whole image is looked at; multiple of 2."""

NARROWEST_PX = 8.0
"""Smallest diameter that is tried."""

FEWEST = 10
"""So many nuclei of about the tried diameter speak for it."""

SHARE = 0.8
"""And so much of what is seen must belong to such nuclei."""


def label_whole(
    raw: Floats, found: Survey, diameter: float, network: Network
) -> tuple[Labels, Floats]:
    """Label an image at the network's scale; also the log-odds of nucleus there."""
    scaled = resized(raw, network.diameter_px / diameter)
    logit, distance = look_at_image(network, contrast(scaled, found.background, found.height))
    land = np.maximum(distance, np.float32(0.01))
    return flood(land, (logit > LOG_ODDS).astype(np.uint8), PASS_RATIO, PASS_DEPTH), logit


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


def resized(image: Floats, scale: float) -> Floats:
    """Change the size of an image: area means when smaller, cubic when larger."""
    if abs(scale - 1) < 0.15:
        return image
    height, width = (max(2, round(side * scale)) for side in image.shape)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=way), np.float32)


def tried_diameter(raw: Floats, found: Survey, network: Network) -> float:
    """Diameter at which most of what the network sees has the width that it expects.

    For images in which nuclei lie so densely that the widest foreground is a tissue and no
    nucleus. The surveyed diameter stays where no other one has 10 nuclei or more that make up
    80 % of the area.
    """
    best, diameter = SHARE, found.diameter_px
    tried = min(raw.shape) / 4
    while tried >= NARROWEST_PX:
        labels, _ = label_whole(raw, found, tried, network)
        area = np.bincount(labels.ravel())[1:]
        scale = network.diameter_px / tried
        typical = np.pi / 4 * (tried * scale if abs(scale - 1) >= 0.15 else tried) ** 2
        fitting = area[(area > 0.35 * typical) & (area < 2 * typical)]
        if fitting.size >= FEWEST and fitting.sum() > best * area.sum():
            best, diameter = fitting.sum() / area.sum(), tried
        tried /= np.sqrt(2)
    return float(diameter)
