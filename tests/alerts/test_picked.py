"""Alerts that were picked in a list, what came in meanwhile, one's own acts, kept views."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from alerts.activity import acts_of
from alerts.bulk import BulkAction, Done, Order, apply_to
from alerts.inbox import QueueFilter, come_in, export_alerts, get_alert
from alerts.limits import Limits
from alerts.picked import alerts_by_id, moved_by_runs
from alerts.views import MOST, drop_view, keep_view, views_of
from detector.database import reading, writing
from features.errors import WardenError
from tests.alerts.samples import LATER, NOW, run, signal

MINE = Limits(frozenset({"MON-BID-CV"}))


@pytest.fixture
def ids(engine: sa.Engine) -> dict[str, str]:
    run(engine, [signal("F1"), signal("F2"), signal("F3", typology="MON-BID-DISTANCE")])
    with reading(engine) as connection:
        return {a["subject"]["key"]: a["id"] for a in export_alerts(connection)}


def act(
    engine: sa.Engine,
    action: BulkAction,
    picked: dict[str, int],
    within: Limits = MINE,
    **more: str,
) -> Done:
    order = Order(QueueFilter(within=within), action, len(picked), **more)  # type: ignore[arg-type]
    with writing(engine) as connection:
        return apply_to(connection, order, picked, "lin", LATER)


def test_only_what_was_seen_as_it_is_and_may_be_seen_is_changed(
    engine: sa.Engine, ids: dict[str, str]
) -> None:
    picked = {ids["F1"]: 1, ids["F2"]: 7, ids["F3"]: 1, "A-NONE": 1, "A\0": 1}
    done = act(engine, "acknowledge", picked)
    assert done.changed == [ids["F1"]]
    assert {one.alert_id: one.code for one in done.skipped} == {
        ids["F2"]: "stale_version",
        ids["F3"]: "alert_not_found",
        "A-NONE": "alert_not_found",
        "A\0": "alert_not_found",
    }
    with pytest.raises(WardenError, match="No alert"):
        act(engine, "acknowledge", {})


def test_one_act_on_many_is_one_act_and_is_undone_as_one(
    engine: sa.Engine, ids: dict[str, str]
) -> None:
    both = {ids["F1"]: 1, ids["F2"]: 1}
    act(engine, "close", both, reason="confirmed", note="Seen.")
    act(engine, "comment", {ids["F1"]: 2}, note="And told.")
    with reading(engine) as connection:
        told, closed = acts_of(connection, "lin", LATER)
        assert acts_of(connection, "bo", LATER) == []
        late = acts_of(connection, "lin", LATER + timedelta(minutes=11))
        unseen = acts_of(connection, "lin", LATER, Limits(frozenset({"MON-BID-DISTANCE"})))
    assert (told.kind, told.undoable) == ("commented", {})
    assert (closed.kind, closed.reason, set(closed.alerts)) == ("closed", "confirmed", set(both))
    assert (unseen, late[1].undoable) == ([], {})
    undone = act(engine, "undo", closed.undoable)
    # a comment came between, so of the two one alone is taken back
    assert undone.changed == [ids["F2"]]
    assert [one.code for one in undone.skipped] == ["nothing_to_undo"]
    with reading(engine) as connection:
        assert get_alert(connection, ids["F2"]).alert.state == "open"


def test_what_came_in_since_is_counted_and_no_further_than_asked(
    engine: sa.Engine, ids: dict[str, str]
) -> None:
    with reading(engine) as connection:
        early = NOW - timedelta(seconds=1)
        assert come_in(connection, QueueFilter(within=MINE), early, 100) == len(ids) - 1
        assert come_in(connection, QueueFilter(), early, 2) == 2
        assert come_in(connection, QueueFilter(), NOW, 100) == 0


def test_alerts_are_read_again_by_their_ids_and_say_what_runs_did(
    engine: sa.Engine, ids: dict[str, str]
) -> None:
    run(engine, [signal("F1", severity=4), signal("F2")], now=LATER)
    with reading(engine) as connection:
        seen = alerts_by_id(connection, [*ids.values(), "A\0", "A-NONE"], MINE)
        moved = moved_by_runs(connection, list(ids.values()))
    assert {one.id for one in seen} == {ids["F1"], ids["F2"]}
    assert moved == {ids["F1"]: {"updated": LATER}}


def test_views_are_kept_apart_and_by_name(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        view = keep_view(connection, "lin", " late  limits ", "lane=legal", NOW)
        assert views_of(connection, "bo") == []
        for owner, name, code in (
            ("lin", "Late limits", "view_name_taken"),
            ("lin", "", "bad_view"),
            ("lin", "x" * 41, "bad_view"),
            ("lin", "a\0", "bad_view"),
        ):
            with pytest.raises(WardenError) as caught:
                keep_view(connection, owner, name, "", NOW)
            assert caught.value.code == code
        for n in range(MOST - 1):
            keep_view(connection, "lin", f"view {n}", "", NOW)
        with pytest.raises(WardenError, match="at most"):
            keep_view(connection, "lin", "one more", "", NOW)
        with pytest.raises(WardenError, match="no such view"):
            drop_view(connection, "bo", view.id, NOW)
        drop_view(connection, "lin", view.id, NOW)
        assert view not in views_of(connection, "lin")
