"""Which results are in force is one pointer, and it only moves forward."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from detector import ledger
from detector.database import reading, writing
from detector.tables import metadata
from features.errors import WardenError
from tests.alerts.test_database import declared_by_us
from tests.ledger.support import Clock, in_threads, rows_of

CLOCK = Clock()


def begin(engine: Engine) -> ledger.Claim:
    return ledger.begin_manual(engine, "detect", worker="w", clock=CLOCK)


def put_in_force(engine: Engine, mine: ledger.Claim, **how: str | None) -> None:
    with writing(engine) as conn:
        ledger.publish(conn, "live", mine.run_id, mine.token, now=CLOCK(), **how)  # type: ignore[arg-type]
        ledger.finish(conn, mine, now=CLOCK())


def in_force(engine: Engine) -> str | None:
    with reading(engine) as conn:
        found = ledger.published(conn, "live")
    return found.key if found else None


def test_publication_and_finish_are_one(engine: Engine) -> None:
    assert in_force(engine) is None
    first = begin(engine)
    put_in_force(engine, first, replacing=None)
    assert in_force(engine) == first.key
    second = begin(engine)
    with pytest.raises(RuntimeError), writing(engine) as conn:
        ledger.publish(conn, "live", second.run_id, second.token, now=CLOCK())
        raise RuntimeError("killed before the commit")
    assert in_force(engine) == first.key
    put_in_force(engine, second)
    assert in_force(engine) == second.key


def test_a_slow_run_cannot_bring_old_results_back(engine: Engine) -> None:
    slow, quick = begin(engine), begin(engine)
    put_in_force(engine, quick)
    with pytest.raises(WardenError, match="Another run published") as refusal:
        put_in_force(engine, slow)
    assert (refusal.value.code, refusal.value.kind) == ("overtaken", "conflict")
    assert in_force(engine) == quick.key
    assert {row.run_id: row.state for row in rows_of(engine)}[slow.run_id] == "running"


def test_results_built_on_others_need_those_to_be_in_force_still(engine: Engine) -> None:
    base = begin(engine)
    put_in_force(engine, base, replacing=None)
    one, two = begin(engine), begin(engine)
    put_in_force(engine, one, replacing=base.run_id)
    with pytest.raises(WardenError, match="Another run published"):
        put_in_force(engine, two, replacing=base.run_id)
    assert in_force(engine) == one.key


def test_of_many_first_publications_one_stands(engine: Engine) -> None:
    runs = [begin(engine) for _ in range(6)]

    def attempt(index: int) -> str | None:
        try:
            put_in_force(engine, runs[index], replacing=None)
        except WardenError as error:
            assert error.code == "overtaken"
            return None
        return runs[index].key

    won = [key for key in in_threads(6, attempt) if key]
    assert won == [in_force(engine)]


def test_only_the_holder_of_the_run_publishes(engine: Engine) -> None:
    mine = begin(engine)
    for run_id, token in ((mine.run_id, mine.token - 1), ("unknown", mine.token)):
        with pytest.raises(WardenError) as refusal, writing(engine) as conn:
            ledger.publish(conn, "live", run_id, token, now=CLOCK())
        assert refusal.value.code == "lost_lease"
    assert in_force(engine) is None


def test_the_migrations_make_the_tables_the_code_expects(engine: Engine) -> None:
    ours = set(metadata.tables)
    with reading(engine) as conn:
        context = MigrationContext.configure(
            conn,
            opts={
                "include_name": declared_by_us,
                "include_object": lambda o, name, kind, *_: kind != "table" or name in ours,
                "compare_type": True,
            },
        )
        assert compare_metadata(context, metadata) == []
