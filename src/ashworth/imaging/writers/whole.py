"""A folder is there whole or not at all."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ashworth.errors import InputError, Problem
from ashworth.imaging.readers.marks import SIMULATED_MARK

_MARK_TEXT = "The images in this folder are simulated. Nothing here was observed.\n"


@contextlib.contextmanager
def whole_folder(folder: str | Path, *, simulated: bool) -> Iterator[Path]:
    """Give a working folder beside the target, which is renamed to it at the end.

    Parameters
    ----------
    folder : str or Path
        New folder, or an empty one.
    simulated : bool
        Put the mark of simulated images into it.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    InputError
        If the folder holds something, cannot be made or the disk is full; nothing is left.
    """
    target = Path(folder).absolute()
    work = None
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise _refused(target, "something is there already", "a new folder or an empty one")
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
        work.chmod(0o755)
        yield work
        if simulated:
            (work / SIMULATED_MARK).write_text(_MARK_TEXT, encoding="utf-8")
        if target.exists():
            target.rmdir()
        work.rename(target)
    except OSError as error:
        fault = error.strerror or str(error)
        raise _refused(target, fault, "a folder that can be written, on a disk with room") from None
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)


def _refused(target: Path, found: str, allowed: str) -> InputError:
    """A folder that is not written."""
    problem = Problem(str(target), None, None, found, allowed, "choose another folder")
    return InputError([problem], subject="writing the image folder")
