"""VyCAP folders: a folder per channel and ``Scan/...Scan settings.txt``.

Facts as found in the public image loaders of ACCEPT: in the settings, line 6 columns and line 7
rows (from character 10), line 19 ends with the camera's pixel, of which a tenth is the pixel on
the slide (decimal comma allowed); a folder ``<channel>1`` per channel with ``*<channel>.tif``;
frames row by row; values above 32767 lose 32768.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.channels import Role
from ashworth.imaging.readers.directory import Directory, listing
from ashworth.imaging.readers.filter_files import (
    absent,
    channels_of,
    declared,
    frames_of,
    others_ignored,
    owner_of,
)
from ashworth.imaging.readers.fixed_lines import fixed_lines
from ashworth.imaging.readers.folder import Findings, assemble
from ashworth.imaging.readers.grid import Grid
from ashworth.imaging.readers.marks import is_simulated
from ashworth.imaging.readers.recognition import Place, Reader, Recognition

ROLES: dict[str, Role] = {
    "apc": "exclusion",
    "dapi": "nucleus",
    "pe": "inclusion",
    "fitc": "marker1",
    "reflection": "ignored",
    "marker2": "marker2",
}
SETTINGS = "scan settings.txt"
MAGNIFICATION = 10.0


def _settings(place: Place) -> Path | None:
    """The settings file in the folder `Scan`."""
    for directory in place.chain:
        for name in directory.folders:
            if name.lower() == "scan":
                for file in listing(directory.path / name).ending(SETTINGS):
                    return directory.path / name / file
    return None


def recognise(place: Place) -> Recognition:
    """Look for the settings file."""
    path = _settings(place)
    if path is None:
        return Recognition(False, f"no Scan/*{SETTINGS}")
    return Recognition(True, f"{path.parent.name}/{path.name}")


def open_vycap(place: Place, reason: str, markers: Mapping[str, str] | None) -> Cartridge:
    """Open a VyCAP folder.

    Raises
    ------
    InputError
        With all faults of the settings, the channels, the file names and the headers.
    """
    path = _settings(place)
    assert path is not None
    root = path.parent.parent
    settings = fixed_lines(path)
    problems, notes = settings.problems, []
    columns = settings.whole(6, 10, "columns")
    rows = settings.whole(7, 10, "rows")
    pixel_size_um = settings.last_number(19, "camera pixel (um)") / MAGNIFICATION
    names, files = _channel_files(listing(root))
    custom = declared(place, problems)
    problems += absent(custom, names, str(root), f"found {', '.join(names) or 'none'}")
    roles = others_ignored(names, custom) if custom else ROLES
    channels = channels_of(names, roles, str(root), problems)
    kept = {channel.name: files[channel.name] for channel, _ in channels}
    found = Findings(
        sample=place.sample,
        format="VyCAP",
        reason=reason,
        folder=root,
        channels=tuple(channel for channel, _ in channels),
        frames=frames_of(kept, str(root), problems, notes),
        pixel_size_um=pixel_size_um,
        grid=Grid(columns, rows, "row_major"),
        scaling="offset",
        notes=(*notes, *left_out(names, kept)),
        simulated=is_simulated(place),
    )
    return assemble(found, problems, markers)


def left_out(names: list[str], kept: Mapping[str, object]) -> list[str]:
    """Say which channels are not read."""
    ignored = [name for name in names if name not in kept]
    return [f"channels not read: {', '.join(ignored)}"] if ignored else []


def _channel_files(root: Directory) -> tuple[list[str], dict[str, list[str]]]:
    """Channel names and their files, from the folders ``<channel>1``."""
    names, files = [], {}
    for folder in root.folders:
        name = folder[:-1]
        if folder.endswith("1") and name:
            tiffs = [f for f in listing(root.path / folder).tiffs if owner_of(f, [name])]
            if tiffs:
                names.append(name)
                files[name] = [f"{folder}/{file}" for file in tiffs]
    return names, files


VYCAP = Reader(
    "VyCAP",
    "Scan/*Scan settings.txt and a folder <channel>1 for each channel",
    recognise,
    open_vycap,
)
