"""The one table, its triggers and its transactions, on SQLite and PostgreSQL."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from ashworth.errors import InputError, Problem
from ashworth.storage.allocations.faults import AllocationLogError
from ashworth.storage.allocations.records import Record

Result = TypeVar("Result")
TRIES = 40
LOCK = 0x617368776F727468
RECORDS = Table(
    "allocation_records",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("previous", Text, nullable=False, unique=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("mac", Text, nullable=False),
    Column("patient", Text, unique=True),
    Column("draw_index", Integer, unique=True),
    Column("request_id", Text, unique=True),
    Column("body", Text, nullable=False),
)
SQLITE_TRIGGERS = [
    f"CREATE TRIGGER IF NOT EXISTS allocation_records_no_{verb.lower()} BEFORE {verb} ON "
    "allocation_records BEGIN SELECT RAISE(ABORT, 'the allocation log is append-only'); END"
    for verb in ("UPDATE", "DELETE")
]
POSTGRES_TRIGGERS = [
    "CREATE OR REPLACE FUNCTION allocation_records_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the allocation log is append-only'; END $$",
    "CREATE OR REPLACE TRIGGER allocation_records_rows BEFORE UPDATE OR DELETE ON "
    "allocation_records FOR EACH ROW EXECUTE FUNCTION allocation_records_refuse()",
    "CREATE OR REPLACE TRIGGER allocation_records_all BEFORE TRUNCATE ON "
    "allocation_records FOR EACH STATEMENT EXECUTE FUNCTION allocation_records_refuse()",
]


@dataclass(frozen=True, slots=True)
class AllocationLog:
    """A place of a log and, for those who write, its key; make it by `connect_log`."""

    engine: Engine
    key: bytes | None


def connect_log(where: str | Path, key: bytes | None = None) -> AllocationLog:
    """Name a log: a file (SQLite) or an address ``postgresql://...``; nothing is opened yet.

    Parameters
    ----------
    where : str or Path
    key : bytes, optional
        From `read_key`; needed for all but reading and verifying the chain.

    Raises
    ------
    InputError
        The address is none of these.
    """
    url = _url(where)
    if url.get_backend_name() == "postgresql":
        engine = create_engine(url, poolclass=NullPool, isolation_level="READ COMMITTED")
        return AllocationLog(engine, key)
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _alone(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return AllocationLog(engine, key)


def _url(where: str | Path) -> URL:
    words = str(where)
    if isinstance(where, Path) or "://" not in words:
        return URL.create("sqlite", database=words)
    try:
        url = make_url(words)
    except ArgumentError:
        url = URL.create("unknown")
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        return url
    allowed = "a file, or postgresql://user@host/database"
    found = url.get_backend_name()
    problem = Problem("command", None, "log", found, allowed, "correct the address")
    raise InputError([problem], subject="the address of the log")


def create_table(connection: Connection) -> None:
    """Make the table and the triggers that refuse change."""
    RECORDS.create(connection, checkfirst=True)
    sqlite = connection.dialect.name == "sqlite"
    for statement in SQLITE_TRIGGERS if sqlite else POSTGRES_TRIGGERS:
        connection.execute(text(statement))


def all_records(connection: Connection) -> list[Record]:
    """Every row, in order; none where there is no table."""
    if not inspect(connection).has_table(RECORDS.name):
        return []
    columns = [RECORDS.c[f.name] for f in fields(Record)]
    return [Record(*row) for row in connection.execute(select(*columns).order_by(RECORDS.c.number))]


def append(connection: Connection, record: Record) -> None:
    """Write one record."""
    row = {f.name: getattr(record, f.name) for f in fields(Record)}
    connection.execute(RECORDS.insert().values(**row))


def alone(
    log: AllocationLog, act: Callable[[Connection], Result], *, opening: bool = False
) -> Result:
    """Do something in a transaction that no other writer overlaps: whole, or not at all.

    SQLite takes its write lock at the begin (BEGIN IMMEDIATE), PostgreSQL an advisory lock before
    anything is read. Collisions that remain are tried again; the act reads everything anew. Only an
    opening makes a file.
    """
    file = log.engine.url.database
    if log.engine.dialect.name == "sqlite" and not opening and not Path(str(file)).is_file():
        raise AllocationLogError(f"there is no log here yet: no file {file}; open it first")
    for left in reversed(range(TRIES)):
        try:
            with log.engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SET LOCAL synchronous_commit = on"))
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
                return act(connection)
        except DBAPIError as error:
            if not left or not _passing(error):
                raise _explained(error) from error
            time.sleep(random.uniform(0.001, 0.02))
    raise AssertionError("not reached")  # pragma: no cover


def _passing(error: DBAPIError) -> bool:
    """Tell whether another try may succeed."""
    state = getattr(error.orig, "sqlstate", None)
    words = str(error.orig)
    busy = "database is locked" in words or "busy" in words
    return isinstance(error, IntegrityError) or state in ("40001", "40P01", "23505") or busy


def _explained(error: DBAPIError) -> AllocationLogError:
    words = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "an error"
    full = "full" in words or getattr(error.orig, "sqlstate", None) in ("53100", "53000")
    if full:
        return AllocationLogError(
            f"the disk of the log is full ({words}); nothing was written and what was there stays "
            "valid; free space on its disk, then repeat with the same request id"
        )
    return AllocationLogError(
        f"the log could not be written or read ({words}); what was there stays valid; see that "
        "the database runs, is a log and is writable, then repeat with the same request id: a "
        "request that was recorded before its answer was lost gets its arm"
    )
