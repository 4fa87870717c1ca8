"""Every golden case of the screens of a whole market of tenders, tables in and features out."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose
from typing import Any

import pytest

from tests.features import tendering as made
from tests.features.filings import compute, read
from tests.golden.cases import agrees, all_have_cases_and_features, golden_cases

Inputs = dict[str, Any]


def _missing(feature: str, i: Inputs) -> Any:
    if feature == "bid_missing_p":
        tables = made.margins(i["count_center"], i["expected"])
    else:
        assert i["count_left"] == i["count_right"]
        tables = made.margins(i["count_center"], i["count_left"])
    return read(compute(tables, "MON-BID-MISSING"), "category_y", feature)


def _rotation(feature: str, i: Inputs) -> Any:
    if "winners" in i:
        tables = made.rounds(i["winners"])
    else:
        values = i["win_value_by_firm"]
        tables = made.rounds(list(values), list(values.values()))
    return read(compute(tables, "MON-BID-ROTATION"), "group_y", feature)


def _cover(feature: str, i: Inputs) -> Any:
    if feature == "cover_ratio_cv":
        done = compute(made.covers(i["bid_over_win"]), "MON-BID-COVER")
        loser = read(done, "firm_y", "cover_ratio_cv_min", "L")
        assert isclose(loser, read(done, "pair_y", feature, "A|L"), rel_tol=1e-12)
        return loser
    assert i["peer_win_rate"] == 0.25  # four rivals share the wins
    tables = made.unlucky(i["bids"], i["wins"], rivals=4)
    return read(compute(tables, "MON-BID-COVER"), "firm_y", feature, "X")


def _cobid(feature: str, i: Inputs) -> Any:
    if feature == "cobid_jaccard":
        tables = made.attendance({"I": i["tenders_i"], "J": i["tenders_j"]})
        return read(compute(tables, "MON-BID-COBID"), "pair_y", feature, "I|J")
    # Jaccard distances 0.2, 0.3 and 0.1 leave one way: B is the union of A and C.
    assert i["internal_edges"] == [0.8, 0.7, 0.9]
    a, b, c = [*range(7), 7], [*range(10)], [*range(7), 8, 9]
    sets = {"A": a, "B": b, "C": c}
    if "external_edges" in i:
        assert i["external_edges"] == [0.1, 0.2]
        sets |= {"D": [0, 7, 8, *range(100, 120)], "E": [7, 8, 9, *range(200, 205)]}
    done = compute(made.attendance(sets), "MON-BID-COBID")
    found = done.frames["pair_y"].frame["cobid_jaccard"].to_list()
    assert sorted(found) == pytest.approx(sorted([0.8, 0.7, 0.9, *i.get("external_edges", [])]))
    return read(done, "group_y", feature, "A|B|C")


def _alloc(feature: str, i: Inputs) -> Any:
    tables = made.shared_out(i["wins_firm_by_region"])
    return read(compute(tables, "MON-BID-ALLOC"), "category_y", feature)


def _single(feature: str, i: Inputs) -> Any:
    assert i["conf"] == 0.95
    tables = made.lonely(i["single"], i["tenders"])
    return read(compute(tables, "MON-BID-SINGLE"), "buyer_y", feature)


def _subcon(feature: str, i: Inputs) -> Any:
    tables = made.passed_on(i["contract_value"], i["subcontracts"], i["losing_bidders"])
    return read(compute(tables, "MON-BID-SUBCON"), "tender", feature)


def _benford(feature: str, i: Inputs) -> Any:
    tables = made.digits(i["first_digit_counts"])
    return read(compute(tables, "MON-BID-BENFORD"), "category_y", feature)


COLUMNS = {"ip": "ip_hash", "deposit_account": "deposit_account_hash", "phone": "contact_hash",
           "doc_author": "doc_author_hash"}  # fmt: skip


def _docsim(feature: str, i: Inputs) -> Any:
    one, two = ({COLUMNS[k]: v for k, v in i[f"bidder_{x}"].items()} for x in "ab")
    done = compute(made.traces(one, two), "MON-BID-DOCSIM")
    return read(done, "pair_tender", feature, "A|B/T00000")


def _reserve(feature: str, i: Inputs) -> Any:
    tables = made.lot(0, {"A": i["winning_bid"]}, "A", reserve_price=float(i["reserve_price"]))
    return read(compute(tables, "MON-BID-RESERVE"), "tender", feature)


ADAPTERS: dict[str, Callable[[str, Inputs], Any]] = {
    "MON-BID-MISSING": _missing,
    "MON-BID-ROTATION": _rotation,
    "MON-BID-COVER": _cover,
    "MON-BID-COBID": _cobid,
    "MON-BID-ALLOC": _alloc,
    "MON-BID-SINGLE": _single,
    "MON-BID-SUBCON": _subcon,
    "MON-BID-BENFORD": _benford,
    "MON-BID-DOCSIM": _docsim,
    "MON-BID-RESERVE": _reserve,
}


def test_every_family_has_its_cases() -> None:
    all_have_cases_and_features(ADAPTERS)
    assert len(golden_cases(ADAPTERS)) == 20


@pytest.mark.parametrize("case", golden_cases(ADAPTERS))
def test_golden_case(case: Inputs) -> None:
    agrees(ADAPTERS[case["typology"]](case["feature"], case["inputs"]), case)
