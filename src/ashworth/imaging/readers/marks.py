"""The mark of simulated folders."""

from __future__ import annotations

from ashworth.imaging.readers.recognition import Place

SIMULATED_MARK = "SIMULATED.txt"
"""A file of this name in the folder (or along its chain) says that the images are simulated."""


def is_simulated(place: Place) -> bool:
    """Whether a folder says that its images are simulated."""
    return place.find(SIMULATED_MARK) is not None
