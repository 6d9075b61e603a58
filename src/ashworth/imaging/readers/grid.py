"""Where the frames of a folder lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ashworth.imaging.cartridge import row_major, snake

Order = Literal["snake", "row_major", "snake_from_bottom"]
Places = tuple[tuple[int, int], ...]

KNOWN_SHAPES: dict[int, tuple[int, int]] = {
    210: (35, 6),
    180: (36, 5),
    175: (35, 5),
    170: (34, 5),
    144: (36, 4),
    140: (35, 4),
}
"""Columns and rows of the cartridges in use, by their number of frames."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Shape of a scan and the order in which it was taken."""

    columns: int
    rows: int
    order: Order

    def __len__(self) -> int:
        """Count the frames of a whole scan."""
        return self.columns * self.rows

    def places(self) -> Places:
        """Column and row of every frame, in the order of their numbers.

        Examples
        --------
        >>> Grid(2, 2, "snake_from_bottom").places()
        ((1, 1), (0, 1), (0, 0), (1, 0))
        """
        if self.order == "row_major":
            return row_major(self.columns, self.rows)
        forth = snake(self.columns, self.rows)
        if self.order == "snake":
            return forth
        rows = [forth[r * self.columns : (r + 1) * self.columns] for r in range(self.rows)]
        return tuple(place for row in reversed(rows) for place in row)


def known_grid(frames: int, order: Order) -> Grid | None:
    """Shape of a cartridge by its number of frames, or None for another number."""
    shape = KNOWN_SHAPES.get(frames)
    return Grid(*shape, order) if shape else None


def placed(numbers: Sequence[int], grid: Grid | None) -> tuple[Places, tuple[str, ...]]:
    """Place frames on a grid.

    Parameters
    ----------
    numbers : sequence of int
        Frame numbers, sorted; they count from 0 where a 0 is among them, else from 1.
    grid : Grid or None

    Returns
    -------
    places : tuple of (column, row), or empty
    notes : tuple of str
        What is incomplete.

    Examples
    --------
    >>> placed([1, 4], Grid(2, 2, "snake"))
    (((0, 0), (0, 1)), ('2 of 4 frames are missing',))
    """
    unrelated = "frames are treated as unrelated fields: cells on their borders are not joined"
    if grid is None:
        return (), (f"no grid of frames is known; {unrelated}",)
    places, missing = grid.places(), len(grid) - len(numbers)
    if missing == 0:
        return places, ()
    first = 0 if 0 in numbers else 1
    if missing < 0 or numbers[-1] - first >= len(grid):
        size = f"{grid.columns} columns and {grid.rows} rows"
        return (), (f"{len(numbers)} frames do not fit a grid of {size}; {unrelated}",)
    return (
        tuple(places[number - first] for number in numbers),
        (f"{missing} of {len(grid)} frames are missing",),
    )
