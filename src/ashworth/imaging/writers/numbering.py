"""Frame numbers that a format's order of frames gives."""

from __future__ import annotations

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import Cartridge
from ashworth.imaging.readers.grid import Grid, Order


def shape_of(cartridge: Cartridge) -> tuple[int, int] | None:
    """Columns and rows of the cartridge's places, or None for unrelated fields."""
    places = cartridge.layout.places
    if not places:
        return None
    return max(c for c, _ in places) + 1, max(r for _, r in places) + 1


def numbers_for(cartridge: Cartridge, order: Order) -> tuple[int, ...]:
    """Number of every frame in a format whose scan has this order, counted from 1.

    Fields without places keep their numbers (counted from 1 where one is 0).
    """
    shape = shape_of(cartridge)
    if shape is None:
        first = 1 if 0 in cartridge.layout.numbers else 0
        return tuple(number + first for number in cartridge.layout.numbers)
    number_at = {place: i for i, place in enumerate(Grid(*shape, order).places(), 1)}
    numbers = tuple(number_at[place] for place in cartridge.layout.places)
    if len(set(numbers)) < len(numbers):
        problem = Problem(
            cartridge.sample,
            None,
            "places",
            "two frames at one place",
            "a place of its own for every frame",
            "mend the layout of the cartridge",
        )
        raise InputError([problem], subject="writing an image folder")
    return numbers


def width_of(numbers: tuple[int, ...]) -> int:
    """Digits that every number is written with."""
    return max(3, len(str(max(numbers, default=0))))
