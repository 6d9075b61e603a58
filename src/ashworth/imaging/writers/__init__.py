"""Writers of image folders, for every format that is read."""

from __future__ import annotations

from ashworth.imaging.writers.celltracks import write_celltracks
from ashworth.imaging.writers.celltracks_xp import write_celltracks_xp
from ashworth.imaging.writers.dispatch import WRITERS, write_folder
from ashworth.imaging.writers.mcbp import write_mcbp
from ashworth.imaging.writers.ome import write_ome_tiff
from ashworth.imaging.writers.tiff_folder import write_tiff
from ashworth.imaging.writers.vycap import write_vycap

__all__ = [
    "WRITERS",
    "write_celltracks",
    "write_celltracks_xp",
    "write_folder",
    "write_mcbp",
    "write_ome_tiff",
    "write_tiff",
    "write_vycap",
]
