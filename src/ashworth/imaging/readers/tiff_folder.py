"""Plain TIFF files that a `frames.toml` explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ashworth.errors import Problem
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.channels import Channel
from ashworth.imaging.readers.directory import Directory
from ashworth.imaging.readers.folder import Findings, Plane, assemble, outside
from ashworth.imaging.readers.frame_numbers import repeated
from ashworth.imaging.readers.marks import is_simulated
from ashworth.imaging.readers.multi_page import stack_of
from ashworth.imaging.readers.recognition import Place, Reader, Recognition
from ashworth.imaging.readers.roles import in_order
from ashworth.imaging.readers.sidecar import SIDECAR, Sidecar, pattern_of, read_sidecar
from ashworth.imaging.readers.single_page import ChannelFiles, joined
from ashworth.imaging.readers.tiff_pages import Scan, scan


def recognise(place: Place) -> Recognition:
    """Look for a sidecar."""
    if place.find(SIDECAR):
        return Recognition(True, f"the sidecar {SIDECAR}")
    return Recognition(False, f"no {SIDECAR}")


def open_tiff(place: Place, reason: str, markers: Mapping[str, str] | None) -> Cartridge:
    """Open a folder of plain TIFF files with its sidecar.

    Raises
    ------
    InputError
        With all faults of the sidecar, the names and the headers.
    """
    path = place.find(SIDECAR)
    assert path is not None
    sidecar = read_sidecar(path)
    problems = _undeclared(sidecar)
    directory = place.holding(".tif", ".tiff") or place.chain[-1]
    channels = in_order((entry.channel, i) for i, entry in enumerate(sidecar.channels))
    frames, scans, faults, notes = (_single if sidecar.files else _multi)(
        directory, sidecar, channels
    )
    found = Findings(
        sample=sidecar.sample or place.sample,
        format="TIFF",
        reason=reason,
        folder=directory.path,
        channels=tuple(saturated(channel, scans) for channel, _ in channels),
        frames=frames,
        pixel_size_um=sidecar.pixel_size_um or 1.0,
        grid=sidecar.grid.grid if sidecar.grid else None,
        scaling="plain",
        notes=notes,
        simulated=is_simulated(place),
        scans=scans,
    )
    cartridge = assemble(found, [*problems, *faults], markers)
    events = tuple(entry.event for entry in sidecar.events)
    notes = (*cartridge.notes, *outside(cartridge.layout, events))
    return replace(cartridge, events=events, notes=notes)


def _undeclared(sidecar: Sidecar) -> list[Problem]:
    """What plain TIFF files need their sidecar for."""
    needed = {
        "pixel_size_um": sidecar.pixel_size_um is None,
        "channels": not sidecar.channels,
    }
    return [
        Problem(SIDECAR, None, key, "nothing", "this key, for plain TIFF files", "add it")
        for key, missing in needed.items()
        if missing
    ]


def saturated(channel: Channel, scans: Mapping[str, Scan]) -> Channel:
    """Give 8-bit channels their saturation, unless one is declared."""
    bits = {s.pages[0].bits for s in scans.values() if s.pages}
    if channel.saturation is None and bits == {8}:
        return replace(channel, saturation=255.0)
    return channel


Gathered = tuple[dict[int, tuple[Plane, ...]], Mapping[str, Scan], list[Problem], tuple[str, ...]]


def _multi(directory: Directory, sidecar: Sidecar, channels: list[tuple[Channel, int]]) -> Gathered:
    """One file per frame, one page per channel."""
    stack = stack_of(directory)
    problems, wanted = list(stack.problems), len(sidecar.channels)
    if wanted and stack.pages and stack.pages != wanted:
        problems.append(
            Problem(
                SIDECAR,
                None,
                "channels",
                f"{wanted} channels, but frames of {stack.pages} pages",
                "one entry for every page, in the order of the pages",
                "add the pages not wanted with the role 'ignored'; for single-page files give "
                'their pattern, e.g. files = "{frame}_{channel}.tif"',
            )
        )
    frames = stack.frames([page for _, page in channels])
    return frames, stack.scans, problems, stack.notes


def _single(
    directory: Directory, sidecar: Sidecar, channels: list[tuple[Channel, int]]
) -> Gathered:
    """One file per frame and channel."""
    pattern = pattern_of(sidecar.files, tuple(entry.name for entry in sidecar.channels))
    names = {entry.name.lower(): entry.name for entry in sidecar.channels}
    files: dict[str, list[tuple[int, str]]] = {name: [] for name in names.values()}
    strangers = []
    for file in directory.tiffs:
        match = pattern.fullmatch(file)
        if match:
            files[names[match["channel"].lower()]].append((int(match["frame"]), file))
        else:
            strangers.append(file)
    problems = []
    for channel, _ in channels:
        if pairs := files[channel.name]:
            problems += repeated([n for n, _ in pairs], [file for _, file in pairs])
    sets = [ChannelFiles(c.name, dict(files[c.name])) for c, _ in channels]
    frames, faults = joined(sets, str(directory.path))
    notes = (f"{len(strangers)} TIFF files do not match the pattern",) if strangers else ()
    wanted = dict.fromkeys(file for planes in frames.values() for file, _ in planes)
    return frames, {f: scan(directory.path / f) for f in wanted}, [*problems, *faults], notes


TIFF_FOLDER = Reader(
    "TIFF",
    f"TIFF files and {SIDECAR}, which names channels, pixel size and grid",
    recognise,
    open_tiff,
)
