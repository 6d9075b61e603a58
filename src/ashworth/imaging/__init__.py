"""Image folders to cells: readers and writers, segmentation, features, phantoms."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ashworth.imaging.cartridge import AssignedEvent as AssignedEvent
    from ashworth.imaging.cartridge import Cartridge as Cartridge
    from ashworth.imaging.cartridge import Layout as Layout
    from ashworth.imaging.channels import Channel as Channel
    from ashworth.imaging.detection import Detection as Detection
    from ashworth.imaging.detection import detect as detect
    from ashworth.imaging.nuclei import NucleiSettings as NucleiSettings
    from ashworth.imaging.nuclei import segment_nuclei as segment_nuclei
    from ashworth.imaging.phantoms import Phantom as Phantom
    from ashworth.imaging.phantoms import PhantomSpec as PhantomSpec
    from ashworth.imaging.phantoms import phantom as phantom
    from ashworth.imaging.readers import open_folder as open_folder
    from ashworth.imaging.segmentation import SegmentationSettings as SegmentationSettings
    from ashworth.imaging.segmentation import Segmented as Segmented
    from ashworth.imaging.segmentation import segment as segment
    from ashworth.imaging.writers import write_folder as write_folder

_HOMES = {
    "AssignedEvent": "cartridge",
    "Cartridge": "cartridge",
    "Channel": "channels",
    "Detection": "detection",
    "Layout": "cartridge",
    "NucleiSettings": "nuclei",
    "Phantom": "phantoms",
    "PhantomSpec": "phantoms",
    "SegmentationSettings": "segmentation",
    "Segmented": "segmentation",
    "detect": "detection",
    "open_folder": "readers",
    "phantom": "phantoms",
    "segment": "segmentation",
    "segment_nuclei": "nuclei",
    "write_folder": "writers",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ashworth.imaging' has no attribute '{name}'")
    return getattr(importlib.import_module(f"ashworth.imaging.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
