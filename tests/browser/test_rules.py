"""A rule changed, checked, asked of history, approved by another person, rolled back: by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.detector.promoting import LIKE, judged_in_shadow

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, OpenPage

pytestmark = pytest.mark.browser
MOST = 250
"""Presses of Tab after which something cannot be reached."""


def reach(page: Any, selector: str) -> None:
    """Goes on by Tab until the focus is on what is meant."""
    for _ in range(MOST):
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by Tab")


def press(page: Any, selector: str) -> None:
    """Reaches a control and presses Enter."""
    reach(page, selector)
    page.keyboard.press("Enter")


def write(page: Any, selector: str, text: str) -> None:
    """Writes over what stands in a field."""
    reach(page, selector)
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def test_a_rule_goes_its_whole_way_by_keys(desk: Desk, open_page: OpenPage) -> None:
    page = open_page(f"/rules?q={LIKE}", role="author")
    press(page, f'main a[href="/rules/{LIKE}"]')
    page.wait_for_url(f"**/rules/{LIKE}")
    press(page, f'a[href="/rules/{LIKE}/edit"]')
    page.wait_for_url("**/edit")

    write(page, '[name="f.row.0.left"]', "bid_cw")
    press(page, '[data-fix="bid_cv"]')
    page.wait_for_selector("#lint .chip.ok")
    write(page, '[name="f.max_flag_rate"]', "0.3")
    reach(page, "#text")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/edit?done=saved")
    assert "max_flag_rate: 0.3" in page.locator("#text").input_value()
    assert page.locator("button[value=submit]").is_disabled()

    press(page, "button[value=backtest]")
    page.wait_for_url("**/edit?done=asked*")
    page.wait_for_selector("#backtest[data-state=done]", timeout=60_000)
    before = page.locator(".effects").inner_text()
    reach(page, "#moving input[type=range]")
    with page.expect_response("**/moved?*"):
        page.keyboard.press("End")
    page.wait_for_selector(".effects .num")
    assert page.locator(".effects").inner_text() != before

    write(page, "#note", "A wider cap")
    press(page, "button[value=submit]")
    page.wait_for_url(f"**/rules/{LIKE}?done=shadow")
    assert page.locator("#beside-title").inner_text() == "Version 1.1.0 in shadow"

    judged_in_shadow(desk.system, LIKE)
    second = open_page(f"/rules/{LIKE}", role="approver")
    press(second, "details[name=act] > summary.main")
    write(second, "#why-active", "Read and compared")
    press(second, f'form[action="/rules/{LIKE}/approve"] button')
    second.wait_for_url("**?done=active")
    assert "version 1.1.0" in second.locator(".tags").inner_text()

    page.goto(f"/rules/{LIKE}")
    press(page, f'details:has(form[action="/rules/{LIKE}/rollback"]) > summary')
    write(page, "#why-back", "Too many")
    press(page, f'form[action="/rules/{LIKE}/rollback"] button')
    page.wait_for_url("**?done=rolledback")
    assert "version 1.0.0" in page.locator(".tags").inner_text()


def test_without_script_the_editor_saves_and_checks(open_page: OpenPage) -> None:
    page = open_page("/rules/mon-bid-cv-low/edit", role="author", script=False)
    assert not page.locator(".needs-script").first.is_visible()
    page.locator('[name="f.max_flag_rate"]').fill("2")
    page.locator("button[value=check]").click()
    assert "max_flag_rate" in page.locator("#lint").inner_text()
    assert "max_flag_rate: 2" in page.locator("#text").input_value()
