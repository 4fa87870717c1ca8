"""A second person's word: on what was read, by another person, once, in time; on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from alerts import approvals
from alerts.approval_tables import approval as table
from alerts.approvals import Approval, Asked, Kind, Stage
from detector.database import connect, reading, upgrade, writing
from features.errors import WardenError

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ABOUT = {"what": "table", "key": "alerts", "alerts": 900, "rows": 0, "digest": "ab", "options": {}}
RACES = 50
"""Rounds of two who answer one request; heavier runs belong to the benchmarks."""


def asked(engine: Engine, by: str = "Lin", **about: Any) -> Approval:
    wanted = Asked(Kind.EXPORT, ABOUT | about, "for the court", "C-2026-0001")
    with writing(engine) as connection:
        return approvals.ask(connection, wanted, by, NOW, DAY)


def done(engine: Engine, act: str, number: int, actor: str, *more: Any, at: datetime = NOW) -> str:
    """The stage after an act, or the code of its refusal."""
    try:
        with writing(engine) as connection:
            if act == "use":
                kind, about = more or (Kind.EXPORT, ABOUT)
                found = approvals.use(connection, number, kind, about, actor, at)
            else:
                found = getattr(approvals, act)(connection, number, actor, at, *more)
            return found.stage.value
    except WardenError as error:
        return error.code


def test_one_asks_another_approves_the_first_uses_it_once(engine: Engine) -> None:
    one = asked(engine)
    assert (one.stage, one.version) == (Stage.WAITING, 1)
    assert done(engine, "use", one.id, "Lin") == "not_approved"
    assert done(engine, "approve", one.id, "Mei", 1, one.content) == "approved"
    assert done(engine, "use", one.id, "Mei") == "other_person"
    assert done(engine, "use", one.id, "Lin") == "used"
    assert done(engine, "use", one.id, "Lin") == "not_approved"
    with reading(engine) as connection:
        entries = connection.execute(
            sa.text("SELECT action FROM audit_entry WHERE kind = 'approval' ORDER BY seq")
        ).scalars()
        assert list(entries) == ["approval.asked", "approval.approved", "approval.used"]


@pytest.mark.parametrize("spelling", ["Lin", " lin ", "LIN", "Ｌｉｎ"])
def test_nobody_approves_or_rejects_what_they_asked_for(engine: Engine, spelling: str) -> None:
    one = asked(engine)
    assert done(engine, "approve", one.id, spelling, 1, one.content) == "same_person"
    assert done(engine, "reject", one.id, spelling, 1, "no") == "same_person"
    # and the database itself keeps one from being both
    with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:
        connection.execute(sa.update(table).values(decided_by="Lin", state="approved"))


def test_an_approval_is_of_what_was_read_and_of_nothing_else(engine: Engine) -> None:
    one, other = asked(engine), asked(engine, key="scores")
    assert done(engine, "approve", one.id, "Mei", 1, other.content) == "content_changed"
    assert done(engine, "approve", one.id, "Mei", 2, one.content) == "stale_version"
    assert done(engine, "approve", one.id, "Mei", 1, one.content) == "approved"
    for changed in ({"digest": "cd"}, {"alerts": 901}, {"key": "scores"}, {"options": {"a": 1}}):
        told = ABOUT | changed
        assert done(engine, "use", one.id, "Lin", Kind.EXPORT, told) == "content_changed"
    kind = Kind.REIDENTIFICATION
    assert done(engine, "use", one.id, "Lin", kind, ABOUT) == "other_person"
    # edited behind the back of whoever approved: the hash no longer fits
    with writing(engine) as connection:
        connection.execute(sa.update(table).where(table.c.id == one.id).values(purpose="for me"))
    assert done(engine, "use", one.id, "Lin") == "content_changed"


def test_it_expires_before_and_after_the_answer(engine: Engine) -> None:
    one, two = asked(engine), asked(engine)
    late = NOW + DAY
    assert done(engine, "approve", one.id, "Mei", 1, one.content, at=late) == "approval_expired"
    assert done(engine, "approve", two.id, "Mei", 1, two.content) == "approved"
    assert done(engine, "use", two.id, "Lin", at=late) == "approval_expired"
    with reading(engine) as connection:
        stages = {
            at: {o.id: o.stage.value for o in approvals.listed(connection, at)}
            for at in (NOW, late)
        }
        assert stages == {
            NOW: {1: "waiting", 2: "approved"},
            late: {1: "expired", 2: "expired"},
        }
        assert approvals.listed(connection, late, [Stage.WAITING, Stage.APPROVED]) == []
        assert len(approvals.listed(connection, late, [Stage.EXPIRED])) == 2


def test_rejected_and_withdrawn_are_over(engine: Engine) -> None:
    one, two = asked(engine), asked(engine)
    assert done(engine, "reject", one.id, "Mei", 1, " ") == "note_required"
    assert done(engine, "reject", one.id, "Mei", 1, "too much") == "rejected"
    assert done(engine, "withdraw", two.id, "Mei", 1) == "other_person"
    assert done(engine, "withdraw", two.id, "Lin", 1) == "withdrawn"
    for number, content in ((one.id, one.content), (two.id, two.content)):
        assert done(engine, "approve", number, "Ola", 2, content) == "not_waiting"
        assert done(engine, "use", number, "Lin") == "not_approved"
    assert done(engine, "approve", 99, "Ola", 1, one.content) == "approval_not_found"


@pytest.mark.parametrize(("purpose", "case"), [("", "C-1"), ("why", " "), ("w" * 201, "C-1")])
def test_without_purpose_and_case_nothing_is_asked(engine: Engine, purpose: str, case: str) -> None:
    wanted = Asked(Kind.EXPORT, ABOUT, purpose, case)
    with pytest.raises(WardenError) as refused, writing(engine) as connection:
        approvals.ask(connection, wanted, "Lin", NOW, DAY)
    assert refused.value.code == "purpose_required"


def test_of_two_who_answer_at_once_one_is_heard_and_one_use_counts(database_url: str) -> None:
    engine = connect(database_url)
    upgrade(engine)
    with ThreadPoolExecutor(2) as pool:

        def both(acts: list[Callable[[], str]]) -> list[str]:
            return sorted(f.result() for f in [pool.submit(act) for act in acts])

        told: Counter[tuple[str, ...]] = Counter()
        for _ in range(RACES // 2):
            one = asked(engine)
            n, content = one.id, one.content
            first = both([
                lambda n=n, c=content: done(engine, "approve", n, "Mei", 1, c),
                lambda n=n: done(engine, "reject", n, "Ola", 1, "no"),
            ])  # fmt: skip
            told[tuple(first)] += 1
            if "approved" in first:
                uses = [lambda n=n: done(engine, "use", n, "Lin")] * 2
                assert both(uses) == ["not_approved", "used"]
    assert set(told) <= {("approved", "stale_version"), ("rejected", "stale_version")}
    assert sum(told.values()) == RACES // 2
    engine.dispose()
