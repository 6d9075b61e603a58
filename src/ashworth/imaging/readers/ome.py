"""OME-TIFF: one file with many fields, or many files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import starmap

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.channels import Channel
from ashworth.imaging.readers.directory import Directory
from ashworth.imaging.readers.folder import Findings, Plane, assemble, outside
from ashworth.imaging.readers.frame_numbers import numbers_of
from ashworth.imaging.readers.marks import is_simulated
from ashworth.imaging.readers.ome_metadata import OmeImage, companion_of, images_of, lattice
from ashworth.imaging.readers.recognition import Place, Reader, Recognition
from ashworth.imaging.readers.roles import in_order, marker_of, repeated_roles, role_of
from ashworth.imaging.readers.safe_xml import local, parse_xml, read_xml
from ashworth.imaging.readers.sidecar import SIDECAR, Sidecar, read_sidecar
from ashworth.imaging.readers.tiff_pages import Scan, description, scan

ENDINGS = (".ome.tif", ".ome.tiff")
_DECLARE = (
    f"put a {SIDECAR} beside the images with one [[channels]] for each channel, in their order: "
    'role = "nucleus", "inclusion", "exclusion", "marker1" or "ignored", and name'
)


def recognise(place: Place) -> Recognition:
    """Look for OME-XML in the first TIFF file."""
    directory = place.holding(".tif", ".tiff")
    if directory is None:
        return Recognition(False, "no TIFF file")
    named = directory.ending(*ENDINGS)
    first = (named or directory.tiffs)[0]
    if named or _is_ome(description(directory.path / first)):
        seen = "the ending .ome.tif" if named else "OME-XML"
        return Recognition(True, f"{seen} of {first}" if named else f"{seen} in {first}")
    return Recognition(False, f"no OME-XML in {first}")


def _is_ome(text: str) -> bool:
    """Whether a description is an OME document."""
    return text.lstrip().startswith("<") and "<OME" in text[:4096]


def open_ome(place: Place, reason: str, markers: Mapping[str, str] | None) -> Cartridge:
    """Open a folder of OME-TIFF files.

    Raises
    ------
    InputError
        With all faults of the metadata, the sidecar, the channels and the headers.
    """
    directory = place.holding(".tif", ".tiff") or place.chain[-1]
    problems: list[Problem] = []
    notes: list[str] = []
    path = place.find(SIDECAR)
    sidecar = read_sidecar(path) if path else Sidecar()
    fields = _fields(directory, problems, notes)
    channels = _channels(fields, sidecar, problems)
    frames = _frames(fields, [c for c, _ in channels], [i for _, i in channels], problems)
    size_um = _pixel_size(fields, sidecar, problems)
    scans = _scans(directory, frames)
    found = Findings(
        sample=sidecar.sample or place.sample,
        format="OME-TIFF",
        reason=reason,
        folder=directory.path,
        channels=tuple(_saturated(c, fields, scans) for c, _ in channels),
        frames=frames,
        pixel_size_um=size_um,
        grid=sidecar.grid.grid if sidecar.grid else None,
        scaling="plain",
        notes=tuple(notes),
        simulated=is_simulated(place),
        scans=scans,
        places=() if sidecar.grid else _places(fields, scans, size_um),
    )
    cartridge = assemble(found, problems, markers)
    events = tuple(entry.event for entry in sidecar.events)
    notes = [*cartridge.notes, *outside(cartridge.layout, events)]
    return replace(cartridge, events=events, notes=tuple(notes))


def _fields(directory: Directory, problems: list[Problem], notes: list[str]) -> dict[int, OmeImage]:
    """All images of a folder by frame number."""
    images: list[tuple[str, OmeImage]] = []
    covered: set[str] = set()
    others = []
    for file in directory.tiffs:
        if file in covered:
            continue
        text = description(directory.path / file)
        if not _is_ome(text):
            others.append(file)
            continue
        new = _document(directory, file, text, problems)
        covered.update(p[0] for image in new for p in image.planes if p is not None)
        images += [(file, image) for image in new]
    problems += starmap(
        _without_xml, ((f, directory) for f in others if f.lower().endswith(ENDINGS))
    )
    plain = [f for f in others if not f.lower().endswith(ENDINGS)]
    if plain:
        notes.append(f"{len(plain)} TIFF files without OME-XML are not read")
    names = [image.name for _, image in images]
    if len({file for file, _ in images}) == len(images):
        names = [file.lower().partition(".ome")[0].partition(".tif")[0] for file, _ in images]
    numbers, _ = numbers_of(names)
    if len(set(numbers)) < len(numbers):
        numbers = tuple(range(1, len(names) + 1))
    return {n: image for n, (_, image) in zip(numbers, images, strict=True)}


def _without_xml(file: str, directory: Directory) -> Problem:
    """A file whose name promises OME-XML."""
    fault = scan(directory.path / file).fault or "no OME-XML in it"
    remedy = "copy or export the file again"
    return Problem(file, None, None, fault, "a TIFF file with OME-XML", remedy)


def _document(
    directory: Directory, file: str, text: str, problems: list[Problem]
) -> list[OmeImage]:
    """Images of one file's document, or of its companion."""
    try:
        root = parse_xml(text.encode("utf-8"), file)
        companion = companion_of(root)
        if companion is not None:
            if companion not in directory.files:
                lost = f"a reference to {companion}, which is missing"
                problems.append(Problem(file, None, None, lost, "its metadata", "copy it too"))
                return []
            root = read_xml(directory.path / companion)
    except InputError as error:
        problems += error.problems
        return []
    if local(root) != "OME":
        found = f"a document of type '{local(root)}'"
        problems.append(Problem(file, None, None, found, "an OME document", "export again"))
        return []
    return images_of(root, file, problems)


def _channels(
    fields: Mapping[int, OmeImage], sidecar: Sidecar, problems: list[Problem]
) -> list[tuple[Channel, int]]:
    """Channels in the order wanted, with their position in the images."""
    if not fields:
        return []
    names = fields[min(fields)].channels
    by_name = {entry.name.lower(): entry.channel for entry in sidecar.channels}
    if sidecar.channels and len(sidecar.channels) != len(names):
        found = f"{len(sidecar.channels)} channels"
        allowed = f"{len(names)} channels, as the images have: {', '.join(names)}"
        problems.append(Problem(SIDECAR, None, "channels", found, allowed, _DECLARE))
        return []
    if sidecar.channels:
        matched = len(by_name) == len(names) and all(name.lower() in by_name for name in names)
        ordered = [entry.channel for entry in sidecar.channels]
        channels = [by_name[n.lower()] for n in names] if matched else ordered
        return in_order((channel, i) for i, channel in enumerate(channels))
    channels = []
    for i, name in enumerate(names):
        role = role_of(name)
        if role is None:
            found = f"'{name}'" if name else "no name"
            allowed = "a usual name, such as DAPI, CK or PE, CD45 or APC, FITC or HER2"
            problems.append(Problem("OME-XML", None, f"channel {i + 1}", found, allowed, _DECLARE))
        else:
            marker = marker_of(name) if role.startswith("marker") else ""
            channels.append((Channel(role, name, marker), i))
    if len(channels) == len(names):
        problems += repeated_roles((c for c, _ in channels), "OME-XML", _DECLARE)
    return in_order(channels)


def _frames(
    fields: Mapping[int, OmeImage],
    channels: Sequence[Channel],
    positions: Sequence[int],
    problems: list[Problem],
) -> dict[int, tuple[Plane, ...]]:
    """Planes of every field, in the order of the channels."""
    if not fields:
        return {}
    names = fields[min(fields)].channels
    frames = {}
    for number, image in fields.items():
        planes = [image.planes[i] for i in positions if i < len(image.planes)]
        whole = [plane for plane in planes if plane is not None]
        if image.channels != names or len(whole) < len(channels):
            found = f"channels {', '.join(image.channels)} on {len(whole)} pages"
            allowed = f"a page for each of {', '.join(names)}, as in the first image"
            where = f"image '{image.name}'"
            remedy = "export the images again with the same channels"
            problems.append(Problem("OME-XML", None, where, found, allowed, remedy))
        else:
            frames[number] = tuple(whole)
    return frames


def _scans(directory: Directory, frames: Mapping[int, tuple[Plane, ...]]) -> dict[str, Scan]:
    """Pages of the files that planes lie in; a file that is not in the folder has none."""
    files = dict.fromkeys(file for planes in frames.values() for file, _ in planes)
    missing = Scan((), "is missing from the folder")
    return {f: scan(directory.path / f) if f in directory.files else missing for f in files}


def _pixel_size(fields: Mapping[int, OmeImage], sidecar: Sidecar, problems: list[Problem]) -> float:
    """Pixel size of the sidecar, else of the images, which must agree."""
    if sidecar.pixel_size_um is not None:
        return sidecar.pixel_size_um
    sizes = {image.pixel_size_um for image in fields.values()}
    if len(sizes) == 1 and None not in sizes:
        return next(size for size in sizes if size is not None)
    if fields and not (problems and None in sizes):
        found = "no PhysicalSizeX" if None in sizes else f"several: {sorted(map(str, sizes))[:5]}"
        remedy = f"write pixel_size_um = ... into {SIDECAR}"
        problems.append(Problem("OME-XML", None, "pixel size", found, "one pixel size", remedy))
    return 1.0


def _saturated(
    channel: Channel, fields: Mapping[int, OmeImage], scans: Mapping[str, Scan]
) -> Channel:
    """Saturation by the significant bits, or of 8-bit pixels, unless it is declared."""
    if channel.saturation is not None:
        return channel
    bits = {image.bits for image in fields.values()}
    if bits == {None}:
        bits = {s.pages[0].bits for s in scans.values() if s.pages} - {16}
    known = bits.pop() if len(bits) == 1 else None
    return replace(channel, saturation=float(2**known - 1)) if known else channel


def _places(
    fields: Mapping[int, OmeImage], scans: Mapping[str, Scan], size_um: float
) -> tuple[tuple[int, int], ...]:
    """Places by stage positions, where the fields abut."""
    page = next((s.pages[0] for s in scans.values() if s.pages), None)
    if page is None or not page.width * page.height:
        return ()
    positions = {number: image.position_um for number, image in fields.items()}
    return lattice(positions, page.width * size_um, page.height * size_um)


OME_TIFF = Reader(
    "OME-TIFF",
    "TIFF files that end with .ome.tif or hold OME-XML",
    recognise,
    open_ome,
)
