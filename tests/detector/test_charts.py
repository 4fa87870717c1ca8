"""Pictures of a backtest: every step of time is there, and lengths are in proportion."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from detector.charts.backtest import BARS, RATES, nice, page, summary, svg, write_plot
from detector.charts.timeline import MOST, steps
from features.errors import WardenError
from rules.backtest import Share

SVG = "{http://www.w3.org/2000/svg}"


def period(start: date, days: int, fired: int, clear: int) -> dict[str, Any]:
    return {
        "period_start": start.isoformat(), "period_end": start + timedelta(days=days - 1),
        "fired": fired, "clear": clear, "not_evaluable": 1,
    }  # fmt: skip


def report(periods: list[dict[str, Any]], cap: float | None = 0.2) -> dict[str, Any]:
    fired, clear = (sum(p[k] for p in periods) for k in ("fired", "clear"))
    return {
        "rule": "a-rule", "version": "1.0.0", "by_period": periods, "max_flag_rate": cap,
        "max_flag_rate_kept": None if cap is None else fired <= cap * (fired + clear),
        "flag_rate": Share(fired, fired + clear).as_dict(),
        "outcomes": {"fired": fired, "clear": clear, "not_evaluable": 2},
        "moved": {"k=<2>": {"both": 1, "entered": 2, "left": 3}}, "overlap": [],
        "reviewed": {"precision": None, "reason": "no alert"}, "peers": None, "notes": ["a & b"],
        "review_hours": {"value": 1.5, "assumption": "30 minutes a firing"},
        "snapshot_id": "abc", "known_as_of": "2026-11-23", "firing_hash": "def",
    }  # fmt: skip


TWO = [period(date(2026, 1, 1), 31, 2, 8), period(date(2026, 4, 1), 30, 4, 4)]


def test_months_without_filings_are_drawn_empty() -> None:
    unit, found = steps(TWO)
    assert unit == "month"
    assert [(s.label, s.fired, s.judged, s.rate) for s in found] == [
        ("2026-01", 2, 10, 0.2), ("2026-02", 0, 0, None),
        ("2026-03", 0, 0, None), ("2026-04", 4, 8, 0.5),
    ]  # fmt: skip
    assert steps([]) == ("month", [])


def test_periods_keep_their_length_and_many_are_drawn_together() -> None:
    assert steps([period(date(2024, 1, 1), 366, 1, 1), period(date(2026, 1, 1), 365, 1, 1)])[0] == (
        "year"
    )
    unit, found = steps([period(date(2026, 10, 1), 92, 1, 1)])
    assert (unit, found[0].label) == ("quarter", "2026-Q4")
    days = [period(date(2016, 1, 1) + timedelta(days=n), 1, 1, 3) for n in range(0, 3650, 7)]
    unit, found = steps(days)
    assert unit == "quarter"
    assert len(found) <= MOST
    assert sum(s.fired for s in found) == len(days)


def test_bars_and_dots_are_in_proportion_and_the_cap_stands_at_its_share() -> None:
    root = ElementTree.fromstring(svg(report(TWO)))
    bars = [r for r in root.iter(f"{SVG}rect") if r.get("class") == "bar"]
    heights = [float(r.get("height") or 0) for r in bars]
    assert heights[3] == pytest.approx(2 * heights[0])
    assert heights[1] == heights[2] == 0
    assert heights[3] == BARS[1], "the highest grid line is the highest bar here"
    dots = [float(c.get("cy") or 0) for c in root.iter(f"{SVG}circle")]
    (cap,) = (float(x.get("y1") or 0) for x in root.iter(f"{SVG}line") if x.get("class") == "cap")
    assert len(dots) == 2, "no dot where nothing could be judged"
    assert cap == dots[0], "a rate of 20 % lies on a cap of 20 %"
    assert dots[1] < dots[0] <= RATES[0] + RATES[1]
    assert not list(root.iter(f"{SVG}polyline")), "no line across a gap"
    assert "2026-04: 4 fired of 8 (50%)" in svg(report(TWO))


def test_a_picture_of_nothing_says_so_and_one_without_a_cap_has_no_line() -> None:
    assert "Nothing is filed" in svg(report([]))
    assert 'class="cap"' not in svg(report(TWO, cap=None))
    assert "prefers-color-scheme: dark" in svg(report(TWO))


@pytest.mark.parametrize(
    ("value", "whole", "found"),
    [(0.3, True, 1), (3.2, True, 5), (11, True, 20), (0.013, False, 0.02), (0.0021, False, 0.0025)],
)
def test_grid_lines_are_round(value: float, whole: bool, found: float) -> None:
    assert nice(value, whole=whole) == pytest.approx(found)


def test_the_page_escapes_what_it_shows_and_needs_no_network(tmp_path: Path) -> None:
    text = page([report(TWO), report([])])
    assert "k=&lt;2&gt;" in text
    assert "a &amp; b" in text
    assert text.count("<svg") == 2
    addresses = set(re.findall(r"https?://[^\s\"'<]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert "6 fired of 18 judged: 33.3%" in summary(report(TWO))
    write_plot([report(TWO)], tmp_path / "a.svg")
    with pytest.raises(WardenError, match="one rule"):
        write_plot([report(TWO)] * 2, tmp_path / "b.svg")
    with pytest.raises(WardenError, match="no picture"):
        write_plot([report(TWO)], tmp_path / "b.png")
