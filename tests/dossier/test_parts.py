"""Each part of a dossier against what was filed by hand."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from detector.database import reading
from detector.dossier import whole
from detector.dossier.alerts import alerts_about
from detector.dossier.filings import filed_rows, filings
from detector.dossier.identity import identity, markets
from detector.dossier.parties import ORGANISATIONS, THINGS
from detector.dossier.subject import Subject, find_subject
from detector.results import Results
from detector.system import System
from features.contracts import CONTRACTS
from features.errors import WardenError
from tests.detector.homes import FIRST, LATER

TODAY = date(2026, 6, 1)


@pytest.fixture(scope="session")
def firm(filed: System) -> Subject:
    return find_subject(filed, "R1")


def test_every_column_of_ids_is_known_to_name_an_organisation_or_not() -> None:
    named = {c.name for t in CONTRACTS.values() for c in t.columns if c.unit == "id"}
    assert named == ORGANISATIONS | THINGS
    assert not ORGANISATIONS & THINGS


def test_only_an_id_that_stands_in_a_filing_has_a_dossier(filed: System) -> None:
    for known in ("R1", "HOLD", "OTHER", "BUYER", "PLAT", "TOP", "shop-1"):
        assert find_subject(filed, known).firm_id == known
    for unknown in ("R", "r1", "T000", "M1", "app-1", "G9", ""):
        with pytest.raises(WardenError) as refused:
            find_subject(filed, unknown)
        assert refused.value.code == "firm_not_found"


def test_what_belongs_to_a_firm_is_found_by_its_kind(firm: Subject) -> None:
    assert firm.own == {"R1", "shop-1"}
    assert firm.ids["app"] == {"app-1"}
    assert len(firm.ids["tender"]) == 20


def test_firms_judged_as_one_show_what_is_said_of_their_group(filed: System, firm: Subject) -> None:
    sister, group = find_subject(filed, "SIS"), find_subject(filed, "G1")
    assert firm.group == sister.group == group.group == "G1"
    assert group.own == {"R1", "SIS", "shop-1"}
    for one in (firm, sister, group):
        assert "market_firm_y" in {g["grain"] for g in whole.timeline(filed, one)["grains"]}
    assert find_subject(filed, "R2").group is None


def test_subject_keys_are_read_by_their_parts() -> None:
    subject = Subject("A", {"firm": frozenset("A"), "tender": frozenset(("T", "B/1"))}, None)  # type: ignore[arg-type]

    def of(grain: str, *keys: str) -> list[str]:
        frame = pl.DataFrame({"subject_key": keys})
        return frame.filter(subject.about(grain))["subject_key"].to_list()

    assert of("firm_y", "A", "AB", "A/B") == ["A"]
    assert of("pair_y", "A|B", "B|A", "AB|C") == ["A|B", "B|A"]
    assert of("pair_tender", "A|B/T9", "B|C/A") == ["A|B/T9"]
    assert of("market_firm_y", "A/B", "M/A", "M/AB") == ["M/A"]
    assert of("tender", "T", "T/1", "B/1", "A") == ["T", "B/1"]
    assert of("app_v", "A") == []


def test_names_group_owners_and_shops_are_those_filed(filed: System, firm: Subject) -> None:
    told = identity(filed.lake, firm, TODAY)
    assert (told["name"], told["name_zh"]) == ("Dunmere Roads", "顿梅路面")
    names = {alias["name"]: alias["kind"] for alias in told["aliases"]}
    assert names == {"Ｄｕｎｍｅｒｅ Paving": "earlier_name", "shop-1": "shop"}
    assert [m["firm_id"] for m in told["group"]["others"]] == ["SIS"]
    stakes = [(s["owner_id"], s["current"]) for s in told["owners"]["stakes"]]
    assert stakes == [("HOLD", True), ("OLD", False)]
    assert [s["owned_id"] for s in told["owned"]["stakes"]] == ["SUB"]
    assert told["ultimate_owner"] == {"firm_id": "TOP", "steps": 2}


def test_owners_in_a_circle_have_no_last_one(filed: System) -> None:
    from detector.dossier.identity import _ultimate

    rows = pl.LazyFrame({"owned_id": ["A", "B"], "owner_id": ["B", "A"], "pct": [60.0, 60.0]})
    assert _ultimate(rows, "A") is None


def test_shares_are_as_filed_or_computed_and_say_which(filed: System, firm: Subject) -> None:
    (market,) = markets(filed.lake, firm)
    first, second = market["points"]
    assert (first["share"], first["basis"], first["value"]) == (0.4, "filed", 40.0)
    assert (second["basis"], second["value"], second["firms"]) == ("sizes", 44.0, 3)
    assert second["share"] == pytest.approx(44 / 104)
    assert second["period_end"] == date(2025, 6, 30)


def test_filings_are_counted_with_their_amendments(filed: System, firm: Subject) -> None:
    told = {row["table"]: row for row in filings(filed.lake, firm)}
    assert (told["bids"]["rows"], told["bids"]["roles"]) == (20, {"bidder_id": 20})
    assert (told["firms"]["versions"], told["firms"]["amended"]) == (2, 1)
    assert told["market_positions"]["first_happened"] == "2025-Q1"
    assert told["firms"]["first_learned"] == FIRST
    assert told["firms"]["last_learned"] == LATER
    assert told["data_declarations"]["roles"] == {"app_id": 3}
    assert told["invoices"]["last_happened"] == "2025-03-01"
    assert "transactions" not in told


def test_a_row_shows_every_version_with_both_times(filed: System, firm: Subject) -> None:
    (row,), more = filed_rows(filed.lake, filed.engine, firm, "market_positions", amended=True)
    assert not more
    assert row["key"]["period"] == "2025-Q2"
    before, after = row["versions"]
    assert (before["learned"], before["happened"]) == (FIRST, "2025-Q2")
    assert (before["values"]["value"], after["values"]["value"]) == (40.0, 44.0)
    assert (before["changed"], after["changed"]) == ([], ["value"])
    assert before["line"] == 5
    assert after["files"][0].endswith(".csv")


def test_pages_of_rows_meet_without_gap_or_overlap(filed: System, firm: Subject) -> None:
    whole_page, _ = filed_rows(filed.lake, filed.engine, firm, "bids", limit=200)
    parts = [
        row["key"]
        for start in range(0, 20, 6)
        for row in filed_rows(filed.lake, filed.engine, firm, "bids", limit=6, offset=start)[0]
    ]
    assert parts == [row["key"] for row in whole_page]
    assert len(parts) == 20


def test_persons_stay_keyed_hashes(filed: System, firm: Subject) -> None:
    ((row,), _) = filed_rows(filed.lake, filed.engine, firm, "officers")
    kept = row["versions"][0]["values"]["person_hash"]
    assert len(kept) == 32
    assert "Ann" not in str(row)


def test_a_table_about_no_firm_is_refused(filed: System, firm: Subject) -> None:
    for table, code in (("markets", "table_names_no_firm"), ("nonsense", "unknown_table")):
        with pytest.raises(WardenError) as refused:
            filed_rows(filed.lake, filed.engine, firm, table)
        assert refused.value.code == code


def test_coverage_is_the_outcomes_in_force_and_the_rest_not_run(
    filed: System, firm: Subject
) -> None:
    manifest = whole.manifest_now(filed)
    assert manifest is not None
    stored = Results(filed.home).outcomes(manifest).filter(~pl.col("shadow")).collect()
    mine = stored.filter(pl.col("subject_key").is_in(sorted(firm.ids["tender"])))
    told = whole.coverage_map(filed, firm, periods=120)["maps"]
    cells = {
        (rule["rule_id"], start): cell
        for one in told
        for rule in one["rules"]
        for start, cell in zip(one["columns"], rule["cells"], strict=True)
    }
    tender_rules = mine.group_by("rule_id", "period_start", "outcome").len()
    assert tender_rules.height > 0
    for rule, start, outcome, n in tender_rules.iter_rows():
        assert cells[rule, start]["subjects"][outcome] == n
    fired = mine.filter(pl.col("outcome") == "fired").select("rule_id", "period_start").rows()
    assert fired
    assert all(cells[place]["outcome"] == "fired" for place in fired)
    never = [rule for one in told for rule in one["rules"] if rule["rule_id"] == "priv-audit-late"]
    assert never[0]["why_not"] == "no filings: compliance_events"
    for one in told:
        n = len(one["columns"]) * len(one["rules"])
        assert sum(one["totals"].values()) == n


def test_measures_stand_beside_peers_without_the_own_group(filed: System, firm: Subject) -> None:
    told = whole.timeline(filed, firm)
    series = {one["feature"]: one for g in told["grains"] for one in g["series"]}
    share = series["market_share"]
    assert [p["value"] for p in share["points"]] == pytest.approx([40.0, 100 * 44 / 104])
    assert [p["peers"] for p in share["points"]] == [2, 2]
    assert all(p["band"] is None and p["band_reason"] == "too_few" for p in share["points"])
    kinds = {event["kind"] for event in told["events"]}
    assert {"owner_from", "owner_to", "holding_from", "amended"} <= kinds


def test_tenders_of_a_month_are_gathered_beside_those_of_others(
    filed: System, firm: Subject
) -> None:
    manifest = whole.manifest_now(filed)
    assert manifest is not None
    stored = Results(filed.home).features(manifest, "tender")
    assert stored is not None
    (told,) = [g for g in whole.timeline(filed, firm)["grains"] if g["grain"] == "tender"]
    assert told["gathered"]
    (series,) = [one for one in told["series"] if one["feature"] == "bid_cv"]
    mine = pl.col("subject_key").is_in(sorted(firm.ids["tender"]))
    for point in series["points"]:
        month = stored.filter(pl.col("period_start") == point["period_start"])
        own = month.filter(mine)["bid_cv"].drop_nulls()
        assert point["value"] == pytest.approx(own.median())
        assert point["n"] == own.len() > 0
        assert point["peers"] == month.filter(~mine)["bid_cv"].drop_nulls().len()
    assert sum(point["n"] for point in series["points"]) == 20


def test_alerts_about_the_firm_and_its_own_are_all_found(filed: System, firm: Subject) -> None:
    from alerts.inbox import QueueFilter, queue

    with reading(filed.engine) as connection:
        told = alerts_about(connection, firm)
        every = queue(connection, QueueFilter(), limit=200).alerts
    wanted = {
        a.id
        for a in every
        if a.signal.subject_key in firm.ids["tender"]
        or {"R1", "G1"} & set(a.signal.subject_key.replace("/", "|").split("|"))
    }
    assert wanted
    assert {item["id"] for item in told["items"]} == wanted
    assert told["n"] == len(wanted)


def test_a_firm_nobody_judged_says_so_part_by_part(filed: System) -> None:
    buyer = find_subject(filed, "BUYER")
    told = whole.dossier(filed, buyer)
    assert told["markets"] == {"items": [], "reason": "no_filings"}
    assert told["alerts"]["reason"] == "no_alerts"
    assert told["firm"]["name"] is None
    assert [row["table"] for row in told["filings"]["items"]] == ["invoices"]
    assert whole.timeline(filed, buyer)["reason"] == "no_features"
    assert whole.peers_of(filed, buyer)["reason"] == "no_features"
    figures = {f["figure"]: f["value"] for f in told["figures"]}
    assert figures["rows_filed"] == 3
    assert figures["best_share"] is None
