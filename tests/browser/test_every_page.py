"""Every page in both languages and both themes: axe finds nothing, nothing is wider than it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.browser.addresses import PAGES, unopened
from tests.browser.conftest import axe_findings, say_purpose
from tests.browser.stocked import stock

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, OpenPage

pytestmark = pytest.mark.browser

LOOKS = [("en", "light"), ("zh", "dark")]
"""Every language and every theme once; `WARDEN_LOOKS=all` has them in every combination."""
if os.environ.get("WARDEN_LOOKS") == "all":
    LOOKS += [("en", "dark"), ("zh", "light")]


@pytest.fixture(scope="module")
def places(desk: Desk) -> dict[str, str]:
    """A desk with something of everything; what stands in the addresses of its pages."""
    return stock(desk.system, desk.address, desk.an_alert, desk.a_firm, lambda field: field)


def test_every_address_of_a_page_is_opened() -> None:
    assert not unopened()


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_no_page_is_wider_than_its_window(
    open_page: OpenPage, places: dict[str, str], path: str
) -> None:
    at = path.format(**places)
    page = open_page(at)
    if path.startswith("/firms/"):
        say_purpose(page, places["firm"])
        page.goto(at)
    if path == "/sign-in":
        page.context.clear_cookies()
        page.goto(at)
    assert page.locator("main h1").count() == 1
    for lang, theme in LOOKS:
        page.goto(f"{at}{'&' if '?' in at else '?'}lang={lang}&theme={theme}")
        assert not axe_findings(page), (lang, theme)
        for width in (1920, 1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (lang, theme, width)
        page.set_viewport_size({"width": 1440, "height": 900})
