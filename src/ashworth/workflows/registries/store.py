"""The registry store brought up to date, with the words for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ashworth.errors import InputError, Problem
from ashworth.registries.readers.files import OnFault
from ashworth.storage.registry_store import StoreUpdate, open_store, update_store
from ashworth.storage.registry_store.update import Progress, silent
from ashworth.workflows.executors import open_executor

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class UpdatedStore:
    """An update of a store.

    Attributes
    ----------
    update : StoreUpdate
    """

    update: StoreUpdate

    def to_dict(self) -> dict[str, Any]:
        """Document for --json."""
        made = self.update
        return {
            "store": str(made.store.folder), "generation": made.store.generation,
            "updated": made.store.updated, "rules_version": made.store.rules_version,
            "versions": made.store.n_rows, "new": made.n_new, "changed": made.n_changed,
            "unchanged": made.n_unchanged, "vanished": list(made.vanished),
            "returned": list(made.returned), "reclassified": made.reclassified,
            "files_read": made.files_read, "files_known": made.files_known,
            "formats": dict(made.formats),
            "announced_but_not_received": {k: list(v) for k, v in made.announced.items()},
            "left_out": [str(p) for p in made.faults],
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Text for a terminal."""
        made = self.update
        yield (
            f"{made.n_new:,} new registrations, {made.n_changed:,} new versions, "
            f"{made.n_unchanged:,} unchanged; {made.store.n_rows:,} versions in all"
        )
        yield f"files: {made.files_read:,} read, {made.files_known:,} known from before"
        if made.reclassified:
            yield (f"{made.reclassified:,} versions judged again by rules version "
                   f"{made.store.rules_version}")  # fmt: skip
        for word, names in (("vanished", made.vanished), ("returned", made.returned)):
            if names:
                more = " ..." if len(names) > _SHOWN else ""
                yield f"{word}: {len(names):,} ({', '.join(names[:_SHOWN])}{more})"
        for name, (announced, received) in made.announced.items():
            yield f"note: {name} announces {announced:,} studies and holds {received:,}"
        if made.faults:
            yield f"left out: {len(made.faults)} files"
            yield from (f"  {p}" for p in made.faults[:20])
        yield f"store: {made.store.folder}"


def update_registry_store(
    folder: Path,
    paths: Sequence[Path],
    *,
    on_fault: OnFault = "refuse",
    partial: bool = False,
    workers: int = 1,
    progress: Progress = silent,
) -> UpdatedStore:
    """Bring a store up to date with registry files.

    Parameters
    ----------
    folder : Path
        The store; made where it is new or empty.
    paths : sequence of Path
        Files, folders, archives.
    on_fault : {"refuse", "skip"}
    partial : bool
        The files are only a part of their registries: nothing is said to have vanished.
    workers : int
        Processes that read.

    Raises
    ------
    InputError
        No files, files that cannot be read, a folder that holds something else.
    """
    if not paths:
        raise InputError([Problem("landscape store", None, "FILES", "nothing", "registry files",
                                  "name files, folders or archives")])  # fmt: skip
    target = folder.absolute()
    if workers > 1:
        with open_executor(workers, None) as pool:
            made = update_store(target, paths, on_fault=on_fault, partial=partial, executor=pool,
                                progress=progress)  # fmt: skip
    else:
        made = update_store(target, paths, on_fault=on_fault, partial=partial, progress=progress)
    return UpdatedStore(made)


def verify_registry_store(folder: Path) -> str:
    """Compare every byte of a store with its digests; say so in a sentence.

    Raises
    ------
    InputError
        With every file that is not as it was written.
    """
    store = open_store(folder.absolute())
    store.verify()
    return f"{store.n_rows:,} versions in {len(store.digests)} files, all as they were written"
