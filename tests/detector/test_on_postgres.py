"""The same job with its state in PostgreSQL: same results, same alerts, twice the same."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from detector.extracts import extract
from detector.replay_records import replay_and_keep
from detector.run import run_detection
from tests.detector.homes import small_market

OF_THE_RUN = ("run_id",)


@pytest.mark.postgres
def test_state_in_postgresql_gives_what_sqlite_gives(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    light = small_market(tmp_path / "light")
    run_detection(light)
    monkeypatch.setenv("WARDEN_DATABASE_URL", postgres_url)
    heavy = small_market(tmp_path / "heavy")
    assert heavy.engine.dialect.name == "postgresql"
    assert not (heavy.home / "warden.db").exists()
    run_detection(heavy)
    for kind in ("scores", "outcomes", "features:tender"):
        assert extract(light, kind).equals(extract(heavy, kind))

    def alerts(system: object) -> pl.DataFrame:
        return extract(system, "alerts").drop(OF_THE_RUN).sort("id")  # type: ignore[arg-type]

    assert alerts(light).equals(alerts(heavy))
    before = extract(heavy, "alerts")
    assert replay_and_keep(heavy, before["id"][0], "Ann")["outcome"] == "identical"
    assert run_detection(heavy).counts["judged"] == 0
    assert extract(heavy, "alerts").equals(before)
