"""A results folder that appears whole or not at all."""

from __future__ import annotations

import glob
import json
import os
import re
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
    half-written is left. A folder is replaced only if it is empty or holds nothing but what an
    earlier run wrote, as `mark` lists it.

    Parameters
    ----------
    target : Path
        The results folder to be made or replaced.
    mark : str
        JSON file in the folder whose ``results`` or ``files`` name what a run wrote.

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
    try:
        _recover(target, mark)
        _refuse_foreign(target, mark)
        work = _make_beside(target)
    except OSError as error:
        raise _unwritable(target, error) from None
    try:
        yield work
        _swap(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _recover(target: Path, mark: str) -> None:
    """Clear up after runs that were killed: finish a swap, remove what was half-written."""
    for work, pid in _beside(target, "part"):
        if not _running(pid):
            shutil.rmtree(work, ignore_errors=True)
    for previous, _ in _beside(target, "previous"):
        if not (previous / mark).is_file():
            continue
        if target.exists():
            shutil.rmtree(previous, ignore_errors=True)
        else:
            previous.rename(target)


def _beside(target: Path, suffix: str) -> list[tuple[Path, str]]:
    """Working folders of this target, ``.NAME.PID.RANDOM.SUFFIX``, with their PID.

    Those of a target whose name begins alike (``A.b`` beside ``A``) are not among them.
    """
    name = re.compile(rf"\.{re.escape(target.name)}\.(\d+)\.[^.]+\.{suffix}")
    here = sorted(target.parent.glob(f".{glob.escape(target.name)}.*.{suffix}"))
    return [(path, found[1]) for path in here if (found := name.fullmatch(path.name))]


def _running(pid: str) -> bool:
    """Whether the process that made a working folder is alive; yes where that cannot be told."""
    if os.name == "nt":
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _refuse_foreign(target: Path, mark: str) -> None:
    """Refuse to replace anything but what an earlier run wrote."""
    if not target.exists():
        return
    if not target.is_dir():
        raise _place_problem(f"{target}, which is a file")
    here = {p.relative_to(target).as_posix() for p in target.rglob("*") if not p.is_dir()}
    foreign = sorted(here.difference(_written(target / mark, mark)))
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        names = ", ".join(foreign[:3])
        raise _place_problem(f"{target}, which holds other files: {names}{more}")


def _written(log: Path, mark: str) -> set[str]:
    """Files that an earlier run says it wrote."""
    try:
        document = json.loads(log.read_text(encoding="utf-8"))
        return {mark, *document.get("results", ()), *document.get("files", ())}
    except (OSError, ValueError, AttributeError, TypeError):
        return set()


def _place_problem(found: str) -> InputError:
    """A place that may not be replaced."""
    problem = Problem(
        "--out",
        None,
        None,
        found,
        "a new folder, an empty one, or earlier results without other files in them",
        "move those files away, or choose another folder with --out",
    )
    return InputError([problem], subject="the results folder")


def _make_beside(target: Path) -> Path:
    """Make the working folder in the target's own file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{target.name}.{os.getpid()}."
    return Path(tempfile.mkdtemp(prefix=prefix, suffix=".part", dir=target.parent))


def _unwritable(target: Path, error: OSError) -> InputError:
    """A place that cannot be looked at or written to."""
    problem = Problem(
        "--out",
        None,
        None,
        f"{target}: {error.strerror or error}",
        "a folder that can be written to",
        "choose another folder with --out, or change its permissions",
    )
    return InputError([problem], subject="the results folder")


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
