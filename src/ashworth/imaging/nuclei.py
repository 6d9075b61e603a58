"""Nuclei of one image: foreground, division of touching nuclei, labels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ashworth.errors import InputError, Problem
from ashworth.imaging.nuclei_flood import flood
from ashworth.imaging.nuclei_foreground import Floats, level, typical_diameter
from ashworth.imaging.nuclei_regions import fill_holes, largest_parts, renumber

Image = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class NucleiSettings:
    """How nuclei are found.

    Attributes
    ----------
    diameter_px : float or None
        Typical diameter of a nucleus, 3 to 500 px; None: estimated from the image.
    threshold : float or None
        Level in image units; pixels above it are foreground. None: from the image.
    smallest_px : int or None
        Objects of fewer pixels are dropped, 1 or more; None: 4 % of a typical nucleus, 20 px at
        least.
    """

    diameter_px: float | None = None
    threshold: float | None = None
    smallest_px: int | None = None


def segment_nuclei(image: Image, settings: NucleiSettings | None = None) -> NDArray[np.int32]:
    """Label the nuclei of one image.

    Parameters
    ----------
    image : ndarray of uint8, uint16 or float32, shape (height, width)
        Counts of the nuclear stain; the background need not be 0.
    settings : NucleiSettings, optional

    Returns
    -------
    ndarray of int32, shape (height, width)
        0 for background, 1 to n in reading order; each label is one 4-connected region without
        holes.

    Raises
    ------
    InputError
        If the image has not two dimensions, another type, a value that is not finite, or a
        setting is out of range.

    Examples
    --------
    >>> y, x = np.mgrid[:40, :60]
    >>> disk = lambda a, b: 200 * ((y - a) ** 2 + (x - b) ** 2 < 64)
    >>> image = (20 + disk(20, 15) + disk(20, 40)).astype(np.uint8)
    >>> labels = segment_nuclei(image)
    >>> int(labels.max()), int(labels[20, 15]), int(labels[20, 40]), int(labels[0, 0])
    (2, 1, 2, 0)
    """
    settings = settings or NucleiSettings()
    _check(image, settings)
    empty = np.zeros(image.shape, np.int32)
    if image.size == 0 or image.min() == image.max():
        return empty
    raw = image.astype(np.float32)
    diameter = settings.diameter_px or _diameter(raw)
    if not diameter:
        return empty
    smooth = cv2.GaussianBlur(raw, (0, 0), max(0.06 * diameter, 0.7))
    cut = settings.threshold
    if cut is None:
        cut = level(smooth, noise_factor=4, height_fraction=0.4).threshold
    mask = (smooth > cut).astype(np.uint8)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    distance = cv2.GaussianBlur(distance, (0, 0), max(0.04 * diameter, 0.6))
    labels = flood(distance, mask, 0.8, max(0.04 * diameter, 0.5))
    n = int(labels.max())
    labels = largest_parts(labels, n, _smallest_px(settings, diameter))
    fill_holes(labels, n)
    renumber(labels, n)
    return labels


def _diameter(raw: Floats) -> float:
    smooth = cv2.GaussianBlur(raw, (0, 0), 1)
    found = level(smooth, noise_factor=4, height_fraction=0.4)
    return typical_diameter((smooth > found.threshold).astype(np.uint8))


def _smallest_px(settings: NucleiSettings, diameter: float) -> int:
    if settings.smallest_px is not None:
        return settings.smallest_px
    return max(20, round(0.04 * np.pi / 4 * diameter**2))


def _check(image: Image, settings: NucleiSettings) -> None:
    """Refuse what is not a grey image, and settings out of range."""
    problems = []
    if image.ndim != 2:
        found, remedy = f"{image.ndim} dimensions", "give one channel of one frame"
        problems.append(Problem("image", None, None, found, "height x width", remedy))
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        allowed, remedy = "uint8, uint16 or float32", "convert the image"
        problems.append(Problem("image", None, None, str(image.dtype), allowed, remedy))
    elif image.dtype == np.float32 and not np.isfinite(image).all():
        found = f"{int((~np.isfinite(image)).sum())} pixels that are not finite"
        problems.append(Problem("image", None, None, found, "finite counts", "mend these pixels"))
    problems += _setting_problems(settings)
    if problems:
        raise InputError(problems, subject="the nuclei segmentation")


def _setting_problems(settings: NucleiSettings) -> list[Problem]:
    facts = (
        ("diameter_px", settings.diameter_px, 3, 500),
        ("threshold", settings.threshold, -3.0e38, 3.0e38),
        ("smallest_px", settings.smallest_px, 1, 2**31 - 1),
    )
    return [
        Problem("settings", None, name, str(value), f"{low} to {high}, or None", "choose another")
        for name, value, low, high in facts
        if value is not None and not low <= value <= high
    ]
