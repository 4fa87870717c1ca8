"""Whose rules apply: told by who filed it or by the register of firms, never guessed."""

from __future__ import annotations

import pytest

from tests.features.filings import Filing, compute, row

DIALOGUE = {"app_id": "A", "period": "2024-03", "steps_give": 1, "steps_withdraw": 4}
APP = {"app_id": "A", "version": "1", "operator_id": "O"}
FEE = {"platform_id": "P", "merchant_id": "M", "month": "2024-03", "fee_type": "c", "amount": 1.0}
LINK = {"operator_id": "O", "service_a": "s", "service_b": "t", "month": "2024-03"}
SENT = {"operator_id": "O", "date": "2026-05-04", "recipient": "R", "country": "SG",
        "data_type": "name", "persons_new": 10}  # fmt: skip


@pytest.mark.parametrize(
    ("seat", "told"), [("CN", "CN"), ("DE", "EU"), ("EU", "EU"), ("US-CA", "US-CA"), (None, None)]
)
def test_an_app_is_under_the_rules_of_its_operator(seat: str | None, told: str | None) -> None:
    filed = {"consent_metrics": [DIALOGUE], "apps": [APP],
             "firms": [{"firm_id": "O", "jurisdiction": seat}]}  # fmt: skip
    assert row(compute(filed), "app_m")["jurisdiction"] == told


def test_without_a_register_nobody_knows_the_place() -> None:
    assert row(compute({"consent_metrics": [DIALOGUE]}), "app_m")["jurisdiction"] is None


def test_a_platform_and_its_merchants_are_under_the_rules_of_the_platform() -> None:
    done = compute({"fees": [FEE], "firms": [{"firm_id": "P", "jurisdiction": "EU"}]})
    assert row(done, "platform_m")["jurisdiction"] == "EU"
    assert row(done, "merchant_m")["jurisdiction"] == "EU"


@pytest.mark.parametrize(("filed", "told"), [("FR", "EU"), ("GB", "GB"), (None, None)])
def test_a_lot_is_under_the_rules_its_tender_names(filed: str | None, told: str | None) -> None:
    tender = {"tender_id": "T", "awarded_at": "2024-03-01T00:00:00Z", "jurisdiction": filed}
    lots = [tender, {"tender_id": "T", "lot_id": "1", "awarded_at": "2024-03-01T00:00:00Z"}]
    assert row(compute({"tenders": lots}), "tender")["jurisdiction"] == told


@pytest.mark.parametrize(
    ("laws", "told"), [(["US", "CN"], "CN"), (["US", "US"], "US"), ([None, None], "EU")]
)
def test_what_a_transfer_names_goes_before_the_seat(laws: list[str | None], told: str) -> None:
    sent: list[Filing] = [
        SENT | {"recipient": f"R{k}", "jurisdiction": law} for k, law in enumerate(laws)
    ]
    done = compute({"crossborder_transfers": sent,
                    "firms": [{"firm_id": "O", "jurisdiction": "EU"}]})  # fmt: skip
    assert row(done, "operator_d")["jurisdiction"] == told


def test_american_limits_judge_no_transfer_whose_law_nobody_filed() -> None:
    sent = SENT | {"country": "CN", "data_type": "precise_location", "persons_new": 5_000}
    assert row(compute({"crossborder_transfers": [sent]}), "operator_d")[
        "us_bulk_exceeded__reason"
    ] == "not_applicable"  # fmt: skip


@pytest.mark.parametrize("designated", [True, False, None])
def test_a_designation_is_what_the_register_says(designated: bool | None) -> None:
    firms = [{"firm_id": "O", "is_gatekeeper": designated}]
    found = row(compute({"linkage_metrics": [LINK], "firms": firms}), "service_pair_m")
    assert found["is_gatekeeper"] is designated
