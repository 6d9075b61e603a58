"""Files to rows in a worker: what is known is passed over, the rest read and judged."""

from __future__ import annotations

import functools
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

import polars as pl

from ashworth.errors import Problem
from ashworth.registries.classification.verdicts import classify
from ashworth.registries.readers.ctgov_history import FORMAT
from ashworth.registries.readers.files import digested, read_member
from ashworth.registries.readers.members import Member, problem_of
from ashworth.storage.registry_store.folder import open_store, read_part
from ashworth.storage.registry_store.rows import (
    TEXTS,
    encoded,
    registration_key,
    rows_of,
    version_key,
)

CHUNK = 8_000_000
"""Bytes of files that one worker takes at once."""
ON_THE_WAY = 6
Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass
class Batch:
    """What one worker found in some files: tables as bytes, so that little crosses processes."""

    rows: bytes = b""
    texts: bytes = b""
    keys: list[tuple[bytes, bytes, str, str, str]] = field(default_factory=list)
    """Of every record: version, registration, registry, number, member state."""
    owners: list[bytes] = field(default_factory=list)
    """Digest of the file of every record."""
    known_files: list[bytes] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    announced: dict[str, tuple[int, int]] = field(default_factory=dict)
    pages: Counter[str] = field(default_factory=Counter)
    n_files: int = 0


def numbered(batch: Batch, fresh: dict[bytes, int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows and texts of a batch that are new, with their numbers, each once."""
    rows = pl.read_ipc(io.BytesIO(batch.rows))
    texts = pl.read_ipc(io.BytesIO(batch.texts))
    numbers = [fresh.pop(key, -1) for key in rows["key"]]
    version = pl.Series("version", numbers, dtype=pl.Int64)
    kept = version >= 0
    return rows.with_columns(version).filter(kept), texts.with_columns(version).filter(kept)


def chunks_of(members: Iterable[Member]) -> Iterator[list[Member]]:
    """Files for one worker: some megabytes."""
    chunk: list[Member] = []
    size = 0
    for member in members:
        chunk.append(member)
        size += 40_000 if member.inside else member.path.stat().st_size
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def mapped(
    executor: Executor | None, job: Callable[[Item], Made], items: Sequence[Item]
) -> Iterator[Made]:
    """Results in order; few are on the way at once, whatever the number of items."""
    if executor is None:
        yield from map(job, items)
        return
    left = iter(items)
    running: list[Future[Made]] = [executor.submit(job, i) for i in islice(left, ON_THE_WAY)]
    while running:
        yield running.pop(0).result()
        running += [executor.submit(job, i) for i in islice(left, 1)]


@functools.lru_cache(maxsize=1)
def _known(folder: Path, generation: int) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """Digests of files, and keys of versions, that the store has."""
    store = open_store(folder)
    files = read_part(store, store.files, ["digest"])["digest"].unique()
    keys = read_part(store, store.state, ["key"])["key"]
    return frozenset(files.to_list()), frozenset(keys.to_list())


def _history(name: str) -> Problem:
    return problem_of(name, "a table of versions of records", "registrations",
                      "name it together with the files, not for the store")  # fmt: skip


def read_chunk(where: tuple[Path, int] | None, members: list[Member]) -> Batch:
    """Read files that are new; judge records that are."""
    files, keys = (frozenset(), frozenset()) if where is None else _known(*where)
    batch = Batch()
    judged = []
    for member in members:
        digest, raw = digested(member)
        if digest in files:
            batch.known_files.append(digest)
            continue
        batch.n_files += 1
        read = read_member(member, raw)
        if FORMAT in read.formats:
            batch.faults.append(_history(member.name))
            continue
        batch.faults += read.faults
        batch.formats.update(read.formats)
        batch.announced |= read.announced
        batch.pages.update(read.pages)
        for record in read.records:
            key = version_key(record)
            batch.keys.append((key, registration_key(record), record.source, record.registry_id,
                               record.member_state))  # fmt: skip
            batch.owners.append(digest)
            if key not in keys:
                judged.append((record, classify(record)))
    if judged:
        batch.rows = _bytes(rows_of(judged))
        texts = [(-1, encoded(record)) for record, _ in judged]
        batch.texts = _bytes(pl.DataFrame(texts, schema=TEXTS, orient="row"))
    return batch


def _bytes(frame: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.write_ipc(stream)
    return stream.getvalue()
