"""Which role a channel has: by its name, by declaration, and what markers are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

from ashworth.errors import InputError, Problem
from ashworth.imaging.channels import PREFIXES, Channel, Role
from ashworth.imaging.readers.directory import read_lines

ORDER: tuple[Role, ...] = get_args(Role)
MARKERS: tuple[Role, ...] = ("marker1", "marker2", "marker3")
CUSTOM_CHANNELS = "customChannels.csv"

USUAL_NAMES: dict[str, Role] = {
    "dapi": "nucleus",
    "hoechst": "nucleus",
    "dna": "nucleus",
    "nucleus": "nucleus",
    "ck": "inclusion",
    "cytokeratin": "inclusion",
    "pe": "inclusion",
    "inclusion": "inclusion",
    "cd45": "exclusion",
    "apc": "exclusion",
    "percp": "exclusion",
    "exclusion": "exclusion",
    "fitc": "marker1",
    "her2": "marker1",
    "marker": "marker1",
    "marker1": "marker1",
    "marker2": "marker2",
    "marker3": "marker3",
    "reflection": "ignored",
    "brightfield": "ignored",
}
_DYES = frozenset(("pe", "apc", "percp", "fitc"))
_MARKER_NAMES = frozenset(("her2",))
_DECLARED: dict[str, Role] = {
    "exclusion marker": "exclusion",
    "nucleus": "nucleus",
    "inclusion marker": "inclusion",
    "additional marker 1": "marker1",
    "additional marker 2": "marker2",
    "additional marker 3": "marker3",
}
_PREFIX = re.compile(r"[a-z][a-z0-9_]*")


def role_of(name: str) -> Role | None:
    """Role that a channel of this name usually has, or None.

    What is stained goes before the dye; a tandem dye such as PE-Cy7 is not its first half.

    Examples
    --------
    >>> role_of("Hoechst 33342"), role_of("FITC-CK"), role_of("PE-Cy7")
    ('nucleus', 'inclusion', None)
    """
    words = _words(name)
    tandem = any(re.fullmatch(r"cy\d", word) for word in words)
    targets = ["".join(words), *(word for word in words if word not in _DYES)]
    dyes = [] if tandem else [word for word in words if word in _DYES]
    known = (USUAL_NAMES[word] for word in (*targets, *dyes) if word in USUAL_NAMES)
    return next(known, None)


def _words(name: str) -> list[str]:
    """Words of a channel's name in lower case."""
    return re.findall(r"[a-z]+\d*", name.lower().replace("her-2", "her2"))


def marker_of(name: str) -> str:
    """Column prefix that the name of an additional marker suggests, or ""."""
    return next((word for word in _words(name) if word in _MARKER_NAMES), "")


def in_order(channels: Iterable[tuple[Channel, int]]) -> list[tuple[Channel, int]]:
    """Sort channels (with their position in the folder) by role; ignored ones are left out."""
    wanted = [pair for pair in channels if pair[0].role != "ignored"]
    return sorted(wanted, key=lambda pair: ORDER.index(pair[0].role))


def named(channels: Iterable[Channel], markers: Mapping[str, str] | None) -> tuple[Channel, ...]:
    """Give additional markers their names."""
    given = markers or {}
    return tuple(replace(c, marker=given.get(c.role, c.marker)) for c in channels)


def check_markers(markers: Mapping[str, str] | None) -> None:
    """Refuse marker names that cannot be column prefixes.

    Raises
    ------
    InputError
    """
    problems = [
        Problem(
            "markers",
            None,
            role,
            repr(name),
            "marker1, marker2 or marker3 with a name of its own: lower-case letters, digits and "
            "underscores, not dapi, ck or cd45",
            'name it like {"marker1": "her2"}',
        )
        for role, name in (markers or {}).items()
        if role not in MARKERS or not is_prefix(name)
    ]
    if problems:
        raise InputError(problems, subject="the names of the additional markers")


def is_prefix(name: str) -> bool:
    """Whether a name may be the column prefix of an additional marker."""
    return bool(_PREFIX.fullmatch(name)) and name not in PREFIXES.values()


def repeated_roles(channels: Iterable[Channel], where: str, remedy: str) -> list[Problem]:
    """List roles that several channels claim, and a nucleus that none has."""
    holders: dict[str, list[str]] = {}
    for channel in channels:
        if channel.role != "ignored":
            holders.setdefault(channel.role, []).append(channel.name)
    problems = [
        Problem(where, None, role, ", ".join(names), "one channel for each role", remedy)
        for role, names in holders.items()
        if len(names) > 1
    ]
    if "nucleus" not in holders:
        found = ", ".join(n for names in holders.values() for n in names) or "no channel"
        problems.append(
            Problem(where, None, "nucleus", found, "a channel of the nuclear stain", remedy)
        )
    return problems


def custom_channels(path: Path) -> dict[str, Role]:
    """Read `customChannels.csv`: the role of every channel name.

    Raises
    ------
    InputError
        With every line that is not ``Type;channelUsed``.
    """
    roles: dict[str, Role] = {}
    problems = []
    for row, line in enumerate(read_lines(path), 1):
        kind, separator, name = (part.strip().strip('"') for part in line.partition(";"))
        if row == 1 or not line.strip():
            continue
        role = _DECLARED.get(kind.lower())
        if role is None or not separator or not name or name in roles:
            problems.append(_custom_problem(path.name, row, line))
        else:
            roles[name] = role
    if problems or not roles:
        lines = problems or [_custom_problem(path.name, None, "no channel")]
        raise InputError(lines, subject=str(path.parent))
    return roles


def _custom_problem(file: str, row: int | None, found: str) -> Problem:
    """A line of `customChannels.csv` that says nothing."""
    allowed = "'Exclusion Marker', 'Nucleus', 'Inclusion Marker' or 'Additional Marker 1' to '3'"
    return Problem(
        file,
        row,
        "Type;channelUsed",
        found[:200],
        f"{allowed}, a semicolon and the channel's name, each name once",
        "write lines like 'Nucleus;DAPI' under the header 'Type;channelUsed'",
    )
