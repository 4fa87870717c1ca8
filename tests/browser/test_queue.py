"""The queue by keyboard alone: triage, undo, many at once, what is new, and without script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from alerts.inbox import QueueFilter, counts, get_alert
from alerts.model import CloseReason, State
from detector.database import reading, writing

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, OpenPage

pytestmark = pytest.mark.browser

SCREENS = "/?lane=screen&state=open"


def current(page: Any) -> str:
    return str(page.evaluate("document.activeElement.dataset.id"))


def toast(page: Any, text: str) -> Any:
    found = page.locator(".toast", has_text=text)
    found.wait_for()
    return found


def how_many(desk: Desk, **wanted: Any) -> int:
    with reading(desk.system.engine) as connection:
        return counts(connection, QueueFilter(**wanted)).total


def test_ten_alerts_are_triaged_without_the_mouse(desk: Desk, open_page: OpenPage) -> None:
    page = open_page(f"{SCREENS}&severity=2")
    closed = how_many(desk, states=("closed",))
    page.keyboard.press("j")
    for n in range(10):
        at = current(page)
        page.keyboard.press("d")
        page.keyboard.press("1")
        page.keyboard.type("Seen the filings; they bear it out.")
        page.keyboard.press("Enter")
        toast(page, at)
        assert current(page) != at, n
    assert how_many(desk, states=("closed",)) == closed + 10
    with reading(desk.system.engine) as connection:
        alert, events = get_alert(connection, at)
    assert alert.close_reason is CloseReason.CONFIRMED
    assert events[-1].note == "Seen the filings; they bear it out."


def test_what_was_done_is_undone_and_stands_on_record(desk: Desk, open_page: OpenPage) -> None:
    page = open_page(SCREENS)
    page.keyboard.press("j")
    at = current(page)
    page.keyboard.press("e")
    page.keyboard.type("The fourth office judges these.")
    page.keyboard.press("Enter")
    toast(page, "Escalated")
    page.keyboard.press("u")
    toast(page, "Undone")
    with reading(desk.system.engine) as connection:
        alert, events = get_alert(connection, at)
    assert alert.state is State.OPEN
    assert [one.kind.value for one in events[-2:]] == ["escalated", "undone"]
    page.goto("/activity")
    assert page.locator("tbody tr").first.locator("a").inner_text() == at


def test_several_are_picked_and_labelled_at_once(desk: Desk, open_page: OpenPage) -> None:
    page = open_page(SCREENS)
    for key in ("j", "J", "J", "x"):
        page.keyboard.press(key)
    assert page.locator("[data-count]").inner_text() == "3 selected"
    page.get_by_role("button", name="Label", exact=True).click()
    page.keyboard.type("ring 7")
    page.keyboard.press("Enter")
    toast(page, "Labelled: 3 alerts")
    assert how_many(desk, labels=("ring 7",)) == 3
    assert page.locator("[data-id] .tag", has_text="ring 7").count() == 3
    page.goto("/?label=ring+7")
    assert page.locator("[data-id]").count() == 3


def test_an_alert_that_changed_keeps_the_text_and_says_who_did_what(
    desk: Desk, open_page: OpenPage
) -> None:
    page, other = open_page(SCREENS), open_page(SCREENS, role="investigator")
    for one in (page, other):
        one.keyboard.press("j")
    at = current(page)
    other.keyboard.press("a")
    toast(other, at)
    page.keyboard.press("d")
    page.keyboard.press("2")
    page.keyboard.type("A source near the site.")
    page.keyboard.press("Enter")
    refused = page.locator("dialog [data-refused]")
    refused.wait_for()
    assert "investigator took the alert up." in refused.inner_text()
    assert page.locator("#ask-close textarea").input_value() == "A source near the site."
    refused.get_by_role("button", name="Add my text as a comment").click()
    toast(page, "Comment on record")


def test_new_alerts_are_told_and_the_list_stays(desk: Desk, open_page: OpenPage) -> None:
    page = open_page(SCREENS)
    page.keyboard.press("j")
    rows = page.locator("[data-id]").evaluate_all("all => all.map((r) => r.dataset.id)")
    with writing(desk.system.engine) as connection:
        row = connection.execute(sa.text("SELECT * FROM alert WHERE id = :id"), {"id": rows[0]})
        new = dict(row.mappings().one()) | {"id": "A-NEW", "fingerprint": "new"}
        new |= {"opened_at": "2999-01-01 00:00:00.000000", "queue_rank": new["queue_rank"] + 0.5}
        names = ", ".join(new)
        values = ", ".join(f":{name}" for name in new)
        connection.execute(sa.text(f"INSERT INTO alert ({names}) VALUES ({values})"), new)
    page.evaluate("document.dispatchEvent(new CustomEvent('desk:look'))")
    page.get_by_text("One new alert since").wait_for()
    assert page.locator("[data-id]").evaluate_all("all => all.map((r) => r.dataset.id)") == rows
    page.keyboard.press(".")
    page.locator("[data-id='A-NEW']").wait_for()
    page.locator(f"[data-id='{rows[0]}'][data-current]").wait_for()
    with writing(desk.system.engine) as connection:
        connection.execute(sa.text("DELETE FROM alert WHERE id = 'A-NEW'"))


def test_the_current_row_is_shown_beside_the_list_where_there_is_room(open_page: OpenPage) -> None:
    page = open_page("/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.locator(f"#beside [data-of='{current(page)}']").wait_for()
    narrow = open_page("/", width=1000)
    narrow.keyboard.press("j")
    assert not narrow.locator("#beside").is_visible()


def test_a_view_is_kept_and_found_by_key(open_page: OpenPage) -> None:
    page = open_page("/?lane=legal&due=week")
    page.get_by_text("Keep this view").click()
    page.get_by_label("Name of the view").fill("Limits of this week")
    page.keyboard.press("Enter")
    page.get_by_text("The view is kept").wait_for()
    page.goto("/")
    page.get_by_role("link", name="Limits of this week").click()
    page.wait_for_url("**/?lane=legal&due=week")
    page.keyboard.press("v")
    assert page.locator("nav a[aria-current]:focus").count() == 1


def test_many_are_closed_without_script(desk: Desk, open_page: OpenPage) -> None:
    page = open_page(f"{SCREENS}&severity=3", script=False)
    closed = how_many(desk, states=("closed",))
    for n in (0, 1):
        page.locator("[data-pick]").nth(n).check()
    page.get_by_role("button", name="Close with reason").click()
    page.get_by_label("confirmed").check()
    page.get_by_label("What you looked at").fill("Both bear it out.")
    page.get_by_role("button", name="Close with this reason").click()
    assert page.get_by_text("Closed: 2 alerts.").is_visible()
    assert how_many(desk, states=("closed",)) == closed + 2
    page.goto("/activity")
    page.get_by_role("button", name="Undo").first.click()
    assert how_many(desk, states=("closed",)) == closed
