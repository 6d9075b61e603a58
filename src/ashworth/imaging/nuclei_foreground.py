"""Which pixels are nuclei: background level, noise, threshold and typical size of an image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Level:
    """What separates nuclei from background, in image units.

    Attributes
    ----------
    threshold : float
        Pixels above it are foreground.
    background : float
        Median of the pixels at or below Otsu's threshold.
    noise : float
        Robust standard deviation of these pixels (1.4826 times their median deviation).
    """

    threshold: float
    background: float
    noise: float


def otsu(values: Floats) -> float:
    """Otsu's threshold of the square root of the values, given in their own units.

    Counts have a variance in proportion to their mean: the square root makes it constant, and
    a few very bright nuclei do not raise the threshold above the dim ones. N. Otsu, IEEE Trans
    Syst Man Cybern 9:62 (1979).
    """
    low = float(values.min())
    root = np.sqrt(values - low)
    high = float(np.percentile(root, 99.9)) or float(root.max())
    if high <= 0:
        return low
    scaled = np.minimum(root * (255 / high), 255).astype(np.uint8)
    cut, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return low + float((cut + 0.5) / 255 * high) ** 2


def level(smooth: Floats, *, noise_factor: float, height_fraction: float) -> Level:
    """Find background, noise and threshold of a smoothed image."""
    cut = otsu(smooth)
    below = smooth[smooth <= cut]
    background = float(np.median(below))
    noise = float(1.4826 * np.median(np.abs(below - background)))
    above = smooth[smooth > cut]
    height = float(np.median(above)) - background if above.size else 0.0
    rise = max(noise_factor * noise, height_fraction * height)
    return Level(background + rise, background, noise)


def typical_diameter(mask: NDArray[np.uint8]) -> float:
    """Diameter in px of the inscribed circles at the tops of the distance map.

    The area-weighted median, so that specks do not count; 0 for an empty mask.
    """
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    is_top = (distance >= cv2.dilate(distance, np.ones((5, 5), np.uint8))) & (distance > 1.5)
    radii = np.sort(distance[is_top])
    if not radii.size:
        return 0.0
    weight = np.cumsum(radii.astype(np.float64) ** 2)
    return 2 * float(radii[np.searchsorted(weight, weight[-1] / 2)])
