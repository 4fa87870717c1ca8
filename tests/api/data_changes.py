"""Requests that change something about filings, the quarantine and jobs."""

from __future__ import annotations

import io
from collections.abc import Mapping

import sqlalchemy as sa

from detector import uploads
from detector.database import writing
from detector.ingest.load import load_files
from detector.ledger import plan, run_id_of
from detector.quarantine import rejected_csv, rejected_rows
from detector.tables import run
from tests.api.asking import Ask, Desk, Make, Route

FILE = b"tender_id,bidder_id,amount\nT1,B1,x\nT2,B2,5\n"


def with_file(path: str, name: str, data: bytes, **fields: str) -> Ask:
    """A form with a file."""
    parts = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
             for k, v in fields.items()]  # fmt: skip
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    content = b"".join([*parts, head.encode(), data, b"\r\n--b--\r\n"])
    return Ask(path, content=content, headers={"Content-Type": "multipart/form-data; boundary=b"})


def waiting(desk: Desk) -> str:
    return uploads.receive(desk.system, "bids", "bids.csv", io.BytesIO(FILE), "Ann").id


def hand_in(_desk: Desk) -> Ask:
    return with_file("/uploads", "bids.csv", FILE, table="bids")


def remap(desk: Desk) -> Ask:
    path = f"/uploads/{waiting(desk)}/mapping"
    columns = {"to.0": "tender_id", "to.1": "bidder_id", "to.2": "amount"}
    return Ask(path, form={"version": "1", "table": "bids", "unit.2": "10000"} | columns)


def take_in(desk: Desk) -> Ask:
    return Ask(f"/uploads/{waiting(desk)}/ingest", form={"version": "1"})


def throw_away(desk: Desk) -> Ask:
    return Ask(f"/uploads/{waiting(desk)}/discard", form={})


def quarantined(desk: Desk) -> str:
    system, path = desk.system, desk.system.home.parent / "bids.csv"
    path.write_bytes(FILE)
    return load_files(system.home, system.engine, "bids", [path]).batch_id


def correct(desk: Desk) -> Ask:
    batch_id = quarantined(desk)
    form = {"row.0": '["bids.csv", 2]', "value.0.amount": "7"}
    return Ask(f"/quarantine/{batch_id}/retry", form=form)


def correct_by_file(desk: Desk) -> Ask:
    batch_id = quarantined(desk)
    rows = rejected_rows(desk.system.home, desk.system.engine, batch_id)
    text = "".join(rejected_csv("bids", rows)).replace(",x", ",7")
    return with_file(f"/quarantine/{batch_id}/upload", "c.csv", text.encode())


def run_job(_desk: Desk) -> Ask:
    return Ask("/jobs/detect/run", form={})


def failed(desk: Desk) -> str:
    slot = "2026-11-22T02:30:00Z"
    with writing(desk.system.engine) as connection:
        plan(connection, "detect", slot, now=desk.system.clock())
        connection.execute(sa.update(run).where(run.c.slot == slot).values(state="failed"))
    return run_id_of("detect", slot)


def retry_run(desk: Desk) -> Ask:
    return Ask(f"/jobs/{failed(desk)}/retry", form={"version": "1"})


def file_now(_desk: Desk) -> Ask:
    return Ask("/api/v1/filings?table=bids&name=bids.csv", content=FILE)


def correct_over_http(desk: Desk) -> Ask:
    batch_id = quarantined(desk)
    row = {"source_file": "bids.csv", "line": 2, "values": {"amount": "7"}}
    return Ask(f"/api/v1/quarantine/{batch_id}/retry", {"rows": [row]})


def ask_for_run(_desk: Desk) -> Ask:
    return Ask("/api/v1/runs/detect/ask")


def retry_over_http(desk: Desk) -> Ask:
    path = f"/api/v1/runs/{failed(desk)}"
    return Ask(f"{path}/retry", headers=desk.tag(path))


DATA: Mapping[Route, Make] = {
    ("POST", "/uploads"): hand_in,
    ("POST", "/uploads/{upload_id}/mapping"): remap,
    ("POST", "/uploads/{upload_id}/ingest"): take_in,
    ("POST", "/uploads/{upload_id}/discard"): throw_away,
    ("POST", "/quarantine/{batch_id}/retry"): correct,
    ("POST", "/quarantine/{batch_id}/upload"): correct_by_file,
    ("POST", "/jobs/{job}/run"): run_job,
    ("POST", "/jobs/{run_id}/retry"): retry_run,
    ("POST", "/api/v1/filings"): file_now,
    ("POST", "/api/v1/quarantine/{batch_id}/retry"): correct_over_http,
    ("POST", "/api/v1/runs/{job}/ask"): ask_for_run,
    ("POST", "/api/v1/runs/{run_id}/retry"): retry_over_http,
}
