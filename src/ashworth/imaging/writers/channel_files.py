"""What VyCAP and MCBP folders share: names of channels and files, and their declaration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.channels import Role
from ashworth.imaging.readers.roles import CUSTOM_CHANNELS
from ashworth.imaging.writers.numbering import shape_of

_SAFE = re.compile(r"[^\W_][\w +()-]*")
_TYPES: dict[str, str] = {
    "exclusion": "Exclusion Marker",
    "nucleus": "Nucleus",
    "inclusion": "Inclusion Marker",
    "marker1": "Additional Marker 1",
    "marker2": "Additional Marker 2",
    "marker3": "Additional Marker 3",
}


def demand_names(cartridge: Cartridge, format: str) -> None:
    """Refuse channel names that cannot be parts of file names, or are alike.

    Raises
    ------
    InputError
    """
    names = [channel.name for channel in cartridge.channels]
    alike = {name for name in names if [n.lower() for n in names].count(name.lower()) > 1}
    problems = [
        Problem(
            cartridge.sample,
            None,
            "channel name",
            repr(name),
            "letters, digits, spaces, + - _ ( ), each name once",
            "rename the channel",
        )
        for name in dict.fromkeys(names)
        if name in alike or not _SAFE.fullmatch(name)
    ]
    if problems:
        raise InputError(problems, subject=f"writing a {format} folder")


def demand_grid(cartridge: Cartridge, format: str) -> tuple[int, int]:
    """Columns and rows, which the format must have.

    Raises
    ------
    InputError
        For unrelated fields.
    """
    shape = shape_of(cartridge)
    if shape is None:
        problem = Problem(
            cartridge.sample,
            None,
            "places",
            "unrelated fields",
            f"frames on a grid; {format} folders always have one",
            "write TIFF or OME-TIFF",
        )
        raise InputError([problem], subject=f"writing a {format} folder")
    return shape


def declare_channels(cartridge: Cartridge, folder: Path, usual: Mapping[str, Role]) -> None:
    """Write `customChannels.csv`, unless all channels have their usual names."""
    if all(usual.get(c.name.lower()) == c.role for c in cartridge.channels):
        return
    lines = [f"{_TYPES[c.role]};{c.name}" for c in cartridge.channels]
    text = "\n".join(["Type;channelUsed", *lines]) + "\n"
    (folder / CUSTOM_CHANNELS).write_text(text, encoding="utf-8")
