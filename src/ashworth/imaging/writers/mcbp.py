"""MCBP folders."""

from __future__ import annotations

from pathlib import Path

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.channels import Role
from ashworth.imaging.readers.mcbp import NAME_LINES, PARAMETERS, ROLES, USED_FILTERS
from ashworth.imaging.writers.channel_files import declare_channels, demand_grid, demand_names
from ashworth.imaging.writers.numbering import numbers_for, width_of
from ashworth.imaging.writers.pages import (
    MOST_STRETCHED,
    Compression,
    Progress,
    StoredPage,
    demand_values,
    each_frame,
    write_pages,
)
from ashworth.imaging.writers.whole import whole_folder


def write_mcbp(
    cartridge: Cartridge,
    folder: str | Path,
    *,
    compression: Compression | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write an MCBP folder: ``<frame>_<channel>.tif``, `Parameters.txt` and `Used Filters.txt`.

    Frames are numbered row by row. Where channels do not have the usual names,
    ``customChannels.csv`` declares them. Assigned events, names of markers and saturations are
    not part of the format.

    Parameters
    ----------
    cartridge : Cartridge
        With at most four channels.
    folder : str or Path
        New folder, or an empty one.
    compression : {'lzw', 'zlib', 'zstd'}, optional
    progress : callable, optional
        Called with the frames done and all frames.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If there are more than four channels or no grid, a value exceeds 32767, a channel's name
        cannot be part of a file name, or the folder cannot be written.
    """
    _demand_four(cartridge)
    demand_names(cartridge, "MCBP")
    shape = demand_grid(cartridge, "MCBP")
    numbers = numbers_for(cartridge, "row_major")
    with whole_folder(folder, simulated=cartridge.simulated) as work:
        for index, pixels in each_frame(cartridge, progress):
            number = f"{numbers[index]:0{width_of(numbers)}d}"
            demand_values(pixels, cartridge.sample, numbers[index], MOST_STRETCHED, "MCBP")
            for channel, page in zip(cartridge.channels, pixels, strict=True):
                path = work / f"{number}_{channel.name}.tif"
                write_pages(path, [StoredPage(page)], compression)
        (work / PARAMETERS).write_text(_parameters(cartridge, shape), encoding="utf-8")
        used = len(cartridge.channels)
        flags = "\t".join("1" if i < used else "0" for i in range(len(NAME_LINES)))
        (work / USED_FILTERS).write_text(flags + "\n", encoding="utf-8")
        usual: dict[str, Role] = dict(ROLES)
        for channel in cartridge.channels:
            if channel.role == "marker1":
                usual[channel.name.lower()] = "marker1"
        declare_channels(cartridge, work, usual)
    return Path(folder)


def _demand_four(cartridge: Cartridge) -> None:
    """Refuse more channels than the parameters have lines for."""
    if len(cartridge.channels) > len(NAME_LINES):
        problem = Problem(
            cartridge.sample,
            None,
            "channels",
            f"{len(cartridge.channels)} channels",
            f"at most {len(NAME_LINES)} in MCBP folders",
            "write TIFF or OME-TIFF",
        )
        raise InputError([problem], subject="writing a MCBP folder")


def _parameters(cartridge: Cartridge, shape: tuple[int, int]) -> str:
    """Lines of `Parameters.txt`."""
    lines = [""] * 34
    lines[0] = "Parameters"
    lines[14] = f"{'Pixel um:':9}{cartridge.pixel_size_um:.12g}"
    lines[28] = f"{'Number of columns:':18}{shape[0]}"
    lines[29] = f"{'Number of rows:':18}{shape[1]}"
    for i, channel in enumerate(cartridge.channels):
        lines[NAME_LINES[i] - 1] = f"Channel {i + 1}:{channel.name}"
    return "\n".join(lines) + "\n"
