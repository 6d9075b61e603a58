"""The door to the image workflow: says what to install where the image packages are missing."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ashworth.errors import InputError, Problem

if TYPE_CHECKING:
    from ashworth.workflows.images.batch import Enumeration

PACKAGES = ("cv2", "tifffile", "imagecodecs", "lxml")


def demand_image_packages() -> None:
    """Raise `InputError` where a package of the extra `imaging` is not installed."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        remedy = "install them with: pip install 'ashworth[imaging]'"
        found = f"no package {', '.join(missing)}"
        problem = Problem("images", None, None, found, "the image packages", remedy)
        raise InputError([problem], subject="the installation")


def workers_problems(workers: int | None) -> list[Problem]:
    """Refuse a number of processes below 1."""
    if workers is None or workers >= 1:
        return []
    return [Problem("--workers", None, None, str(workers), "1 or more", "leave it out or give one")]


def enumerate_image_folders(folders: Sequence[Path], **options: Any) -> Enumeration:
    """Enumerate image folders; see `ashworth.workflows.images.batch.enumerate_folders`."""
    demand_image_packages()
    from ashworth.workflows.images.batch import enumerate_folders

    return enumerate_folders(folders, **options)
