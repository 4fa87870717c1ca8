"""Names no other table knows are reported and kept; nothing is said where nothing is known."""

from __future__ import annotations

import shutil

from tests.ingest.homes import Home, figures

TENDERS = "tender_id,winner_id\nT1,F1\nT2,F9\n"
BIDS = "tender_id,bidder_id,amount\nT1,F1,10\nT1,F2,11\nT7,F2,12\nT8,F1,13\nT8,F3,14\nT7,,15\n"


def test_unknown_tenders_and_firms_are_counted(home: Home) -> None:
    home.load("tenders", TENDERS, "tenders.csv")
    home.load("firms", "firm_id\nF1\nF2\n", "firms.csv")
    balance = home.load("bids", BIDS, "bids.csv")
    assert figures(balance) == (6, 6, 0, 0, 0)
    assert balance.warnings == (
        "tenders not in `tenders`: 2 (`tender_id`: T7, T8), rows: 4; they are kept",
        "firms not in `firms`: 1 (`bidder_id`: F3), rows: 1; they are kept",
    )


def test_nothing_is_said_against_tables_that_hold_nothing(home: Home) -> None:
    assert home.load("bids", BIDS).warnings == ()


def test_nothing_is_said_when_all_are_known(home: Home) -> None:
    home.load("tenders", "tender_id\nT1\nT7\nT8\n", "tenders.csv")
    home.load("firms", "firm_id\nF1\nF2\nF3\n", "firms.csv")
    assert home.load("bids", BIDS, "bids.csv").warnings == ()


def test_a_name_known_to_either_target_is_known(home: Home) -> None:
    home.load("firms", "firm_id\nF1\n", "firms.csv")
    home.load("apps", "app_id,operator_id\nA1,O1\n", "apps.csv")
    rows = "operator_id,event_type,date\nF1,audit,2024-01-01\nO1,audit,2024-01-01\n"
    assert home.load("compliance_events", rows, "events.csv").warnings == ()
    balance = home.load("compliance_events", "operator_id,event_type,date\nX,audit,2024-01-01\n")
    assert balance.warnings == (
        "operators not in `firms` or `apps`: 1 (`operator_id`: X), rows: 1; they are kept",
    )


def test_words_are_looked_up_with_their_taxonomy_but_for_the_wildcard(home: Home) -> None:
    home.load("apps", "app_id\nA1\n", "apps.csv")
    mapped = "taxonomy,source_type,data_type\nstore,Email,email\n"
    home.load("data_type_map", mapped, "map.csv")
    rows = "app_id,taxonomy,data_type\nA1,store,Email\nA1,store,Phone\nA1,other,Email\nA1,store,*\n"
    balance = home.load("data_declarations", rows, "declared.csv")
    assert balance.warnings == (
        "types of data not in `data_type_map`: 2 "
        "(`taxonomy/data_type`: other/Email, store/Phone), rows: 2; they are kept",
    )


def test_only_a_few_names_are_shown(home: Home) -> None:
    home.load("apps", "app_id\nA1\n", "apps.csv")
    rows = "app_id,sdk_id\n" + "".join(f"X{i},s\n" for i in range(1, 6))
    balance = home.load("sdk_inventory", rows)
    assert balance.warnings == (
        "apps not in `apps`: 5 (`app_id`: X1, X2, X3, ...), rows: 5; they are kept",
    )


def test_quarantined_rows_refer_to_nothing(home: Home) -> None:
    home.load("tenders", "tender_id\nT1\n", "tenders.csv")
    balance = home.load("bids", "tender_id,bidder_id,amount\nT9,F1,much\nT1,F1,5\n", "bids.csv")
    assert figures(balance) == (2, 1, 0, 0, 1)
    assert balance.warnings == ()


def test_another_tables_trouble_does_not_keep_a_batch_out(home: Home) -> None:
    home.load("tenders", "tender_id\nT1\n", "tenders.csv")
    shutil.rmtree(home.path / "lake" / "tenders")
    balance = home.load("bids", "tender_id,bidder_id,amount\nT1,F1,5\n", "bids.csv")
    assert figures(balance) == (1, 1, 0, 0, 0)
    assert balance.warnings == ("tenders could not be looked up in `tenders` (WardenError)",)
