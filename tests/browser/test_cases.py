"""A case from a selection to what came of its decision, and without script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, OpenPage

pytestmark = pytest.mark.browser


def test_a_case_is_made_worked_on_and_decided_without_script(
    desk: Desk, open_page: OpenPage
) -> None:
    page = open_page(f"/cases/new?alert={desk.an_alert}:1", role="investigator", script=False)
    page.get_by_label("Title").fill("possible ring <script>alert(1)</script>")
    page.get_by_role("button", name="Open the case").click()
    assert page.get_by_text("The case is open.").is_visible()
    page.get_by_text("Add a task").first.click()
    page.get_by_label("What is to be done").fill("Ask the buyer.")
    page.locator("#tasks button", has_text="Add a task").click()
    page.get_by_role("button", name="Finish Ask the buyer.").click()
    assert page.get_by_text("finished by investigator").is_visible()
    page.get_by_role("button", name="Take up work").click()
    page.get_by_role("button", name="Mark as decided").click()
    page.get_by_text("Record a decision").first.click()
    page.get_by_label("Day of the decision").fill("2026-01-05")
    page.get_by_label("What was decided").fill("The firm stops.")
    page.get_by_label("Legal basis").fill("Article 56")
    page.get_by_role("button", name="Record the decision").click()
    assert page.get_by_text("The decision is recorded.").is_visible()
    assert page.get_by_role("heading", name="Order of 5 Jan 2026").is_visible()


def test_enter_makes_the_case(desk: Desk, open_page: OpenPage) -> None:
    made = open_page(f"/cases/new?alert={desk.an_alert}:1")
    made.get_by_label("Title").fill("possible ring of five")
    made.keyboard.press("Enter")
    made.wait_for_url("**/cases/C-*")
    assert "possible ring of five" in made.locator("h1").inner_text()
