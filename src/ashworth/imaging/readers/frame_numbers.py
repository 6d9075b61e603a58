"""Frame numbers from file names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ashworth.errors import Problem

_DIGITS = re.compile(r"\d+")


def numbers_of(stems: Sequence[str]) -> tuple[tuple[int, ...], str]:
    """Find the frame number in each of a folder's file names.

    Where names differ in one number only, this is the frame number; else the number at their
    end; else files are counted from 1 in the order given.

    Parameters
    ----------
    stems : sequence of str
        File names without their ending, in natural order.

    Returns
    -------
    numbers : tuple of int
        Not necessarily unique: see `repeated`.
    note : str
        Said where files had to be counted, else "".

    Examples
    --------
    >>> numbers_of(["171651.1.2_001", "171651.1.2_002"])
    ((1, 2), '')
    """
    groups = [_DIGITS.findall(stem) for stem in stems]
    if len({_DIGITS.sub("#", stem) for stem in stems}) == 1 and groups[0]:
        columns = list(zip(*groups, strict=True))
        varying = [column for column in columns if len(set(column)) > 1]
        if len(varying) <= 1:
            return tuple(map(int, varying[0] if varying else columns[-1])), ""
    elif all(stem[-1:].isdecimal() for stem in stems):
        return tuple(int(group[-1]) for group in groups), ""
    return (
        tuple(range(1, len(stems) + 1)),
        "the file names do not number the frames: files were counted in alphabetical order",
    )


def repeated(numbers: Sequence[int], files: Sequence[str]) -> list[Problem]:
    """List frame numbers that several files claim."""
    holders: dict[int, list[str]] = {}
    for number, file in zip(numbers, files, strict=True):
        holders.setdefault(number, []).append(file)
    return [
        Problem(
            names[0],
            None,
            "frame number",
            f"{number}, also in {', '.join(names[1:])}",
            "a number of its own for every frame",
            "remove the copy, or give it its own number",
        )
        for number, names in sorted(holders.items())
        if len(names) > 1
    ]
