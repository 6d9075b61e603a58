"""A second phantom generator, written from published facts without sight of the segmentation.

Its optics (diffraction with defocus and a scattering halo), textures (fractal chromatin,
filament networks, granular rims) and shapes (level sets) are its own, so that a detector that
passes here was not tuned to the first generator. All images are simulated.
"""

from __future__ import annotations

from ashworth.testing.independent_phantoms.phantom import IndependentPhantom, independent_phantom
from ashworth.testing.independent_phantoms.spec import IndependentSpec

__all__ = ["IndependentPhantom", "IndependentSpec", "independent_phantom"]
