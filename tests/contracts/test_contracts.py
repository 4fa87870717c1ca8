"""The contracts are whole and consistent, and `conform` makes any frame a lake frame."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from features.contracts import CONTRACTS, INSTANT, RECORDED_AT, TableContract, conform, contract
from features.errors import WardenError

EXPECTED = {
    "firms",
    "ownership",
    "markets",
    "market_positions",
    "tenders",
    "bids",
    "transactions",
    "listing_prices",
    "apps",
    "data_declarations",
    "observed_flows",
    "data_type_map",
    "breach_notifications",
    "merger_notifications",
    "deal_parties",
    # the rest of section 2 of the catalogue
    "officers",
    "subcontracts",
    "price_probes",
    "users",
    "merchants",
    "merchant_presence",
    "fees",
    "costs",
    "contract_terms",
    "ranking_samples",
    "visibility",
    "statements_of_reasons",
    "api_access",
    "reviews",
    "invoices",
    "fund_flows",
    "subscriptions",
    "permission_scans",
    "sdk_inventory",
    "consent_metrics",
    "dsar_requests",
    "external_leaks",
    "crossborder_transfers",
    "retention_samples",
    "minor_metrics",
    "released_datasets",
    "linkage_metrics",
    "adm_tests",
    "complaints",
    "compliance_events",
    # additions of the interface
    "metric_filings",
    "vendor_declarations",
    # lookup tables the features need
    "firm_years",
    "limits",
    "products",
    "price_benchmarks",
    "cost_indexes",
    "pricing_vendors",
    "market_events",
    "merchant_events",
    "expected_filings",
}
TABLES = pytest.mark.parametrize("table", CONTRACTS.values(), ids=list(CONTRACTS))


def test_every_table_is_there() -> None:
    assert set(CONTRACTS) == EXPECTED


@TABLES
def test_columns_are_described_and_typed(table: TableContract) -> None:
    for column in table.columns:
        assert column.description and column.unit and column.kind
        assert not column.name.startswith("_") and column.name != RECORDED_AT
        assert column.name.endswith("_hash") or not column.person
        assert column.default is None or column.nullable
    names = [c.name for c in table.columns]
    assert "source" in names and table.column("source").nullable
    assert set(table.keys) <= set(names)
    assert set(table.event_time) <= set(names)


@TABLES
def test_every_schema_rule_has_words(table: TableContract) -> None:
    rules = {
        name for name, value in vars(table.schema).items() if type(value).__name__ == "RuleFactory"
    }
    assert rules == set(table.checks)
    for check in table.checks.values():
        assert set(check.columns) <= {c.name for c in table.columns}


def test_only_what_the_interface_requires_is_required() -> None:
    assert contract("tenders").required == ("tender_id",)
    assert contract("bids").required == ("tender_id",)
    assert contract("apps").required == ("app_id",)
    assert contract("data_declarations").required == ("app_id", "data_type")
    assert contract("breach_notifications").required == ("incident_id",)


def test_persons_are_marked() -> None:
    assert set(contract("bids").persons) == {
        "ip_hash",
        "deposit_account_hash",
        "doc_author_hash",
        "contact_hash",
        "project_manager_hash",
    }
    assert set(contract("transactions").persons) == {
        "buyer_hash",
        "seller_hash",
        "device_hash",
        "address_hash",
        "payer_account_hash",
    }
    assert contract("transactions").column("seller_hash").derived_from == "seller_id"


def test_unknown_table_names_the_nearest() -> None:
    with pytest.raises(WardenError, match="`bids`") as caught:
        contract("bidz")
    assert caught.value.code == "unknown_table"


@TABLES
def test_conform_gives_every_column_of_an_empty_frame(table: TableContract) -> None:
    frame = conform(table.name, pl.DataFrame()).collect()
    assert frame.schema == pl.Schema(table.dtypes)
    assert frame.schema[RECORDED_AT] == INSTANT


def test_conform_casts_fills_and_drops() -> None:
    frame = pl.DataFrame(
        {
            "tender_id": [1, 2],
            "amount": [5, None],
            "status": [None, "withdrawn"],
            "submitted_at": ["2024-01-02", "2024-01-02T03:04:05Z"],
            "nonsense": [1, 2],
        }
    )
    out = conform("bids", frame).collect()
    assert "nonsense" not in out.columns
    assert out["tender_id"].to_list() == ["1", "2"]
    assert out["amount"].to_list() == [5.0, None]
    assert out["status"].to_list() == ["valid", "withdrawn"]
    assert out["submitted_at"].to_list() == [
        datetime(2024, 1, 2, tzinfo=UTC),
        datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    ]


def test_conform_takes_dates_and_naive_times_as_utc() -> None:
    frame = pl.DataFrame(
        {
            "tender_id": ["a"],
            "awarded_at": [date(2024, 1, 2)],
            "published_at": [datetime(2024, 1, 1)],
        }
    )
    out = conform("tenders", frame).collect()
    assert out["awarded_at"].item() == datetime(2024, 1, 2, tzinfo=UTC)
    assert out["published_at"].item() == datetime(2024, 1, 1, tzinfo=UTC)
