"""Channels: what a page of a frame shows, and how its columns are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["nucleus", "inclusion", "exclusion", "marker1", "marker2", "marker3", "ignored"]

PREFIXES: dict[str, str] = {"nucleus": "dapi", "inclusion": "ck", "exclusion": "cd45"}
"""Column prefix of the roles that every assay has; a marker is called by its own name."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One page of a frame.

    Attributes
    ----------
    role : str
        ``nucleus`` (DNA stain), ``inclusion`` (cytokeratin), ``exclusion`` (CD45), ``marker1``
        to ``marker3`` (an additional marker such as HER2), or ``ignored``.
    name : str
        Name in the folder, e.g. ``"DAPI"`` or ``"PE"``.
    marker : str
        Column prefix of an additional marker, e.g. ``"her2"``; by default the role.
    saturation : float or None
        Pixel value at which the detector saturates; None where it is unknown.
    """

    role: Role
    name: str
    marker: str = ""
    saturation: float | None = None

    @property
    def prefix(self) -> str:
        """Prefix of the channel's columns in `cells`.

        Examples
        --------
        >>> Channel("inclusion", "PE").prefix, Channel("marker1", "FITC", "her2").prefix
        ('ck', 'her2')
        """
        return PREFIXES.get(self.role) or self.marker or self.role
