"""Plain TIFF files with their sidecar."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from ashworth.imaging.cartridge import Cartridge, row_major, snake
from ashworth.imaging.readers.sidecar import SIDECAR
from ashworth.imaging.writers.channel_files import demand_names
from ashworth.imaging.writers.numbering import numbers_for, shape_of, width_of
from ashworth.imaging.writers.pages import (
    Compression,
    Progress,
    StoredPage,
    each_frame,
    write_pages,
)
from ashworth.imaging.writers.whole import whole_folder

PATTERN = "{frame}_{channel}.tif"


def write_tiff(
    cartridge: Cartridge,
    folder: str | Path,
    *,
    compression: Compression | None = None,
    files: Literal["multi_page", "single_page"] = "multi_page",
    progress: Progress | None = None,
) -> Path:
    """Write 16-bit TIFF files and ``frames.toml``; nothing is lost.

    Parameters
    ----------
    cartridge : Cartridge
    folder : str or Path
        New folder, or an empty one.
    compression : {'lzw', 'zlib', 'zstd'}, optional
    files : {'multi_page', 'single_page'}
        One file per frame, or one per frame and channel.
    progress : callable, optional
        Called with the frames done and all frames.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the folder cannot be written, or a channel's name cannot be part of a file name.
    """
    if files == "single_page":
        demand_names(cartridge, "TIFF")
    order = order_of(cartridge)
    numbers = numbers_for(cartridge, order) if cartridge.layout.places else cartridge.layout.numbers
    single = files == "single_page"
    with whole_folder(folder, simulated=cartridge.simulated) as work:
        for index, pixels in each_frame(cartridge, progress):
            frame = f"{numbers[index]:0{width_of(numbers)}d}"
            if not single:
                write_pages(work / f"{frame}.tif", map(StoredPage, pixels), compression)
                continue
            for channel, page in zip(cartridge.channels, pixels, strict=True):
                name = PATTERN.format(frame=frame, channel=channel.name)
                write_pages(work / name, [StoredPage(page)], compression)
        text = sidecar_text(cartridge, numbers, PATTERN if single else "")
        (work / SIDECAR).write_text(text, encoding="utf-8")
    return Path(folder)


def order_of(cartridge: Cartridge) -> Literal["snake", "row_major"]:
    """Order in which the cartridge's own numbers run over its places."""
    shape = shape_of(cartridge)
    first = 1 if 0 not in cartridge.layout.numbers else 0
    if shape is not None:
        rows = row_major(*shape)
        index = [number - first for number in cartridge.layout.numbers]
        if max(index) < len(rows) and all(
            rows[i] == place for i, place in zip(index, cartridge.layout.places, strict=True)
        ):
            return "snake" if rows == snake(*shape) else "row_major"
    return "snake"


def sidecar_text(cartridge: Cartridge, numbers: tuple[int, ...], pattern: str = "") -> str:
    """Write `frames.toml` of a cartridge."""
    lines = [f"sample = {_toml(cartridge.sample)}"]
    lines += [f"pixel_size_um = {float(cartridge.pixel_size_um)!r}"]
    lines += [f"files = {_toml(pattern)}"] if pattern else []
    shape = shape_of(cartridge)
    if shape is not None:
        grid = {"columns": shape[0], "rows": shape[1], "order": order_of(cartridge)}
        lines += ["", "[grid]", *_entries(grid)]
    for channel in cartridge.channels:
        entry: dict[str, Any] = {"role": channel.role, "name": channel.name}
        entry |= {"marker": channel.marker} if channel.marker else {}
        if channel.saturation is not None:
            entry["saturation"] = float(channel.saturation)
        lines += ["", "[[channels]]", *_entries(entry)]
    new = dict(zip(cartridge.layout.numbers, numbers, strict=True))
    for event in cartridge.events:
        box = {k: float(getattr(event, k)) for k in ("x", "y", "width", "height")}
        entry = {"id": event.event_id, "frame": new.get(event.frame, event.frame), **box}
        entry |= {"assigned": event.assigned, "score": event.score}
        lines += ["", "[[events]]", *_entries(entry)]
    return "\n".join(lines) + "\n"


def _entries(values: dict[str, Any]) -> list[str]:
    """Lines of a table."""
    return [f"{key} = {_toml(value)}" for key, value in values.items()]


def _toml(value: str | float | bool) -> str:
    """One TOML value."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
