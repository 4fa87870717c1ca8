"""Sets of models and drift over the interface."""

from __future__ import annotations

from starlette.testclient import TestClient

from detector.drift_reports import keep_report
from detector.models.versions import Act, Versions, locked, write_versions
from detector.system import System

HEAP = {
    "rule": "mon-bid-cv-low", "version": "1.0.0", "feature": "bid_cv", "op": "<=", "limit": 0.06,
    "inside": 9, "n": 21, "expected": 1 / 3, "p": 0.2, "q": 0.4, "state": "ok", "reason": None,
}  # fmt: skip
REPORT = {
    "run_id": "r", "models": "abc", "fitted_on": "2026-05-01T00:00:00+00:00",
    "at": "2026-06-01T00:00:00+00:00", "bands": {"watch": 0.1, "act": 0.25}, "features": [],
    "scores": [], "calibration": {"slope": None, "n": 0, "reason": "few", "state": "few"},
    "bunching": [HEAP], "counts": {"act": 0, "watch": 0, "ok": 1, "few": 1},
}  # fmt: skip


def test_drift_is_not_there_before_it_was_measured(system: System, client: TestClient) -> None:
    missing = client.get("/api/v1/models/drift")
    assert (missing.status_code, missing.json()["code"]) == (404, "no_drift_report")
    keep_report(system, REPORT)
    assert client.get("/api/v1/models/drift").json()["bunching"] == [HEAP]
    rule = client.get("/api/v1/rules/mon-bid-cv-low").json()
    assert rule["bunching"] == [HEAP]
    assert client.get("/api/v1/rules/mon-bid-cv-very-low").json()["bunching"] == []


def test_sets_are_listed_with_who_put_them_where_they_stand(
    system: System, client: TestClient
) -> None:
    assert client.get("/api/v1/models").json() == {"items": []}
    at = "2026-06-01T00:00:00+00:00"
    entries = [
        {"digest": d * 64, "known_as_of": at, "models": {"m": "v"}, "snapshot_id": "s"}
        for d in "ab"
    ]
    acts = (Act("fitted", "a" * 64, "system", at), Act("fitted", "b" * 64, "Ann", at, "monthly"))
    folder = system.home / "models"
    with locked(folder):
        write_versions(folder, Versions((entries[0],), entries[1], (), acts))
    items = client.get("/api/v1/models").json()["items"]
    assert [(i["set"], i["state"], i["actor"]) for i in items] == [
        ("a" * 12, "in force", "system"), ("b" * 12, "shadow", "Ann"),
    ]  # fmt: skip
    history = client.get("/api/v1/models/history").json()["items"]
    assert [(h["kind"], h["note"]) for h in history] == [("fitted", None), ("fitted", "monthly")]


def test_an_alert_tells_of_a_heap_just_inside_the_limit_of_its_rule(
    system: System, client: TestClient, ids: list[str]
) -> None:
    alerts = [client.get(f"/api/v1/alerts/{i}").json() for i in ids]
    alert = next(a for a in alerts if a["rules"])
    heap = HEAP | {"rule": alert["rules"][0]["id"], "inside": 31, "n": 50, "q": 0.004}
    keep_report(system, REPORT | {"bunching": [heap | {"state": "ok"}]})
    assert "lie just inside it" not in client.get(f"/alerts/{alert['id']}").text
    keep_report(system, REPORT | {"bunching": [heap | {"state": "act"}]})
    page = client.get(f"/alerts/{alert['id']}").text
    assert "Of 50 values near the limit 0.06" in page
    assert "31 lie just inside it; 17 would if nobody aimed (q = 0.004)" in page
    assert "31 个恰在限内" in client.get(f"/alerts/{alert['id']}?lang=zh").text
