"""Colours, shapes and names of the classes of cells, shared by the figures of one sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ashworth.figures import theme
from ashworth.figures.canvas import Spec, Text, channel, layer
from ashworth.figures.typesetting import clean, shorten

KEY_ROW = 18
LONGEST = 240
"""Width in px at which the name of a class is cut in the key."""


@dataclass(frozen=True, slots=True)
class CellClass:
    """How a class of cells is drawn.

    Attributes
    ----------
    label : str
        Name.
    colour : str
        Fill.
    shape : str
        Vega-Lite shape, so that classes differ on a grey printer too.
    size : float
        Area of the mark in px².
    """

    label: str
    colour: str
    shape: str
    size: float


CLASSES: dict[str, CellClass] = {
    "ctc": CellClass("CTC", "#d1602d", "circle", 58),
    "apoptotic_ctc": CellClass("Apoptotic CTC", "#8c5a9e", "diamond", 56),
    "ck_without_nucleus": CellClass("CK+ without nucleus", "#b58a00", "triangle-up", 46),
    "doublet": CellClass("Doublet", "#0b3c6f", "square", 44),
    "artefact": CellClass("Artefact", theme.INK, "cross", 40),
    "not_evaluable": CellClass("Not evaluable", theme.MUTED, "triangle-down", 40),
    "unclassified_nucleus": CellClass("Unclassified nucleus", "#9fb6cf", "square", 90),
    "leukocyte": CellClass("Leukocyte", "#4f9d9a", "square", 90),
}
"""Rare classes first; a class that is not here is drawn as not evaluable."""

COMMON = ("leukocyte", "unclassified_nucleus")
"""Classes of many thousand cells, which figures show as densities."""


def style_of(call: str) -> CellClass:
    """How a class is drawn; an unknown one keeps its name.

    Examples
    --------
    >>> style_of("ctc").shape, style_of("micro_ctc").label
    ('circle', 'micro ctc')
    """
    known = CLASSES.get(call)
    return known or CellClass(clean(call.replace("_", " ")), theme.MUTED, "triangle-down", 40)


def mark_layer(
    call: str, rows: Sequence[dict[str, object]], tooltip: Sequence[Spec], *, outline: bool = True
) -> Spec:
    """Marks of one class at their pixels x and y."""
    style = style_of(call)
    mark: Spec = {
        "type": "point",
        "shape": style.shape,
        "size": style.size,
        "filled": True,
        "color": style.colour,
        "opacity": 0.9,
        "clip": False,
    }
    if outline:
        mark |= {"stroke": "#fff", "strokeWidth": 0.6}
    encoding = {"x": channel("x"), "y": channel("y"), "tooltip": list(tooltip)}
    return layer(mark, rows, encoding)


def key_layers(
    counts: Sequence[tuple[str, int]], y: float, *, left: float = 4, right: float = 636
) -> tuple[list[Spec], list[Text], float]:
    """Key of the classes with their numbers in lines below `y`; also the lower end."""
    layers: list[Spec] = []
    texts: list[Text] = []
    x = left
    for call, n in counts:
        label = f"{shorten(style_of(call).label, LONGEST)} ({n:,})"
        wide = 14 + Text(0, 0, label).width()
        if x > left and x + wide > right:
            x, y = left, y + KEY_ROW
        layers.append(mark_layer(call, [{"x": x + 5, "y": y - 4}], (), outline=False))
        texts.append(Text(x + 14, y, label))
        x += wide + 16
    return layers, texts, y
