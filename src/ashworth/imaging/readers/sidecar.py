"""`frames.toml`: what a folder of plain or OME-TIFF files does not say itself."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ashworth.errors import InputError, Problem
from ashworth.imaging.cartridge import AssignedEvent
from ashworth.imaging.channels import Channel, Role
from ashworth.imaging.readers.directory import read_bytes
from ashworth.imaging.readers.grid import Grid
from ashworth.imaging.readers.roles import is_prefix, marker_of, repeated_roles

SIDECAR = "frames.toml"
_SHAPES = {
    "missing": "this key",
    "extra_forbidden": "only the keys of frames.toml",
}


class _Section(BaseModel):
    """A table of `frames.toml`: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ChannelEntry(_Section):
    """A page of every frame (or a file of it)."""

    role: Role
    name: Annotated[str, Field(min_length=1, max_length=80)]
    marker: str = ""
    saturation: Annotated[float, Field(gt=0)] | None = None

    @field_validator("marker")
    @classmethod
    def _is_prefix(cls, marker: str) -> str:
        if marker and not is_prefix(marker):
            raise ValueError("lower-case letters, digits and underscores; not dapi, ck or cd45")
        return marker

    @property
    def channel(self) -> Channel:
        """The channel that it declares."""
        marker = self.marker
        if not marker and self.role.startswith("marker"):
            marker = marker_of(self.name)
        return Channel(self.role, self.name, marker, self.saturation)


class GridEntry(_Section):
    """Shape of the scan."""

    columns: Annotated[int, Field(ge=1, le=100_000)]
    rows: Annotated[int, Field(ge=1, le=100_000)]
    order: Literal["snake", "row_major"]

    @property
    def grid(self) -> Grid:
        """The grid that it declares."""
        return Grid(self.columns, self.rows, self.order)


class EventEntry(_Section):
    """An assigned event; box in pixels of the cartridge."""

    id: str
    frame: Annotated[int, Field(ge=0)]
    x: float
    y: float
    width: Annotated[float, Field(ge=0)]
    height: Annotated[float, Field(ge=0)]
    assigned: bool
    score: str = ""

    @property
    def event(self) -> AssignedEvent:
        """The event that it declares."""
        box = (self.x, self.y, self.width, self.height)
        return AssignedEvent(self.id, self.frame, *box, self.assigned, self.score)


class Sidecar(_Section):
    """`frames.toml`.

    Attributes
    ----------
    pixel_size_um : float or None
        Needed unless OME-XML declares it.
    channels : tuple of ChannelEntry
        In the order of the pages; needed unless OME-XML names channels whose role is known.
    sample : str
        By default the name of the folder.
    files : str
        Pattern of single-page files, e.g. ``"{frame}_{channel}.tif"``; without it every file
        is a frame with one page per channel.
    grid : GridEntry or None
        None: fields are unrelated.
    events : tuple of EventEntry
    """

    pixel_size_um: Annotated[float, Field(gt=0, le=100)] | None = None
    channels: tuple[ChannelEntry, ...] = ()
    sample: str = ""
    files: str = ""
    grid: GridEntry | None = None
    events: tuple[EventEntry, ...] = ()

    @field_validator("channels", "events", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("pixel_size_um", mode="before")
    @classmethod
    def _as_float(cls, value: Any) -> Any:
        return float(value) if type(value) is int else value

    @field_validator("files")
    @classmethod
    def _has_frame(cls, pattern: str) -> str:
        if pattern and (pattern.count("{frame}"), pattern.count("{channel}")) != (1, 1):
            raise ValueError("a pattern with {frame} and {channel} once each")
        return pattern


def read_sidecar(path: Path) -> Sidecar:
    """Read and check `frames.toml`.

    Raises
    ------
    InputError
        With every key that is missing, unknown or out of range, and roles claimed twice.
    """
    try:
        document = tomllib.loads(read_bytes(path).decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem = Problem(
            path.name, None, None, str(error), "a TOML file in UTF-8", "mend the line"
        )
        raise InputError([problem], subject=str(path.parent)) from None
    try:
        sidecar = Sidecar.model_validate(document)
    except ValidationError as error:
        raise InputError(_problems(path.name, error), subject=str(path.parent)) from None
    if sidecar.channels:
        remedy = "give every [[channels]] its own role; channels not wanted are 'ignored'"
        channels = [entry.channel for entry in sidecar.channels]
        problems = repeated_roles(channels, path.name, remedy)
        if problems:
            raise InputError(problems, subject=str(path.parent))
    return sidecar


def _problems(name: str, error: ValidationError) -> list[Problem]:
    """Turn what pydantic found into problems."""
    problems = []
    for fault in error.errors(include_url=False):
        key = ".".join(str(part + 1) if isinstance(part, int) else part for part in fault["loc"])
        missing = fault["type"] == "missing"
        found = "nothing" if missing else repr(fault["input"])[:120]
        allowed = _SHAPES.get(fault["type"], fault["msg"].removeprefix("Value error, "))
        remedy = "add it" if missing else "see 'Image folders' in the reference"
        problems.append(Problem(name, None, key, found, allowed, remedy))
    return problems


def pattern_of(files: str, names: tuple[str, ...]) -> re.Pattern[str]:
    """Regular expression of a pattern of single-page files.

    Examples
    --------
    >>> pattern_of("{frame}_{channel}.tif", ("DAPI", "PE")).fullmatch("007_PE.tif").groups()
    ('007', 'PE')
    """
    choice = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    text = re.escape(files)
    text = text.replace(re.escape("{frame}"), r"(?P<frame>\d+)")
    return re.compile(text.replace(re.escape("{channel}"), f"(?P<channel>{choice})"), re.I)
