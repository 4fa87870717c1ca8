"""An alert judged again: identical whatever came since, and every change of the past is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from typer.testing import CliRunner

from alerts.audit_tables import audit_entry
from alerts.tables import alert as alert_table
from alerts.tables import alert_event, review_draw
from api.app import create_app
from detector import shadow_models
from detector.cli.main import app
from detector.database import reading, writing
from detector.replay import Replayer, replay
from detector.replay_case import Replay
from detector.replay_records import last_replay, replay_and_keep
from detector.rulebook import rulebook
from detector.run import refit, run_detection
from detector.sampling import draw_sample
from detector.system import System, open_system
from detector.tables import alert_replay
from features.errors import WardenError
from tests.detector.homes import LATER, NOW, file, procurement, small_market
from tests.detector.promoting import LIKE, live
from tests.signed import enroll

TENDERS, RING = 160, 30
WRONG = "T003"
"""A tender of the ring whose bids are corrected later."""
WINDOW = date(2025, 7, 1)
"""A person has periods from here on judged."""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one run; to be copied."""
    system = small_market(tmp_path_factory.mktemp("market") / "home", TENDERS, RING)
    run_detection(system)
    system.engine.dispose()
    return system.home


def copied(market: Path, folder: Path, days: int = 1) -> System:
    """A copy of it, some days later."""
    home = Path(shutil.copytree(market, folder / "home"))
    return open_system(home, clock=lambda: NOW + timedelta(days=days))


def alerts(system: System, *columns: str) -> list[sa.RowMapping]:
    with reading(system.engine) as connection:
        wanted = [alert_table.c[name] for name in ("id", *columns)]
        return list(connection.execute(sa.select(*wanted).order_by(alert_table.c.id)).mappings())


def one_of_each(system: System) -> dict[str, str]:
    """An alert by kind of subject."""
    return {row["subject_kind"]: row["id"] for row in alerts(system, "subject_kind")}


def assert_identical(found: Replay) -> None:
    assert found.outcome == "identical", (found.alert_id, found.differences[:5], found.causes)
    assert found.compared > 40


def assert_drawn_before(system: System, day: date) -> None:
    """Some subject drawn for blind review was judged by no run over the periods since a day."""
    with reading(system.engine) as connection:
        drawn = alert_table.c.id.in_(sa.select(review_draw.c.alert_id))
        starts = connection.scalars(sa.select(alert_table.c.period_start).where(drawn)).all()
    assert any(start < day for start in starts)


def codes(found: Replay) -> list[str]:
    return [cause["code"] for cause in found.causes]


def fields(found: Replay) -> set[str]:
    return {one.field for one in found.differences}


def test_alerts_come_out_identically_whatever_came_since(market: Path, tmp_path: Path) -> None:
    system = copied(market, tmp_path)
    before = {row["id"]: row["run_id"] for row in alerts(system, "run_id")}
    assert {"tender", "firm", "incident"} <= set(one_of_each(system))

    notices, bids = procurement(TENDERS + 20, RING)
    fresh = {row["tender_id"] for row in notices[TENDERS:]}
    moved = [{**row, "amount": float(str(row["amount"])) * (1 + n / 9)}
             for n, row in enumerate(r for r in bids if r["tender_id"] == WRONG)]  # fmt: skip
    file(system, tmp_path / "later", "tenders", notices[TENDERS:], LATER)
    added = [row for row in bids if row["tender_id"] in fresh]
    file(system, tmp_path / "later", "bids", [*added, *moved], LATER)
    first = Replayer(system).replay(one_of_each(system)["incident"])
    assert_identical(first)
    assert first.as_known_now is not None and not first.as_known_now["same_filings"]
    run_detection(system, start=WINDOW, typologies=("MON-BID-CV", "PRIV-BREACH-LATE"))
    assert draw_sample(system, 8, "Ann")["queued"]
    assert_drawn_before(system, WINDOW)

    overlay = system.home / "rules" / "overlays" / f"{LIKE}.yaml"
    overlay.parent.mkdir(parents=True)
    base = rulebook(system).files[LIKE].content_hash
    overlay.write_text(f"rule: {LIKE}\nbase_hash: {base}\nparameters: {{max_cv: 0.03}}\n")
    live(system, LIKE)
    refit(system, actor="Ann")
    shadow_models.promote(system, None, "Ben", "Newer peers.")
    run_detection(system)

    rows = alerts(system, "run_id", "subject_kind", "blind")
    some = {(row["run_id"], row["subject_kind"], row["blind"]): row["id"] for row in rows}
    assert len({run for run, *_ in some}) == 3, "alerts of every run are there"
    replayer = Replayer(system)
    for alert_id in some.values():
        assert_identical(replayer.replay(alert_id, as_known_now=False))
    old = next(row["id"] for row in rows if before.get(row["id"]) == row["run_id"])
    assert "models" in replayer.replay(old).judges


def test_what_is_known_now_is_told_beside_what_was_known_then(market: Path, tmp_path: Path) -> None:
    system = copied(market, tmp_path)
    wrong = next(
        row["id"]
        for row in alerts(system, "subject_key", "subject_kind")
        if row["subject_kind"] == "tender" and row["subject_key"] != WRONG
    )
    tender = next(r["subject_key"] for r in alerts(system, "subject_key") if r["id"] == wrong)
    _, bids = procurement(TENDERS, RING)
    mine = [row for row in bids if row["tender_id"] == tender]
    spread = [{**row, "amount": 1e5 * (1 + n) ** 2} for n, row in enumerate(mine)]
    file(system, tmp_path / "later", "bids", spread, LATER)
    found = replay(system, wrong)
    assert_identical(found)
    now = found.as_known_now
    assert now is not None and now["filings"] == {"bids": len(mine)}
    assert not now["raised"]


def in_the_alert(system: System) -> str:
    chosen = one_of_each(system)["firm"]
    with writing(system.engine) as connection:
        mine = alert_table.c.id == chosen
        connection.execute(sa.update(alert_table).where(mine).values(suspicion=0.123, severity=5))
    return chosen


def in_the_results(system: System) -> str:
    chosen = one_of_each(system)["incident"]
    for path in (system.home / "results").glob("*/judged.parquet"):
        rows = pl.read_parquet(path).with_columns(strength=pl.col("strength") / 2)
        rows.write_parquet(path)
    return chosen


def in_a_rule(system: System) -> str:
    rows = alerts(system, "rules", "subject_kind")
    named = next(row for row in rows if row["subject_kind"] == "tender")
    rule = named["rules"][0]
    with writing(system.engine) as connection:
        connection.exec_driver_sql("DROP TRIGGER rule_version_no_update")
        connection.execute(
            sa.text("UPDATE rule_version SET text = replace(text, :a, :b) WHERE rule_id = :id"),
            {"a": "severity: ", "b": "severity: 5 # ", "id": rule["id"]},
        )
    return str(named["id"])


def in_a_filing(system: System) -> str:
    for path in (system.home / "lake" / "breach_notifications").glob("*.parquet"):
        rows = pl.read_parquet(path)
        later = pl.col("notified_at").dt.offset_by("9d")
        rows.with_columns(later.cast(rows.schema["notified_at"])).write_parquet(path)
    return one_of_each(system)["incident"]


def in_the_manifest(system: System) -> str:
    for path in (system.home / "results").glob("*/manifest.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "as_of": "2026-01-01"}))
    return one_of_each(system)["incident"]


def in_the_parameters(system: System) -> str:
    for path in (system.home / "results").glob("*/replay/pins.json"):
        path.write_text(path.read_text().replace("72", "71"))
    return one_of_each(system)["incident"]


@pytest.mark.parametrize(
    ("tamper", "cause", "field"),
    [
        (in_the_alert, "record_changed", "suspicion"),
        (in_the_results, "results_changed", "results.incident.row.strength"),
        (in_a_rule, "rule_changed", "severity"),
        (in_a_filing, "filings_changed", "facts[priv-breach-late breach_overdue_h].value"),
        (in_the_manifest, "pins_changed", "pins_changed"),
        (in_the_parameters, "pins_changed", "pins_changed"),
    ],
)
def test_a_changed_past_is_told_with_its_cause(
    market: Path, tmp_path: Path, tamper: Callable[[System], str], cause: str, field: str
) -> None:
    system = copied(market, tmp_path)
    found = replay(system, tamper(system), as_known_now=False)
    assert found.outcome == "differs"
    assert codes(found) == [cause], found.differences
    assert field in fields(found), fields(found)


def test_a_replay_writes_its_own_record_and_nothing_else(market: Path, tmp_path: Path) -> None:
    system = copied(market, tmp_path)
    chosen = one_of_each(system)["incident"]

    def everything() -> list[list[tuple[object, ...]]]:
        with reading(system.engine) as connection:
            tables = (alert_table, alert_event)
            return [[tuple(r) for r in connection.execute(sa.select(t))] for t in tables]

    stood = everything()
    files = {p: p.stat().st_mtime_ns for p in system.home.rglob("*.parquet")}
    with pytest.raises(WardenError, match="Nobody is named"):
        replay_and_keep(system, chosen, " ")
    told = replay_and_keep(system, chosen, "Ann")
    with reading(system.engine) as connection:
        assert last_replay(connection, chosen) == told
        assert last_replay(connection, "A-OTHER") is None
        assert connection.scalar(sa.select(sa.func.count()).select_from(alert_replay)) == 1
        query = sa.select(audit_entry).order_by(audit_entry.c.seq.desc()).limit(1)
        entry = connection.execute(query).mappings().one()
    assert (entry["action"], entry["key"]) == ("alert.replayed", chosen)
    assert told["outcome"] == "identical" and told["as_known_now"]["same_filings"]
    assert everything() == stood
    assert {p: p.stat().st_mtime_ns for p in system.home.rglob("*.parquet")} == files


def test_interface_and_page_replay_and_tell_the_last_result(market: Path, tmp_path: Path) -> None:
    system = copied(market, tmp_path)
    door = TestClient(create_app(system, hosts=None), headers=enroll(system, "Ann"))
    chosen = in_the_alert(system)
    address, page = f"/api/v1/alerts/{chosen}/replay", f"/alerts/{chosen}/replay"
    assert door.get(address).json()["code"] == "not_replayed"
    assert "has not been replayed" in door.get(page).text
    told = door.post(address)
    assert told.status_code == 200, told.text
    assert told.json()["actor"] == "Ann"
    assert {"field": "severity", "recorded": 5, "replayed": 3} in told.json()["differences"]
    assert door.get(address).json() == told.json()
    assert door.post("/api/v1/alerts/A-NOBODY/replay").status_code == 404
    for lang, words in (
        (
            "en",
            ("does not come out the same", "changed in the database", "0.123", "corrected since"),
        ),
        ("zh", ("结果不一致", "数据库中的记录曾被改动", "0.123", "此后无新申报")),
    ):
        shown = door.get(f"{page}?lang={lang}").text
        assert all(word in shown for word in words), lang

    with writing(system.engine) as connection:
        connection.execute(sa.update(alert_table).values(blind=True))
    done = door.post(page)
    assert (done.status_code, done.url.path) == (200, page)
    blind = door.get(address).json()
    assert blind["outcome"] == "differs", "a blind alert tells the outcome"
    assert (blind["differences"], blind["as_known_now"], blind["blind"]) == ([], None, True)
    assert "0.123" not in door.get(page).text


def test_the_command_ends_with_4_when_a_figure_differs(market: Path, tmp_path: Path) -> None:
    system = copied(market, tmp_path)
    chosen = one_of_each(system)["incident"]
    asked = ["--home", str(system.home), "replay", chosen, "--actor", "Ann"]
    done = CliRunner().invoke(app, asked)
    assert (done.exit_code, done.stdout.split(" (")[0]) == (0, f"{chosen}: identical")
    in_a_filing(system)
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 4
    assert "likely: The filings kept under this snapshot" in done.stdout
    assert "suspicion: " in done.stdout


def test_an_alert_of_a_run_that_kept_nothing_says_so(market: Path, tmp_path: Path) -> None:
    system = copied(market, tmp_path)
    shutil.rmtree(system.home / "results")
    with writing(system.engine) as connection:
        connection.execute(sa.text("UPDATE run SET outputs_hash = NULL"))
    with pytest.raises(WardenError) as refused:
        replay(system, one_of_each(system)["firm"])
    assert refused.value.code == "not_pinned"
