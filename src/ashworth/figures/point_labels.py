"""Names beside points, each where it touches neither another name nor a point."""

from __future__ import annotations

from collections.abc import Sequence

from ashworth.figures.canvas import Text
from ashworth.figures.typesetting import clean, shorten

Box = tuple[float, float, float, float]
Point = tuple[float, float, str]
_NEAR = 8.0
_WIDEST = 170.0


def point_texts(points: Sequence[Point], frame: Box, *, lines: Sequence[Box] = ()) -> list[Text]:
    """Names of the points (x, y, name) that have room inside the frame, the first ones first.

    Parameters
    ----------
    points : sequence of (float, float, str)
        Pixels and names, the most important first. Every point keeps its place free.
    frame : (left, right, top, bottom)
        Where names may stand.
    lines : sequence of (left, right, top, bottom)
        Lines that names cross only where there is no other room.

    Returns
    -------
    list of Text
        Without the names that found no room.

    Examples
    --------
    >>> [t.text for t in point_texts([(50, 50, "A"), (52, 50, "B")], (0, 200, 0, 100))]
    ['A', 'B']
    """
    boxes = [(x - 4, x + 4, y - 4, y + 4) for x, y, _ in points]
    texts = []
    for x, y, name in points:
        free = [t for t in _places(x, y, shorten(clean(name), _WIDEST)) if _free(t, frame, boxes)]
        if free:
            text = min(free, key=lambda t: any(_touch(_box(t), line) for line in lines))
            texts.append(text)
            boxes.append(_box(text))
    return texts


def _free(text: Text, frame: Box, boxes: Sequence[Box]) -> bool:
    box = _box(text)
    return _inside(box, frame) and not any(_touch(box, other) for other in boxes)


def _places(x: float, y: float, name: str) -> list[Text]:
    """Right, left, above, below."""
    return [
        Text(x + _NEAR, y + 4, name),
        Text(x - _NEAR, y + 4, name, "right"),
        Text(x, y - _NEAR, name, "center"),
        Text(x, y + _NEAR + 9, name, "center"),
    ]


def _box(text: Text) -> Box:
    left = text.x - text.width() * {"left": 0, "center": 0.5, "right": 1}[text.align]
    return left - 2, left + text.width() + 2, text.y - 0.72 * text.size - 1, text.y + 3


def _inside(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] <= frame[1] and box[2] >= frame[2] and box[3] <= frame[3]


def _touch(a: Box, b: Box) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
