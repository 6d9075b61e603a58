"""A store brought up to date: only what is new is read, judged and written."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ashworth.errors import InputError, Problem
from ashworth.registries.classification.rules import cell_rules
from ashworth.registries.classification.verdicts import classify
from ashworth.registries.readers.files import OnFault, over_all_pages
from ashworth.registries.readers.members import Member, members_of, nothing_to_read
from ashworth.storage.registry_store import reading
from ashworth.storage.registry_store.folder import (
    RegistryStore,
    alone,
    clear_away,
    is_store,
    open_store,
    read_part,
    write_manifest,
    write_part,
)
from ashworth.storage.registry_store.query import GROUP
from ashworth.storage.registry_store.rows import (
    FILES,
    STATE,
    decoded,
    rows_of,
)

PART = 20_000
"""Versions in one file at most."""
SMALL = 5_000
"""A last file with fewer versions is written again together with the new ones."""
TEXT_GROUP = 2_000
Progress = Callable[[str, int, int], None]


def silent(label: str, done: int, total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class StoreUpdate:
    """What an update changed.

    Attributes
    ----------
    store : RegistryStore
    n_new, n_changed, n_unchanged : int
        Registrations that were not there; new versions of those that were; versions met again.
    vanished, returned : tuple of str
        Registrations of the registries of this update that are not in these files, though the
        last update held them; and those that are again.
    files_read, files_known : int
        Files that were read; files whose bytes had been read before.
    reclassified : int
        Versions judged again since the rules have another version.
    formats : Counter
    announced : dict of str to (int, int)
    faults : tuple of Problem
        Files that were left out.
    """

    store: RegistryStore
    n_new: int
    n_changed: int
    n_unchanged: int
    vanished: tuple[str, ...]
    returned: tuple[str, ...]
    files_read: int
    files_known: int
    reclassified: int
    formats: Counter[str]
    announced: dict[str, tuple[int, int]]
    faults: tuple[Problem, ...]


def update_store(
    folder: Path,
    paths: Sequence[Path],
    *,
    on_fault: OnFault = "refuse",
    partial: bool = False,
    executor: Executor | None = None,
    now: datetime | None = None,
    progress: Progress = silent,
) -> StoreUpdate:
    """Bring a store up to date with registry files; make it where the folder is empty or new.

    A file whose bytes were read before is not read again; a record whose raw bytes are known is not
    judged again; a record with other bytes is kept beside the older version. Where the rules of
    classification have another version, everything is judged again from the kept texts. Readers see
    the state before or after, never one between.

    Parameters
    ----------
    folder : Path
    paths : sequence of Path
        Files, folders, archives.
    on_fault : {"refuse", "skip"}
    partial : bool
        The files are only a part of their registries: what is not in them has not vanished.
    executor : Executor, optional
        Reads and judges in other processes.
    now : datetime, optional
        The hour of the update (UTC).

    Raises
    ------
    InputError
        Files that cannot be read; a folder that holds something else; an update under way.
    """
    _refuse_foreign(folder)
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with alone(folder):
            before = open_store(folder) if is_store(folder) else None
            updating = _Updating(folder, before, now or datetime.now(UTC), progress)
            try:
                return updating.run(paths, on_fault, executor, partial=partial)
            except BaseException:
                updating.discard()
                raise
    finally:
        if made and not any(folder.iterdir()):
            folder.rmdir()


def _refuse_foreign(folder: Path) -> None:
    if not folder.exists() or is_store(folder):
        return
    own = (".part", ".parquet", ".lock")
    others = [] if folder.is_file() else [p for p in folder.iterdir() if not p.name.endswith(own)]
    if folder.is_file() or others:
        words = "a file" if folder.is_file() else f"other files: {others[0].name}"
        raise InputError(
            [Problem(str(folder), None, None, words, "a registry store, or a new or empty folder",
                     "choose another folder")], subject="the registry store",
        )  # fmt: skip


class _Updating:
    """One update, step by step."""

    def __init__(
        self, folder: Path, before: RegistryStore | None, now: datetime, progress: Progress
    ) -> None:
        self.folder, self.before, self.now, self.progress = folder, before, now, progress
        self.parts = [] if before is None else [dict(p) for p in before.parts]
        self.digests: dict[str, Any] = {} if before is None else dict(before.digests)
        self.state = pl.DataFrame(schema=STATE) if before is None else before.read_state()
        self.first = self.next = 0 if before is None else before.n_rows
        self.numbers: dict[bytes, int] = dict(self.state.select("key", "version").iter_rows())
        self.new: list[tuple[Any, ...]] = []
        self.owned: list[tuple[bytes, int]] = []
        self.total, self.counts = reading.Batch(), Counter[str]()
        self.waiting: list[tuple[pl.DataFrame, pl.DataFrame]] = []
        self.n_waiting = 0

    def run(
        self, paths: Sequence[Path], on_fault: OnFault, executor: Executor | None, *, partial: bool
    ) -> StoreUpdate:
        reclassified = self._reclassify()
        members, problems = members_of(paths)
        problems += nothing_to_read(members, problems, paths)
        chunks = list(reading.chunks_of(members))
        self._take_up_small_part()
        for done, batch in enumerate(reading.mapped(executor, self._job(), chunks), start=1):
            self.progress("records", done, len(chunks))
            self._take(batch)
        faults = problems + self.total.faults
        if faults and (on_fault == "refuse" or not (self.total.keys or self.total.known_files)):
            raise InputError(faults, subject="the registry files")
        self._write_waiting(last=True)
        files = self._files()
        vanished, returned = self._see(files, partial=partial)
        store = self._finish(files)
        return StoreUpdate(
            store, self.counts["new"], self.counts["changed"], self.counts["unchanged"], vanished,
            returned, self.total.n_files, len(self.total.known_files), reclassified,
            self.total.formats,
            over_all_pages(self.total.announced, self.total.pages), tuple(faults),
        )  # fmt: skip

    def discard(self) -> None:
        """Remove what this update wrote, where it is not put in force."""
        known = set() if self.before is None else set(self.before.digests)
        in_force = set(open_store(self.folder).digests) if is_store(self.folder) else set()
        for name in self.digests.keys() - known - in_force:
            (self.folder / name).unlink(missing_ok=True)

    def _job(self) -> Callable[[list[Member]], reading.Batch]:
        where = None if self.before is None else (self.folder, self.before.generation)
        return functools.partial(reading.read_chunk, where)

    def _reclassify(self) -> int:
        """Judge everything again where the rules have another version than the store."""
        if self.before is None or self.before.rules_version == cell_rules().version:
            return 0
        for number, part in enumerate(self.parts):
            self.progress("rules", number, len(self.parts))
            texts = read_part(self.before, part["texts"])
            records = [decoded(raw) for raw in texts["record"]]
            rows = rows_of([(r, classify(r)) for r in records], texts["version"].to_list())
            self._write(rows, texts, number)
        return self.before.n_rows

    def _take_up_small_part(self) -> None:
        """Write a small last file again with what is new, so that files do not become many."""
        if self.before is None or not self.parts or self.parts[-1]["n"] >= SMALL:
            return
        part = self.parts.pop()
        store = RegistryStore(self.folder, 0, "", 0, (), "", "", {})
        self._wait(read_part(store, part["rows"]), read_part(store, part["texts"]))

    def _take(self, batch: reading.Batch) -> None:
        """Number the new versions of a batch, in order, and keep what is needed of it."""
        total = self.total
        total.faults += batch.faults
        total.formats.update(batch.formats)
        total.announced |= batch.announced
        total.pages.update(batch.pages)
        total.known_files += batch.known_files
        total.n_files += batch.n_files
        total.keys = total.keys or batch.keys[:1]
        fresh: dict[bytes, int] = {}
        for key, owner in zip(batch.keys, batch.owners, strict=True):
            number = self.numbers.get(key[0])
            if number is None:
                number = self.numbers[key[0]] = fresh[key[0]] = self.next
                self.next += 1
                self.new.append((number, *key, self.now, self.now, None))
            elif number < self.first:
                self.counts["unchanged"] += 1
            self.owned.append((owner, number))
        if fresh:
            self._wait(*reading.numbered(batch, fresh))
        self._write_waiting(last=False)

    def _wait(self, rows: pl.DataFrame, texts: pl.DataFrame) -> None:
        self.waiting.append((rows, texts))
        self.n_waiting += rows.height

    def _write_waiting(self, *, last: bool) -> None:
        if self.n_waiting == 0 or (not last and self.n_waiting < PART):
            return
        rows = pl.concat([r for r, _ in self.waiting])
        texts = pl.concat([t for _, t in self.waiting])
        self.waiting.clear()
        self.n_waiting = 0
        self._write(rows, texts, None)

    def _write(self, rows: pl.DataFrame, texts: pl.DataFrame, number: int | None) -> None:
        """Write rows, those that name cells first: a landscape reads these alone."""
        rows = rows.sort(pl.col("specimen") == "none", "version")
        made = {}
        for kind, frame, group in (("rows", rows, GROUP), ("texts", texts, TEXT_GROUP)):
            made[kind], told = write_part(self.folder, kind, frame, group)
            self.digests[made[kind]] = told
        part = {**made, "n": rows.height}
        if number is None:
            self.parts.append(part)
        else:
            self.parts[number] = part

    def _files(self) -> pl.DataFrame:
        """Which file held which versions: files of this update, and those known from before."""
        now = pl.DataFrame(self.owned, schema=FILES, orient="row")
        if self.before is None:
            return now.unique(maintain_order=True)
        earlier = read_part(self.before, self.before.files)
        return pl.concat([earlier, now]).unique(maintain_order=True)

    def _see(
        self, files: pl.DataFrame, *, partial: bool
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Date what was met in this update, and name what was not."""
        met = {number for _, number in self.owned}
        known = pl.Series("digest", self.total.known_files, dtype=pl.Binary)
        old = files.filter(pl.col("digest").is_in(known.implode()))["version"]
        self.counts["unchanged"] += len(set(old.to_list()) - met)
        met |= set(old.to_list())
        earlier = set(self.state["registration"].to_list())
        added = pl.DataFrame(self.new, schema=STATE, orient="row")
        fresh = added["registration"].to_list()
        self.counts["new"] = len(set(fresh) - earlier)
        self.counts["changed"] = len(fresh) - self.counts["new"]
        seen = pl.Series("version", sorted(met), dtype=pl.Int64)
        state = pl.concat([self.state, added]).with_columns(
            met=pl.col("version").is_in(seen.implode())
        )
        state = state.with_columns(
            here=pl.col("met").any().over("registration"),
            known=pl.col("met").any().over("source"),
            gone=pl.col("vanished").is_not_null(),
        )
        lost = pl.col("known") & ~pl.col("here") & ~pl.col("gone") & (not partial)
        back = pl.col("here") & pl.col("gone")
        vanished, returned = _names(state.filter(lost)), _names(state.filter(back))
        hour = pl.lit(self.now).cast(pl.Datetime("us", "UTC"))
        self.state = state.with_columns(
            last_seen=pl.when("met").then(hour).otherwise("last_seen"),
            vanished=pl.when(lost).then(hour).when(back).then(None).otherwise("vanished"),
        ).select(STATE.names())
        return vanished, returned

    def _finish(self, files: pl.DataFrame) -> RegistryStore:
        """Put the new state in force."""
        names = {}
        for kind, frame in (("state", self.state), ("files", files)):
            names[kind], told = write_part(self.folder, kind, frame, 200_000)
            self.digests[names[kind]] = told
        named = {*names.values(), *(p[k] for p in self.parts for k in ("rows", "texts"))}
        generation = 1 if self.before is None else self.before.generation + 1
        store = RegistryStore(
            self.folder, generation, self.now.isoformat(timespec="seconds"), cell_rules().version,
            tuple(self.parts), names["state"], names["files"],
            {n: d for n, d in self.digests.items() if n in named},
        )  # fmt: skip
        write_manifest(store)
        clear_away(store, self.before)
        return store


def _names(state: pl.DataFrame) -> tuple[str, ...]:
    words = pl.concat_str(
        "source", pl.lit(" "), "registry_id", pl.lit(" "), "member_state"
    ).str.strip_chars()
    return tuple(state.select(words.unique().sort()).to_series().to_list())
