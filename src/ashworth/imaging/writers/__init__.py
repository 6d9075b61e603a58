"""Writers of image folders, for every format that is read."""

from __future__ import annotations

from ashworth.imaging.writers.celltracks import write_celltracks
from ashworth.imaging.writers.dispatch import WRITERS, write_folder
from ashworth.imaging.writers.tiff_folder import write_tiff

__all__ = ["WRITERS", "write_celltracks", "write_folder", "write_tiff"]
