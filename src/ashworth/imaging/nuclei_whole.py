"""Nuclei of a whole image as the network sees them, and the width at which it sees them best."""

from __future__ import annotations

import cv2
import numpy as np

from ashworth.imaging.nuclei_flood import flood
from ashworth.imaging.nuclei_foreground import Floats, Survey
from ashworth.imaging.nuclei_network import Network, contrast, look_at_image
from ashworth.imaging.nuclei_regions import Labels

LOG_ODDS = -0.4
"""Pixels with higher log-odds belong to nuclei."""

PASS_RATIO = 0.8
"""Two tops belong together where the pass between them has this share of the lower one."""

PASS_DEPTH = 0.2
"""Or where the pass is less than this below the lower top; a nucleus' centre is about 1."""

NARROWEST_PX = 8.0
"""Smallest diameter that is tried."""

FEWEST = 10
"""So many nuclei of about the tried diameter speak for it."""

SHARE = 0.6
"""And so many of those that are seen must be about so wide."""

TRIED_DIAMETERS = 32
"""Sides of the square in the middle of the image where a diameter is tried, in such diameters."""


def label_whole(
    raw: Floats, found: Survey, diameter: float, network: Network
) -> tuple[Labels, Floats]:
    """Label an image at the network's scale; also the log-odds of nucleus there."""
    scaled = resized(raw, network.diameter_px / diameter)
    logit, distance = look_at_image(network, contrast(scaled, found.background, found.height))
    land = np.maximum(distance, np.float32(0.01))
    return flood(land, (logit > LOG_ODDS).astype(np.uint8), PASS_RATIO, PASS_DEPTH), logit


def resized(image: Floats, scale: float) -> Floats:
    """Change the size of an image: area means when smaller, cubic when larger."""
    if abs(scale - 1) < 0.15:
        return image
    height, width = (max(2, round(side * scale)) for side in image.shape)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=way), np.float32)


def tried_diameter(raw: Floats, found: Survey, network: Network) -> float:
    """Largest diameter at which most of the nuclei seen have the width that the network expects.

    For images in which nuclei lie so densely that the widest foreground is a tissue and no
    nucleus. The surveyed diameter stays where no other one has 10 nuclei or more that make up
    60 % of those seen.
    """
    tried = min(raw.shape) / 4
    while tried >= NARROWEST_PX:
        middle = _middle(raw, round(TRIED_DIAMETERS * tried))
        labels, _ = label_whole(middle, found, tried, network)
        area = np.bincount(labels.ravel())[1:] * (middle.size / labels.size)
        relative = area[area > 0] / (np.pi / 4 * tried**2)
        fitting = np.count_nonzero((relative > 0.35) & (relative < 2))
        if fitting >= FEWEST and fitting > SHARE * relative.size:
            return float(tried)
        tried /= np.sqrt(2)
    return found.diameter_px


def _middle(image: Floats, side: int) -> Floats:
    """The square of a side in the middle of an image, or as much of it as there is."""
    top, left = (max(0, (n - side) // 2) for n in image.shape)
    return image[top : top + side, left : left + side]
