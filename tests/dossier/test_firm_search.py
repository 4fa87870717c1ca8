"""The search of firms on both databases: what is typed finds what was filed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from alerts.identity import fingerprint
from alerts.jurisdictions import keep
from alerts.limits import Limits
from alerts.pipeline import process
from detector.database import writing
from detector.dossier.access import open_dossier, visit_of
from detector.firm_index import keep_index
from detector.firm_search import FirmFilter, search_firms
from detector.firm_words import folded, folded_column
from detector.lake import Lake
from detector.settings import Settings
from detector.system import System, create_home
from features.errors import WardenError
from tests.api.market import signal
from tests.detector.homes import LATER, NOW, file
from tests.dossier.filed import OWNERS, register
from tests.signed import enroll

FOUND = {
    "R1": "R1", "r1": "R1", "dunmere pav": "R1", "ＤＵＮＭＥＲＥ　paving": "R1",
    "顿梅路": "R1", "梅路": "R1", "路": "R1", "muller": "R2", "STRASSENBAU": None,
    "straße": "R2", "米勒 道路": "R2", "paving dunmere": "R1", "mere holding": "HOLD",
    "T": "TOP", "xyzzy": None, "100%": None, "pav_ng": None, '"': None, "-R": None,
    "\0": None, "honest h0": "H00", "G1": "G1",
}  # fmt: skip
"""What is typed, and the first firm it finds."""


@pytest.fixture
def system(engine: Engine, tmp_path: Path) -> System:
    """Firms and owners filed, on either database; nothing indexed yet."""
    home = tmp_path / "home"
    create_home(home)
    system = System(Settings(), home, engine, Lake(home, engine), lambda: NOW)
    file(system, tmp_path / "filings", "firms", register())
    file(system, tmp_path / "filings", "ownership", OWNERS)
    return system


def ids(system: System, text: str = "", **filters: str) -> list[str]:
    return [i["firm_id"] for i in search_firms(system, FirmFilter(text, **filters))["items"]]


def test_both_foldings_are_one() -> None:
    texts = ["Ｆｕｌｌ", "Müller Straße", "沃洛集市", "İstanbul", "e\u0301a", "ＡＢ－１２"]
    column = pl.DataFrame({"t": texts}).select(folded_column(pl.col("t")))["t"].to_list()
    assert column == [folded(text) for text in texts]


def test_parts_of_names_in_both_languages_and_ids(system: System) -> None:
    keep_index(system)
    first = {typed: next(iter(ids(system, typed)), None) for typed in FOUND}
    assert first == FOUND


def test_filters_narrow_and_nothing_at_all_is_refused(system: System) -> None:
    keep_index(system)
    assert ids(system, group="G1") == ["R1", "SIS"]
    assert ids(system, "honest", country="CN") == []
    assert set(ids(system, role="owner")) == {"HOLD", "TOP", "R1", "OLD"}
    assert ids(system, "dunmere") == ["HOLD", "R1", "G1"]
    assert ids(system, "dunmere", sector="works", country="CN") == ["HOLD", "R1"]
    with pytest.raises(WardenError, match="Nothing is looked for"):
        ids(system)


def test_the_index_follows_the_filings_and_keeps_old_names(system: System, tmp_path: Path) -> None:
    assert not search_firms(system, FirmFilter("R1"))["current"]
    first = keep_index(system)
    assert (first.added, first.changed, keep_index(system).current) == (first.firms, 0, True)
    renamed = [{"firm_id": "R1", "name": "Ostrava Roads", "group_id": "G1"}]
    new = [{"firm_id": "N1", "name": "Newcomer 新来者"}]
    file(system, tmp_path / "filings", "firms", renamed + new, LATER)
    assert not search_firms(system, FirmFilter("R1"))["current"]
    second = keep_index(system)
    # the firm, its group called after it, and the newcomer
    assert (second.added, second.changed, second.removed) == (1, 2, 0)
    assert ids(system, "ostrava")[0] == ids(system, "dunmere paving")[0] == "R1"
    assert ids(system, "新来者") == ["N1"]
    told = search_firms(system, FirmFilter("R1"))
    assert told["current"]
    assert told["indexed_at"] == NOW
    assert "Ｄｕｎｍｅｒｅ Paving" in told["items"][0]["aliases"]


def test_an_index_made_anew_equals_one_kept(system: System, tmp_path: Path) -> None:
    keep_index(system)
    more = [{"firm_id": "R2", "name": "Miller"}, {"firm_id": "N1", "name": "Newcomer"}]
    file(system, tmp_path / "filings", "firms", more, LATER)
    keep_index(system)
    typed = ("miller", "muller", "newcomer", "honest h1", "路", "r")
    kept = [ids(system, text) for text in typed]
    anew = keep_index(replace(system, clock=lambda: NOW + timedelta(days=1)), anew=True)
    assert anew.added == anew.firms
    assert [ids(system, text) for text in typed] == kept
    if system.engine.dialect.name == "sqlite":
        with system.engine.connect() as connection:
            # raises when the texts indexed are not those of the entries
            check = "INSERT INTO firm_text(firm_text, rank) VALUES ('integrity-check', 1)"
            connection.execute(sa.text(check))


def test_who_is_limited_to_a_place_finds_the_firms_of_that_place(
    system: System, tmp_path: Path
) -> None:
    seats = {"SUN": "CN", "MOON": "DE-BY", "STAR": None}
    rows = [{"firm_id": f, "name": f"Lantern {f}", "jurisdiction": p} for f, p in seats.items()]
    file(system, tmp_path / "filings", "firms", rows, LATER)
    keep_index(system)

    def within(*places: str) -> set[str]:
        limits = Limits(None, frozenset(places))
        items = search_firms(system, FirmFilter("lantern"), within=limits)["items"]
        return {item["firm_id"] for item in items}

    assert within("CN") == {"SUN"}
    assert within("EU") == within("DE") == within("DE-BY") == {"MOON"}
    assert within("FR", "D") == set()
    assert ids(system, "lantern") == ["MOON", "STAR", "SUN"]


def test_a_dossier_opens_for_a_seat_within_reach_or_an_alert_of_one_s_own(
    system: System, tmp_path: Path
) -> None:
    seats = {"SUN": "CN", "MOON": "DE", "STAR": None}
    rows = [{"firm_id": f, "name": f"Lantern {f}", "jurisdiction": p} for f, p in seats.items()]
    file(system, tmp_path / "filings", "firms", rows, LATER)
    enroll(system, "Lin", jurisdictions=["CN"])
    enroll(system, "Boss")

    def opens(who: str, firm: str) -> bool:
        try:
            open_dossier(system, firm, visit_of(who, "a look", "C-1"), "dossier")
        except WardenError as error:
            assert error.code == "firm_not_found"
            return False
        return True

    assert [opens("Boss", firm) for firm in seats] == [True, True, True]
    assert [opens("Lin", firm) for firm in seats] == [True, False, False]
    found = signal("MON-BID-CV", ("x", "x"), ("MOON", "Moon", "Moon"))
    mark = fingerprint("MON-BID-CV", "firm", "MOON", found.period_start)
    with writing(system.engine) as connection:
        process(connection, [found], run_id="r", now=NOW)
        keep(connection, {mark: {"DE"}})
    assert not opens("Lin", "MOON")
    with writing(system.engine) as connection:
        keep(connection, {mark: {"DE", "CN"}})
    assert opens("Lin", "MOON")
