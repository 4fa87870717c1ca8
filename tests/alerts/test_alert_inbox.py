"""The queue: order, filters, counts, and pages that stay whole while alerts come in."""

from __future__ import annotations

import base64
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.inbox import QueueFilter, counts, export_alerts, make_cursor, queue, read_cursor
from alerts.lifecycle import decide
from detector.database import reading, writing
from features.errors import WardenError
from tests.alerts.samples import LATER, YEAR, run, signal


def subjects(engine: sa.Engine, wanted: QueueFilter, limit: int = 200) -> list[str]:
    with reading(engine) as connection:
        return [a.signal.subject_key for a in queue(connection, wanted, limit=limit).alerts]


@pytest.fixture
def market(engine: sa.Engine) -> sa.Engine:
    run(
        engine,
        [
            signal("F1", severity=2, suspicion=0.4, p_value=0.2),
            signal("F2", severity=5, suspicion=0.99, p_value=0.0001),
            signal("F1|F2", subject_kind="pair", typology="TRX-WASH-SCC", p_value=0.05),
            signal("M1/F1", subject_kind="market_firm", typology="MON-DOMINANCE-CN", severity=4),
            signal("inc-1", subject_kind="incident", typology="PRIV-BREACH-LATE", lane="legal"),
            signal("100%_Ü", title={"en": "possible X: Straße", "zh": "涉嫌：华兴"}, p_value=0.3),
        ],
    )
    return engine


def test_the_legal_lane_comes_first_then_priority(market: sa.Engine) -> None:
    with reading(market) as connection:
        found = queue(connection).alerts
        assert export_alerts(connection)[0]["subject"]["key"] == "inc-1"
    assert found[0].signal.lane == "legal"
    values = [a.priority.value for a in found[1:]]
    assert values == sorted(values, reverse=True)
    assert found[1].signal.subject_key == "F2"


FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({"lanes": ["legal"]}, {"inc-1"}),
    ({"states": ["closed"]}, set()),
    ({"states": ["open", "closed"], "severities": [4, 5]}, {"F2", "M1/F1"}),
    ({"typologies": ["TRX-WASH-SCC", "MON-DOMINANCE-CN"]}, {"F1|F2", "M1/F1"}),
    ({"subject": "F1"}, {"F1", "F1|F2", "M1/F1"}),
    ({"subject": "F"}, set()),
    ({"subject": "F1", "subject_kind": "firm"}, {"F1"}),
    ({"min_suspicion": 0.95}, {"F2"}),
    ({"text": "STRASSE"}, {"100%_Ü"}),
    ({"text": "华兴"}, {"100%_Ü"}),
    ({"text": "ü"}, {"100%_Ü"}),
    ({"text": "%_"}, {"100%_Ü"}),
    ({"text": "breach"}, {"inc-1"}),
    ({"firing": False}, set()),
    ({"assignee": "lin"}, set()),
    ({"text": "'; DROP TABLE alert; --"}, set()),
    ({"text": "a\0b"}, set()),
    ({"subject": "\ud800"}, set()),
    ({"typologies": ["\0"]}, set()),
]


def test_filters(market: sa.Engine) -> None:
    for wanted, expected in FILTERS:
        assert set(subjects(market, QueueFilter(**wanted))) == expected, wanted


def test_counts_leave_their_own_choice_aside(market: sa.Engine) -> None:
    with reading(market) as connection:
        first = queue(connection).alerts[0]
    with writing(market) as connection:
        decide(connection, first.id, "lin", "acknowledge", None, None, 1, LATER)
    with reading(market) as connection:
        found = counts(connection, QueueFilter(states=["acknowledged"]))
    assert found.total == 1
    assert found.by_state == {"acknowledged": 1, "open": 5}
    assert found.by_lane == {"legal": 1}
    assert subjects(market, QueueFilter(assignee="lin")) == ["inc-1"]


def test_pages_are_whole_while_alerts_come_in(engine: sa.Engine) -> None:
    """Equal ranks included: what was there at the start is seen exactly once."""
    original = {f"F{i}" for i in range(60)}
    run(engine, [signal(f"F{i}", severity=1 + i % 3) for i in range(60)])
    seen: list[str] = []
    cursor = None
    for page in count():
        with reading(engine) as connection:
            found = queue(connection, cursor=cursor, limit=7)
        seen += [a.signal.subject_key for a in found.alerts]
        cursor = found.next_cursor
        if cursor is None:
            break
        run(engine, [signal(f"new-{page}-{i}", severity=1 + i) for i in range(4)])
    assert len(seen) == len(set(seen))
    assert original <= set(seen)


def test_pages_follow_the_order_of_the_export(engine: sa.Engine) -> None:
    run(
        engine,
        [
            signal(f"F{i}", period_start=YEAR + timedelta(days=i), p_value=(i % 4 + 1) / 100)
            for i in range(23)
        ],
    )
    with reading(engine) as connection:
        expected = [item["id"] for item in export_alerts(connection)]
        for limit in (1, 5, 22, 23, 24):
            paged, cursor = [], None
            while True:
                page = queue(connection, cursor=cursor, limit=limit)
                paged += [alert.id for alert in page.alerts]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert paged == expected


def test_a_cursor_keeps_its_place_exactly(market: sa.Engine) -> None:
    with reading(market) as connection:
        for alert in queue(connection).alerts:
            assert read_cursor(make_cursor(alert)) == (alert.priority.rank, alert.id)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "not a cursor",
        "é",
        "A" * 5000,
        encoded("[1, 2]"),
        encoded('[2, 0.5, "A-X"]'),
        encoded('[1, "0.5", "A-X"]'),
        encoded("[1, 0.5, 7]"),
        encoded('[1, NaN, "A-X"]'),
        encoded('[1, Infinity, "A-X"]'),
        encoded('[1, 0.5, "A\\u0000"]'),
        encoded('[1, 1e999, "A"]'),
        encoded("[1, " + "9" * 150 + ', "A"]'),
        encoded("{}"),
        encoded("[" * 100),
    ],
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(WardenError) as caught:
        read_cursor(cursor)
    assert (caught.value.code, caught.value.kind) == ("bad_cursor", "invalid")


def test_the_queue_refuses_what_it_cannot_serve(market: sa.Engine) -> None:
    with reading(market) as connection:
        for wrong, code in (
            ({"cursor": "x"}, "bad_cursor"),
            ({"limit": 0}, "bad_limit"),
            ({"limit": 201}, "bad_limit"),
        ):
            with pytest.raises(WardenError) as caught:
                queue(connection, **wrong)
            assert caught.value.code == code
