"""Sentences of fired rows: long waits as days, choices by yes/no, ranks that never overclaim."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.evaluate import evaluate_rule
from rules.messages import placeholders, stray_braces
from rules.parameters import ParameterBook
from rules.ruleset import load_library
from tests.rules.rule_frames import frame_of, make_rule


def told(en: str, zh: str, row: dict[str, Any], **attributes: Any) -> tuple[str, str]:
    rule = make_rule("a > 1")
    words = rule.spec.message.model_copy(update={"en": en, "zh": zh})
    rule = replace(rule, spec=rule.spec.model_copy(update={"message": words}))
    found = evaluate_rule(rule, frame_of([{"a": 2, **row}], **attributes), ParameterBook())
    return found["message_en"].item(), found["message_zh"].item()


@pytest.mark.parametrize(
    ("hours", "en", "zh"),
    [
        (95, "95 h", "95 小时"),
        (239, "239 h", "239 小时"),
        (240, "10 days", "10 天"),
        (5235, "218 days", "218 天"),
        (None, "–", "–"),
    ],
)
def test_ten_days_and_more_are_told_as_days(hours: float | None, en: str, zh: str) -> None:
    assert told("{wait}", "{wait}", {"wait": hours}) == (en, zh)
    assert told("{due:h}", "{due:h}", {}, due=hours) == (en, zh)


@pytest.mark.parametrize(
    ("share", "en", "zh"),
    [
        (0.0, "under 1 %", "不到1 %"),
        (0.01, "1 %", "1 %"),
        (0.5, "50 %", "50 %"),
        (1.0, "over 99 %", "99 %以上"),
    ],
)
def test_a_rank_is_never_told_as_none_or_all(share: float, en: str, zh: str) -> None:
    assert told("{a:pct}", "{a:pct}", {"a__pct": share}) == (en, zh)


@pytest.mark.parametrize(("still", "en"), [(True, "Still open"), (False, "Done"), (None, "Done")])
def test_a_choice_follows_the_yes_or_no(still: bool | None, en: str) -> None:
    text = "{still?Still open|Done}"
    assert not stray_braces(text)
    assert [hole.name for hole in placeholders(text)] == ["still"]
    assert told(text, "{still?|已}结束", {}, still=still) == (en, "结束" if still else "已结束")


def test_every_shipped_sentence_marks_the_number_that_counts() -> None:
    for rule in load_library().rules:
        for text in (rule.spec.message.en, rule.spec.message.zh):
            assert text.count("**") in (0, 2), (rule.id, text)
            inner = text.partition("**")[2].partition("**")[0]
            assert not inner or "{" in inner, (rule.id, text)
