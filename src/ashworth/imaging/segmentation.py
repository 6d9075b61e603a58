"""A window to labels: nuclei, their cells, and cytokeratin bodies without nucleus.

`segment` is a plain function; another segmenter with the same signature can take its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ashworth.imaging.blur import blur_of_five
from ashworth.imaging.cartridge_nuclei import cartridge_nuclei
from ashworth.imaging.fragments import join_fragments
from ashworth.imaging.pixel_lists import labelled
from ashworth.imaging.territories import Labels, Reach, cells_of, trim_to_stain

Planes: TypeAlias = NDArray[np.float32]


SMOOTHING_PX = 1.0


@dataclass(frozen=True, slots=True)
class SegmentationSettings:
    """What a segmenter is told about a cartridge.

    Attributes
    ----------
    roles : tuple of str
        Role of each channel, in the order of the frame's first axis.
    thresholds : tuple of float
        Counts above background from which a smoothed pixel is stained, by channel.
    pixel_size_um : float
    nucleus_um : float
        Typical diameter of a nucleus.
    smallest_nucleus_um2, smallest_body_um2 : float
        Smaller nuclei, and smaller bodies without nucleus, are left out.
    fragment_um2, fragment_gap_um : float
        Nuclei up to this area, no further apart than this, on stained cytoplasm are pieces of one.
    ring_um : float
        Cytoplasm taken round every nucleus.
    reach_um : float
        How far from its nucleus a cell may follow stained cytoplasm.
    smoothing_px : float
        Sigma of the Gaussian by which each channel is smoothed first.
    """

    roles: tuple[str, ...]
    thresholds: tuple[float, ...]
    pixel_size_um: float
    nucleus_um: float = 8.0
    smallest_nucleus_um2: float = 7.0
    smallest_body_um2: float = 12.0
    fragment_um2: float = 30.0
    fragment_gap_um: float = 2.0
    ring_um: float = 0.9
    reach_um: float = 14.0
    smoothing_px: float = SMOOTHING_PX
    reach: Reach = field(init=False)

    def __post_init__(self) -> None:
        """Bring lengths to pixels."""
        px = self.pixel_size_um
        reach = Reach(
            ring=max(1, round(self.ring_um / px)),
            body=max(1, round(self.reach_um / px)),
            gap=max(1, round(2.0 / px)),
            annulus=max(2, round(3.2 / px)),
        )
        object.__setattr__(self, "reach", reach)

    def index(self, role: str) -> int | None:
        """Position of a channel by its role."""
        return self.roles.index(role) if role in self.roles else None

    def pixels(self, area_um2: float) -> int:
        """Area in pixels."""
        return max(1, round(area_um2 / self.pixel_size_um**2))


@dataclass(frozen=True, slots=True)
class Segmented:
    """Labels of a window.

    Attributes
    ----------
    cells : ndarray of int32, shape (height, width)
        1..n, 0 for background.
    nuclei : ndarray of int32, same shape
        Where a cell has its nucleus: the cell's label.
    bodies : ndarray of int32, same shape
        Connected stained cytoplasm.
    """

    cells: Labels
    nuclei: Labels
    bodies: Labels


Segmenter: TypeAlias = Callable[[Planes, SegmentationSettings], "Segmented | Labels"]


def smoothed(above: Planes, sigma_px: float) -> Planes:
    """Smooth each channel by a Gaussian cut at two sigmas."""
    out = np.empty_like(above)
    for plane, target in zip(above, out, strict=True):
        smooth_plane(plane, sigma_px, target)
    return out


def smooth_plane(plane: NDArray[np.float32], sigma_px: float, out: NDArray[np.float32]) -> None:
    """Smooth one channel by a Gaussian cut at two sigmas, into `out`."""
    size = 2 * max(1, round(2 * sigma_px)) + 1
    if size == 5 and min(plane.shape) > 4:
        blur_of_five(plane, sigma_px, out)
    else:
        cv2.GaussianBlur(plane, (size, size), sigma_px, dst=out)


def stained(plane: NDArray[np.float32], threshold: float) -> NDArray[np.uint8]:
    """Mask of the pixels above a threshold."""
    return (plane > threshold).view(np.uint8)


def segment(smooth: Planes, settings: SegmentationSettings) -> Segmented:
    """Find nuclei, give each its cell, and find cytokeratin bodies without nucleus.

    Parameters
    ----------
    smooth : ndarray of float32, shape (channels, height, width)
        Smoothed counts above background.
    settings : SegmentationSettings

    Returns
    -------
    Segmented
    """
    nucleus, inclusion = settings.index("nucleus"), settings.index("inclusion")
    shape = smooth.shape[1:]
    if nucleus is None:
        nuclei = np.zeros(shape, np.int32)
    else:
        nuclei = cartridge_nuclei(
            smooth[nucleus],
            threshold=settings.thresholds[nucleus],
            diameter_px=settings.nucleus_um / settings.pixel_size_um,
            smallest_px=settings.pixels(settings.smallest_nucleus_um2),
        )
    if inclusion is None:
        body = np.zeros(shape, np.uint8)
    else:
        body = stained(smooth[inclusion], settings.thresholds[inclusion])
    inside = labelled(nuclei)
    join_fragments(
        nuclei, inside, body,
        largest_px=settings.pixels(settings.fragment_um2),
        gap_px=max(1, round(settings.fragment_gap_um / settings.pixel_size_um)),
    )  # fmt: skip
    smallest = settings.pixels(settings.smallest_body_um2)
    cells, bodies = cells_of(
        nuclei, body, reach=settings.reach, smallest_px=smallest, inside=inside
    )
    if inclusion is not None:
        trim_to_stain(cells, nuclei, smooth[inclusion], threshold=settings.thresholds[inclusion])
    return Segmented(cells, nuclei, bodies)


def completed(
    labels: Segmented | Labels, smooth: Planes, settings: SegmentationSettings
) -> Segmented:
    """Give plain labels of another segmenter their nuclei and bodies.

    The nucleus of such a cell is where its nuclear stain exceeds the channel's threshold.
    """
    if isinstance(labels, Segmented):
        return labels
    cells = np.ascontiguousarray(labels, np.int32)
    nucleus, inclusion = settings.index("nucleus"), settings.index("inclusion")
    inside = np.zeros(cells.shape, bool)
    if nucleus is not None:
        inside = smooth[nucleus] > settings.thresholds[nucleus]
    body = np.zeros(cells.shape, np.uint8)
    if inclusion is not None:
        body = stained(smooth[inclusion], settings.thresholds[inclusion])
    _, bodies = cv2.connectedComponents(body, connectivity=8, ltype=cv2.CV_32S)
    nuclei = np.where(inside, cells, 0).astype(np.int32)
    return Segmented(cells, nuclei, np.asarray(bodies, np.int32))
