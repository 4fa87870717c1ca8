"""A filing with ten bad rows: handed in, looked at, taken in, corrected in the page and by file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from detector.database import reading
from detector.filings import batches

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, OpenPage

pytestmark = pytest.mark.browser

BAD_AMOUNTS, BAD_CURRENCIES, ROWS = 4, 6, 60


def filing(folder: Path) -> Path:
    """Sixty bids of which ten are wrong, with a column in 万 and one nobody knows."""
    lines = ["Tender ID,bidder_id,报价_万,currency,memo"]
    for n in range(ROWS):
        amount = "1O4" if n < BAD_AMOUNTS else f"{n + 1}.5"
        currency = "RMB1" if BAD_AMOUNTS <= n < BAD_AMOUNTS + BAD_CURRENCIES else "CNY"
        lines.append(f"UP-{n},B-{n % 7},{amount},{currency},m")
    path = folder / "bids_east.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def counts(row: Any) -> list[int]:
    """The five numbers of a balance."""
    return [
        int(text.split()[0].replace(",", "")) for text in row.locator("td.num").all_inner_texts()
    ]


def test_ten_bad_rows_are_corrected_and_every_batch_balances(
    desk: Desk, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page("/tables", role="administrator")
    page.locator("input[type=file]").set_input_files(filing(tmp_path))
    page.get_by_role("button", name="Look at the file").click()
    # the column in 万 is found by hand, its unit told
    page.locator("select[name='to.2']").select_option("amount")
    page.get_by_role("button", name="Save mapping").click()
    page.get_by_text("the name says × 10,000; not converted").wait_for()
    page.locator("input[name='unit.2']").fill("10000")
    page.get_by_role("button", name="Save mapping").click()
    page.get_by_text("10 of 60 rows would be quarantined").wait_for()
    page.get_by_text("reported, not stored").wait_for()
    page.get_by_role("button", name="Take in 60 rows").click()
    page.wait_for_url("**/tables/bids?batch=*")
    assert counts(page.locator("tr.new")) == [60, 50, 0, 0, 10]
    page.get_by_role("link", name="Correct 10 quarantined rows").click()

    fields = page.locator("input.fix")
    assert fields.count() == 10
    for n in range(BAD_AMOUNTS):
        fields.nth(n).fill("104")
    page.get_by_role("button", name="Retry corrected rows: 4").click()
    page.get_by_text("4 rows sent again, 4 taken in.").wait_for()
    assert page.locator("input.fix").count() == BAD_CURRENCIES

    with page.expect_download() as told:
        page.get_by_role("link", name="Download 6 rejected rows").click()
    text = Path(told.value.path()).read_text("utf-8-sig")
    fixed = tmp_path / "fixed.csv"
    # five are corrected, the sixth is handed in as it was
    fixed.write_text(text.replace("RMB1", "CNY", 10).replace("CNY", "RMB1", 1), "utf-8")
    page.locator("input[type=file]").set_input_files(fixed)
    page.get_by_role("button", name="Upload corrected file").click()
    page.get_by_text("rows sent again").wait_for()
    kept = desk_batches(desk)
    assert all(one.balances for one in kept)
    assert [(one.read, one.accepted) for one in kept[1:]] == [(4, 4), (60, 50)]
    assert kept[0].read == kept[0].accepted + kept[0].quarantined
    amounts = desk.system.lake.scan(desk.system.lake.pin(), "bids").collect()
    mine = dict(amounts.select("tender_id", "amount").filter(
        amounts["tender_id"].str.starts_with("UP-")).iter_rows())  # fmt: skip
    assert mine["UP-0"] == 1_040_000
    assert mine["UP-59"] == 605_000


def desk_batches(desk: Desk) -> list[Any]:
    """The three batches of this filing, the newest first."""
    with reading(desk.system.engine) as connection:
        return batches(connection, "bids", limit=3)
