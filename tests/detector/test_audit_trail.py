"""Whatever is done to the database behind the trail's back is found against signed checkpoints."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts import audit
from alerts.audit_chain import GENESIS, body_of, linked
from alerts.audit_tables import audit_entry, audit_head, audit_person
from detector.audit.keys import PRIVATE, PUBLIC, make_keys, public_key, signing_key
from detector.audit.offline import verify_file
from detector.audit.trail import (
    export_trail,
    make_checkpoint,
    state,
    verify_trail,
)
from detector.database import WriteConnection, writing
from detector.jobs import JobResult, get_job
from detector.settings import Settings
from detector.system import System, create_home
from features.errors import WardenError

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
E, H = audit_entry.c, audit_head.c


@pytest.fixture
def system(engine: sa.Engine, tmp_path: Path) -> System:
    home = tmp_path / "home"
    create_home(home)
    ticks = iter(range(10**6))
    clock = lambda: START + timedelta(seconds=next(ticks))  # noqa: E731
    return System(Settings(), home, engine, None, clock)  # type: ignore[arg-type]


def act(system: System, n: int = 1, actor: str = "Ana") -> None:
    with writing(system.engine) as connection:
        for number in range(n):
            audit.record(
                connection, actor=actor, action="alert.closed", kind="alert", key=f"A{number}",
                data={"n": number}, now=system.clock(),
            )  # fmt: skip


def unguarded(system: System) -> None:
    """What somebody does first who owns the database."""
    with writing(system.engine) as connection:
        if system.engine.dialect.name == "sqlite":
            names = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for name in list(connection.scalars(names)):
                if name.startswith("audit_"):
                    connection.execute(sa.text(f"DROP TRIGGER {name}"))
            return
        for table in (audit_entry, audit_head, audit_person):
            connection.execute(sa.text(f"ALTER TABLE {table.name} DISABLE TRIGGER ALL"))


def rechain(connection: WriteConnection, first: int) -> None:
    """Makes every hash fit again from one entry on, and the end of the chain with it."""
    last = connection.scalar(sa.select(E.hash).where(first - 1 == E.seq)) or GENESIS
    rows = connection.execute(sa.select(audit_entry).where(first <= E.seq).order_by(E.seq)).all()
    for row in rows:
        body = body_of(row.seq, row.at, row.actor, row.action, row.kind, row.key, row.data)
        values = {"previous": last, "hash": linked(last, body)}
        connection.execute(sa.update(audit_entry).where(row.seq == E.seq).values(values))
        last = values["hash"]
    end = connection.scalar(sa.select(sa.func.max(E.seq))) or 0
    connection.execute(sa.update(audit_head).values(seq=end, hash=last))


def edit(connection: WriteConnection) -> int:
    connection.execute(sa.update(audit_entry).where(E.seq == 3).values(key="A9"))
    return 3


def edit_and_rechain(connection: WriteConnection) -> int:
    edit(connection)
    rechain(connection, 3)
    return 3


def delete_in_the_middle(connection: WriteConnection) -> int:
    connection.execute(sa.delete(audit_entry).where(E.seq == 4))
    return 4


def roll_back(connection: WriteConnection) -> int:
    """The database as it was five entries ago, whole in itself."""
    connection.execute(sa.delete(audit_entry).where(E.seq > 5))
    rechain(connection, 6)
    return 6


def roll_back_and_go_on(connection: WriteConnection) -> int:
    roll_back(connection)
    for number in range(8):
        audit.record(
            connection, actor="Bo", action="case.opened", kind="case", key=str(number), data={},
            now=START,
        )  # fmt: skip
    return 6


def cut_the_unsigned_end(connection: WriteConnection) -> int:
    """Entries nobody has signed yet: the noted end of the chain gives it away."""
    connection.execute(sa.delete(audit_entry).where(E.seq == 12))
    return 12


def other_name(connection: WriteConnection) -> int:
    connection.execute(sa.update(audit_person).values(name="Somebody else"))
    return 1


def previous_of_its_own(connection: WriteConnection) -> int:
    connection.execute(sa.update(audit_entry).where(E.seq == 7).values(previous="0" * 64))
    return 7


TAMPERINGS = (
    edit, edit_and_rechain, delete_in_the_middle, roll_back, roll_back_and_go_on,
    cut_the_unsigned_end, other_name, previous_of_its_own,
)  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda one: one.__name__)
def test_a_changed_database_is_found(
    system: System, tamper: Callable[[WriteConnection], int]
) -> None:
    act(system, 4)
    make_checkpoint(system)
    act(system, 6)
    make_checkpoint(system)
    act(system, 2)
    assert verify_trail(system).fault is None
    assert state(system)["intact"]
    unguarded(system)
    with writing(system.engine) as connection:
        first = tamper(connection)
    fault = verify_trail(system).fault
    assert fault is not None
    assert fault.entry == first
    with pytest.raises(WardenError) as refused:
        make_checkpoint(system)
    assert refused.value.code == "audit_broken"
    with pytest.raises(WardenError, match="not whole"):
        export_trail(system, system.home / "log.jsonl", "Ana")


def test_the_state_tells_a_rolled_back_database(system: System) -> None:
    act(system, 10)
    make_checkpoint(system)
    unguarded(system)
    with writing(system.engine) as connection:
        roll_back(connection)
    told = state(system)
    assert (told["intact"], told["first_bad"], told["code"]) == (False, 6, "entries_missing")


def test_after_a_restore_that_was_meant_the_trail_goes_on(system: System) -> None:
    act(system, 4)
    make_checkpoint(system)
    act(system, 6)
    make_checkpoint(system)
    unguarded(system)
    with writing(system.engine) as connection:
        roll_back(connection)
    aside = system.home / "audit" / "before-the-restore"
    aside.mkdir()
    shutil.move(system.home / "audit" / "checkpoint-000000000010.json", aside)
    act(system, 5)
    again = make_checkpoint(system)
    assert again is not None
    assert (again.since, again.seq) == (4, 10)
    assert verify_trail(system).fault is None


def test_checkpoints_follow_one_another_and_nothing_new_is_not_signed_twice(
    system: System,
) -> None:
    act(system, 3)
    first = make_checkpoint(system)
    assert make_checkpoint(system) is None
    act(system, 2)
    second = make_checkpoint(system)
    assert first is not None and second is not None
    assert (first.since, first.seq, second.since, second.seq) == (0, 3, 3, 5)
    found = verify_trail(system)
    assert (found.signed, found.checkpoints, found.fault) == (5, 2, None)


def test_the_job_signs_and_fails_on_a_trail_that_is_not_whole(system: System) -> None:
    run: Callable[..., JobResult] = get_job("audit-checkpoint").function
    act(system, 3)
    assert run(system, None, "").counts == {"entries": 3}
    assert run(system, None, "").note == "nothing was entered since the last checkpoint"
    unguarded(system)
    with writing(system.engine) as connection:
        edit(connection)
    with pytest.raises(WardenError, match="entry 3"):
        run(system, None, "")


@pytest.mark.parametrize("damage", ["removed", "changed"])
def test_a_damaged_checkpoint_is_told(system: System, damage: str) -> None:
    for _ in range(3):
        act(system)
        make_checkpoint(system)
    path = system.home / "audit" / "checkpoint-000000000002.json"
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b'"count":2', b'"count":3'))
    fault = verify_trail(system).fault
    assert fault is not None and fault.code == "checkpoint_bad"


def test_the_second_place_may_be_elsewhere(system: System, tmp_path: Path) -> None:
    other = tmp_path / "mounted"
    elsewhere = replace(system, settings=Settings(audit_copy_dir=str(other)))
    act(elsewhere)
    make_checkpoint(elsewhere)
    assert [path.name for path in other.iterdir()] == ["checkpoint-000000000001.json"]
    shutil.rmtree(other)
    other.write_text("no folder")
    act(elsewhere)
    with pytest.raises(WardenError) as refused:
        make_checkpoint(elsewhere)
    assert refused.value.kind == "unavailable"


def test_an_export_is_verified_with_the_public_key_alone(system: System, tmp_path: Path) -> None:
    act(system, 5)
    out = tmp_path / "log.jsonl"
    assert export_trail(system, out, "Ana") == 6
    key = public_key(system.home / PUBLIC)
    told = verify_file(out, key)
    assert (told["intact"], told["entries"], told["signed"]) == (True, 6, 6)
    lines = out.read_bytes().splitlines(keepends=True)
    assert json.loads(lines[6])["entry"]["action"] == "audit.exported"
    assert b"Ana" not in out.read_bytes()
    # an older export, rightly signed, against the checkpoints that were written since
    act(system, 5)
    make_checkpoint(system)
    told = verify_file(out, key, system.home / "audit")
    assert (told["first_bad"], told["code"]) == (7, "entries_missing")
    out.write_bytes(b"".join([*lines[:3], *lines[4:]]))
    assert verify_file(out, key)["first_bad"] == 3


def test_the_private_key_is_its_owners_alone(tmp_path: Path) -> None:
    make_keys(tmp_path)
    private = tmp_path / PRIVATE
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    before = private.read_bytes()
    make_keys(tmp_path)
    assert private.read_bytes() == before
    private.chmod(0o640)
    with pytest.raises(WardenError) as refused:
        signing_key(tmp_path)
    assert refused.value.code == "unsafe_key"
    private.unlink()
    with pytest.raises(WardenError) as refused:
        make_keys(tmp_path)
    assert refused.value.code == "lost_key"
