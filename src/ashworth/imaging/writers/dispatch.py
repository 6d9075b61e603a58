"""Write an image folder in any format that is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.readers.opening import Format
from ashworth.imaging.writers.celltracks import write_celltracks
from ashworth.imaging.writers.celltracks_xp import write_celltracks_xp
from ashworth.imaging.writers.mcbp import write_mcbp
from ashworth.imaging.writers.ome import write_ome_tiff
from ashworth.imaging.writers.pages import Compression, Progress
from ashworth.imaging.writers.tiff_folder import write_tiff
from ashworth.imaging.writers.vycap import write_vycap

WRITERS: dict[str, Callable[..., Path]] = {
    "CellTracks": write_celltracks,
    "CellTracksXp": write_celltracks_xp,
    "VyCAP": write_vycap,
    "MCBP": write_mcbp,
    "OME-TIFF": write_ome_tiff,
    "TIFF": write_tiff,
}


def write_folder(
    cartridge: Cartridge,
    folder: str | Path,
    *,
    format: Format,
    compression: Compression | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a cartridge as an image folder.

    Parameters
    ----------
    cartridge : Cartridge
        A phantom in memory, or an opened folder.
    folder : str or Path
        New folder, or an empty one.
    format : {'CellTracks', 'CellTracksXp', 'VyCAP', 'MCBP', 'OME-TIFF', 'TIFF'}
        See the writer of the format for what it cannot hold.
    compression : {'lzw', 'zlib', 'zstd'}, optional
    progress : callable, optional
        Called with the frames done and all frames.

    Returns
    -------
    Path
        The folder; `ashworth.imaging.readers.open_folder` reads it back.

    Raises
    ------
    InputError
        If the format is unknown, cannot hold the cartridge, or the folder cannot be written.
    """
    if format not in WRITERS:
        problem = Problem("format", None, None, repr(format), ", ".join(WRITERS), "name one")
        raise InputError([problem], subject="the image format")
    return WRITERS[format](cartridge, folder, compression=compression, progress=progress)
