"""With script off every page answers, has no dead button, and offers its main act as a form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.addresses import PAGES
from tests.browser.conftest import say_purpose
from tests.browser.stocked import stock

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, OpenPage

pytestmark = pytest.mark.browser

ACTS = {
    "/": "form[action='/queue/act']",
    "/queue/act?action=close&alert={alert}:1": "form[action='/queue/act'] button",
    "/alerts/{alert}": "form[action$='/comments'] button",
    "/cases": "a[href='/cases/new']",
    "/cases/new?alert={alert}:1": "form[action='/cases'] button",
    "/cases/receive": "form[action='/cases/receive'] input[type=file]",
    "/cases/{case}": "form[action$='/notes'] button",
    "/firms?q=cleaning": "form[action='/firms'] input[name=q]",
    "/firms/{firm}": "form[action$='/notes'] button",
    "/tables": "form[action='/uploads'] input[type=file]",
    "/uploads/{upload}": "form[action$='/mapping'] button",
    "/jobs": "form[action$='/run'] button",
    "/people": "form[action='/people'] button",
    "/people/desk": "form[action$='/change'] button",
    "/notices": "form[action='/notices/webhooks'] button",
    "/approvals": "form[action^='/approvals/'] button",
    "/profile": "form[action='/profile/keys'] button",
    "/audit": "form[action='/audit/export'] button",
    "/rules/mon-bid-cv-low": "form[action$='/retire'] button",
    "/sign-in": "form input[type=password]",
}
"""What one comes to a page for."""
DEAD = "main button:visible:not(form button):not([form])"
"""A button that no form sends does nothing here."""
DRAWN = {"/rules/{own}/edit", "/rules/mon-bid-cv-low/edit", "/firms/{firm}/network?nodes=40"}
"""The graph, the slider and the editor are what may need script."""


def test_every_page_works_without_script(desk: Desk, open_page: OpenPage) -> None:
    places = stock(desk.system, desk.address, desk.an_alert, desk.a_firm, lambda field: field)
    page = open_page("/help", script=False)
    say_purpose(page, places["firm"])
    faults = []
    for at in PAGES:
        if at == "/sign-in":
            page.context.clear_cookies()
        page.goto(at.format(**places), wait_until="domcontentloaded")
        if page.locator("main h1").count() != 1:
            faults.append(f"{at}: no heading")
        if at not in DRAWN and page.locator(DEAD).count():
            faults.append(f"{at}: {page.locator(DEAD).first.inner_text()} does nothing")
        if at in ACTS and not page.locator(ACTS[at]).count():
            faults.append(f"{at}: no {ACTS[at]}")
    assert not faults
