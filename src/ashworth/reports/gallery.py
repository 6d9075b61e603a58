"""The gallery: one page with the pictures of a sample's cells, to be looked through by keyboard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import polars as pl

from ashworth.errors import InputError, Problem
from ashworth.figures.cell_classes import style_of
from ashworth.figures.typesetting import clean
from ashworth.reports.blocks import RESEARCH_USE
from ashworth.reports.html import ASSETS, house_style, page_template
from ashworth.reports.numbers import count, number
from ashworth.version import __version__

if TYPE_CHECKING:
    from ashworth.imaging.atlas import Atlas

_ORDER = (
    "ctc", "apoptotic_ctc", "ck_without_nucleus", "doublet", "unclassified_nucleus", "leukocyte",
    "artefact", "not_evaluable",
)  # fmt: skip
CLASSES: dict[str, str] = {call: style_of(call).label for call in _ORDER}
"""Names of the classes of calls, in the order of the page."""

HER2_CLASSES = ("0", "1+", "2+", "3+")
_HER2 = "HER2 by immunofluorescence "
_SCORED = ("ctc", "apoptotic_ctc")
"""Classes for which a missing HER2 class is worth saying."""

_BARS_UM = (100, 50, 20, 10, 5, 2, 1)


@dataclass(frozen=True, slots=True)
class _Cell:
    """One list item: the cell's words and where its pictures are."""

    cell_id: str
    address: str
    row: int
    facts: tuple[str, ...]
    reasons: str


@dataclass(frozen=True, slots=True)
class _Group:
    """One class with the cells that are shown."""

    anchor: str
    label: str
    total_words: str
    how_many: str
    cells: tuple[_Cell, ...]


def her2_words(her2_class: str | None) -> str:
    """HER2 class of a cell, never a bare 3+ that reads as tissue immunohistochemistry.

    Examples
    --------
    >>> her2_words("2+"), her2_words(None)
    ('HER2 by immunofluorescence 2+', 'HER2 by immunofluorescence not evaluable')
    >>> her2_words("HER2 by immunofluorescence 2+")
    'HER2 by immunofluorescence 2+'
    """
    short = (her2_class or "").removeprefix(_HER2)
    return _HER2 + (short if short in HER2_CLASSES else "not evaluable")


def gallery_page(
    cells: pl.DataFrame,
    atlases: Sequence[Atlas],
    *,
    sample: str,
    totals: Mapping[str, int] | None = None,
    folder: str = "atlas",
    classes: Mapping[str, str] = CLASSES,
    meta: Sequence[tuple[str, str]] = (),
    simulated: bool = False,
) -> str:
    """Render the page; write the files of the atlases beside it in `folder`.

    The page works from a file without network, asks for nothing but those pictures, and shows
    each class sorted by score, highest first.

    Parameters
    ----------
    cells : polars.DataFrame
        Columns cell_id, call, frame; optional score, diameter_um, her2_class ("0", "1+", "2+",
        "3+", also as 'HER2 by immunofluorescence 3+', or null), reasons (text or list of texts).
        Cells without pictures are counted only.
    atlases : sequence of Atlas
        One or more for each class, all with the same panels, size and display scales.
    sample : str
        Name of the sample.
    totals : mapping of str to int, optional
        Cells of each class in the sample; by default the rows of `cells`.
    folder : str
        Folder of the pictures relative to the page; "" where they lie beside it.
    classes : mapping of str to str
        Names of the classes in the order of the page; others follow by name.
    meta : sequence of (str, str)
        Facts of the header, e.g. caller and format.
    simulated : bool
        Print the banner "Simulated data".

    Returns
    -------
    str
        HTML; the same input gives the same text.

    Raises
    ------
    InputError
        If a column is missing or the atlases do not agree on panels, size and scales.

    Examples
    --------
    >>> cells = pl.DataFrame({"cell_id": ["1"], "call": ["ctc"], "frame": [3]})
    >>> "1 cell; no pictures." in gallery_page(cells, [], sample="A", simulated=True)
    True
    """
    _check(cells, atlases)
    cells = cells.with_columns(pl.col("cell_id").cast(pl.String))
    first = atlases[0] if atlases else None
    panels = first.panels if first else ()
    places = {row["cell_id"]: row for atlas in atlases for row in atlas.index.to_dicts()}
    groups = _groups(cells, places, totals, folder, classes, _pitch(first))
    bar_um = _bar_um(first)
    page = page_template("gallery.html.j2").render(
        sample=sample,
        simulated=simulated,
        meta=meta,
        notice=RESEARCH_USE,
        version=__version__,
        css="\n".join([house_style(), (ASSETS / "gallery.css").read_text("utf-8")]),
        rules=_rules(first, bar_um),
        script=(ASSETS / "gallery.js").read_text("utf-8"),
        panels=panels,
        strip="<i></i>" * len(panels),
        pictures="Pictures from left to right: " + ", ".join(clean(p.label) for p in panels),
        groups=groups,
        bar_um=bar_um,
        scales=_scale_words(first),
        colours=_colour_words(first),
    )
    return page if page.endswith("\n") else page + "\n"


def _pitch(atlas: Atlas | None) -> int:
    """Distance in px from one row of a sheet to the next."""
    return atlas.panels[1].x if atlas and len(atlas.panels) > 1 else 1


def _groups(
    cells: pl.DataFrame,
    places: Mapping[str, Mapping[str, Any]],
    totals: Mapping[str, int] | None,
    folder: str,
    classes: Mapping[str, str],
    pitch: int,
) -> list[_Group]:
    """Classes in order, known ones first; a class without a cell and without a name is absent."""
    counted: dict[str, int] = dict.fromkeys(classes, 0)
    counted |= dict(sorted(cells.group_by("call").len().iter_rows()))
    counted |= totals or {}
    order = [*classes, *sorted(set(counted) - set(classes))]
    groups = []
    for i, call in enumerate(order, 1):
        rows = _sorted(cells.filter(pl.col("call") == call))
        shown = tuple(
            _Cell(
                row["cell_id"],
                quote(f"{folder}/{place['atlas']}" if folder else place["atlas"]),
                place["y"] // pitch,
                _facts(row),
                _reasons(row.get("reasons")),
            )
            for row in rows
            if (place := places.get(row["cell_id"]))
        )
        anchor = f"class-{i}-{re.sub(r'[^a-z0-9]+', '-', call.lower()).strip('-')}"
        total = counted[call]
        words = _how_many(total, len(shown), ranked="score" in cells.columns)
        groups.append(
            _Group(anchor, classes.get(call) or style_of(call).label, count(total), words, shown)
        )
    return groups


def _sorted(rows: pl.DataFrame) -> list[dict[str, Any]]:
    if "score" in rows.columns:
        rows = rows.sort("score", "cell_id", descending=[True, False], nulls_last=True)
    else:
        rows = rows.sort("cell_id")
    return rows.to_dicts()


def _how_many(total: int, shown: int, *, ranked: bool) -> str:
    """Count of a class and how many of it are displayed."""
    cells = f"{count(total)} cell{'' if total == 1 else 's'}"
    if not total:
        return "No cells."
    if not shown:
        return f"{cells}; no pictures."
    if shown >= total:
        return f"{cells}, {'shown' if total == 1 else 'all shown'}."
    return f"{cells}; {count(shown)} shown{', sorted by score' if ranked else ''}."


def _facts(row: Mapping[str, Any]) -> tuple[str, ...]:
    facts = [f"frame {row['frame']}"]
    if row.get("score") is not None:
        facts.append(f"score {number(row['score'], 2)}")
    if row.get("diameter_um") is not None:
        facts.append(f"diameter {number(row['diameter_um'])} µm")
    if row.get("her2_class") is not None or ("her2_class" in row and row["call"] in _SCORED):
        facts.append(her2_words(row["her2_class"]))
    return tuple(facts)


def _reasons(reasons: str | Sequence[str] | None) -> str:
    if reasons is None or isinstance(reasons, str):
        return reasons or ""
    return "; ".join(reasons)


def _bar_um(atlas: Atlas | None) -> int:
    """Length of the scale bar: a round number, at most a third of a picture."""
    if atlas is None:
        return 10
    third = atlas.size_px * atlas.pixel_size_um / 3
    return next((bar for bar in _BARS_UM if bar <= third), 1)


def _rules(atlas: Atlas | None, bar_um: int) -> str:
    """Style rules with this page's numbers and names."""
    if atlas is None:
        return ":root { --size: 80; --panels: 1; --bar: 0; --big: 1; --across: 1 }"
    panels = len(atlas.panels)
    bar = round(bar_um / atlas.pixel_size_um, 2)
    big = round(min(320 / atlas.size_px, 8), 2)
    across = panels if panels <= 4 else 3
    numbers = f"--size: {atlas.size_px}; --panels: {panels}; --bar: {bar}"
    lines = [
        f":root {{ {numbers}; --big: {big}; --across: {across} }}",
        f".cells {{ --shown: {panels} }}",
    ]
    for i, panel in enumerate(atlas.panels, 1):
        lines.append(f".strip i:nth-child({i}) {{ --p: {i - 1} }}")
        lines.append(f".strip i:nth-child({i})::before {{ content: {_css_text(panel.label)} }}")
        lines.append(f".without-{i} .strip i:nth-child({i}) {{ display: none }}")
    return "\n".join(lines)


def _css_text(text: str) -> str:
    r"""Quote a text for a style sheet; everything but plain letters and digits is escaped.

    Examples
    --------
    >>> print(_css_text("CK</b>"))
    "CK\3c \2f b\3e "
    """
    plain = (c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in clean(text))
    return f'"{"".join(plain)}"'


def _scale_words(atlas: Atlas | None) -> str:
    if atlas is None:
        return ""
    channels = [panel for panel in atlas.panels if panel.colour]
    pairs = zip(channels, atlas.scales, strict=True)
    return ", ".join(
        f"{clean(p.label)} {number(s.low, 0)} to {number(s.high, 0)} counts" for p, s in pairs
    )


def _colour_words(atlas: Atlas | None) -> str:
    names = {"dapi": "blue", "ck": "green", "cd45": "red"}
    others = iter(("yellow", "pink", "light blue"))
    channels = [panel for panel in atlas.panels if panel.colour] if atlas else []
    return ", ".join(f"{clean(p.label)} {names.get(p.key) or next(others)}" for p in channels)


def _check(cells: pl.DataFrame, atlases: Sequence[Atlas]) -> None:
    problems = [
        Problem("cells", None, column, "no such column", "a column", "give it for every cell")
        for column in ("cell_id", "call", "frame")
        if column not in cells.columns
    ]
    looks = {(a.panels, a.size_px, a.pixel_size_um, a.scales) for a in atlases}
    if len(looks) > 1:
        remedy = "make all atlases of a sample with the same channels, size and display scales"
        found = f"{len(looks)} different ways of display"
        problems.append(Problem("atlases", None, None, found, "one for all classes", remedy))
    if problems:
        raise InputError(problems, subject="the gallery")
