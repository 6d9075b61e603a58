"""The folder of a fetch: worked on beside its place, in its place when whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ashworth.errors import InputError, Problem
from ashworth.registries.sources.faults import FetchError

MANIFEST = ".fetch.json"
JOURNAL = ".fetched.jsonl"
FORMAT = 1


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all.

    Raises
    ------
    FetchError
        disk: no room, no right to write.
    """
    part = path.with_name(f".{path.name.lstrip('.')}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _disk(path, error) from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _disk(path: Path, error: OSError) -> FetchError:
    return FetchError("disk", path.name, error.strerror or str(error),
                      "make room, or choose another folder; then run the same command again: "
                      "what was fetched is kept")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file of a fetch.

    Attributes
    ----------
    file, url, at, sha256 : str
        Name, address, hour (UTC) and digest of the bytes.
    records : int
    about : dict
        What the source needs to go on, or to know the file again.
    """

    file: str
    url: str
    at: str
    sha256: str
    records: int
    about: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The entry of the manifest."""
        return {"file": self.file, "url": self.url, "at": self.at, "sha256": self.sha256,
                "records": self.records, "about": dict(self.about)}  # fmt: skip


@dataclass
class FetchFolder:
    """Files fetched so far, kept in a working folder beside the target.

    Attributes
    ----------
    target, work : Path
    head : dict
        What is asked, of whom, and the state of the registry's data at the beginning.
    files : dict of str to Fetched
        In order of fetching.
    """

    target: Path
    head: dict[str, Any]
    files: dict[str, Fetched] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        """The working folder."""
        return working_folder(self.target)

    def keep(self, fetched: Fetched, content: bytes) -> None:
        """Write a file and its line of the journal."""
        write_whole(self.work / fetched.file, content)
        line = json.dumps(fetched.to_dict(), ensure_ascii=False) + "\n"
        try:
            with (self.work / JOURNAL).open("a", encoding="utf-8") as journal:
                journal.write(line)
                journal.flush()
                os.fsync(journal.fileno())
        except OSError as error:
            raise _disk(self.work / JOURNAL, error) from None
        self.files[fetched.file] = fetched

    def publish(self, tail: Mapping[str, Any]) -> dict[str, Any]:
        """Write the manifest and put the folder in its place.

        Returns
        -------
        dict
            The manifest.
        """
        manifest = {**self.head, **tail, "files": [f.to_dict() for f in self.files.values()]}
        text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
        write_whole(self.work / MANIFEST, text.encode())
        for path in self.work.iterdir():
            if path.name not in self.files and path.name != MANIFEST:
                path.unlink()
        previous = self.work.with_suffix(".previous")
        try:
            shutil.rmtree(previous, ignore_errors=True)
            if self.target.exists():
                self.target.rename(previous)
            self.work.rename(self.target)
        except OSError as error:
            if previous.exists() and not self.target.exists():
                previous.rename(self.target)
            raise _disk(self.target, error) from None
        shutil.rmtree(previous, ignore_errors=True)
        return manifest


def working_folder(target: Path) -> Path:
    """Where an unfinished fetch is kept: beside the target, with a name that begins with a dot."""
    return target.with_name(f".{target.name}.fetching")


def open_folder(target: Path, head: Mapping[str, Any], *, anew: bool) -> FetchFolder:
    """Begin, or go on with what an interrupted fetch of the same question left.

    Parameters
    ----------
    target : Path
    head : mapping
        Question and state of the data; an unfinished fetch with another head is begun anew only
        where that is asked for.
    anew : bool

    Raises
    ------
    InputError
        The place holds something else.
    FetchError
        data_changed: an unfinished fetch of another state of the registry's data. disk.
    """
    refuse_foreign(target)
    folder = FetchFolder(target, dict(head))
    finished = read_manifest(target)
    if finished is not None and not anew:
        _refuse_other_question(finished, folder)
    try:
        if anew:
            shutil.rmtree(folder.work, ignore_errors=True)
        begun = _begun(folder.work)
        if begun is not None:
            _compare_heads(begun, folder)
            folder.head = begun
            folder.files = _kept(folder.work)
            return folder
        shutil.rmtree(folder.work, ignore_errors=True)
        folder.work.mkdir(parents=True)
    except OSError as error:
        raise _disk(target, error) from None
    text = json.dumps(folder.head, ensure_ascii=False)
    write_whole(folder.work / MANIFEST, text.encode())
    return folder


def _begun(work: Path) -> dict[str, Any] | None:
    """The head of an unfinished fetch."""
    try:
        found = json.loads((work / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("ashworth_fetch") == FORMAT else None


_SAME = ("source", "base", "query", "page_size")


def _refuse_other_question(earlier: Mapping[str, Any], folder: FetchFolder) -> None:
    if all(earlier.get(key) == folder.head.get(key) for key in _SAME):
        return
    words = f"{folder.target}, the place of another question: {earlier.get('query')}"
    raise InputError(
        [Problem("--out", None, None, words, "one question per folder",
                 "choose another folder, or begin anew with --anew")],
        subject="the place of the fetch",
    )  # fmt: skip


def _compare_heads(begun: Mapping[str, Any], folder: FetchFolder) -> None:
    _refuse_other_question(begun, folder)
    old, new = begun.get("data_before"), folder.head.get("data_before")
    if old != new:
        raise FetchError("data_changed", str(begun.get("base")),
                         f"the fetch that stopped saw the data of {old}, the registry now has "
                         f"those of {new}", "begin anew with --anew")  # fmt: skip


def _kept(work: Path) -> dict[str, Fetched]:
    """Files of the journal that are whole; of two lines for a file the later counts."""
    listed: dict[str, Fetched] = {}
    try:
        lines = (work / JOURNAL).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            found = Fetched(**json.loads(line))
        except (ValueError, TypeError):
            continue
        listed.pop(found.file, None)
        listed[found.file] = found
    kept = {name: f for name, f in listed.items() if whole(work / name, f.sha256)}
    whole_lines = "".join(json.dumps(f.to_dict(), ensure_ascii=False) + "\n" for f in kept.values())
    write_whole(work / JOURNAL, whole_lines.encode())
    return kept


def whole(path: Path, sha256: str) -> bool:
    """Whether a file holds the bytes of a digest."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def read_manifest(target: Path) -> dict[str, Any] | None:
    """The manifest of a finished fetch; None where there is none."""
    found = _begun(target)
    return found if found is not None and "ended" in found else None


def cached(target: Path, head: Mapping[str, Any]) -> dict[str, Any] | None:
    """The manifest of a finished fetch of the same question and state of the data, if whole."""
    found = read_manifest(target)
    if found is None or any(found.get(k) != head.get(k) for k in (*_SAME, "data_before")):
        return None
    if head.get("data_before") is None or found.get("data_after") != head.get("data_before"):
        return None
    every = all(whole(target / f["file"], f["sha256"]) for f in found["files"])
    return found if every else None


def refuse_foreign(target: Path) -> None:
    """Refuse a place that holds anything but an earlier fetch.

    Raises
    ------
    InputError
    """
    if not target.exists():
        return
    if target.is_dir():
        found = read_manifest(target) or {}
        own = {MANIFEST, *(f["file"] for f in found.get("files", ()))}
        foreign = sorted({p.name for p in target.iterdir()} - own)
        if not foreign:
            return
        words = f"{target}, which holds other files: {', '.join(foreign[:3])}"
    else:
        words = f"{target}, which is a file"
    raise InputError(
        [Problem("--out", None, None, words, "a new folder, or that of an earlier fetch",
                 "choose another folder")], subject="the place of the fetch",
    )  # fmt: skip
