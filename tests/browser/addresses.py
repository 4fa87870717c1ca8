"""Every address that answers with a page, with what stands in its places."""

from __future__ import annotations

import re
from collections.abc import Iterable

from api.permissions import NEEDS

PAGES = [
    "/",
    "/?q=nothing-has-this-name",
    "/queue/act?action=close&alert={alert}:1",
    "/alerts/{alert}",
    "/alerts/{alert}?whole=1",
    "/alerts/{alert}/replay",
    "/alerts/{alert}/rows",
    "/alerts/{alert}/knowledge",
    "/activity",
    "/audit",
    "/cases",
    "/cases/new?alert={alert}:1",
    "/cases/receive",
    "/cases/receive/{received}",
    "/cases/{case}",
    "/firms?q=cleaning",
    "/firms/{firm}/purpose",
    "/firms/{firm}",
    "/firms/{firm}/alerts",
    "/firms/{firm}/measures",
    "/firms/{firm}/coverage",
    "/firms/{firm}/network?nodes=40",
    "/firms/{firm}/similar",
    "/firms/{firm}/filings",
    "/firms/{firm}/filings/bids",
    "/tables",
    "/tables/bids",
    "/uploads/{upload}",
    "/quarantine",
    "/jobs",
    "/jobs/{run}",
    "/models",
    "/people",
    "/people/desk",
    "/notices",
    "/approvals",
    "/cockpit",
    "/help",
    "/profile",
    "/rules?severity=5",
    "/rules/mon-bid-cv-low",
    "/rules/mon-bid-cv-low/edit",
    "/rules/{own}/edit",
    "/rules/new",
    "/no-such-page",
    "/sign-in",
]
"""Whole pages, the last for whoever is signed out; `tests.browser.stocked` fills the places."""
PARTS = [
    "/alerts/{alert}/preview",
    "/alerts/{alert}/figures",
    "/queue/news?since=2026-01-01T00:00:00Z",
]
"""What a page fetches to show within itself."""
NO_PAGES = {
    "/healthz", "/readyz", "/openapi.json", "/metrics", "/sign-in/oidc", "/sign-in/oidc/back",
    "/cases/{number}/bundle", "/tables/{name}/template", "/quarantine/{batch_id}/rows.csv",
}  # fmt: skip
"""Answers for machines, files, and the way to another server and back."""
OF_THE_SLIDER = "/rules/{rule_id}/moved"
"""A part that exists while a study does; the test of the editor moves the slider."""


def unopened() -> set[str]:
    """Addresses that answer a page and stand in none of the lists."""
    fixed = {path for method, path in NEEDS if method == "GET" and not path.startswith("/api/")}
    given = [one.partition("?")[0] for one in PAGES + PARTS]
    left = fixed - NO_PAGES - {OF_THE_SLIDER}
    return {path for path in left if not any(_fits(path, one, left) for one in given)}


def _fits(path: str, given: str, all_of_them: Iterable[str]) -> bool:
    """Whether an address is this one, and no other that is spelled out says the same."""
    if given == path:
        return True
    if "{" not in path or given in all_of_them:
        return False
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), given) is not None
