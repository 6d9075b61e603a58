"""What a phantom cartridge is made of: every knob with its published or chosen default."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ashworth.imaging.phantoms.limits import refuse

Four = tuple[float, float, float, float]

HER2_MIXES: dict[str, Four] = {
    "negative": (0.7, 0.3, 0.0, 0.0),
    "mixed": (0.35, 0.30, 0.20, 0.15),
    "ladder": (0.25, 0.25, 0.25, 0.25),
}
"""Shares of HER2 by immunofluorescence 0, 1+, 2+, 3+ among the tumour cells."""


@dataclass(frozen=True, slots=True)
class PhantomSpec:
    """Everything that `phantom` needs but the seed; change fields by `dataclasses.replace`.

    Counts are pixel values above background, at exposure and gain 1, before vignetting; a cell's
    count is the mean over its outline. Tuples of four are in the order DAPI, cytokeratin, CD45,
    HER2. Published: frame, pixel and cartridge geometry (CellTracks); 24 to 420 nuclei per frame
    and the share of unclassified ones [PMC6210778]; diameters [PMC7782084]. Chosen by this
    project: all others, to the typical values of published CellTracks frames.

    Attributes
    ----------
    frames, frame_width, frame_height : int
        Number of frames; size of one in pixels. 175 frames lie as 35 x 5, 35 as 7 x 5.
    pixel_size_um : float
    tumour_cells : int
        Intact CTCs, those of clusters included.
    tumour_cells_on_seams : int
        How many of them are put across a seam between two frames (others may be so by chance).
    cluster_share : float
        Share of the tumour cells that lie in clusters of 2 to 4.
    nuclei_per_frame : float
        Nuclei that are no tumour cells, on average over frames.
    unclassified_share, neutrophil_share, clump_share : float
        Shares of these nuclei: without CD45 and cytokeratin; lobed (among leukocytes); sticking
        to others.
    apoptotic_ctcs, doublets, ck_bodies, debris, blobs, bubbles : int
        Other objects in the whole cartridge.
    blob_counts, blob_radius_px, bubble_radius_um : float
        The saturated blob; the air bubble.
    controls_negative, controls_strong : int
        Spiked cells of a cell line with HER2 by immunofluorescence 0 and 3+.
    min_gap_um : float
        Smallest gap between any object and one that is not a plain nucleus; negative allows
        overlap.
    ctc_diameter_um, ctc_diameter_sigma, ctc_diameter_range_um
        Lognormal: median, sigma of the logarithm, limits.
    control_diameter_um, leukocyte_diameter_um, leukocyte_diameter_sigma : float
        Medians of cells of the line and of leukocytes (lognormal).
    nucleus_diameter_um : float
        Median of the leukocytes' nuclei.
    ck_counts, ck_sigma, ck_range
        Cytokeratin of CTCs, lognormal, truncated: the lower limit makes a count definite.
    cd45_counts, cd45_sigma, cd45_range
        CD45 of leukocytes, lognormal, truncated.
    dapi_counts, dapi_sigma, dapi_range
        Nuclear stain, lognormal, truncated.
    autofluorescence_counts : float
        What a leukocyte shows in the cytokeratin channel.
    her2_mix : tuple of float
        Shares of the classes 0, 1+, 2+, 3+ among tumour cells; see `HER2_MIXES`.
    her2_density : tuple of float
        Median HER2 of a class relative to the leukocytes' mean.
    her2_sigma : float
        Lognormal sigma within a class.
    leukocyte_her2_counts, leukocyte_her2_cv : float
        Unspecific HER2 signal of leukocytes.
    numerical_aperture, wavelengths_nm
        Objective 10x/0.45; emission maxima.
    focus_sd_um, tilt_um, cell_depth_um : float
        Defocus from frame to frame; at the cartridge's ends; depth of a cell.
    vignetting : float
        Loss of light in the corners of a frame, relative.
    background_counts, background_unevenness
        Free dye and autofluorescence; its relative variation over the cartridge.
    edge_counts, edge_width_px : float
        Bright rim of the cartridge at the outer columns of the grid.
    bleed_through : float
        Share of HER2 (FITC) seen in cytokeratin (PE), and of the latter in the former.
    offset_counts, electrons_per_count, read_noise_electrons, saturation
        Camera.
    exposure, gain : tuple of float
        Factor on the light, and on the digital counts after detection.
    noise : bool
        False gives the expected picture, rounded.
    """

    frames: int = 35
    frame_width: int = 1384
    frame_height: int = 1036
    pixel_size_um: float = 0.64
    tumour_cells: int = 10
    tumour_cells_on_seams: int = 0
    cluster_share: float = 0.1
    nuclei_per_frame: float = 60.0
    unclassified_share: float = 0.4
    neutrophil_share: float = 0.5
    clump_share: float = 0.1
    apoptotic_ctcs: int = 2
    doublets: int = 2
    ck_bodies: int = 8
    debris: int = 12
    blobs: int = 0
    bubbles: int = 0
    blob_counts: float = 4000.0
    blob_radius_px: float = 12.0
    bubble_radius_um: float = 90.0
    controls_negative: int = 0
    controls_strong: int = 0
    min_gap_um: float = 0.0
    ctc_diameter_um: float = 12.4
    ctc_diameter_sigma: float = 0.22
    ctc_diameter_range_um: tuple[float, float] = (6.0, 30.0)
    control_diameter_um: float = 18.4
    leukocyte_diameter_um: float = 9.4
    leukocyte_diameter_sigma: float = 0.11
    nucleus_diameter_um: float = 7.7
    ck_counts: float = 500.0
    ck_sigma: float = 0.75
    ck_range: tuple[float, float] = (80.0, 3000.0)
    cd45_counts: float = 170.0
    cd45_sigma: float = 0.5
    cd45_range: tuple[float, float] = (40.0, 500.0)
    dapi_counts: float = 550.0
    dapi_sigma: float = 0.4
    dapi_range: tuple[float, float] = (200.0, 1500.0)
    autofluorescence_counts: float = 6.0
    her2_mix: Four = HER2_MIXES["negative"]
    her2_density: Four = (1.3, 6.0, 25.0, 100.0)
    her2_sigma: float = 0.30
    leukocyte_her2_counts: float = 12.0
    leukocyte_her2_cv: float = 0.4
    numerical_aperture: float = 0.45
    wavelengths_nm: Four = (461.0, 578.0, 660.0, 519.0)
    focus_sd_um: float = 1.5
    tilt_um: float = 2.0
    cell_depth_um: float = 6.0
    vignetting: float = 0.15
    background_counts: Four = (60.0, 45.0, 35.0, 50.0)
    background_unevenness: float = 0.2
    edge_counts: float = 0.0
    edge_width_px: float = 80.0
    bleed_through: float = 0.01
    offset_counts: Four = (120.0, 150.0, 140.0, 160.0)
    electrons_per_count: float = 4.0
    read_noise_electrons: float = 8.0
    saturation: int = 4095
    exposure: Four = (1.0, 1.0, 1.0, 1.0)
    gain: Four = (1.0, 1.0, 1.0, 1.0)
    noise: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be rendered, all faults at once."""
        refuse(self)


def blank(spec: PhantomSpec) -> PhantomSpec:
    """Take away every cell that bears cytokeratin; bodies without nucleus and debris stay.

    Examples
    --------
    >>> blank(PhantomSpec(tumour_cells=50)).tumour_cells
    0
    """
    return replace(
        spec,
        tumour_cells=0,
        tumour_cells_on_seams=0,
        apoptotic_ctcs=0,
        doublets=0,
        controls_negative=0,
        controls_strong=0,
    )


def her2_spec(
    spec: PhantomSpec, mix: Literal["negative", "mixed", "ladder"] = "ladder", *, controls: int = 20
) -> PhantomSpec:
    """Give the tumour cells a named mix of HER2 classes, and spike control cells.

    Parameters
    ----------
    spec : PhantomSpec
    mix : {'negative', 'mixed', 'ladder'}
        See `HER2_MIXES`.
    controls : int
        Control cells of each class (0 and 3+); none in a 'negative' or 'mixed' cartridge.

    Returns
    -------
    PhantomSpec

    Examples
    --------
    >>> her2_spec(PhantomSpec(), "ladder", controls=5).controls_strong
    5
    """
    n = controls if mix == "ladder" else 0
    return replace(spec, her2_mix=HER2_MIXES[mix], controls_negative=n, controls_strong=n)
