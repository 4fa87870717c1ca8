"""Script payloads in every text people and filers can fill: no page runs one, pages show them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from alerts.tables import alert
from detector.database import writing
from tests.browser import hostile
from tests.browser.addresses import PAGES, PARTS
from tests.browser.conftest import say_purpose
from tests.browser.machine_columns import MACHINE
from tests.browser.stocked import stock

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, OpenPage

pytestmark = pytest.mark.browser

UNSEEN = {
    # copies to search by, and what an address or a letter carries
    "alert.search_text", "firm_entry.search_text", "alert_label.label", "queue_view.query",
    "notice_choice.email", "saved_search_hit.title",
    # of what has not happened here: a refused request, a filing sent again
    "approval.note", "quarantine_retry.source_file",
}  # fmt: skip
"""Written columns that no page of this desk shows."""
LOOK = f"""() => ({{
  executed: window.executed,
  text: document.body.textContent + [...document.querySelectorAll('*')].flatMap(
    (one) => [...one.attributes].map((a) => a.value).concat(one.value ?? '')).join(' '),
  live: document.querySelectorAll('img[src=x], svg[onload], [onerror], [onfocus], '
    + '[href^="javascript:" i], script:not([src])').length,
  solved: document.body.textContent.includes('49${{window.{hostile.MARK}'),
}})"""
"""What became of a page: whether a payload ran, and whether one became more than text."""


@pytest.fixture(scope="module")
def places(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Fills the desk; what stands in the addresses of pages."""
    hostile.file_everywhere(desk.system, tmp_path_factory.mktemp("filed"))
    with writing(desk.system.engine) as connection:
        about = alert.c.subject_key == desk.a_firm
        values = {"subject_key": hostile.FIRM}
        connection.execute(sa.update(alert).where(about).values(values))
        named = sa.select(alert.c.id).where(alert.c.subject_key == hostile.FIRM).limit(1)
        worked_on = connection.execute(named).scalar_one()
    turn = count()

    def word(_field: str) -> str:
        return hostile.PAYLOADS[next(turn) % len(hostile.PAYLOADS)]

    filled = stock(desk.system, desk.address, worked_on, hostile.FIRM, word, hostile.WHO)
    hostile.overwrite(desk.system)
    return filled


def test_every_column_of_text_is_somebodys_words_or_the_machines() -> None:
    unsaid, twice = [], []
    for name, table in hostile.TABLES.items():
        lists = [of.get(name, "").split() for of in (hostile.WRITTEN, hostile.BY_DOORS, MACHINE)]
        kinds = (sa.String, sa.JSON, sa.LargeBinary)
        for column in (c.name for c in table.columns if isinstance(c.type, kinds)):
            held = sum(column in one for one in lists)
            if not held and column not in hostile.NAMES:
                unsaid.append(f"{name}.{column}")
            if held > 1:
                twice.append(f"{name}.{column}")
    assert not unsaid
    assert not twice


def test_no_page_runs_what_stands_in_a_text(
    desk: Desk, open_page: OpenPage, places: dict[str, str]
) -> None:
    page = open_page("/help", role=hostile.WHO)
    page.on("dialog", lambda one: faults.append(f"dialog {one.message}"))
    say_purpose(page, places["firm"], purpose=hostile.PAYLOADS[0], case=hostile.PAYLOADS[1][:60])
    faults: list[str] = []
    seen = ""
    for at in [*PAGES, "/people/{who}", "/alerts/{lead}", "/rules/{rule}", *PARTS]:
        path = at.format(**places, who=quote(hostile.WHO, safe=""))
        answer = page.goto(path, wait_until="domcontentloaded")
        status = answer.status if answer else 0
        found = page.evaluate(LOOK)
        if status != (404 if at == "/no-such-page" else 200):
            faults.append(f"{at}: {status}")
        faults += [f"{at}: {what}" for what in ("executed", "live", "solved") if found[what]]
        seen += found["text"]
    assert not faults
    written = {f"{table}.{c}" for table, of in hostile.WRITTEN.items() for c in of.split()}
    unseen = " ".join(sorted(one for one in written if f" {one}" not in seen))
    assert unseen == " ".join(sorted(UNSEEN))


def test_charts_and_the_network_draw_names_as_text(
    open_page: OpenPage, places: dict[str, str]
) -> None:
    page = open_page("/help", role=hostile.WHO)
    say_purpose(page, places["firm"])
    network = f"/firms/{places['firm']}/network?nodes=40"
    for path, drawn in ((network, "[data-network]"), ("/cockpit", "[data-chart]")):
        page.goto(path)
        place = page.locator(f"{drawn}:has(canvas)").first
        place.wait_for(state="attached", timeout=8_000)
        box = place.bounding_box()
        for across in (0.3, 0.5, 0.7):
            page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] / 2)
        found: dict[str, Any] = page.evaluate(LOOK)
        assert not found["executed"]
        assert not found["live"]
