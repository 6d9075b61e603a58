"""Phantom cartridges: simulated frames with exact truth.

Nothing here was observed. A phantom shows whether software finds what was put in; it is no
statement about an assay.
"""

from __future__ import annotations

from ashworth.imaging.phantoms.cartridges import Phantom, phantom
from ashworth.imaging.phantoms.populations import KINDS
from ashworth.imaging.phantoms.spec import HER2_MIXES, PhantomSpec, blank, her2_spec

__all__ = ["HER2_MIXES", "KINDS", "Phantom", "PhantomSpec", "blank", "her2_spec", "phantom"]
