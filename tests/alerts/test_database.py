"""The engine on both databases: who may write, what is undone, two first starts at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import detector.lake_tables  # noqa: F401  declares its tables
from alerts.inbox import get_alert
from alerts.tables import Instant
from alerts.tables import metadata as alerts_metadata
from detector import database
from detector.database import connect, reading, upgrade, writing
from detector.tables import metadata as detector_metadata
from features.errors import WardenError

NOTE = sa.Table(
    "note",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", Instant),
    sa.Column("body", sa.JSON),
)


@pytest.fixture
def notes(database_url: str) -> sa.Engine:
    engine = connect(database_url)
    with writing(engine) as connection:
        NOTE.create(connection)
    return engine


def count(engine: sa.Engine) -> int:
    with reading(engine) as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(NOTE)) or 0)


def test_a_read_view_refuses_writes(notes: sa.Engine) -> None:
    with (
        pytest.raises((sa.exc.DBAPIError, WardenError)),
        reading(notes) as connection,
    ):
        connection.execute(NOTE.insert(), {"id": 1})
    with writing(notes) as connection:
        connection.execute(NOTE.insert(), {"id": 2})
    assert count(notes) == 1


def test_a_failed_unit_of_work_leaves_nothing(notes: sa.Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(notes) as connection:
        connection.execute(NOTE.insert(), {"id": 1})
        connection.execute(sa.text("CREATE TABLE half (id INTEGER)"))
        _ = 1 / 0
    assert count(notes) == 0
    assert not sa.inspect(notes).has_table("half")


def test_a_read_view_stays_frozen(notes: sa.Engine) -> None:
    total = sa.select(sa.func.count()).select_from(NOTE)
    with reading(notes) as view:
        assert view.scalar(total) == 0
        with writing(notes) as connection:
            connection.execute(NOTE.insert(), {"id": 1})
        assert view.scalar(total) == 0
    assert count(notes) == 1


def test_concurrent_increments_lose_nothing(notes: sa.Engine) -> None:
    with writing(notes) as connection:
        connection.execute(NOTE.insert(), {"id": 1, "body": {"n": 0}})

    def add(_: int) -> None:
        with writing(notes) as connection:
            body = connection.scalar(sa.select(NOTE.c.body).with_for_update())
            connection.execute(NOTE.update().values(body={"n": body["n"] + 1}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(80)))
    with reading(notes) as connection:
        assert connection.scalar(sa.select(NOTE.c.body)) == {"n": 80}


def test_moments_keep_their_instant(notes: sa.Engine) -> None:
    shanghai = datetime(2026, 3, 1, 7, 30, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    with writing(notes) as connection:
        connection.execute(NOTE.insert(), {"id": 1, "at": shanghai})
    with reading(notes) as connection:
        read = connection.scalar(sa.select(NOTE.c.at))
    assert read == shanghai
    assert read.tzinfo is UTC
    with pytest.raises(sa.exc.StatementError), writing(notes) as connection:
        connection.execute(NOTE.insert(), {"id": 2, "at": datetime(2026, 3, 1)})


def declared_by_us(name: str | None, kind: str, _parents: object) -> bool:
    """All but the indexes of texts, which each database has a form of its own for."""
    texts = str(name).startswith(("firm_text", "alert_text")) or str(name).endswith("_grams")
    return not (kind in ("table", "index") and texts)


def test_migrated_schema_is_the_declared_one(database_url: str) -> None:
    engine = connect(database_url)
    upgrade(engine)
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": declared_by_us,
            },
        )
        differences = compare_metadata(context, [alerts_metadata, detector_metadata])
    assert differences == []


FIRST_START = """
import sys
import alembic.autogenerate, alembic.command, detector.lake_tables
from detector.database import connect, upgrade
engine = connect(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
upgrade(engine)
"""


def test_many_first_starts_at_once(database_url: str) -> None:
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_START, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    # all of them have loaded everything before any may begin
    assert [process.stdout.readline() for process in starts] == ["ready\n"] * 4
    for process in starts:
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=120)[1] for process in starts]
    assert [process.returncode for process in starts] == [0] * 4, errors
    assert sa.inspect(connect(database_url)).has_table("alert_event")


def test_the_newest_schema_is_known_without_the_library_that_migrates() -> None:
    """A file read wrongly would leave a database at an older schema."""
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    assert database._newest() == set(ScriptDirectory.from_config(config).get_heads())


def test_a_database_of_a_later_release_is_refused(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(WardenError) as caught:
        upgrade(engine)
    assert caught.value.code == "database_newer"


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://a/b", "sqlite://", "sqlite:///:memory:", "oracle+x://y"]
)
def test_an_unusable_url_is_explained(url: str) -> None:
    with pytest.raises(WardenError) as caught:
        connect(url)
    assert caught.value.code == "bad_database_url"


def test_a_database_out_of_reach_is_unavailable(tmp_path: Path) -> None:
    for url in (
        f"sqlite:///{tmp_path / 'absent' / 'warden.db'}",
        f"postgresql://u@/d?host={tmp_path}",
    ):
        with pytest.raises(WardenError) as caught:
            upgrade(connect(url))
        assert (caught.value.code, caught.value.kind) == ("database_unavailable", "unavailable")


def test_a_wrong_statement_is_not_called_unavailable(sqlite_url: str) -> None:
    with pytest.raises(sa.exc.OperationalError), reading(connect(sqlite_url)) as connection:
        connection.execute(sa.text("SELECT * FROM no_such_table"))


def test_sqlite_is_set_to_survive_power_loss(sqlite_url: str) -> None:
    with reading(connect(sqlite_url)) as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def test_a_database_of_the_release_before_keeps_its_alerts(database_url: str) -> None:
    engine = connect(database_url)
    upgrade(engine, "0003")
    named = {"id": "A-1", "fingerprint": "f", "typology": "T", "subject_kind": "firm"}
    row = named | {"subject_key": "F", "lane": "legal", "state": "open", "run_id": "r"}
    with writing(engine) as connection:
        old = sa.Table("alert", sa.MetaData(), autoload_with=connection)
        for column in old.c:
            plain = {"INTEGER": 1, "BOOLEAN": True, "DATE": date(2026, 1, 1), "JSON": []}
            known = plain.get(str(column.type).split("(")[0], 1.0)
            if isinstance(column.type, sa.DateTime):
                known = datetime(2026, 1, 1, tzinfo=UTC)
            if not column.nullable and column.name not in row:
                row[column.name] = known if not isinstance(column.type, sa.Text) else "text"
        connection.execute(old.insert(), row)
        event = {"alert_id": "A-1", "version": 1, "kind": "opened", "actor": "system", "data": []}
        events = sa.Table("alert_event", sa.MetaData(), autoload_with=connection)
        connection.execute(events.insert(), event | {"at": datetime(2026, 1, 1, tzinfo=UTC)})
    upgrade(engine)
    with reading(engine) as connection:
        alert = get_alert(connection, "A-1")
    assert (alert.alert.tags, alert.alert.set_aside) == ((), False)
    assert len(alert.events) == 1
