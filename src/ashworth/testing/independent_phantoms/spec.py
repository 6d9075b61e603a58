"""What a simulated cartridge shall hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from ashworth.errors import InputError, Problem

Four = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class IndependentSpec:
    """Content, optics and camera of a simulated cartridge.

    Tuples of four follow the channels: DAPI, cytokeratin (PE), CD45 (APC), HER2 (FITC);
    `her2_mix` follows the classes 0, 1+, 2+, 3+. Counts are grey values above background in a
    camera of 12 bit.

    Attributes
    ----------
    columns, rows : int
        Frames of the cartridge, read as a snake; 7 x 5 = 35, or 35 x 5 = 175.
    width, height : int
        Pixels of a frame, at least 128 each.
    ctcs : int
        Intact tumour cells, those in clusters included.
    cluster_fraction : float
        Share of the intact tumour cells that lie in clusters of 2 to 4.
    seam_ctcs : int
        How many of the tumour cells outside clusters are put across a border between frames.
    apoptotic, doublets, ck_bodies, debris, blobs, bubbles : int
        Other objects in the whole cartridge.
    nuclei_per_frame : float
        Expected leukocytes and unclassified nuclei per frame; published means 24 to 420.
    unclassified_fraction : float
        Share of these that show neither CD45 nor cytokeratin.
    ctc_diameter_um : float
        Median diameter of tumour cells; 12.4 in breast cancer, 7.5 in colorectal cancer.
    ck_median : float
        Median of the mean cytokeratin counts of tumour cells (lognormal, 80 to 3000).
    her2_mix : tuple of 4 floats
        Shares of the HER2 classes among tumour cells; they add up to 1.
    blob_counts, blob_radius_px : float
        Brightness, in every channel, and size of the blobs; 4095 and more saturates.
    bubble_radius_px : float
        Size of the air bubbles.
    edge_band_px : float
        Mean width of the cartridge's bright wall along one long side; 0 leaves it out.
    bleed_through : float
        Share of FITC seen in PE and of PE seen in FITC.
    focus_sd_um : float
        Standard deviation of the cells' distance from the focal plane.
    gain : tuple of 4 floats
        Factors on light and background of each channel, 0.1 to 10.
    offset : float
        Grey value of the dark camera; 100 to 200 is usual.
    offset_shift : tuple of 4 floats
        Added to the offset of each channel.
    vignetting : float
        Loss of light in the corners, 0 to 0.8.
    stored_bits : {12, 8}
        8 rounds each page to 256 levels between its extremes, as the stretched TIFF files do.

    Examples
    --------
    >>> IndependentSpec(columns=35).frames
    175
    """

    columns: int = 7
    rows: int = 5
    width: int = 1384
    height: int = 1036
    ctcs: int = 10
    cluster_fraction: float = 0.15
    seam_ctcs: int = 0
    apoptotic: int = 4
    doublets: int = 4
    ck_bodies: int = 12
    debris: int = 30
    blobs: int = 1
    bubbles: int = 1
    nuclei_per_frame: float = 60.0
    unclassified_fraction: float = 0.4
    ctc_diameter_um: float = 12.4
    ck_median: float = 500.0
    her2_mix: Four = (0.5, 0.3, 0.12, 0.08)
    blob_counts: float = 6000.0
    blob_radius_px: float = 12.0
    bubble_radius_px: float = 160.0
    edge_band_px: float = 48.0
    bleed_through: float = 0.01
    focus_sd_um: float = 1.6
    gain: Four = (1.0, 1.0, 1.0, 1.0)
    offset: float = 140.0
    offset_shift: Four = (0.0, 0.0, 0.0, 0.0)
    vignetting: float = 0.12
    stored_bits: Literal[8, 12] = 12

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.columns * self.rows

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the whole cartridge in pixels."""
        return self.columns * self.width, self.rows * self.height

    @classmethod
    def blank(cls, **changes: Any) -> IndependentSpec:
        """No tumour cell, intact or apoptotic; everything else is there.

        Examples
        --------
        >>> IndependentSpec.blank(nuclei_per_frame=200).ctcs
        0
        """
        return replace(cls(ctcs=0, apoptotic=0), **changes)


_LIMITS: dict[str, tuple[float, float]] = {
    "columns": (1, 60),
    "rows": (1, 60),
    "width": (128, 8192),
    "height": (128, 8192),
    "ctcs": (0, 100_000),
    "cluster_fraction": (0, 1),
    "seam_ctcs": (0, 100_000),
    "apoptotic": (0, 100_000),
    "doublets": (0, 100_000),
    "ck_bodies": (0, 100_000),
    "debris": (0, 100_000),
    "blobs": (0, 1000),
    "bubbles": (0, 100),
    "nuclei_per_frame": (0, 1500),
    "unclassified_fraction": (0, 1),
    "ctc_diameter_um": (6, 30),
    "ck_median": (80, 3000),
    "blob_counts": (0, 1e6),
    "blob_radius_px": (1, 100),
    "bubble_radius_px": (10, 1000),
    "edge_band_px": (0, 400),
    "bleed_through": (0, 0.2),
    "focus_sd_um": (0, 8),
    "offset": (0, 2000),
    "vignetting": (0, 0.8),
}


def checked(spec: IndependentSpec) -> IndependentSpec:
    """Give the spec back, or name everything in it that cannot be simulated.

    Raises
    ------
    InputError
        A value out of its range, a mix that does not add up to 1, too many cells on seams.
    """
    problems = [
        _problem(name, getattr(spec, name), f"{low:g} to {high:g}")
        for name, (low, high) in _LIMITS.items()
        if not low <= getattr(spec, name) <= high
    ]
    mix = spec.her2_mix
    if len(mix) != 4 or min(mix) < 0 or abs(sum(mix) - 1) > 1e-6:
        problems.append(_problem("her2_mix", mix, "4 shares of 0 or more that add up to 1"))
    if len(spec.gain) != 4 or not all(0.1 <= gain <= 10 for gain in spec.gain):
        problems.append(_problem("gain", spec.gain, "4 factors from 0.1 to 10"))
    if len(spec.offset_shift) != 4 or any(spec.offset + s < 0 for s in spec.offset_shift):
        problems.append(
            _problem("offset_shift", spec.offset_shift, "4 shifts, offset + shift >= 0")
        )
    if spec.stored_bits not in (8, 12):
        problems.append(_problem("stored_bits", spec.stored_bits, "8 or 12"))
    if spec.seam_ctcs and (spec.frames == 1 or spec.seam_ctcs > spec.ctcs):
        problems.append(_problem("seam_ctcs", spec.seam_ctcs, "at most ctcs; two frames or more"))
    if problems:
        raise InputError(problems, subject="the spec of a simulated cartridge")
    return spec


def _problem(name: str, found: object, allowed: str) -> Problem:
    return Problem("IndependentSpec", None, name, repr(found), allowed, f"change {name}")
