"""Saved searches: only what is new is told, to its owner alone, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from alerts.audit_tables import audit_entry
from alerts.pipeline import process
from detector import saved_searches as kept
from detector.database import reading, writing
from detector.firm_index import keep_index
from detector.lake import Lake
from detector.settings import Settings
from detector.system import System, create_home
from features.errors import WardenError
from tests.api.market import RUN, cover_bids, late_breach
from tests.detector.homes import LATER, NOW, file
from tests.dossier.filed import register


@pytest.fixture
def system(engine: Engine, tmp_path: Path) -> System:
    """Firms filed and indexed, one alert raised, on either database."""
    home = tmp_path / "home"
    create_home(home)
    system = System(Settings(), home, engine, Lake(home, engine), lambda: NOW)
    file(system, tmp_path / "filings", "firms", register())
    keep_index(system)
    with writing(engine) as connection:
        process(connection, [cover_bids(0)], run_id=RUN, now=NOW - timedelta(days=1))
    return system


def at(system: System, moment: datetime) -> System:
    """The same installation later."""
    return replace(system, clock=lambda: moment)


def hits(system: System, owner: str = "ann") -> list[str]:
    with reading(system.engine) as connection:
        return [hit["key"] for hit in kept.hits_of(connection, owner)]


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(WardenError) as error:
        act()
    return error.value.code


def test_a_firm_filed_later_is_a_hit_until_it_was_seen(system: System, tmp_path: Path) -> None:
    saved = kept.save_search(system, "ann", "German", "firms", {"text": "honest", "country": "DE"})
    assert kept.run_searches(system) == {"searches": 1, "hits": 0}
    new = [{"firm_id": "H99", "name": "Honest H99", "country": "DE"}]
    file(system, tmp_path / "filings", "firms", new, LATER)
    keep_index(system)
    later = at(system, NOW + timedelta(hours=1))
    assert [kept.run_searches(later)["hits"] for _ in range(2)] == [1, 0]
    assert hits(system) == ["H99"]
    with reading(system.engine) as connection:
        assert kept.get_search(connection, "ann", saved["id"])["new_hits"] == 1
    assert kept.mark_seen(later, "ann", saved["id"]) == 1
    assert (hits(system), kept.mark_seen(later, "ann", saved["id"])) == ([], 0)


def test_an_alert_opened_later_is_a_hit_and_one_before_is_not(system: System) -> None:
    kept.save_search(system, "ann", "bids", "alerts", {"typologies": ["MON-BID-DISTANCE"]})
    later = NOW + timedelta(hours=2)
    with writing(system.engine) as connection:
        process(connection, [cover_bids(1), late_breach(0)], run_id=RUN, now=later)
        rows = connection.execute(sa.text("SELECT subject_key, id FROM alert")).all()
        told = {key: alert_id for key, alert_id in rows}  # noqa: C416
    assert kept.run_searches(at(system, later))["hits"] == 1
    assert hits(system) == [told["F-0102"]]


def test_a_search_is_its_owners_alone(system: System) -> None:
    saved = kept.save_search(system, "ann", "x", "firms", {"text": "honest"})
    with reading(system.engine) as connection:
        assert kept.searches_of(connection, "bob") == []
        asked = (
            lambda: kept.get_search(connection, "bob", saved["id"]),
            lambda: kept.hits_of(connection, "bob", saved["id"]),
        )
        assert [refused(act) for act in asked] == ["search_not_found"] * 2
    acts = (
        lambda: kept.change_search(system, "bob", saved["id"], 1, name="y"),
        lambda: kept.drop_search(system, "bob", saved["id"], 1),
        lambda: kept.mark_seen(system, "bob", saved["id"]),
    )
    assert [refused(act) for act in acts] == ["search_not_found"] * 3


def test_a_change_names_the_version_it_was_made_on(system: System) -> None:
    saved = kept.save_search(system, "ann", "x", "firms", {"text": "honest"})
    stopped = kept.change_search(system, "ann", saved["id"], 1, enabled=False)
    assert (stopped["version"], stopped["name"], stopped["enabled"]) == (2, "x", False)
    assert kept.run_searches(system)["searches"] == 0
    assert refused(lambda: kept.drop_search(system, "ann", saved["id"], 1)) == "stale_version"
    kept.drop_search(system, "ann", saved["id"], 2)
    with reading(system.engine) as connection:
        assert kept.searches_of(connection, "ann") == []
        actions = connection.scalars(sa.select(audit_entry.c.action).order_by(audit_entry.c.seq))
        acts = [action for action in actions if action.startswith("search.")]
    assert acts == ["search.saved", "search.changed", "search.dropped"]


def test_searches_nobody_could_follow_are_refused(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(about: kept.About, **query: object) -> str:
        return refused(lambda: kept.save_search(system, "ann", "x", about, query))

    assert save("firms") == save("alerts") == "empty_search"
    assert save("firms", colour="red") == save("alerts", min_suspicion=0.9) == "bad_search"
    wrong = ({"text": 5}, {"text": ["a"]}, {"country": {"a": 1}}, {"text": "x" * 5_000})
    assert {save("firms", **query) for query in wrong} == {"bad_search"}
    wrong = ({"states": "open"}, {"severities": [10**30]}, {"typologies": [None]}, {"text": True})
    assert {save("alerts", **query) for query in wrong} == {"bad_search"}
    assert save("firms", text="a\0b") == "bad_search"
    monkeypatch.setattr(kept, "BROADEST", 5)
    assert save("firms", text="honest") == "broad_search"
    monkeypatch.setattr(kept, "MOST", 0)
    assert save("firms", text="dunmere") == "too_many_searches"
    with reading(system.engine) as connection:
        assert kept.searches_of(connection, "ann") == []
