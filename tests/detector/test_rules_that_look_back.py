"""Rules that read earlier periods, in the whole job: a correction moves what comes after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from detector import run
from detector.planning import following
from detector.rulebook import Rulebook
from rules.load import Rule, load_rule
from rules.ruleset import RuleSet, load_library
from tests.detector.test_increments import copied, same_as_anew
from tests.detector.test_increments import market as market
from tests.detector.test_increments import two_years as two_years

LOOKING_BACK = {
    "calmer-than-before": "condition: price_cv < prev(price_cv, 1)\n",
    "calmer-than-long-ago": "condition: price_cv < prev(price_cv, 6)\n",
    "calm-for-long": "condition: price_cv < 0.08\nsustain: {k: 2, of: 3}\n",
    "gone-quiet": "absence: {seen: 2}\n",
}


def rules() -> list[Rule]:
    """A shipped rule of the grain, its condition exchanged; judging at once."""
    pattern = next(r for r in load_library().rules if r.id == "mon-price-stable")
    start, end = pattern.text.index("condition: |"), pattern.text.index("message:")
    found = []
    for rule_id, clauses in LOOKING_BACK.items():
        text = pattern.text[:start] + clauses + pattern.text[end:]
        text = text[: text.index("tests:")].replace("id: mon-price-stable", f"id: {rule_id}")
        at = text.index("message:")
        after = text.index("innocent_explanations:")
        text = text[:at] + 'message: {en: "It changed.", zh: "有变化。"}\n' + text[after:]
        rule, issues = load_rule(text, f"{rule_id}.yaml")
        assert rule is not None, issues
        found.append(rule)
    return found


@pytest.fixture
def looking_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules in force, and those that look back."""
    before = Rulebook.in_force

    def more(book: Rulebook) -> RuleSet:
        known = before(book)
        return replace(known, rules=(*known.rules, *rules()))

    monkeypatch.setattr(Rulebook, "in_force", more)


@pytest.mark.usefixtures("looking_back")
def test_a_correction_moves_the_periods_after_it(
    market: Mapping[str, pl.DataFrame],
    two_years: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged = copied(two_years, tmp_path / "judged")
    run.run_detection(judged)
    prices = market["listing_prices"].sort("ts", "sku_id")
    april, june = date(2025, 4, 1), date(2025, 6, 30)
    spring = prices.filter(pl.col("ts").cast(pl.Date).is_between(april, june))
    restless = spring.with_columns(
        net_price=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.col("net_price") * 1.4)
        .otherwise("net_price")
    )  # fmt: skip
    found = same_as_anew(judged.home, tmp_path, {"listing_prices": restless}, monkeypatch)
    mine = found["outcomes"].filter(pl.col("rule_id").is_in(list(LOOKING_BACK)))
    fired = mine.filter(pl.col("outcome") == "fired")
    assert {"calmer-than-before", "calm-for-long"} <= set(fired["rule_id"])
    summer = fired.filter(pl.col("period_start") == date(2025, 7, 1))
    assert "calmer-than-before" in set(summer["rule_id"])


def test_what_follows_a_period_reaches_as_far_as_rules_look_back() -> None:
    quarters = [(date(2025, m, 1), date(2025, m + 2, 28)) for m in (1, 4, 7, 10)]
    part = pl.DataFrame(quarters, schema=["period_start", "period_end"], orient="row")
    assert following(part, {date(2025, 1, 1)}, 0) == set()
    assert date(2025, 4, 1) in following(part, {date(2025, 1, 1)}, 1)
    assert {date(2025, 7, 1), date(2025, 10, 1)} <= following(part, {date(2025, 4, 1)}, 2)
    assert date(2025, 1, 1) not in following(part, {date(2025, 4, 1)}, 2)
