"""The run log: from which bytes, with which versions and options the results were made."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from ashworth.version import __version__

_LIBRARIES = ("numpy", "scipy", "numba", "polars", "altair", "vl-convert-python")


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def software_versions() -> dict[str, str]:
    """Versions of ashworth, Python and the libraries that touch the numbers."""
    versions = {"ashworth": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def write_run_log(
    folder: Path,
    *,
    command: str,
    started_at: datetime,
    inputs: Iterable[Path],
    base: Path,
    options: Mapping[str, Any],
    notices: Iterable[str] = (),
) -> Path:
    """Write `run.json`; it alone carries the hour of the run.

    Parameters
    ----------
    folder : Path
        Results folder.
    command : str
        What was asked for.
    started_at : datetime
        When the run began (UTC).
    inputs : iterable of Path
        Files that were read; each is listed with its SHA-256.
    base : Path
        Folder to which the inputs' paths are relative.
    options : mapping
        Settings that were in force.
    notices : iterable of str
        What was left out or assumed.
    """
    log = {
        "command": command,
        "started_at": started_at.isoformat(timespec="seconds"),
        "software": software_versions(),
        "inputs": {p.relative_to(base).as_posix(): file_digest(p) for p in sorted(inputs)},
        "options": dict(options),
        "notices": list(notices),
        "results": {
            p.relative_to(folder).as_posix(): file_digest(p)
            for p in sorted(folder.rglob("*"))
            if p.is_file()
        },
        "notice": "Research use only. Not a medical device.",
    }
    path = folder / "run.json"
    path.write_text(json.dumps(log, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
