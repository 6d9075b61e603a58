"""Folders with one file per frame and channel, named ``*<channel>.tif``: VyCAP and MCBP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from ashworth.errors import InputError, Problem
from ashworth.imaging.channels import Channel, Role
from ashworth.imaging.readers.folder import Plane
from ashworth.imaging.readers.frame_numbers import numbers_of, repeated
from ashworth.imaging.readers.recognition import Place
from ashworth.imaging.readers.roles import (
    CUSTOM_CHANNELS,
    custom_channels,
    in_order,
    marker_of,
    repeated_roles,
)
from ashworth.imaging.readers.single_page import ChannelFiles, joined

DECLARE = f"declare the channels in {CUSTOM_CHANNELS}, with lines like 'Nucleus;DAPI'"


def declared(place: Place, problems: list[Problem]) -> dict[str, Role]:
    """Roles that `customChannels.csv` gives to channel names, in lower case; or none."""
    path = place.find(CUSTOM_CHANNELS)
    if path is None:
        return {}
    try:
        return {name.lower(): role for name, role in custom_channels(path).items()}
    except InputError as error:
        problems += error.problems
        return {}


def channels_of(
    names: Sequence[str], roles: Mapping[str, Role], where: str, problems: list[Problem]
) -> list[tuple[Channel, int]]:
    """Give channels their roles and put them in order.

    Parameters
    ----------
    names : sequence of str
    roles : mapping of str to Role
        By lower-case name; a name that it lacks is a problem.
    where : str
        Folder that messages name.
    problems : list of Problem
        Added to: unknown channels, roles claimed twice, no nucleus, declared channels that are
        not there.
    """
    channels = []
    for position, name in enumerate(names):
        role = roles.get(name.lower())
        if role is None:
            allowed = f"a channel of known role: {', '.join(sorted(roles))}"
            problems.append(Problem(where, None, name, "an unknown channel", allowed, DECLARE))
        else:
            marker = marker_of(name) if role.startswith("marker") else ""
            channels.append((Channel(role, name, marker), position))
    problems += repeated_roles((channel for channel, _ in channels), where, DECLARE)
    return in_order(channels)


def others_ignored(names: Iterable[str], custom: Mapping[str, Role]) -> dict[str, Role]:
    """Roles as declared; channels that are not declared are ignored."""
    roles: dict[str, Role] = dict.fromkeys((name.lower() for name in names), "ignored")
    return roles | dict(custom)


def absent(
    roles: Mapping[str, Role], names: Iterable[str], where: str, found: str
) -> list[Problem]:
    """List channels that `customChannels.csv` declares and the folder lacks."""
    present = {name.lower() for name in names}
    return [
        Problem(where, None, role, f"no channel '{name}'; {found}", "a declared channel", DECLARE)
        for name, role in roles.items()
        if name not in present
    ]


def owner_of(file: str, names: Sequence[str]) -> str | None:
    """Channel that a file name ends with; the longest name wins."""
    stem = PurePath(file).stem.lower()
    fits = [name for name in names if stem.endswith(name.lower())]
    return max(fits, key=len) if fits else None


def frames_of(
    files: Mapping[str, Sequence[str]], where: str, problems: list[Problem], notes: list[str]
) -> dict[int, tuple[Plane, ...]]:
    """Number the files of every channel and join them to frames.

    Parameters
    ----------
    files : mapping of str to sequence of str
        Files of every channel (paths in the folder, natural order), channels in the order
        wanted.
    where : str
    problems, notes : list
        Added to.
    """
    sets = []
    for name, paths in files.items():
        stems = [PurePath(path).stem[: -len(name)] for path in paths]
        numbers, note = numbers_of(stems)
        problems += repeated(numbers, paths)
        if note and note not in notes:
            notes.append(note)
        sets.append(ChannelFiles(name, dict(zip(numbers, paths, strict=True))))
    frames, faults = joined(sets, where) if sets else ({}, [])
    problems += faults
    return frames
