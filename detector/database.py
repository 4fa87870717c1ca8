"""The database of one installation: SQLite by default, PostgreSQL by URL, migrated on opening.

One unit of work is one transaction: `reading` gives a frozen view and cannot write, `writing`
commits at its end or not at all. On SQLite a write transaction takes the write lock at once
(`BEGIN IMMEDIATE`), so it waits its turn instead of failing half-way.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from alerts import audit
from alerts.connections import ReadConnection, WriteConnection
from features.errors import WardenError

__all__ = ["ReadConnection", "WriteConnection", "connect", "reading", "upgrade", "writing"]

BUSY_SECONDS = 30
"""How long a connection waits for another one's write before giving up."""
MIGRATION_LOCK = 7_202_311_041_500_001
"""Number of the PostgreSQL lock held while the schema changes; any number nobody else uses."""

MIGRATIONS = Path(__file__).parent / "migrations"

_LOOKS = "warden_looks"
_WRITES = "warden_writes"
_REBUILDS = "warden_rebuilds"
_SQLITE_AWAY = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
    )
)
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}


def connect(url: str) -> Engine:
    """An engine for the database at `url`; nothing is opened before the first use.

    Raises:
        WardenError: `bad_database_url` when the URL cannot be read or names another database.
    """
    target = _read_url(url)
    if target.get_backend_name() == "sqlite":
        return _sqlite_engine(target)
    return sa.create_engine(
        target,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "application_name": "marketwarden"},
        json_serializer=_to_json,
    )


def _read_url(url: str) -> URL:
    try:
        target = make_url(url)
        target = target.set(drivername=_DRIVERS.get(target.drivername, target.drivername))
        known = target.get_backend_name() in ("sqlite", "postgresql")
        target.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        known = False
    if not known:
        raise WardenError(
            "bad_database_url",
            "The database URL cannot be used.",
            "Leave it empty for SQLite, or write postgresql://user:password@host/database.",
        )
    return target


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} cannot be kept as JSON")


_to_json = partial(
    json.dumps, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_iso
)


def _sqlite_engine(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        # every connection of the pool would see a database of its own
        raise WardenError("bad_database_url", "SQLite needs a file here, not memory.")
    engine = sa.create_engine(
        url,
        connect_args={"timeout": BUSY_SECONDS},
        json_serializer=_to_json,
        # a connection is a file handle: nobody waits for one, as many as run at once are kept
        pool_size=20,
        max_overflow=-1,
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # the driver would otherwise begin and commit by itself, around schema changes too
    connection.isolation_level = None
    _enter_wal(connection)
    # NORMAL may lose an acknowledged decision when the power fails
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Switching the journal ignores the busy timeout, so two first starts need a patient loop."""
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    wanted = (
        ("query_only", _LOOKS in options),
        # SQLite changes a table by making it anew, and heeds this pragma only between transactions
        ("foreign_keys", _REBUILDS not in options),
    )
    for name, on in wanted:
        # a connection stays as it was last needed; most are needed in the same way again
        if connection.info.get(name) is not on:
            connection.exec_driver_sql(f"PRAGMA {name} = {'ON' if on else 'OFF'}")
            connection.info[name] = on
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITES, False) else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[ReadConnection]:
    """One consistent view of the database; the database itself refuses writes inside.

    Raises:
        WardenError: `database_unavailable` when it cannot be reached or stays locked.
    """
    with _reported():
        if engine.dialect.name == "sqlite":
            with _query_only(engine) as connection:
                yield cast(ReadConnection, connection)
        else:
            frozen: Any = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            with engine.connect().execution_options(**frozen) as connection, connection.begin():
                yield cast(ReadConnection, connection)


@contextmanager
def _query_only(engine: Engine) -> Iterator[sa.Connection]:
    with engine.execution_options(**{_LOOKS: True}).connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[WriteConnection]:
    """One write transaction: committed at the end, rolled back by any error.

    What `alerts.audit.record` has taken meanwhile is appended to the audit trail just before.

    Raises:
        WardenError: `database_unavailable` when it cannot be reached, stays locked or is full;
            `audit_unavailable` when the audit trail cannot be written.
    """
    acts: list[audit.Act] = []
    options: dict[str, Any] = {_WRITES: True, audit.PENDING: acts}
    with _reported(), engine.execution_options(**options).begin() as connection:
        writer = cast(WriteConnection, connection)
        yield writer
        audit.append(writer)


@contextmanager
def _reported() -> Iterator[None]:
    """Says in our own words that the database is away; other database errors are our bugs."""
    try:
        yield
    except DBAPIError as error:
        if not _is_away(error):
            raise
        raise WardenError(
            "database_unavailable",
            "The database cannot be reached, is locked, or refuses writes; nothing was changed.",
            "Check that it is running and that its disk has room, then try again.",
            kind="unavailable",
        ) from error


def _is_away(error: DBAPIError) -> bool:
    """Whether the database failed rather than the statement."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_AWAY  # the low byte is the class of the error
    return isinstance(error, sa.exc.OperationalError) or error.connection_invalidated


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Brings the schema to the newest revision; harmless when repeated or run by two at once.

    The whole upgrade is one transaction, so a kill leaves the old schema or the new one.

    Raises:
        WardenError: `database_newer` when a later release has migrated it already.
    """
    # nearly every start finds it so, and need not wait for the library that migrates
    if revision == "head" and _revisions_in(engine) == _newest():
        return
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    with reading(engine) as view:
        current = MigrationContext.configure(view).get_current_revision()
    if current == head:
        return
    if current is not None and current not in {r.revision for r in script.walk_revisions()}:
        raise WardenError(
            "database_newer",
            f"The database has schema {current}, which this release does not know.",
            "Install the release that wrote it, or restore a backup made before.",
        )
    with writing(engine.execution_options(**{_REBUILDS: True})) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        if engine.dialect.name == "sqlite":
            _check_foreign_keys(connection)


@cache
def _newest() -> frozenset[str]:
    """Revisions that no other follows, as the files say."""
    texts = [path.read_text("utf-8") for path in (MIGRATIONS / "versions").glob("*.py")]
    made, followed = (
        {found[1] for text in texts if (found := re.search(rf'^{name} = "(\w+)"', text, re.M))}
        for name in ("revision", "down_revision")
    )
    return frozenset(made - followed)


def _revisions_in(engine: Engine) -> frozenset[str]:
    """Revisions the database stands at; none before the first upgrade."""
    with reading(engine) as view:
        if not sa.inspect(view).has_table("alembic_version"):
            return frozenset()
        return frozenset(view.scalars(sa.text("SELECT version_num FROM alembic_version")))


def _check_foreign_keys(connection: WriteConnection) -> None:
    """What SQLite did not check while tables were made anew; a row that points nowhere is a bug."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise RuntimeError(f"the new schema leaves a row of {broken[0]} pointing nowhere")
