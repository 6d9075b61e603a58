"""OME-TIFF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lxml import etree

from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.readers.sidecar import SIDECAR
from ashworth.imaging.writers.numbering import numbers_for, width_of
from ashworth.imaging.writers.pages import (
    Compression,
    Progress,
    StoredPage,
    each_frame,
    write_pages,
)
from ashworth.imaging.writers.tiff_folder import order_of, sidecar_text
from ashworth.imaging.writers.whole import whole_folder

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
CREATOR = "ashworth"
MOST_CLASSIC_BYTES = 3_500_000_000


@dataclass(frozen=True, slots=True)
class _Field:
    """One image of a document: its frame number, first page and stage position."""

    number: int
    page: int
    position_um: tuple[float, ...]


def write_ome_tiff(
    cartridge: Cartridge,
    folder: str | Path,
    *,
    compression: Compression | None = None,
    files: Literal["one", "many"] = "one",
    sidecar: bool = True,
    progress: Progress | None = None,
) -> Path:
    """Write OME-TIFF: 16-bit pixels, channel names, pixel size and stage positions.

    Parameters
    ----------
    cartridge : Cartridge
    folder : str or Path
        New folder, or an empty one.
    compression : {'lzw', 'zlib', 'zstd'}, optional
    files : {'one', 'many'}
        One file with an image per frame, or a file per frame.
    sidecar : bool
        Also write ``frames.toml``, which keeps what OME-XML does not hold: roles, names of
        markers, saturations, the sample's name and assigned events.
    progress : callable, optional
        Called with the frames done and all frames.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    order = order_of(cartridge)
    numbers = numbers_for(cartridge, order) if cartridge.layout.places else cartridge.layout.numbers
    depth, name = len(cartridge.channels), Path(folder).absolute().name
    fields = [
        _Field(number, i * depth if files == "one" else 0, _position(cartridge, i))
        for i, number in enumerate(numbers)
    ]
    with whole_folder(folder, simulated=cartridge.simulated) as work:
        if files == "one":
            text = document(cartridge, fields)
            pages = (StoredPage(p) for _, pixels in each_frame(cartridge, progress) for p in pixels)
            path, large = work / f"{name}.ome.tif", _is_large(cartridge)
            write_pages(path, pages, compression, description=text, large=large)
        else:
            for index, pixels in each_frame(cartridge, progress):
                path = work / f"{name}_{numbers[index]:0{width_of(numbers)}d}.ome.tif"
                text = document(cartridge, fields[index : index + 1])
                write_pages(path, map(StoredPage, pixels), compression, description=text)
        if sidecar:
            (work / SIDECAR).write_text(sidecar_text(cartridge, numbers), encoding="utf-8")
    return Path(folder)


def _position(cartridge: Cartridge, index: int) -> tuple[float, ...]:
    """Stage position of a frame in um: its upper left corner; () for unrelated fields."""
    if not cartridge.layout.places:
        return ()
    x, y = cartridge.layout.origin(index)
    return x * cartridge.pixel_size_um, y * cartridge.pixel_size_um


def _is_large(cartridge: Cartridge) -> bool:
    """Whether all pixels in one file may exceed what a classic TIFF can address."""
    size = cartridge.layout
    frame = size.height * size.width * 2 * len(cartridge.channels)
    return len(size) * frame > MOST_CLASSIC_BYTES


def document(cartridge: Cartridge, fields: Sequence[_Field]) -> bytes:
    """OME-XML of some frames of a cartridge, in ASCII with character references."""
    root = etree.Element(f"{{{NAMESPACE}}}OME", nsmap={None: NAMESPACE}, Creator=CREATOR)
    for i, field in enumerate(fields):
        image = _element(root, "Image", ID=f"Image:{i}", Name=f"frame {field.number}")
        pixels = _element(image, "Pixels", ID=f"Pixels:{i}", **_pixels(cartridge))
        for c, channel in enumerate(cartridge.channels):
            named = {"ID": f"Channel:{i}:{c}", "Name": channel.name}
            _element(pixels, "Channel", **named, SamplesPerPixel="1")
        for c in range(len(cartridge.channels)):
            where = {"FirstC": f"{c}", "FirstZ": "0", "FirstT": "0", "IFD": f"{field.page + c}"}
            _element(pixels, "TiffData", **where, PlaneCount="1")
        for c in range(len(cartridge.channels)):
            plane = _element(pixels, "Plane", TheC=f"{c}", TheZ="0", TheT="0")
            for axis, value in zip("XY", field.position_um, strict=False):
                plane.set(f"Position{axis}", f"{value:.12g}")
                plane.set(f"Position{axis}Unit", "µm")
    return etree.tostring(root, encoding="us-ascii", xml_declaration=True)


def _element(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    """Add an element of the OME namespace."""
    return etree.SubElement(parent, f"{{{NAMESPACE}}}{name}", **attributes)


def _pixels(cartridge: Cartridge) -> dict[str, str]:
    """Attributes of Pixels."""
    size = cartridge.layout
    sizes = {"SizeX": size.width, "SizeY": size.height, "SizeC": len(cartridge.channels)}
    attributes = {key: str(value) for key, value in {**sizes, "SizeZ": 1, "SizeT": 1}.items()}
    for axis in "XY":
        attributes[f"PhysicalSize{axis}"] = f"{cartridge.pixel_size_um:.12g}"
        attributes[f"PhysicalSize{axis}Unit"] = "µm"
    tops = {channel.saturation for channel in cartridge.channels}
    top = tops.pop() if len(tops) == 1 else None
    if top is not None and top in {2.0**b - 1 for b in range(1, 17)}:
        attributes["SignificantBits"] = str(int(top).bit_length())
    return {"Type": "uint16", "DimensionOrder": "XYCZT", **attributes}
