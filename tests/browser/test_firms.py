"""Firms by keyboard alone: search, purpose, dossier with its parts, a note, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import axe_findings

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, OpenPage

pytestmark = pytest.mark.browser

LOOKS = [("en", "light"), ("zh", "dark")]


def test_a_firm_is_found_opened_noted_and_left_by_keyboard(desk: Desk, open_page: OpenPage) -> None:
    page = open_page("/firms", role="investigator")
    page.keyboard.press("/")
    page.keyboard.type(desk.a_firm)
    page.keyboard.press("Enter")
    page.wait_for_url("**/firms?q=*")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/firms/{desk.a_firm}")
    page.keyboard.type("review of an alert")
    page.keyboard.press("Tab")
    page.keyboard.type("C-118")
    page.keyboard.press("Enter")
    page.get_by_text("Opened for C-118").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("n")
    page.keyboard.type("Asked for the **contracts**.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#notes strong", has_text="contracts").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("Escape")
    page.wait_for_url(f"**/firms?q={desk.a_firm}*")
    page.wait_for_function(f"document.activeElement.dataset.id === '{desk.a_firm}'")


def test_every_part_comes_as_one_reads_on_and_passes_axe(desk: Desk, open_page: OpenPage) -> None:
    page = open_page(f"/firms/{desk.a_firm}/purpose")
    page.get_by_label("Purpose").fill("review of an alert")
    page.get_by_label("Number of the case").fill("C-118")
    page.get_by_role("button", name="Open the dossier").click()
    for lang, theme in LOOKS:
        page.goto(f"/firms/{desk.a_firm}?lang={lang}&theme={theme}")
        while page.locator(".later").count():
            page.mouse.wheel(0, 400)
            page.wait_for_timeout(50)
        page.locator("[data-network] canvas").first.wait_for(state="attached")
        page.locator("[data-chart] canvas").first.wait_for(state="attached")
        assert not axe_findings(page), (lang, theme)
        for width in (1920, 1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, width
        page.set_viewport_size({"width": 1440, "height": 900})


def test_a_dossier_is_read_without_script(desk: Desk, open_page: OpenPage) -> None:
    page = open_page(f"/firms/{desk.a_firm}", role="regulator", script=False)
    page.get_by_label("Purpose").fill("review of an alert")
    page.get_by_label("Number of the case").fill("C-118")
    page.get_by_role("button", name="Open the dossier").click()
    page.get_by_role("link", name="Open the coverage map").click()
    assert page.locator("table.cover td.cell").count() > 10
    page.get_by_role("link", name="Network", exact=True).click()
    assert page.locator("#network table tbody tr").count() > 0
