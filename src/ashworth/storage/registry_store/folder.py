"""The store's folder: which files are in force, and how they are replaced all at once."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from ashworth.errors import InputError, Problem
from ashworth.storage.registry_store.rows import FILES, LAYOUT, ROWS, STATE, TEXTS

MANIFEST = "store.json"
LOCK = ".lock"
_OWN = re.compile(r"(?:rows|texts|state|files)-[0-9a-f]{16}\.parquet")


@dataclass(frozen=True, slots=True)
class RegistryStore:
    """A store as it was when it was opened; later updates do not change what it shows.

    Attributes
    ----------
    folder : Path
    generation : int
        Number of updates.
    updated : str
        Hour of the last (UTC).
    rules_version : int
        Version of the rules of classification.
    parts : tuple of dict
        Files of registrations, in order: `rows`, `texts` and `n`.
    state, files : str
        Names of the tables of versions and of files read.
    digests : dict
        File to bytes and SHA-256.
    """

    folder: Path
    generation: int
    updated: str
    rules_version: int
    parts: tuple[dict[str, Any], ...]
    state: str
    files: str
    digests: dict[str, dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """The manifest."""
        return {
            "ashworth_registry_store": LAYOUT, "generation": self.generation,
            "updated": self.updated, "rules_version": self.rules_version,
            "parts": list(self.parts), "state": self.state, "files": self.files,
            "digests": self.digests,
        }  # fmt: skip

    @property
    def n_rows(self) -> int:
        """Versions of registrations that are written."""
        return sum(p["n"] for p in self.parts)

    def read_state(self) -> pl.DataFrame:
        """One row per version: when it was first and last seen, and when it had vanished."""
        return read_part(self, self.state)

    def verify(self) -> None:
        """Read every byte and compare with the digests of the manifest.

        Raises
        ------
        InputError
            With every file that is not as it was written.
        """
        wrong = [name for name, told in self.digests.items()
                 if _digest(self.folder / name) != told["sha256"]]  # fmt: skip
        if wrong:
            raise InputError([_problem(self.folder / n, "other bytes than were written")
                              for n in wrong], subject="the registry store")  # fmt: skip


def is_store(path: Path) -> bool:
    """Whether a folder says that it is a registry store."""
    try:
        found = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and "ashworth_registry_store" in found


def open_store(folder: Path) -> RegistryStore:
    """Open a store and check that its files are there, whole in size, and of the right columns.

    Raises
    ------
    InputError
        No store, one of another layout, files missing or cut.
    """
    problems: list[Problem] = []
    for _ in range(3):
        store = _manifest(folder)
        problems = list(_faults(store))
        if not problems:
            return store
        if _manifest(folder).generation == store.generation:
            break
    raise InputError(problems, subject="the registry store")


def _manifest(folder: Path) -> RegistryStore:
    path = folder / MANIFEST
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["ashworth_registry_store"] != LAYOUT:
            raise InputError([_problem(path, f"layout {raw['ashworth_registry_store']}")],
                             subject="the registry store")  # fmt: skip
        return RegistryStore(
            folder, int(raw["generation"]), raw["updated"], int(raw["rules_version"]),
            tuple({"rows": p["rows"], "texts": p["texts"], "n": int(p["n"])} for p in raw["parts"]),
            raw["state"], raw["files"], dict(raw["digests"]),
        )  # fmt: skip
    except OSError as error:
        raise InputError([_problem(path, error.strerror or str(error))],
                         subject="the registry store") from None  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        words = f"{type(error).__name__}: {error}"
        raise InputError([_problem(path, words)], subject="the registry store") from None


def _problem(path: Path, found: str) -> Problem:
    return Problem(str(path), None, None, found, "a registry store that this program wrote",
                   "bring it back from a copy, or make it anew from the records")  # fmt: skip


def _faults(store: RegistryStore) -> Iterator[Problem]:
    schemas = {store.state: STATE, store.files: FILES}
    for part in store.parts:
        schemas |= {part["rows"]: ROWS, part["texts"]: TEXTS}
    for name, schema in schemas.items():
        path = store.folder / name
        told = store.digests.get(name)
        if told is None or not _OWN.fullmatch(name):
            yield _problem(store.folder / MANIFEST, f"'{name}', which no update wrote")
            continue
        try:
            size = path.stat().st_size
            if size != told["bytes"]:
                yield _problem(path, f"{size:,} bytes in place of {told['bytes']:,}")
            elif dict(pl.read_parquet_schema(path)) != dict(schema):
                yield _problem(path, "other columns")
        except OSError as error:
            yield _problem(path, error.strerror or str(error))
        except PolarsError as error:
            yield _problem(path, " ".join(str(error).split())[:150])


def read_part(
    store: RegistryStore, name: str, columns: list[str] | None = None,
    rows: tuple[int, int] | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Read columns of a file, all rows or a range (first, number).

    Raises
    ------
    InputError
        The file is damaged or gone.
    """
    path = store.folder / name
    try:
        frame = pl.scan_parquet(path, glob=False)
        if columns is not None:
            frame = frame.select(columns)
        if rows is not None:
            frame = frame.slice(*rows)
        return frame.collect()
    except OSError as error:
        found = error.strerror or str(error)
    except PolarsError as error:
        found = " ".join(str(error).split())[:150]
    raise InputError([_problem(path, found)], subject="the registry store")


def write_part(folder: Path, kind: str, frame: pl.DataFrame, group: int) -> tuple[str, Any]:
    """Write a table under a name of its own; give the name, its size and digest."""
    part = folder / f".{kind}.{os.getpid()}.part"
    try:
        frame.write_parquet(part, compression="zstd", row_group_size=group, statistics=False)
        digest, size = _digest(part), part.stat().st_size
        name = f"{kind}-{digest[:16]}.parquet"
        part.replace(folder / name)
    finally:
        part.unlink(missing_ok=True)
    return name, {"bytes": size, "sha256": digest}


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return error.strerror or "unreadable"


def write_manifest(store: RegistryStore) -> None:
    """Put a new state of the store in force, in one step."""
    text = json.dumps(store.to_dict(), indent=1) + "\n"
    part = store.folder / f".{MANIFEST}.part"
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(store.folder / MANIFEST)
    finally:
        part.unlink(missing_ok=True)


def clear_away(store: RegistryStore, before: RegistryStore | None) -> None:
    """Remove files that neither this state nor the one before names: readers may still be there."""
    named = set(store.digests) | (set() if before is None else set(before.digests))
    for path in store.folder.iterdir():
        left = _OWN.fullmatch(path.name) and path.name not in named
        if left or path.name.endswith(".part"):
            path.unlink(missing_ok=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a store's writers.

    Raises
    ------
    InputError
        Another program is updating the store.
    """
    path = folder / LOCK
    for _ in range(2):
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            break
        except FileExistsError:
            if _running(path):
                raise InputError(
                    [Problem(str(folder), None, None, "an update that is under way",
                             "one update at a time", "wait for it to end")],
                    subject="the registry store",
                ) from None  # fmt: skip
            path.unlink(missing_ok=True)
    else:
        raise OSError(f"{path} cannot be made")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(str(os.getpid()))
        yield
    finally:
        path.unlink(missing_ok=True)


def _running(lock: Path) -> bool:
    """Whether the writer of a lock is alive; yes where that cannot be told."""
    try:
        pid = int(lock.read_text())
    except (OSError, ValueError):
        return True
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
