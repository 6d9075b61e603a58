"""Nuclei of a whole image as the network sees them, and the width at which it sees them best."""

from __future__ import annotations

import numpy as np

from ashworth.imaging.nuclei_clumps import Division, look_at_image, resized
from ashworth.imaging.nuclei_flood import flood
from ashworth.imaging.nuclei_foreground import Floats, Survey
from ashworth.imaging.nuclei_network import Network, contrast
from ashworth.imaging.nuclei_regions import Labels

NARROWEST_PX = 8.0
"""Smallest diameter that is tried."""

FEWEST = 10
"""So many nuclei of about the tried diameter speak for it."""

SHARE = 0.8
"""And so much of what is seen must belong to such nuclei."""


def label_whole(
    raw: Floats, found: Survey, diameter: float, network: Network, division: Division
) -> tuple[Labels, Floats]:
    """Label an image at the network's scale; also the log-odds of nucleus there."""
    scaled = resized(raw, network.diameter_px / diameter)
    logit, distance = look_at_image(network, contrast(scaled, found.background, found.height))
    land = np.maximum(distance, np.float32(0.01))
    mask = (logit > division.log_odds).astype(np.uint8)
    return flood(land, mask, division.pass_ratio, division.pass_depth), logit


def tried_diameter(raw: Floats, found: Survey, network: Network, division: Division) -> float:
    """Diameter at which most of what the network sees has the width that it expects.

    For images in which nuclei lie so densely that the widest foreground is a tissue and no
    nucleus. The surveyed diameter stays where no other one has 10 nuclei or more that make up
    80 % of the area.
    """
    best, diameter = SHARE, found.diameter_px
    tried = min(raw.shape) / 4
    while tried >= NARROWEST_PX:
        labels, _ = label_whole(raw, found, tried, network, division)
        area = np.bincount(labels.ravel())[1:]
        scale = network.diameter_px / tried
        typical = np.pi / 4 * (tried * scale if abs(scale - 1) >= 0.15 else tried) ** 2
        fitting = area[(area > 0.35 * typical) & (area < 2 * typical)]
        if fitting.size >= FEWEST and fitting.sum() > best * area.sum():
            best, diameter = fitting.sum() / area.sum(), tried
        tried /= np.sqrt(2)
    return float(diameter)
