"""OME-XML: images, channels, planes, pixel size and stage positions.

Written from the OME data model (schema 2016-06): elements Image, Pixels, Channel, TiffData, UUID,
Plane; lengths have units, by default um for pixel sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from ashworth.errors import Problem
from ashworth.imaging.readers.safe_xml import descendants, named_children

UM_PER = {
    "km": 1e9,
    "m": 1e6,
    "dm": 1e5,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,
    "μm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "nm": 1e-3,
    "pm": 1e-6,
    "Å": 1e-4,
    "in": 25400.0,
    "thou": 25.4,
    "mil": 25.4,
    "ft": 304800.0,
}
TYPES = ("uint8", "uint16")
_NON_SQUARE = 0.01
_REMEDY = "export the images again as OME-TIFF of one field each: one Z, one T, grey channels"


@dataclass(frozen=True, slots=True)
class OmeImage:
    """One field.

    Attributes
    ----------
    name : str
    channels : tuple of str
        Names, "" where none is given.
    planes : tuple of (file, page) or None
        Of every channel; None where the XML names no page.
    pixel_size_um : float or None
    bits : int or None
        Significant bits.
    position_um : (x, y) or None
        Of the stage.
    """

    name: str
    channels: tuple[str, ...]
    planes: tuple[tuple[str, int] | None, ...]
    pixel_size_um: float | None
    bits: int | None
    position_um: tuple[float, float] | None


def images_of(root: etree._Element, file: str, problems: list[Problem]) -> list[OmeImage]:
    """Read all images of an OME document.

    Parameters
    ----------
    root : element
    file : str
        File that holds the document; planes without a file name of their own lie there.
    problems : list of Problem
        Added to.
    """
    images = []
    for number, image in enumerate(named_children(root, "Image"), 1):
        name = image.get("Name") or f"{number}"
        pixels = next(named_children(image, "Pixels"), None)
        if pixels is None:
            problems.append(_problem(file, name, "an Image without Pixels", "Pixels"))
        else:
            images.append(_image(name, pixels, file, problems))
    return images


def _problem(file: str, where: str, found: str, allowed: str) -> Problem:
    """One fault of an image."""
    return Problem(file, None, f"image '{where}'", found, allowed, _REMEDY)


def _image(name: str, pixels: etree._Element, file: str, problems: list[Problem]) -> OmeImage:
    """Read the pixels of one image."""
    size = {axis: _whole(pixels.get(f"Size{axis}"), 1) for axis in "CZT"}
    kind = pixels.get("Type", "")
    if kind not in TYPES:
        problems.append(_problem(file, name, f"pixels of type {kind!r}", " or ".join(TYPES)))
    if size["Z"] != 1 or size["T"] != 1:
        found = f"{size['Z']} Z planes and {size['T']} times"
        problems.append(_problem(file, name, found, "one plane and one time"))
    channels = list(named_children(pixels, "Channel"))
    if any(_whole(c.get("SamplesPerPixel"), 1) != 1 for c in channels):
        problems.append(_problem(file, name, "a colour channel", "one sample per pixel"))
    names = [channel.get("Name") or "" for channel in channels]
    names = [*names, *[""] * (size["C"] - len(names))][: size["C"]]
    bits = _whole(pixels.get("SignificantBits"), 0)
    return OmeImage(
        name=name,
        channels=tuple(names),
        planes=_planes(pixels, size["C"], file),
        pixel_size_um=_pixel_size(name, pixels, file, problems),
        bits=bits if 1 <= bits <= 16 else None,
        position_um=_position(pixels),
    )


def _whole(text: str | None, default: int) -> int:
    """A whole number of an attribute."""
    return int(text) if text and text.isdecimal() and len(text) < 10 else default


def _planes(pixels: etree._Element, channels: int, file: str) -> tuple[tuple[str, int] | None, ...]:
    """File and page of every channel."""
    planes: list[tuple[str, int] | None] = [None] * channels
    for data in named_children(pixels, "TiffData"):
        uuid = next(named_children(data, "UUID"), None)
        where = (uuid.get("FileName") if uuid is not None else None) or file
        first, page = _whole(data.get("FirstC"), 0), _whole(data.get("IFD"), 0)
        rest = 1 if data.get("IFD") is not None else channels - first
        count = _whole(data.get("PlaneCount"), rest)
        for step in range(max(0, min(count, channels - first))):
            planes[first + step] = where, page + step
    return tuple(planes)


def in_um(text: str | None, unit: str) -> float | None:
    """A length in um, or None where it is not a number above 0 or its unit is no length.

    Examples
    --------
    >>> in_um("640", "nm")
    0.64
    """
    try:
        value = float(text or "")
    except ValueError:
        return None
    factor = UM_PER.get(unit)
    return value * factor if factor is not None and abs(value) < 1e12 else None


def _pixel_size(
    name: str, pixels: etree._Element, file: str, problems: list[Problem]
) -> float | None:
    """Pixel size; it must be a length and the pixel a square."""
    texts = {axis: pixels.get(f"PhysicalSize{axis}") for axis in "XY"}
    if texts["X"] is None:
        return None
    units = {axis: pixels.get(f"PhysicalSize{axis}Unit", "µm") for axis in "XY"}
    x, y = (in_um(texts[axis] or texts["X"], units[axis]) for axis in "XY")
    if x is None or y is None or x <= 0 or abs(x - y) > _NON_SQUARE * x:
        found = f"pixels of {texts['X']} {units['X']} x {texts['Y']} {units['Y']}"
        problems.append(_problem(file, name, found, "square pixels with a unit of length"))
        return None
    return x


def _position(pixels: etree._Element) -> tuple[float, float] | None:
    """Stage position of the first plane that has one."""
    for plane in named_children(pixels, "Plane"):
        x, y = (
            in_um(plane.get(f"Position{axis}"), plane.get(f"Position{axis}Unit", "µm"))
            for axis in "XY"
        )
        if x is not None and y is not None:
            return x, y
    return None


def companion_of(root: etree._Element) -> str | None:
    """File that holds the metadata, where a document only refers to it."""
    only = next(descendants(root, "BinaryOnly"), None)
    return only.get("MetadataFile") if only is not None else None


def lattice(
    positions: Mapping[int, tuple[float, float] | None], width_um: float, height_um: float
) -> tuple[tuple[int, int], ...]:
    """Places of abutting frames from their stage positions, or () where they do not abut.

    Parameters
    ----------
    positions : mapping of int to (x, y) in um, or None
        By frame number; x grows to the right, y downwards.
    width_um, height_um : float
        Size of a frame; steps may differ from it by 2 % of a frame over the whole scan.

    Examples
    --------
    >>> lattice({1: (0.0, 0.0), 2: (100.0, 0.0), 3: (100.0, 50.0)}, 100.0, 50.0)
    ((0, 0), (1, 0), (1, 1))
    """
    known = [positions[number] for number in sorted(positions)]
    points = [point for point in known if point is not None]
    if not points or len(points) < len(known):
        return ()
    left, top = min(x for x, _ in points), min(y for _, y in points)
    steps = [((x - left) / width_um, (y - top) / height_um) for x, y in points]
    places = [(round(x), round(y)) for x, y in steps]
    off = max(
        abs(s - p) for a, b in zip(steps, places, strict=True) for s, p in zip(a, b, strict=True)
    )
    return tuple(places) if off <= 0.02 and len(set(places)) == len(places) else ()
