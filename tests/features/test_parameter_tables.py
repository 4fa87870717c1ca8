"""Every figure of law a feature computes with has a source, dates and an honest mark."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from datetime import date
from importlib import import_module
from itertools import combinations
from typing import Any

import pytest

import features.parameters as package

MODULES = sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name != "figures")
WITHOUT_ROWS = {"COUNTRIES_OF_CONCERN", "EU_MEMBERS", "LEVELS", "ADVERTISING"}
"""Plain lists of words, each taken from rows beside it or explained there."""

SEEN: dict[tuple[str, str], bool] = {
    ("competition", "State Council Order 773"): True,
    ("competition", "HSR Act 15 USC 18a, notice for 2026"): True,
    ("competition", "Regulation (EC) 139/2004"): False,
    ("competition", "Regulation (EU) 2022/1925"): True,
    ("competition", "Clayton Act s. 8"): True,
    ("competition", "SAMR, Provisions"): True,
    ("breach_deadlines", "GDPR art. 33(1)"): True,
    ("breach_deadlines", "CAC, Measures"): True,
    ("breach_deadlines", "California SB 446"): True,
    ("breach_deadlines", "45 CFR 164.408"): False,
    ("governance_duties", "CAC Measures on Compliance Audits"): True,
    ("governance_duties", "DSA art. 37"): False,
    ("payment_limits", ""): False,
    ("procurement_limits", ""): False,
    ("reporting_floors", ""): False,
    ("vendor_rules", ""): False,
    ("purposes", ""): False,
    ("recipients", ""): False,
    ("request_deadlines", "CCPA regulations"): True,
    ("request_deadlines", "PIPL art. 50"): False,
    ("screens", "Domain catalogue"): False,
    ("screens", "Engineering default"): False,
    ("transfer_tiers", "CAC Provisions"): True,
    ("transfer_tiers", "28 CFR 202.205"): True,
    ("transfer_tiers", "28 CFR 202.601"): False,
}
"""(module, start of the source): the mark that section 9 of the domain catalogue allows."""


def tables(module: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Public tuples of a module."""
    for name, value in vars(import_module(f"features.parameters.{module}")).items():
        if name.isupper() and not name.startswith("_") and isinstance(value, tuple):
            yield name, value


def sourced(module: str) -> list[Any]:
    return [row for name, rows in tables(module) for row in rows if name not in WITHOUT_ROWS]


@pytest.mark.parametrize("module", MODULES)
def test_every_row_names_its_source_its_days_and_whether_it_was_seen(module: str) -> None:
    rows = sourced(module)
    assert rows, module
    for row in rows:
        assert isinstance(row.source, str) and len(row.source) > 5, row
        assert isinstance(row.verified, bool), row
        begun = row.valid_from if hasattr(row, "valid_from") else row.ended_on
        ended = getattr(row, "valid_to", None)
        # A deadline without a first day holds for all that came before the next one.
        open_start = type(row).__name__ == "Deadline" and begun is None
        assert isinstance(begun, date) or open_start, row
        assert ended is None or begun is None or begun <= ended, row
        # What the catalogue marks as general knowledge is never called seen.
        assert not (row.verified and row.source.endswith("(G)")), row


@pytest.mark.parametrize(("module", "start"), SEEN)
def test_marks_are_those_of_the_verification_register(module: str, start: str) -> None:
    rows = [row for row in sourced(module) if row.source.startswith(start)]
    assert rows, "no row rests on this source any more"
    assert {row.verified for row in rows} == {SEEN[module, start]}


def test_plain_lists_are_named() -> None:
    plain = {
        name
        for module in MODULES
        for name, rows in tables(module)
        if rows and not hasattr(rows[0], "source")
    }
    assert plain == WITHOUT_ROWS


def test_no_two_deadlines_hold_for_one_incident() -> None:
    from features.parameters.breach_deadlines import BREACH_DEADLINES

    for a, b in combinations(BREACH_DEADLINES, 2):
        if (a.jurisdiction, a.notice) != (b.jurisdiction, b.notice):
            continue
        apart = {a.ciio, b.ciio} == {True, False}
        spans = [(d.valid_from or date.min, d.valid_to or date.max) for d in (a, b)]
        overlap = max(s for s, _ in spans) <= min(e for _, e in spans)
        assert apart or not overlap, (a, b)


def test_items_one_to_seven_and_thirteen_without_needs_were_compared_with_the_text() -> None:
    from features.parameters.necessary_information import APP_TYPES, PERSONAL_DATA

    assert [a.number for a in APP_TYPES] == list(range(1, 40))
    seen = {a.number for a in APP_TYPES if a.verified}
    assert seen == set(range(1, 8)) | {a.number for a in APP_TYPES if not a.necessary}
    assert all(word in PERSONAL_DATA for a in APP_TYPES for word in a.necessary)


def test_a_limit_of_a_screen_is_one_of_a_feature_and_never_called_law() -> None:
    from features.catalogue import catalogue
    from features.parameters.screens import SCREEN_LIMITS, screen_limit

    names = [limit.feature for limit in SCREEN_LIMITS]
    assert len(set(names)) == len(names)
    assert set(names) <= set(catalogue().features)
    assert all(screen_limit(limit.feature) == limit.value for limit in SCREEN_LIMITS)
    assert not any(limit.verified for limit in SCREEN_LIMITS)
