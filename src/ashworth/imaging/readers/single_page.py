"""Folders with one single-page TIFF per frame and channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ashworth.errors import Problem
from ashworth.imaging.readers.folder import Plane

_NAMED = 5


@dataclass(frozen=True, slots=True)
class ChannelFiles:
    """Files of one channel by frame number."""

    name: str
    files: Mapping[int, str]


def joined(
    channels: Sequence[ChannelFiles], where: str
) -> tuple[dict[int, tuple[Plane, ...]], list[Problem]]:
    """Join the files of all channels to frames.

    Parameters
    ----------
    channels : sequence of ChannelFiles
        In the order wanted.
    where : str
        Folder that messages name.

    Returns
    -------
    frames : dict of int to tuple of (file, page)
    problems : list of Problem
        Channels without files, and frames that some channels lack.
    """
    numbers = sorted(set().union(*(channel.files for channel in channels)))
    problems = []
    for channel in channels:
        missing = [number for number in numbers if number not in channel.files]
        if missing or not numbers:
            shown = ", ".join(map(str, missing[:_NAMED]))
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            found = f"no file of frame {shown}{more}" if channel.files else "no file"
            problems.append(
                Problem(
                    where,
                    None,
                    channel.name,
                    found,
                    f"one file of channel '{channel.name}' for each of {len(numbers)} frames",
                    "copy the missing files, or declare other channels",
                )
            )
    if problems:
        return {}, problems
    return {n: tuple((c.files[n], 0) for c in channels) for n in numbers}, []
