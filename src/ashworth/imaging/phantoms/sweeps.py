"""The frame of the bright-blob sweep."""

from __future__ import annotations

from ashworth.imaging.phantoms.cartridges import Phantom, phantom
from ashworth.imaging.phantoms.spec import PhantomSpec

BLOB_SWEEP = (0.0, 1000.0, 2000.0, 4000.0, 16000.0)
"""Counts of the blob at which other programs were tried."""


def blob_frame(counts: float, seed: int = 1, *, radius_px: float = 12.0) -> Phantom:
    """Make one frame of 63 nuclei, 11 of them in CTCs, and one blob.

    The cells are the same, at the same places, whatever the blob's counts.

    Parameters
    ----------
    counts : float
        Of the blob, in every channel above background; see `BLOB_SWEEP`.
    seed : int
    radius_px : float
        Radius of the blob.

    Returns
    -------
    Phantom

    Examples
    --------
    >>> blob_frame(16000.0).truth["kind"].value_counts(sort=True)["count"].sum()
    64
    """
    spec = PhantomSpec(
        frames=1,
        tumour_cells=11,
        nuclei_per_frame=52,
        cluster_share=0.0,
        clump_share=0.0,
        apoptotic_ctcs=0,
        doublets=0,
        ck_bodies=0,
        debris=0,
        blobs=1,
        blob_counts=counts,
        blob_radius_px=radius_px,
        min_gap_um=4.0,
    )
    return phantom(spec, seed)
