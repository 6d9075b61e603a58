"""Phantom cartridges: simulated frames with exact truth.

Nothing here was observed. A phantom shows whether software finds what was put in; it is no
statement about an assay.
"""

from __future__ import annotations

from ashworth.imaging.phantoms.cartridges import Phantom, phantom
from ashworth.imaging.phantoms.perturbations import (
    all_black,
    all_saturated,
    with_8_bit_stretch,
    with_blob,
    with_bubble,
    with_gain,
    with_offset,
    with_rim,
    with_vignetting,
)
from ashworth.imaging.phantoms.populations import KINDS
from ashworth.imaging.phantoms.spec import HER2_MIXES, PhantomSpec, blank, her2_spec
from ashworth.imaging.phantoms.sweeps import BLOB_SWEEP, blob_frame

__all__ = [
    "BLOB_SWEEP",
    "HER2_MIXES",
    "KINDS",
    "Phantom",
    "PhantomSpec",
    "all_black",
    "all_saturated",
    "blank",
    "blob_frame",
    "her2_spec",
    "phantom",
    "with_8_bit_stretch",
    "with_blob",
    "with_bubble",
    "with_gain",
    "with_offset",
    "with_rim",
    "with_vignetting",
]
