"""A results folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ashworth.errors import InputError, Problem

MARK = "run.json"


@contextmanager
def results_folder(target: Path, *, mark: str = MARK) -> Iterator[Path]:
    """Give an empty folder to write into; put it in the target's place when all went well.

    Whatever goes wrong (an error, Ctrl-C), the previous results stay as they were and nothing
    half-written is left. A folder is replaced only if an earlier run made it (it holds `mark`)
    or if it is empty.

    Parameters
    ----------
    target : Path
        The results folder to be made or replaced.
    mark : str
        File that shows that the folder was made by this program.

    Yields
    ------
    Path
        A new folder beside the target.

    Raises
    ------
    InputError
        If the place is not writable, or is a folder that this program did not make.
    """
    target = Path(os.path.realpath(target))
    _recover(target, mark)
    _refuse_foreign(target, mark)
    work = _make_beside(target)
    try:
        yield work
        _swap(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _recover(target: Path, mark: str) -> None:
    """Clear up after runs that were killed: finish a swap, remove what was half-written."""
    for work in target.parent.glob(f".{target.name}.*.part"):
        if not _running(work.name.split(".")[-3]):
            shutil.rmtree(work, ignore_errors=True)
    for previous in sorted(target.parent.glob(f".{target.name}.*.previous")):
        if not (previous / mark).is_file():
            continue
        if target.exists():
            shutil.rmtree(previous, ignore_errors=True)
        else:
            previous.rename(target)


def _running(pid: str) -> bool:
    """Whether the process that made a working folder is alive; yes where that cannot be told."""
    if os.name == "nt" or not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _refuse_foreign(target: Path, mark: str) -> None:
    """Refuse to replace anything that is not a results folder."""
    if not target.exists():
        return
    made_here = target.is_dir() and ((target / mark).is_file() or not any(target.iterdir()))
    if not made_here:
        raise InputError(
            [
                Problem(
                    "--out",
                    None,
                    None,
                    f"{target}, which holds other files",
                    "a new folder, an empty one, or earlier results",
                    "choose another folder with --out",
                )
            ],
            subject="the results folder",
        )


def _make_beside(target: Path) -> Path:
    """Make the working folder in the target's own file system."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{target.name}.{os.getpid()}."
        return Path(tempfile.mkdtemp(prefix=prefix, suffix=".part", dir=target.parent))
    except OSError as error:
        raise InputError(
            [
                Problem(
                    "--out",
                    None,
                    None,
                    f"{target.parent}: {error.strerror or error}",
                    "a folder that can be written to",
                    "choose another folder with --out, or change its permissions",
                )
            ],
            subject="the results folder",
        ) from None


def _swap(work: Path, target: Path) -> None:
    """Put the finished folder in place; the old one goes last."""
    work.chmod(0o777 & ~_umask())
    previous = work.with_suffix(".previous")
    try:
        if target.exists():
            target.rename(previous)
        work.rename(target)
    except OSError as error:
        if previous.exists() and not target.exists():
            previous.rename(target)
        raise InputError(
            [
                Problem(
                    "--out",
                    None,
                    None,
                    f"{target}: {error.strerror or error}",
                    "a folder that no other program writes to at the same time",
                    "run again, or choose another folder with --out",
                )
            ],
            subject="the results folder",
        ) from None
    finally:
        if target.exists():
            shutil.rmtree(previous, ignore_errors=True)


def _umask() -> int:
    """Return the process's file mode mask."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
