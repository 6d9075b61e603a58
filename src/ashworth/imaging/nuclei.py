"""Nuclei of one image: foreground, division of touching nuclei, labels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge_nuclei import cartridge_nuclei
from ashworth.imaging.nuclei_foreground import Floats, Survey, smoothed, survey
from ashworth.imaging.nuclei_network import Network, shipped_network
from ashworth.imaging.nuclei_regions import boxes, fill_holes, largest_parts, renumber
from ashworth.imaging.nuclei_whole import LOG_ODDS, label_whole, tried_diameter

Image = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]

SMALLEST_SHARE = 0.025

WIDEST_SHARE = 0.4
"""Nuclei wider than this share of the image's shorter side are doubted."""


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
        Objects of fewer pixels are dropped, 1 or more; None: 2.5 % of a typical nucleus, 12 px at
        least.
    """

    diameter_px: float | None = None
    threshold: float | None = None
    smallest_px: int | None = None


def segment_nuclei(
    image: Image, settings: NucleiSettings | None = None, *, network: Network | None = None
) -> NDArray[np.int32]:
    """Label the nuclei of one image.

    Parameters
    ----------
    image : ndarray of uint8, uint16 or float32, shape (height, width)
        Counts of the nuclear stain; the background need not be 0.
    settings : NucleiSettings, optional
    network : Network, optional
        Another one than that of the package, from `nuclei_network.read_network`.

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
    settings, network = settings or NucleiSettings(), network or shipped_network()
    _check(image, settings)
    empty = np.zeros(image.shape, np.int32)
    if image.size == 0 or image.min() == image.max():
        return empty
    raw = image.astype(np.float32, copy=False)
    found = survey(raw) if settings.diameter_px is None or settings.threshold is None else None
    diameter = settings.diameter_px or _diameter(raw, found, network)
    if not diameter:
        return empty
    smallest = _smallest_px(settings, diameter)
    if settings.threshold is not None:
        return _by_threshold(raw, settings.threshold, diameter, smallest)
    if found is None or not found.height > 0:
        return empty
    return _by_network(raw, found, diameter, smallest, network)


def _diameter(raw: Floats, found: Survey | None, network: Network) -> float:
    """The surveyed diameter, or one that fits better where that is hard to believe."""
    if found is None or not found.height:
        return 0.0
    if found.diameter_px <= WIDEST_SHARE * min(raw.shape):
        return found.diameter_px
    return tried_diameter(raw, found, network)


def _by_network(
    raw: Floats, found: Survey, diameter: float, smallest: int, network: Network
) -> NDArray[np.int32]:
    """Nuclei where the network sees some, in the whole image."""
    labels, logit = label_whole(raw, found, diameter, network)
    if labels.shape != raw.shape:
        labels = _enlarged(labels, logit, raw.shape)
    n = int(labels.max())
    labels = largest_parts(labels, n, smallest)
    fill_holes(labels, boxes(labels, n))
    renumber(labels, n)
    return labels


def _enlarged(
    labels: NDArray[np.int32], logit: Floats, shape: tuple[int, ...]
) -> NDArray[np.int32]:
    """Labels at the image's scale: the nearest one where the interpolated log-odds suffice."""
    size = (shape[1], shape[0])
    near = cv2.resize(labels.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
    inside = np.asarray(cv2.resize(logit, size, interpolation=cv2.INTER_LINEAR))
    return np.where(inside > LOG_ODDS, near, 0).astype(np.int32)


def _by_threshold(
    raw: Floats, threshold: float, diameter: float, smallest: int
) -> NDArray[np.int32]:
    """Nuclei as in a cartridge; the background is the median of what lies below the threshold."""
    smooth = smoothed(raw, max(0.06 * diameter, 0.5))
    below = smooth[smooth <= threshold]
    background = float(np.median(below)) if below.size else float(smooth.min())
    return cartridge_nuclei(
        smooth - np.float32(background),
        threshold=threshold - background,
        diameter_px=diameter,
        smallest_px=smallest,
    )


def _smallest_px(settings: NucleiSettings, diameter: float) -> int:
    if settings.smallest_px is not None:
        return settings.smallest_px
    return max(12, round(SMALLEST_SHARE * np.pi / 4 * diameter**2))


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
