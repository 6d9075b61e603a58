"""CellTracks folders: one TIFF per frame, one page per channel, and the instrument's XML.

Facts of the format: private TIFF tags 755 and 756, the fixed page order, the snake of frames and
the fields of the XML, as found in the public image loaders of ACCEPT (version 1.3, MATLAB).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.channels import Channel, Role
from ashworth.imaging.readers.celltracks_xml import CellTracksRun, assigned_events, read_run
from ashworth.imaging.readers.directory import Directory
from ashworth.imaging.readers.folder import Findings, assemble, outside
from ashworth.imaging.readers.grid import Grid, Order, known_grid
from ashworth.imaging.readers.marks import is_simulated
from ashworth.imaging.readers.multi_page import Stack, stack_of
from ashworth.imaging.readers.recognition import Place, Reader, Recognition
from ashworth.imaging.readers.roles import in_order, marker_of, role_of
from ashworth.imaging.readers.tiff_pages import scan

PIXEL_SIZE_UM = 0.64
SATURATION = 4095.0
PAGES: tuple[tuple[Role, str], ...] = (
    ("nucleus", "DAPI"),
    ("marker1", "FITC"),
    ("inclusion", "PE"),
    ("exclusion", "APC"),
    ("marker2", "Marker2"),
    ("marker3", "Marker3"),
)
"""Role and usual name of every page of a frame."""
LEAST_PAGES = 4


def recognise(place: Place) -> Recognition:
    """Look for the XML named after the folder, or for pages with the private tags."""
    tiffs = place.holding(".tif", ".tiff")
    xml = xml_of(place)
    if tiffs is None:
        return Recognition(False, "no TIFF file")
    if xml is not None and xml.stem == place.sample.partition(".")[0]:
        return Recognition(True, f"{xml.name}, named after the folder, and TIFF frames")
    if place.holding(".dlm"):
        return Recognition(False, f"no {place.sample.partition('.')[0]}.xml, but .dlm files")
    first = tiffs.path / tiffs.tiffs[0]
    pages = scan(first).pages
    if pages and pages[0].low is not None and pages[0].high is not None:
        beside = f"and {xml.name}" if xml else "no XML"
        return Recognition(True, f"private TIFF tags 755 and 756 in {first.name}, {beside}")
    wanted = f"no {place.sample.partition('.')[0]}.xml"
    return Recognition(False, f"{wanted}, and no tags 755 and 756 in {first.name}")


def xml_of(place: Place) -> Path | None:
    """XML named after the folder, else the only XML along the chain."""
    wanted = f"{place.sample.partition('.')[0]}.xml".lower()
    found = [d.path / f for d in place.chain for f in d.ending(".xml")]
    exact = [path for path in found if path.name.lower() == wanted]
    return exact[0] if exact else found[0] if len(found) == 1 else None


def open_celltracks(place: Place, reason: str, markers: Mapping[str, str] | None) -> Cartridge:
    """Open a CellTracks folder.

    Raises
    ------
    InputError
        With all faults of the XML and of the headers.
    """
    directory = place.holding(".tif", ".tiff") or place.chain[-1]
    stack = stack_of(directory)
    problems = [*stack.problems, *page_problems(directory, stack)]
    run, notes = CellTracksRun(), list(stack.notes)
    xml = xml_of(place)
    if xml is None:
        notes.append("no XML: assigned events are unknown")
    else:
        try:
            run = read_run(xml)
        except InputError as error:
            problems += error.problems
    grid = run.grid
    if grid is None and not run.unrelated:
        grid = grid_by_count(len(stack.files), "snake", notes)
    found = findings(place, directory, stack, run.filters)
    found = replace(found, format="CellTracks", reason=reason, grid=grid, notes=tuple(notes))
    cartridge = assemble(found, problems, markers)
    events = assigned_events(run, cartridge.layout)
    notes = [*cartridge.notes, *run.notes, *outside(cartridge.layout, events)]
    return replace(cartridge, events=events, notes=tuple(notes))


def grid_by_count(frames: int, order: Order, notes: list[str]) -> Grid | None:
    """Take the known cartridge of this number of frames, and say so."""
    grid = known_grid(frames, order)
    if grid is not None:
        shape = f"{grid.columns} columns, {grid.rows} rows"
        notes.append(f"grid taken from the number of frames ({frames}: {shape})")
    return grid


def page_problems(directory: Directory, stack: Stack) -> list[Problem]:
    """Too few or too many pages for the fixed order of channels."""
    if not stack.pages or LEAST_PAGES <= stack.pages <= len(PAGES):
        return []
    return [
        Problem(
            str(directory.path),
            None,
            "pages",
            f"frames of {stack.pages} pages",
            f"{LEAST_PAGES} to {len(PAGES)} pages: {', '.join(role for role, _ in PAGES)}",
            "export the frames again with all channels",
        )
    ]


def findings(
    place: Place, directory: Directory, stack: Stack, names: Sequence[str] = ()
) -> Findings:
    """Findings common to CellTracks and CellTracksXp."""
    pages = PAGES[: max(LEAST_PAGES, min(stack.pages, len(PAGES)))]
    called = _called(names, pages)
    channels = []
    for page, (role, usual) in enumerate(pages):
        name = called.get(role, usual)
        marker = marker_of(name) if role.startswith("marker") else ""
        channels.append((Channel(role, name, marker, SATURATION), page))
    kept = in_order(channels)
    return Findings(
        sample=place.sample,
        format="",
        reason="",
        folder=directory.path,
        channels=tuple(channel for channel, _ in kept),
        frames=stack.frames([page for _, page in kept]),
        pixel_size_um=PIXEL_SIZE_UM,
        grid=None,
        scaling="stretched",
        simulated=is_simulated(place),
        scans=stack.scans,
    )


def _called(names: Sequence[str], pages: Sequence[tuple[Role, str]]) -> dict[str | None, str]:
    """Names of the filters by role: as they are ordered, else by what they usually show."""
    if len(names) != len(pages) or len(set(names)) < len(names):
        return {}
    roles = [role for role, _ in pages]
    usual = [role_of(name) for name in names]
    if all(known in (None, role) for known, role in zip(usual, roles, strict=True)):
        return dict(zip(roles, names, strict=True))
    return dict(zip(usual, names, strict=True)) if set(usual) == set(roles) else {}


CELLTRACKS = Reader(
    "CellTracks",
    "TIFF frames and an XML named after the folder up to its first dot, or TIFF frames with the "
    "private tags 755 and 756; also in a chain of single sub-folders",
    recognise,
    open_celltracks,
)
