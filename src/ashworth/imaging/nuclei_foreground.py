"""What an image says about itself: background, typical brightness and size of its nuclei."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

INSCRIBED = 0.85
"""Inscribed circle's diameter by that of the circle of equal area, for nuclei (measured)."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Background, brightness and size.

    Attributes
    ----------
    background : float
        Level of the pixels without nuclei, in image units.
    height : float
        Typical nucleus above the background, in image units; 0 where there is none.
    diameter_px : float
        Of the circle that has the area of a typical nucleus; 0 where there is none.
    """

    background: float
    height: float
    diameter_px: float


def smoothed(image: NDArray[np.generic], sigma_px: float) -> Floats:
    """Gaussian smoothing in float32."""
    return np.asarray(
        cv2.GaussianBlur(image.astype(np.float32, copy=False), (0, 0), sigma_px), np.float32
    )


def survey(image: Floats) -> Survey:
    """Estimate background, height and diameter of the nuclei in an image.

    Twice: after smoothing by 1 px, then by 4 % of the diameter found.
    """
    smooth = smoothed(image, 1.0)
    diameter = inscribed_diameter((smooth > level(smooth, 0.4)[1]).astype(np.uint8))
    smooth = smoothed(image, max(0.04 * diameter, 0.5))
    diameter = inscribed_diameter((smooth > level(smooth, 0.4)[1]).astype(np.uint8))
    background, threshold = level(smooth, 0.3)
    above = smooth[smooth > threshold]
    height = float(np.median(above)) - background if above.size else 0.0
    return Survey(background, height, diameter / INSCRIBED)


def level(smooth: Floats, height_fraction: float) -> tuple[float, float]:
    """Background, and the threshold between it and the nuclei.

    The background is the median of what lies below Otsu's threshold. Nuclei begin at a fraction
    of their median height above it, or at four standard deviations of the background (1.4826
    times the median deviation), whichever is higher.
    """
    cut = otsu(smooth)
    below, above = smooth[smooth <= cut], smooth[smooth > cut]
    background = float(np.median(below))
    noise = float(1.4826 * np.median(np.abs(below - background)))
    height = float(np.median(above)) - background if above.size else 0.0
    return background, background + max(4 * noise, height_fraction * height)


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


def inscribed_diameter(mask: NDArray[np.uint8]) -> float:
    """Diameter in px of the circles inscribed at the tops of the distance map.

    The area-weighted median, so that specks do not count; 0 for an empty mask.
    """
    distance = np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 5), np.float32)
    highest = cv2.dilate(distance, np.ones((5, 5), np.uint8))
    radii = np.sort(distance[(distance >= highest) & (distance > 1.5)])
    if not radii.size:
        return 0.0
    weight = np.cumsum(radii.astype(np.float64) ** 2)
    return 2 * float(radii[np.searchsorted(weight, weight[-1] / 2)])
