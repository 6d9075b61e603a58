"""VyCAP folders."""

from __future__ import annotations

from pathlib import Path

from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.readers.vycap import MAGNIFICATION, ROLES
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


def write_vycap(
    cartridge: Cartridge,
    folder: str | Path,
    *,
    compression: Compression | None = None,
    decimal_comma: bool = True,
    progress: Progress | None = None,
) -> Path:
    """Write a VyCAP folder: ``<channel>1/<frame>_<channel>.tif`` and the scan settings.

    Frames are numbered row by row. Where channels do not have the usual names,
    ``customChannels.csv`` declares them. Assigned events, names of markers and saturations are
    not part of the format.

    Parameters
    ----------
    cartridge : Cartridge
    folder : str or Path
        New folder, or an empty one.
    compression : {'lzw', 'zlib', 'zstd'}, optional
    decimal_comma : bool
        Write the pixel size with a decimal comma.
    progress : callable, optional
        Called with the frames done and all frames.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the frames have no grid, a value exceeds 32767, a channel's name cannot be part of a
        file name, or the folder cannot be written.
    """
    demand_names(cartridge, "VyCAP")
    shape = demand_grid(cartridge, "VyCAP")
    numbers = numbers_for(cartridge, "row_major")
    with whole_folder(folder, simulated=cartridge.simulated) as work:
        for channel in cartridge.channels:
            (work / f"{channel.name}1").mkdir()
        for index, pixels in each_frame(cartridge, progress):
            number = f"{numbers[index]:0{width_of(numbers)}d}"
            demand_values(pixels, cartridge.sample, numbers[index], MOST_STRETCHED, "VyCAP")
            for channel, page in zip(cartridge.channels, pixels, strict=True):
                file = f"{channel.name}1/{number}_{channel.name}.tif"
                write_pages(work / file, [StoredPage(page)], compression)
        (work / "Scan").mkdir()
        text = _settings(cartridge, shape)
        text = text.replace(".", ",") if decimal_comma else text
        name = f"{Path(folder).absolute().name} Scan settings.txt"
        (work / "Scan" / name).write_text(text, encoding="utf-8")
        declare_channels(cartridge, work, ROLES)
    return Path(folder)


def _settings(cartridge: Cartridge, shape: tuple[int, int]) -> str:
    """Lines of the settings file."""
    lines = [""] * max(19, 5 + 5 * len(cartridge.channels))
    lines[0] = "Scan settings"
    lines[5] = f"{'Columns:':9}{shape[0]}"
    lines[6] = f"{'Rows:':9}{shape[1]}"
    lines[7] = f"{'Number of channels: (':22}{len(cartridge.channels)})"
    for i, channel in enumerate(cartridge.channels, 1):
        lines[4 + 5 * i] = f"{'Channel':48}{channel.name}"
    pixel = f"{cartridge.pixel_size_um * MAGNIFICATION:.12g}"
    pixel = pixel if "." in pixel else f"{pixel}."
    lines[18] = f"Camera pixel: {pixel:0<4}"
    return "\n".join(lines) + "\n"
