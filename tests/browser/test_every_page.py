"""Every page in both languages and both themes: axe finds nothing, nothing is wider than it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import axe_findings

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, OpenPage

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/?q=nothing-has-this-name",
    "/alerts/{alert}",
    "/alerts/{alert}?whole=1",
    "/alerts/{alert}/replay",
    "/alerts/{alert}/rows",
    "/alerts/{alert}/knowledge",
    "/activity",
    "/audit",
    "/firms?q=cleaning",
    "/firms/{firm}/purpose",
    "/tables",
    "/tables/bids",
    "/quarantine",
    "/jobs",
    "/models",
    "/people/desk",
    "/notices",
    "/approvals",
    "/cockpit",
    "/help",
    "/profile",
    "/rules?severity=5",
    "/rules/mon-bid-cv-low",
    "/rules/mon-bid-cv-low/edit",
    "/rules/new",
    "/no-such-page",
]
"""Addresses; `{alert}` and `{firm}` are those of the demonstration."""

LOOKS = [("en", "light"), ("zh", "dark")]
"""Every language and every theme once; `WARDEN_LOOKS=all` has them in every combination."""
if os.environ.get("WARDEN_LOOKS") == "all":
    LOOKS += [("en", "dark"), ("zh", "light")]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_no_page_is_wider_than_its_window(
    desk: Desk, open_page: OpenPage, path: str
) -> None:
    at = path.format(alert=desk.an_alert, firm=desk.a_firm)
    page = open_page(at)
    assert page.locator("main h1").count() == 1
    for lang, theme in LOOKS:
        page.goto(f"{at}{'&' if '?' in at else '?'}lang={lang}&theme={theme}")
        assert not axe_findings(page), (lang, theme)
        for width in (1920, 1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (lang, theme, width)
        page.set_viewport_size({"width": 1440, "height": 900})
