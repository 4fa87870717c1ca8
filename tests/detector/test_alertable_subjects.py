"""Which fired subjects an alert is raised about: the typology's, or those a rule names itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from detector import signals
from detector.judging import Judgement
from detector.raising import alertable
from detector.results import shaped
from detector.storms import Storm

START, END = date(2024, 1, 1), date(2024, 1, 31)
Row = tuple[str, str, str, list[str]]


def judgement(*rows: Row, storms: Mapping[str, Storm] | None = None) -> Judgement:
    """Fired rows: typology, grain, subject and the rules behind them."""
    frame = pl.DataFrame(
        [
            {"typology": t, "grain": g, "subject_kind": g, "subject_key": k, "period_start": START,
             "period_end": END, "outcome": "fired", "p_value": 0.5, "fired_rules": rules}
            for t, g, k, rules in rows
        ]
    )  # fmt: skip
    judged = shaped(frame, signals.JUDGED)
    empty = pl.DataFrame()
    return Judgement(judged, empty, empty, empty, storms or {}, {}, {})


def raised(found: Judgement, own: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Grain and key of what is alerted on, with no strong rule and no links."""
    return alertable(found, {}, [], own).select("grain", "subject_key").rows()


def test_a_rule_may_name_another_subject_than_its_typology() -> None:
    fired = judgement(("MON-FEES", "platform_m", "P", ["notice@1.0.0"]))
    assert raised(fired, {}) == []
    assert raised(fired, {"notice@1.0.0": ("platform_m",)}) == [("platform_m", "P")]


def test_a_rule_that_names_its_subject_is_not_alerted_on_at_another() -> None:
    rows = ("PRIV-SENSITIVE", "app_v", "A", ["assessment@1.0.0"])
    assert raised(judgement(rows), {"assessment@1.0.0": ("operator_y",)}) == []


def test_a_subject_two_rules_speak_of_is_raised_once() -> None:
    fired = judgement(("MON-FEES", "merchant_m", "M", ["high@1.0.0", "both@1.0.0"]))
    own = {"both@1.0.0": ("merchant_m", "platform_m")}
    assert raised(fired, own) == [("merchant_m", "M")]


def test_the_rest_of_a_typology_stays_with_the_typology() -> None:
    fired = judgement(
        ("MON-FEES", "merchant_m", "M", ["high@1.0.0"]),
        ("MON-FEES", "platform_m", "P", ["notice@1.0.0"]),
    )
    own = {"notice@1.0.0": ("platform_m",)}
    assert raised(fired, own) == [("merchant_m", "M"), ("platform_m", "P")]


def test_a_fine_subject_needs_no_model_where_its_rule_names_it() -> None:
    tender = ("MON-BID-SINGLE", "tender", "T", ["short@1.0.0"])
    assert raised(judgement(tender), {}) == []
    assert raised(judgement(tender), {"short@1.0.0": ("tender",)}) == [("tender", "T")]


def test_a_rule_in_a_storm_raises_nothing_at_its_own_subjects_either() -> None:
    storm = Storm(share=0.9, judged=100, fired=90, limit=0.5, first=START, last=END)
    fired = judgement(
        ("MON-FEES", "platform_m", "P", ["notice@1.0.0"]), storms={"notice@1.0.0": storm}
    )
    assert raised(fired, {"notice@1.0.0": ("platform_m",)}) == []


def test_context_is_never_alerted_on() -> None:
    fired = judgement(("MON-STR-HHI", "market_y", "X", ["high@1.0.0"]))
    assert raised(fired, {"high@1.0.0": ("market_y",)}) == []
