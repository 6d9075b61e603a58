"""CellTracks folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from lxml import etree

from ashworth.imaging.cartridge import AssignedEvent, Cartridge, Pixels
from ashworth.imaging.readers.celltracks import LEAST_PAGES, PAGES
from ashworth.imaging.readers.celltracks_xml import GROWN_PX
from ashworth.imaging.writers.numbering import numbers_for, shape_of, width_of
from ashworth.imaging.writers.pages import (
    MOST_STRETCHED,
    Bits,
    Compression,
    Progress,
    StoredPage,
    demand_roles,
    demand_values,
    each_frame,
    stretched,
    write_pages,
)
from ashworth.imaging.writers.whole import whole_folder


def write_celltracks(
    cartridge: Cartridge,
    folder: str | Path,
    *,
    compression: Compression | None = None,
    bits: Bits = 8,
    progress: Progress | None = None,
) -> Path:
    """Write a CellTracks folder: ``processed/<sample>_<frame>.tif`` and ``<id>.xml``.

    The XML is named after the folder up to its first dot. Frames are numbered along the snake;
    pages are nucleus, marker1, inclusion, exclusion (, marker2, marker3); an absent marker
    before a present one, and an absent marker1, are black pages. A box of an assigned event
    smaller than 20 px comes back as 20 px; names of markers and the pixel size (0.64 um) are
    not part of the format.

    Parameters
    ----------
    cartridge : Cartridge
    folder : str or Path
        New folder, or an empty one.
    compression : {'lzw', 'zlib', 'zstd'}, optional
    bits : {8, 16}
        8: stretched between the page's least and greatest value, as the instrument does; 16:
        exact.
    progress : callable, optional
        Called with the frames done and all frames.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If a channel that every such folder has is absent, a value exceeds 32767, or the folder
        cannot be written.
    """
    demand_roles(cartridge, ("nucleus", "inclusion", "exclusion"), "CellTracks")
    numbers = numbers_for(cartridge, "snake")
    name = Path(folder).absolute().name
    with whole_folder(folder, simulated=cartridge.simulated) as work:
        (work / "processed").mkdir()
        frame_files(cartridge, work / "processed", name, numbers, compression, bits, progress)
        document = etree.tostring(
            _document(cartridge, numbers), pretty_print=True, xml_declaration=True, encoding="utf-8"
        )
        (work / f"{name.partition('.')[0]}.xml").write_bytes(document)
    return Path(folder)


def frame_files(
    cartridge: Cartridge,
    folder: Path,
    stem: str,
    numbers: tuple[int, ...],
    compression: Compression | None,
    bits: Bits,
    progress: Progress | None,
) -> None:
    """Write the frames, one file each."""
    for index, pixels in each_frame(cartridge, progress):
        number = numbers[index]
        demand_values(pixels, cartridge.sample, number, MOST_STRETCHED, "CellTracks")
        path = folder / f"{stem}_{number:0{width_of(numbers)}d}.tif"
        write_pages(path, _pages(cartridge, pixels, bits), compression)


def _pages(cartridge: Cartridge, pixels: Pixels, bits: Bits) -> Iterator[StoredPage]:
    """Pages in the order of the format."""
    at = [cartridge.index_of(role) for role, _ in PAGES]
    last = max(i for i, channel in enumerate(at) if channel is not None)
    black = np.zeros(pixels.shape[1:], np.uint16)
    for channel in at[: max(LEAST_PAGES, last + 1)]:
        yield stretched(black if channel is None else pixels[channel], bits)


def _document(cartridge: Cartridge, numbers: tuple[int, ...]) -> etree._Element:
    """Build the XML."""
    root = etree.Element("archive")
    run = etree.SubElement(etree.SubElement(root, "runs"), "record")
    columns, rows = shape_of(cartridge) or (0, 0)
    size = cartridge.layout
    _fill(run, numcols=columns, numrows=rows, camxsize=size.width, camysize=size.height)
    filters = etree.SubElement(root, "test_filters")
    named = {channel.role: channel.name for channel in cartridge.channels}
    for role, usual in PAGES:
        if role in named or role == "marker1":
            _fill(etree.SubElement(filters, "record"), filtername=named.get(role, usual))
    events = etree.SubElement(root, "events")
    new = dict(zip(cartridge.layout.numbers, numbers, strict=True))
    for event in cartridge.events:
        _fill(
            etree.SubElement(events, "record"),
            rid=event.event_id,
            numselected=event.score,
            framenum=new.get(event.frame, event.frame),
            location=_location(event),
            assigned=str(event.assigned).lower(),
        )
    return root


def _fill(record: etree._Element, **fields: str | int) -> None:
    """Add fields to a record."""
    for name, value in fields.items():
        etree.SubElement(record, name).text = str(value)


def _location(event: AssignedEvent) -> str:
    """Corners of the box without its growth, the lower right one first."""
    spans = []
    for start, size in ((event.x, event.width), (event.y, event.height)):
        inner = max(size - 2 * GROWN_PX, 0)
        middle = start + size / 2
        spans.append((middle - inner / 2, middle + inner / 2))
    (left, right), (top, bottom) = spans
    return f"({right:.10g},{bottom:.10g}) ({left:.10g},{top:.10g})"
