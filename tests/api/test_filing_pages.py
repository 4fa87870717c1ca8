"""Filings over the door: sizes, what is refused, what a page shows of hostile text."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from starlette.testclient import TestClient

from detector import uploads
from detector.expected import missing_filings
from detector.system import System
from tests.api.conftest import client_of
from tests.api.data_changes import FILE

PAGE = {"Accept": "text/html"}
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def small(system: System) -> System:
    settings = system.settings.model_copy(update={"upload_bytes": 200_000})
    return replace(system, settings=settings)


@pytest.fixture
def door(small: System) -> TestClient:
    return client_of(small, actor="Ann")


def hand_in(door: TestClient, name: str, data: bytes, path: str = "/uploads") -> tuple[int, str]:
    answer = door.post(
        path, files={"file": (name, data)}, data={"table": "bids"}, headers=PAGE,
        follow_redirects=False,
    )  # fmt: skip
    return answer.status_code, answer.headers.get("location", answer.text)


def test_files_are_taken_at_one_address_and_up_to_a_size(door: TestClient, small: System) -> None:
    head = b"tender_id,bidder_id\n"
    assert hand_in(door, "bids.csv", head + b"T,B\n" * 40_000)[0] == 303
    assert hand_in(door, "bids.csv", head + b"T,B\n" * 60_000)[0] == 413
    # larger than any form: refused before the body is read
    assert hand_in(door, "bids.csv", b"x" * 300_000)[0] == 413
    elsewhere = door.post("/sign-out", files={"file": ("a.csv", b"x" * 1_100_000)})
    assert elsewhere.status_code == 413
    assert len(uploads.uploads(small)) == 1


def test_what_is_no_filing_is_refused_with_a_reason(door: TestClient, small: System) -> None:
    for name, data, says in (
        ("bids.xlsx", FILE, "Files of this ending are not read"),
        ("bids.csv", b"\0\1\2", "bids.csv"),
        ("bids.csv.gz", b"no gzip", "bids.csv.gz"),
        ("../../etc/passwd", FILE, "Files of this ending are not read"),
    ):
        status, text = hand_in(door, name, data)
        assert (status, says in text) == (422, True), (name, status)
    assert door.post("/uploads", data={"table": "bids"}, headers=PAGE).status_code == 415
    assert not list((small.home / "uploads").glob("*"))
    answer = door.post("/api/v1/filings?table=bids&name=b.csv", content=b"one,two\n1,2\n")
    assert (answer.status_code, answer.json()["code"]) == (422, "missing_column")
    assert uploads.uploads(small) == []


def test_hostile_text_stays_text_on_every_page_of_a_filing(door: TestClient) -> None:
    data = f'tender_id,bidder_id,amount,"{SCRIPT}"\nT1,B1,{SCRIPT},{SCRIPT}\nT2,B2,5,x\n'.encode()
    status, place = hand_in(door, f"{SCRIPT.replace('/', '')}.csv", data)
    assert status == 303
    assert "&lt;script&gt;" in (page := door.get(place, headers=PAGE).text)
    assert SCRIPT not in page
    taken = door.post(f"{place}/ingest", data={"version": "1"}, headers=PAGE)
    assert (taken.status_code, SCRIPT in taken.text) == (200, False)
    page = door.get("/quarantine", headers=PAGE).text
    assert SCRIPT not in page
    assert 'name="value.0.amount"' in page
    batch = door.get("/api/v1/tables/bids").json()["items"][0]
    parts = ("read", "accepted", "quarantined", "waiting", "filed_by")
    assert [batch[name] for name in parts] == [2, 1, 1, 1, "Ann"]
    row = door.get(f"/api/v1/quarantine?batch={batch['batch_id']}").json()["items"][0]
    assert (row["line"], row["row"]["amount"]) == (2, SCRIPT)
    form = {"row.0": '["nowhere", 2]', "value.0.amount": "7"}
    refused = door.post(f"/quarantine/{batch['batch_id']}/retry", data=form, headers=PAGE)
    assert refused.status_code == 409


def test_a_filing_of_the_calendar_is_missed_until_it_comes(door: TestClient, small: System) -> None:
    calendar = b"operator_id,filing,period_start,period_end,due_on\n"
    calendar += b"OP1,metric_filings,2026-01-01,2026-03-31,2026-04-30\n"
    calendar += b"OP1,metric_filings,2026-04-01,2026-06-30,2030-04-30\n"
    filed = "/api/v1/filings?name=a.csv&table="
    assert door.post(f"{filed}expected_filings", content=calendar).status_code == 201
    today = date(2026, 5, 2)
    (late,) = missing_filings(small.home, small.engine, today)
    assert (late.operator_id, late.late_days, late.filing) == ("OP1", 2, "metric_filings")
    figures = b"operator_id,metric,period_start,period_end,value,vintage\n"
    figures += b"OP1,users,2026-02-01,2026-02-28,5,1\n"
    assert door.post(f"{filed}metric_filings", content=figures).status_code == 201
    assert missing_filings(small.home, small.engine, today) == []
