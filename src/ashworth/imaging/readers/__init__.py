"""Readers of image folders: CellTracks, CellTracksXp, VyCAP, MCBP, OME-TIFF, plain TIFF."""

from __future__ import annotations

from ashworth.imaging.readers.opening import READERS, Format, open_folder

__all__ = ["READERS", "Format", "open_folder"]
