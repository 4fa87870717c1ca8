"""The network and the similar firms against links counted by hand."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import pytest

from detector.dossier import whole
from detector.dossier.links import KINDS
from detector.dossier.network import network
from detector.dossier.subject import find_subject
from detector.system import System
from features.errors import WardenError
from tests.detector.homes import RING


def edges(told: dict[str, object], kind: str) -> dict[tuple[str, str], dict[str, object]]:
    return {(e["a"], e["b"]): e for e in told["edges"] if e["kind"] == kind}  # type: ignore[index,attr-defined]


def test_links_are_those_filed_with_weight_and_direction(filed: System) -> None:
    told = network(filed, find_subject(filed, "R1"))
    met = edges(told, "co_bids")
    assert {pair: met[pair]["weight"] for pair in combinations(RING, 2)} == dict.fromkeys(
        combinations(RING, 2), 20.0
    )
    owned = edges(told, "owns")
    assert set(owned) == {("HOLD", "R1"), ("TOP", "HOLD"), ("R1", "SUB"), ("OLD", "R1")}
    assert (owned["HOLD", "R1"]["weight"], owned["OLD", "R1"]["until"]) == (
        80.0,
        date(2018, 12, 31),
    )
    (sale,) = edges(told, "sells_to").values()
    assert (sale["a"], sale["b"], sale["weight"], sale["unit"]) == ("R1", "BUYER", 300.0, "EUR")
    assert (sale["since"], sale["until"]) == (date(2025, 1, 1), date(2025, 3, 1))
    assert edges(told, "shared_recipients")["OTHER", "R1"]["weight"] == 2.0
    assert edges(told, "shared_officers")["R1", "R5"]["weight"] == 1.0
    assert edges(told, "same_group")["R1", "SIS"]["detail"] == "G1"
    steps = {node["firm_id"]: node["step"] for node in told["nodes"]}
    assert (steps["R1"], steps["HOLD"], steps["TOP"]) == (0, 1, 2)
    assert told["kinds"].keys() <= KINDS.keys()


def test_every_link_of_the_first_two_steps_is_there_when_nothing_is_capped(filed: System) -> None:
    told = network(filed, find_subject(filed, "H00"), nodes=400)
    bids = filed.lake.scan(filed.lake.pin(), "bids").select("tender_id", "bidder_id").collect()
    meets: dict[str, set[str]] = {}
    for _, rows in bids.group_by("tender_id"):
        for one in rows["bidder_id"]:
            meets.setdefault(one, set()).update(set(rows["bidder_id"]) - {one})
    first = meets["H00"]
    second = set().union(*(meets[one] for one in first)) - first - {"H00"}
    steps = {node["firm_id"]: node["step"] for node in told["nodes"]}
    assert {f for f, step in steps.items() if step == 1} == first
    assert {f for f, step in steps.items() if step == 2} == second
    assert told["found"] == [len(first), len(second)]


def test_a_cap_keeps_the_heaviest_links_and_says_so(filed: System) -> None:
    told = network(filed, find_subject(filed, "R1"), nodes=10)
    assert told["cap"] == 10
    assert 4 <= told["shown"] <= 10
    assert len(told["nodes"]) == told["shown"] + 2  # the firm and its shop
    assert sum(told["found"]) > 10
    ends = {e["a"] for e in told["edges"]} | {e["b"] for e in told["edges"]}
    assert ends <= {node["firm_id"] for node in told["nodes"]}
    # four of each kind come first, so no kind is crowded out by another
    assert {"owns", "co_bids", "sells_to", "same_group"} <= told["kinds"].keys()


def test_a_firm_without_links_says_so(filed: System) -> None:
    told = whole.network_of(filed, find_subject(filed, "PLAT"))
    assert (told["edges"], told["reason"], told["shown"]) == ([], "no_links", 0)


def test_similar_firms_are_of_the_kind_and_never_of_the_group(filed: System) -> None:
    told = whole.peers_of(filed, find_subject(filed, "H05"))["similar"]
    assert told["level"] == "sector=works; country=DE"
    figures = {f["feature"]: f["value"] for f in told["features"] if f["value"] is not None}
    bids = filed.lake.scan(filed.lake.pin(), "bids").collect()["bidder_id"]
    assert told["candidates"] == len({b for b in bids if b[0] == "H"} - {"H05"})
    assert 10 ** figures["tenders_log"] == pytest.approx(bids.to_list().count("H05"))
    assert [p["distance"] for p in told["peers"]] == sorted(p["distance"] for p in told["peers"])
    assert len(told["peers"]) == 10
    ring = whole.peers_of(filed, find_subject(filed, "R1"))["similar"]
    assert not {"R1", "SIS"} & {p["firm_id"] for p in ring["peers"]}


def test_similar_firms_by_the_features_of_a_suspicion(filed: System) -> None:
    firm = find_subject(filed, "R1")
    told = whole.peers_of(filed, firm, "MON-DOMINANCE-CN")["similar"]
    assert {p["firm_id"] for p in told["peers"]} == {"H00", "H01"}
    assert whole.peers_of(filed, firm, "PRIV-BREACH-LATE")["reason"] == "no_features"
    with pytest.raises(WardenError, match="no typology"):
        whole.peers_of(filed, firm, "NONSENSE")
