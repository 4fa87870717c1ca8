"""What would clear an alert, as pages and interface tell it; and the law of the place first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from alerts.tables import alert as alert_table
from api.web.alert_view import laws_of
from api.web.explained import BEYOND, EDGE, WIDTH, band_view, explain_view, sentence, sentences
from detector.database import writing
from detector.explanation import _NOTHING
from tests.api.conftest import client_of, make_system
from tests.api.market import late_breach


def moved(name: str, value: float, at: float | None, *, reached: bool = False) -> dict[str, Any]:
    """An input as an explanation tells it."""
    by = None if at is None else at - value
    return {
        "feature": name, "title": {}, "unit": {"breach_overdue_h": "h"}.get(name, "ratio"),
        "value": value, "clears_at": at, "clears_at_limit": reached, "change": by,
        "change_share": None if by is None else by / value, "down": (by or 0) < 0,
    }  # fmt: skip


def found(**given: Any) -> dict[str, Any]:
    return {**_NOTHING, **given}


def rule(*inputs: dict[str, Any], id: str = "r") -> dict[str, Any]:  # noqa: A002
    return {"id": id, "version": "1.0.0", "conditions": [], "inputs": list(inputs)}


LATE = rule(moved("breach_overdue_h", 23.0, 0.0, reached=True))


def test_the_sentence_names_the_smallest_change_in_both_languages() -> None:
    told = sentences(found(rules=[LATE]))
    assert told["en"].endswith("time beyond the limit at most 0\u00a0h instead of 23\u00a0h.")
    assert "不高于 0\u00a0小时" in told["zh"]
    assert "23\u00a0小时" in told["zh"]


@pytest.mark.parametrize(
    ("at", "reached", "said"),
    [(0.06, False, "above 0.06"), (0.06, True, "at least 0.06"), (0.001, False, "below 0.001")],
)
def test_a_limit_says_whether_it_clears_itself(at: float, reached: bool, said: str) -> None:
    told = sentence(found(rules=[rule(moved("bid_cv", 0.01, at, reached=reached))]), "en")
    assert f" {said} instead of 0.01." in told


def test_what_one_change_cannot_clear_is_said() -> None:
    stuck = moved("bid_cv", 0.01, None)
    assert sentence(found(rules=[rule(stuck)]), "en") == (
        "No change of one input alone would have cleared it."
    )
    two = found(rules=[LATE, rule(moved("bid_cv", 0.01, 0.06))], together=[stuck])
    assert "clears all 2 rules" in sentence(two, "en")
    model = {"id": "m", "version": "v", "p_value": 0.01, "line": 0.1, "in_tail": True,
             "features": [stuck | {"share": 1.0, "pct": 0.9, "band": None}]}  # fmt: skip
    assert "out of the most suspicious tenth" in sentence(found(model=model), "en")


def test_a_firm_is_told_how_many_tenders_fewer() -> None:
    tally = {"count": 6, "n": 19, "line": 0.1, "fewer": 2, "clears_at": 4}
    told = sentences(found(excess=tally))
    assert "2 fewer suspicious tenders: 4 of 19 instead of 6" in told["en"]
    assert "减少 2 个" in told["zh"]


def test_nothing_to_explain_says_why() -> None:
    told = sentences(found(reason="no_results"))
    assert "not kept any more" in told["en"]
    assert "已不再保存" in told["zh"]


def test_what_clears_all_rules_is_not_said_again_of_each() -> None:
    again = rule(moved("breach_overdue_h", 23.0, 0.0, reached=True), moved("persons", 5.0, 4.0))
    view = explain_view(found(rules=[LATE, again], together=LATE["inputs"]), "en")
    assert [(r.code, r.judge) for r in view.inputs] == [
        ("breach_overdue_h", "all 2 rules that fired"), ("persons", "r"),
    ]  # fmt: skip
    assert view.inputs[0].change == "−23\u00a0h (−100\u00a0%)"


def test_shares_differ_by_points() -> None:
    share = moved("wash_net_gross", 0.04, 0.01) | {"unit": "share"}
    [row] = explain_view(found(rules=[rule(share)]), "en").inputs
    assert (row.now, row.clears) == ("4\u00a0%", "below 1\u00a0%")
    assert row.change == "−3\u00a0pp (−75\u00a0%)"


BAND = {"p05": 1.0, "q25": 2.0, "median": 3.0, "q75": 4.0, "p95": 5.0, "n": 90}


@pytest.mark.parametrize(("value", "beyond"), [(3.5, 0), (-2.0, 0), (-50.0, -1), (500.0, 1)])
def test_a_band_is_drawn_to_scale_inside_its_picture(value: float, beyond: int) -> None:
    view = band_view(BAND, value, "ratio", "en")
    places = [view.low, view.first, view.middle, view.third, view.high]
    assert places == sorted(places)
    assert min(*places, view.at) == pytest.approx(EDGE)
    assert max(*places, view.at) == pytest.approx(WIDTH - EDGE)
    assert view.beyond == beyond
    widths = [b - a for a, b in pairwise(places)]
    assert widths == pytest.approx([widths[0]] * 4, abs=0.11)
    if beyond:
        assert abs(view.at - (view.low if beyond < 0 else view.high)) == pytest.approx(
            BEYOND * (view.high - view.low), abs=0.3
        )
    assert "90 peers" in view.text


def test_peers_that_are_all_alike_can_be_drawn() -> None:
    flat = dict.fromkeys(("p05", "q25", "median", "q75", "p95"), 0.0) | {"n": 30}
    assert band_view(flat, 0.0, "ratio", "en").beyond == 0
    assert band_view(flat, 9.0, "ratio", "en").beyond == 1


LAWS = [{"jurisdiction": j, "article": str(i)} for i, j in enumerate(("CN", "EU", "US-CA", "US"))]


@pytest.mark.parametrize(
    ("place", "own"),
    [("US-CA", ["US-CA", "US"]), ("US", ["US"]), ("DE", ["EU"]), ("EU", ["EU"]), ("CN", ["CN"]),
     (None, ["CN", "EU", "US-CA", "US"]), ("JP", ["CN", "EU", "US-CA", "US"])],
)  # fmt: skip
def test_the_law_of_the_place_comes_first_and_none_is_lost(
    place: str | None, own: list[str]
) -> None:
    here, elsewhere = laws_of(LAWS, [place] if place else [])
    assert [law["jurisdiction"] for law in here] == own
    assert sorted(map(str, [*here, *elsewhere])) == sorted(map(str, LAWS))


def test_every_alert_has_an_explanation_or_its_reason(client: TestClient, ids: list[str]) -> None:
    told = client.get(f"/api/v1/alerts/{ids[0]}").json()["explanation"]
    assert told["reason"] == "no_results"
    assert set(told["sentence"]) == {"en", "zh"}
    quiet = client.get(f"/api/v1/alerts/{ids[0]}", params={"explain": "false"}).json()
    assert quiet["explanation"] is None


def one_with(client: TestClient, ids: list[str], test: Callable[[dict[str, Any]], bool]) -> str:
    return next(i for i in ids if test(client.get(f"/api/v1/alerts/{i}").json()))


def test_the_page_shows_what_clears_the_bands_and_the_peers(
    client: TestClient, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "price_cv"
    weighed = moved(name, 0.004, 0.02) | {"share": 0.8, "pct": 0.99, "band": BAND}
    model = {"id": "m", "version": "v", "p_value": 0.01, "line": 0.1, "in_tail": True,
             "features": [weighed]}  # fmt: skip
    near = [{"subject_key": "<b>S-9", "period_start": "2026-07-01", "distance": 0.5, name: 0.01}]
    peers = {"reference": "r", "level": "all", "candidates": 90, "features": [name],
             "nearest": near}  # fmt: skip
    about = {"grain": "sku_seller_q", "subject_key": "S-1", "period_start": "2026-07-01"}
    told = found(model=model, peers=peers, about=about)
    monkeypatch.setattr("api.web.alert_figures.explanation", lambda *_: told)
    alert = one_with(client, ids, lambda a: a["facts"][0]["feature"] == name)
    page = client.get(f"/alerts/{alert}?whole=1").text
    part = client.get(f"/alerts/{alert}/figures").text
    assert "What would clear it" in part
    assert "<html" not in part
    later = client.get(f"/alerts/{alert}").text
    assert f'data-part="/alerts/{alert}/figures"' in later
    assert "What would clear it" not in later
    assert "What would clear it" in page
    assert "above 0.02" in page
    assert '<svg class="band"' in page
    assert "&lt;b&gt;S-9" in page
    assert "<b>S-9" not in page


def test_the_page_folds_the_law_of_other_places_away(tmp_path: Path) -> None:
    signal = late_breach(0)
    union = {**signal.legal_basis[0], "jurisdiction": "EU", "instrument": "GDPR"}
    several = replace(signal, legal_basis=(*signal.legal_basis, union))
    system = make_system(tmp_path / "home", [several])
    client = client_of(system, actor="Reviewer 3")
    [alert] = client.get("/api/v1/alerts").json()["items"]
    page = client.get(f"/alerts/{alert['id']}").text
    assert "Provisions of other jurisdictions" not in page
    with writing(system.engine) as connection:
        connection.execute(sa.update(alert_table).values(jurisdictions=["DE"]))
    folded = client.get(f"/alerts/{alert['id']}").text
    assert "Provisions of other jurisdictions: 1" in folded
    assert folded.index("GDPR") < folded.index("Provisions of other") < folded.index("CN Personal")
