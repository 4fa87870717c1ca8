"""The audit trail in the database: one chain, whole with its acts, never changed."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa

from alerts import audit
from alerts.audit_chain import GENESIS, Entry, linked
from alerts.audit_people import exchanged, names, pseudonym
from alerts.audit_tables import audit_entry, audit_head, audit_person
from detector.database import WriteConnection, connect, reading, writing
from features.errors import WardenError

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def act(connection: WriteConnection, actor: str = "Ana", **data: object) -> None:
    audit.record(
        connection, actor=actor, action="alert.closed", kind="alert", key="A1", data=data, now=NOW
    )


def entries(engine: sa.Engine) -> list[Entry]:
    with reading(engine) as connection:
        rows = connection.execute(sa.select(audit_entry).order_by(audit_entry.c.seq))
        return [Entry(*row) for row in rows]


def test_each_entry_is_tied_to_the_one_before(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        act(connection, reason="confirmed")
        act(connection, actor="波", note=audit.digest("说明"))
    with writing(engine) as connection:
        act(connection, n=3)
    found = entries(engine)
    assert [entry.seq for entry in found] == [1, 2, 3]
    last = GENESIS
    for entry in found:
        assert (entry.previous, entry.hash) == (last, linked(last, entry.body))
        last = entry.hash
    with reading(engine) as connection:
        assert connection.execute(sa.select(audit_head)).one() == (1, 3, last)
    body: dict[str, Any] = json.loads(found[1].body)
    assert body["at"] == "2026-11-23T09:30:00.000000Z"
    assert body["data"] == {"note": audit.digest("说明")}


def test_an_act_that_fails_leaves_no_entry(engine: sa.Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        act(connection)
        _ = 1 / 0
    with writing(engine) as connection:
        pass
    assert entries(engine) == []


def test_entries_hold_pseudonyms_that_only_one_table_explains(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        act(connection, "Ana Lima", assignee=audit.Person("Bo Chen"))
        act(connection, "Bo Chen")
    first, second = entries(engine)
    assert "Ana" not in str(first) and "Bo" not in str(first)
    assert json.loads(first.data)["assignee"] == second.actor != first.actor
    with reading(engine) as connection:
        assert names(connection) == {first.actor: "Ana Lima", second.actor: "Bo Chen"}
        assert exchanged(connection) == []


def test_a_name_cannot_be_exchanged_but_can_be_forgotten(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        act(connection)
    with pytest.raises(sa.exc.DBAPIError), writing(engine) as connection:
        connection.execute(sa.update(audit_person).values(name="Bo"))
    with writing(engine) as connection:
        connection.execute(sa.delete(audit_person))
        other = {"person": pseudonym("1" * 32, "Ana"), "name": "Bo", "salt": "1" * 32}
        connection.execute(sa.insert(audit_person), other)
    with reading(engine) as connection:
        assert exchanged(connection) == [other["person"]]
    assert len(entries(engine)) == 1


@pytest.mark.parametrize(
    "statement", [sa.update(audit_entry).values(key="A2"), sa.delete(audit_entry)]
)
def test_the_database_refuses_changes(engine: sa.Engine, statement: Any) -> None:
    with writing(engine) as connection:
        act(connection)
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), writing(engine) as connection:
        connection.execute(statement)
    assert entries(engine)[0].key == "A1"


@pytest.mark.parametrize("actor", ["", "  ", "x" * 129, "\0", "\ud800"])
def test_no_actor_no_act(engine: sa.Engine, actor: str) -> None:
    with pytest.raises(WardenError) as refused, writing(engine) as connection:
        act(connection, actor)
    assert refused.value.code == "actor_required"
    assert entries(engine) == []


def test_acts_at_the_same_time_make_one_chain(engine: sa.Engine) -> None:
    def work(worker: int) -> None:
        for turn in range(5):
            with writing(engine) as connection:
                act(connection, f"worker {turn}", worker=worker)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    found = entries(engine)
    assert [entry.seq for entry in found] == list(range(1, 31))
    last = GENESIS
    for entry in found:
        assert entry.hash == linked(last, entry.body)
        last = entry.hash
    assert len({entry.actor for entry in found}) == 5


@pytest.mark.postgres
def test_acts_on_the_same_things_do_not_wait_in_a_circle(
    migrated_postgres_url: str,
) -> None:
    """One closes a, then b; meanwhile another closes b. Neither holds the trail while waiting."""
    engine = connect(migrated_postgres_url)
    with writing(engine) as connection:
        connection.execute(sa.text("CREATE TABLE thing AS SELECT 'a' AS id UNION SELECT 'b'"))
    held, entered = Event(), Event()

    def close(connection: WriteConnection, name: str) -> None:
        query = sa.text("SELECT id FROM thing WHERE id = :name FOR UPDATE")
        connection.execute(query, {"name": name})
        audit.record(
            connection, actor="Ana", action="closed", kind="thing", key=name, data={}, now=NOW
        )

    def both() -> None:
        with writing(engine) as connection:
            close(connection, "a")
            entered.set()
            assert held.wait(10)
            close(connection, "b")

    def one() -> None:
        assert entered.wait(10)
        with writing(engine) as connection:
            close(connection, "b")
            held.set()
            time.sleep(0.2)  # by now the other one waits for b

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(both), pool.submit(one)]:
            done.result(20)
    assert [entry.key for entry in entries(engine)] == ["b", "a", "b"]
    engine.dispose()


def test_what_the_trail_cannot_take_is_not_done(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.execute(sa.text("ALTER TABLE audit_entry RENAME TO gone"))
        connection.execute(sa.text("CREATE TABLE done (id INTEGER)"))
    with pytest.raises(WardenError) as refused, writing(engine) as connection:
        connection.execute(sa.text("INSERT INTO done VALUES (1)"))
        act(connection)
    assert (refused.value.code, refused.value.kind) == ("audit_unavailable", "unavailable")
    with reading(engine) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM done")) == 0
        assert connection.scalar(sa.select(audit_head.c.seq)) == 0
