"""Reviews move alerts that wait past their own kind, and move nothing else."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from alerts.changing import Hand
from alerts.closures import approve
from alerts.inbox import export_alerts, get_alert
from alerts.learned import Waiting, reorder, waiting
from alerts.lifecycle import decide
from alerts.tables import alert as alert_table
from api.app import create_app
from detector import lessons
from detector.database import reading, writing
from detector.run import run_detection
from detector.system import System
from tests.alerts.samples import LATER
from tests.detector.homes import HONEST, file, opened, procurement
from tests.signed import enroll

TIGHT = "Q"


def tight(n: int) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Tenders whose bids lie within one in a hundred, by bidders who never form one ring."""
    draw = random.Random(1)
    notices: list[dict[str, object]] = []
    bids: list[dict[str, object]] = []
    for number in range(n):
        tender, who = f"{TIGHT}{number:03}", draw.sample(HONEST, 5)
        cost = draw.uniform(1e5, 1e6)
        amounts = sorted(cost * draw.uniform(1, 1.012) for _ in who)
        day = date(2025, 1, 6) + timedelta(days=4 * number)
        notices.append({"tender_id": tender, "category": "works", "awarded_at": day.isoformat(),
                        "winner_id": who[0], "award_rule": "lowest"})  # fmt: skip
        bids += [
            {"tender_id": tender, "bidder_id": w, "amount": round(a, 2), "currency": "EUR"}
            for w, a in zip(who, amounts, strict=True)
        ]
    return notices, bids


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> System:
    folder = tmp_path_factory.mktemp("lessons")
    system = opened(folder / "home")
    notices, bids = (a + b for a, b in zip(procurement(420, ring=0), tight(80), strict=True))
    file(system, folder / "filed", "tenders", notices)
    file(system, folder / "filed", "bids", bids)
    run_detection(system)
    return system


def queue(system: System) -> list[dict[str, Any]]:
    with reading(system.engine) as connection:
        found = [a for a in export_alerts(connection) if a["subject"]["kind"] == "tender"]
        order = dict(
            connection.execute(sa.select(alert_table.c.id, alert_table.c.queue_rank)).all()
        )
    return sorted(found, key=lambda a: (-order[a["id"]], a["id"]))


def figures(alerts: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    return {
        a["id"]: (a["priority"]["value"], a["priority"]["likely"], a["version"]) for a in alerts
    }


def close(system: System, alert: Mapping[str, Any], reason: str) -> None:
    with reading(system.engine) as connection:
        version = get_alert(connection, alert["id"]).alert.version
    with writing(system.engine) as connection:
        after = decide(connection, alert["id"], action="close", expected_version=version,
                       actor="lin", reason=reason, note="reviewed", now=LATER)  # fmt: skip
        if after.pending:
            approve(connection, alert["id"], Hand("wang", after.version, LATER))


def test_reviews_bring_what_they_confirm_to_the_front(system: System) -> None:
    """Tight bids are held most likely; here reviewers find every one of them innocent."""
    assert lessons.learn(system) == []
    reviewed = [alert for i, alert in enumerate(queue(system)) if i % 3]
    for alert in reviewed:
        hit = not alert["subject"]["key"].startswith(TIGHT)
        close(system, alert, "confirmed" if hit else "explained")
    subjects = len({alert["subject"]["key"] for alert in reviewed})
    before = [a for a in queue(system) if a["state"] == "open"]
    [row] = lessons.learn(system)
    after = [a for a in queue(system) if a["state"] == "open"]
    assert (row["conduct"], row["grain"], row["reviews"]) == ("MON-BID", "tender", subjects)
    assert row["weight"] > 0
    assert row["mixed_auc"] > row["prior_auc"]
    assert row["moved"] == len(after)

    def places(some: list[dict[str, Any]]) -> list[int]:
        return [i for i, a in enumerate(some) if not a["subject"]["key"].startswith(TIGHT)]

    assert sum(places(after)) < sum(places(before))
    assert figures(after) == figures(before), "figures do not move, places do"
    told = after[0]["priority"]["learned"]
    assert told["place"] <= told["of"] == len(after)
    assert told["numbers"]
    assert sorted(a["priority"]["learned"]["place"] for a in after) == [
        i + 1 for i in range(len(after))
    ]


def test_learning_again_changes_nothing_and_is_told(system: System) -> None:
    before = queue(system)
    [again] = lessons.learn(system)
    assert again["moved"] == 0
    assert [a["id"] for a in queue(system)] == [a["id"] for a in before]
    [last] = lessons.told(system)
    assert {k: last[k] for k in ("conduct", "reviews", "weight")} == {
        k: again[k] for k in ("conduct", "reviews", "weight")
    }
    with TestClient(
        create_app(system), base_url="http://127.0.0.1", headers=enroll(system, "Ann")
    ) as client:
        assert client.get("/api/v1/reviews/lessons").json() == {"items": [last]}
    numbers = {n["feature"]: n for n in last["numbers"]}
    assert numbers
    assert all(n["turned"] in (True, False) for n in numbers.values())


def test_switched_off_everything_stands_by_its_own_figures(system: System) -> None:
    off = system.settings.model_copy(update={"learn_order": False})
    assert lessons.learn(dataclasses.replace(system, settings=off)) == []
    alone = [a for a in queue(system) if a["state"] == "open"]
    assert all(a["priority"]["learned"] is None for a in alone)
    values = [a["priority"]["value"] for a in alone]
    assert values == sorted(values, reverse=True)
    assert lessons.learn(system)[0]["moved"] == len(alone)


def test_only_waiting_alerts_of_the_conduct_are_moved(system: System) -> None:
    with reading(system.engine) as connection:
        mine = waiting(connection, "MON-BID")
        assert not waiting(connection, "TRX-WASH")
    still = {a["id"] for a in queue(system) if a["state"] == "open"}
    assert still <= {one.id for one in mine}
    closed = {a["id"] for a in queue(system) if a["state"] == "closed"}
    assert not closed & {one.id for one in mine}


def test_an_alert_never_rises_above_the_best_of_its_kind(system: System) -> None:
    with writing(system.engine) as connection:
        mine = [w for w in waiting(connection, "MON-BID") if w.subject_kind == "tender"]
        best = max(one.likely for one in mine)
        weakest = min(mine, key=lambda one: one.likely)
        places = {one.subject: 0.0 for one in mine} | {weakest.subject: 1.0}
        assert reorder(connection, mine, places, {"weight": 1.0}) > 0
        now = {one.id: one for one in waiting(connection, "MON-BID")}
        assert now[weakest.id].queue_rank == pytest.approx(best * weakest.weight)
        assert now[weakest.id].learned == {
            "weight": 1.0, "place": 1, "place_before": len(mine), "of": len(mine),
        }  # fmt: skip
        unknown: list[Waiting] = list(now.values())
        reorder(connection, unknown, {}, None)
        assert all(one.learned is None for one in waiting(connection, "MON-BID"))


def test_a_conduct_of_one_typology_has_a_prior_and_numbers_too() -> None:
    """The conduct of `MON-TYING` is not the head of its name, as that of a bid screen is."""
    day = date(2025, 1, 1)
    rows = pl.DataFrame(
        {
            "typology": ["MON-TYING", "MON-BID-CV"], "grain": ["firm_y"] * 2,
            "subject_key": ["F1", "F2"], "period_start": [day] * 2,
            "family_suspicion": [None, None], "suspicion": [0.7, 0.9],
        },
        schema_overrides={"family_suspicion": pl.Float64},
    )  # fmt: skip

    class Stored:
        def judged(self, _: object) -> pl.LazyFrame:
            return rows.lazy()

    found = lessons._prior(Stored(), None, "MON-CONDUCT", "firm_y")  # type: ignore[arg-type]
    assert found.rows() == [("F1", day, 0.7)]


@pytest.mark.parametrize(
    ("declared", "points", "found"),
    [("low", 0.4, True), ("low", -0.4, False), ("high", -0.4, True), ("high", 0.05, False),
     ("none", 0.9, False), ("low", None, False)],
)  # fmt: skip
def test_a_number_that_points_the_other_way_is_noticed(
    declared: str, points: float | None, found: bool
) -> None:
    assert lessons.turned(declared, points) is found
