"""How a priority came about, on the page and in the API, and kept back in blind review."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from alerts.tables import alert as alert_table
from alerts.weights import Rate, Weights
from api.app import create_app
from api.web.likelihood_view import likelihood_steps
from detector.database import writing
from detector.system import System
from tests.alerts.samples import LATER, NOW, run, signal
from tests.detector.homes import opened
from tests.signed import enroll

WEIGHTS = Weights(priors={"MON-BID-CV": 0.05}, rules={"bid-cv": Rate(9, 20)})


@pytest.fixture
def system(tmp_path: Path) -> System:
    found = opened(tmp_path / "home")
    two = (
        {
            "id": "bid-cv",
            "version": "1",
            "title": {"en": "spread below its limit", "zh": "报价离散过低"},
        },
        {"id": "other", "version": "1", "title": {"en": "another", "zh": "其他"}},
    )
    other = signal("F1", typology="MON-BID-COVER", p_value=0.001)
    run(found.engine, [signal("F1", rules=two), other, signal("F2")], now=NOW, weights=WEIGHTS)
    return found


@pytest.fixture
def client(system: System) -> Any:
    headers = enroll(system, "lin")
    with TestClient(create_app(system), base_url="http://127.0.0.1", headers=headers) as found:
        yield found


def alert_of(client: TestClient, subject: str = "F1") -> dict[str, Any]:
    items = client.get("/api/v1/alerts", params={"typology": "MON-BID-CV"}).json()["items"]
    return next(one for one in items if one["subject"]["key"] == subject)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_api_gives_every_piece(client: TestClient) -> None:
    evidence = alert_of(client)["priority"]["evidence"]
    assert (evidence["prior"], evidence["prior_of"]) == (0.05, "MON-BID-CV")
    assert [piece["kind"] for piece in evidence["pieces"]] == ["model", "rule", "rule", "other"]
    assert evidence["method"] == "additive"
    assert evidence["weights"] == WEIGHTS.mark


def test_the_lines_multiply_to_the_likelihood(client: TestClient) -> None:
    alert = alert_of(client)
    steps = likelihood_steps(alert, "en")
    odds = 0.05 / 0.95
    for piece in alert["priority"]["evidence"]["pieces"]:
        odds *= piece["ratio"] ** piece["share"]
    bounded = alert["priority"]["evidence"]["log_ratio"]
    assert odds / (1 + odds) >= alert["priority"]["likely"] or bounded < 5
    names = [step.name for step in steps]
    assert names[0] == "before any evidence"
    assert names[-4:] == ["likely", "harm", "urgent", "priority"]
    assert [step.total for step in steps[-4:]] == [True, False, False, True]


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (
            "en",
            ["before any evidence", "5 %", "spread below its limit",
             "9 of 20 reviewed alerts confirmed", "no reviewed alert yet",
             "about the same subject", "a quarter counts"],
        ),
        ("zh", ["证据之前", "报价离散过低", "已复核预警 20 件，其中 9 件属实",
                "因相近只计四分之一"]),
    ],
)  # fmt: skip
def test_the_page_tells_it_line_by_line(client: TestClient, lang: str, said: list[str]) -> None:
    page = client.get(f"/alerts/{alert_of(client)['id']}", params={"lang": lang}).text
    found = text_of(page).replace("\u00a0", " ")
    assert [phrase for phrase in said if phrase not in found] == []


def test_the_legal_lane_estimates_nothing(system: System, client: TestClient) -> None:
    fact = {"feature": "hours_late", "value": 90, "threshold": 72, "holds": True, "op": ">"}
    legal = signal("I1", typology="PRIV-BREACH-LATE", lane="legal", p_value=None, facts=(fact,))
    run(system.engine, [legal], "run-2", LATER, weights=WEIGHTS)
    items = client.get("/api/v1/alerts", params={"lane": "legal"}).json()["items"]
    assert items[0]["priority"]["evidence"] is None
    assert likelihood_steps(items[0], "en") == ()
    assert "before any evidence" not in client.get(f"/alerts/{items[0]['id']}").text


def test_a_blind_alert_shows_facts_and_no_opinion_anywhere(
    system: System, client: TestClient
) -> None:
    alert = alert_of(client)
    with writing(system.engine) as connection:
        connection.execute(sa.text("UPDATE alert SET blind = 1 WHERE id = :i"), {"i": alert["id"]})
    hidden = client.get(f"/api/v1/alerts/{alert['id']}").json()
    assert hidden["blind"] is True
    assert hidden["facts"] == alert["facts"]
    assert hidden["rules"] == []
    assert set(hidden["priority"].values()) == {None}
    assert (hidden["suspicion"], hidden["p_value"], hidden["q_value"]) == (None, None, None)
    assert client.get(f"/api/v1/alerts/{alert['id']}/rules").json() == {"items": []}
    evidence = client.get(f"/api/v1/alerts/{alert['id']}/evidence").json()
    assert evidence["sources"]["rules"] == []
    for lang in ("en", "zh"):
        page = text_of(client.get(f"/alerts/{alert['id']}", params={"lang": lang}).text)
        assert "spread below its limit" not in page
        assert "报价离散过低" not in page
        assert "9 of 20" not in page
        queue = text_of(client.get("/", params={"lang": lang}).text)
        assert ("For blind review" in queue) is (lang == "en")


def test_closing_shows_it_again(system: System, client: TestClient) -> None:
    alert = alert_of(client)
    with writing(system.engine) as connection:
        connection.execute(sa.text("UPDATE alert SET blind = 1 WHERE id = :i"), {"i": alert["id"]})
    done = client.post(
        f"/api/v1/alerts/{alert['id']}/decisions",
        json={"action": "close", "reason": "confirmed", "note": "Seen."},
        headers={"If-Match": '"1"'},
    )
    assert done.status_code == 200
    assert done.json()["priority"]["likely"] == alert["priority"]["likely"]
    assert done.json()["blind"] is False


def test_the_page_tells_from_where_reviews_moved_an_alert(
    client: TestClient, system: System
) -> None:
    told = {"reviews": 40, "confirmed": 9, "weight": 0.4, "place": 2, "place_before": 17, "of": 31,
            "numbers": ["bid_cv", "prior suspicion", "n_bids"]}  # fmt: skip
    mark = alert_of(client)["id"]
    with writing(system.engine) as connection:
        connection.execute(
            sa.update(alert_table).where(alert_table.c.id == mark).values(learned=told)
        )
    assert alert_of(client)["priority"]["learned"] == told
    english = text_of(client.get(f"/alerts/{mark}").text)
    assert "After 40 reviews of its kind this alert stands at place 2 of 31" in english
    assert "by its own figures at 17" in english
    assert "prior suspicion" not in english
    chinese = text_of(client.get(f"/alerts/{mark}", headers={"accept-language": "zh"}).text)
    assert "由第 17 位调至第 2 位" in chinese
    other = alert_of(client, "F2")["id"]
    assert "reviews of its kind" not in text_of(client.get(f"/alerts/{other}").text)
