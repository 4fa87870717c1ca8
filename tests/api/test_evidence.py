"""The evidence on the pages: figures grouped, limits named, nothing rounded into certainty."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from api.web.around import around
from api.web.facts_view import FactRow, fact_rows, silent_rules
from api.web.figures import below_one, measure, percent, period, spaced
from api.web.queue_view import excess
from detector.surroundings import Surroundings
from tests.api.market import fact

RULES = ({"id": "close", "title": {"en": "Bids close", "zh": "报价接近"}},)
TALLY: dict[str, Any] = {
    "feature": "suspicious_tender_share", "value": 6 / 19, "op": ">", "threshold": 0.049, "n": 19,
    "count": 6, "rule_hits": 8, "likeness": 0.03, "unit": "share", "examples": ["T-1", "T-2"],
}  # fmt: skip


def told(facts: list[dict[str, Any]], lang: Any = "en") -> list[FactRow]:
    return fact_rows(facts, lang, RULES)


def test_one_figure_with_several_limits_is_told_once_met_limits_first() -> None:
    rows = told(
        [
            fact("bid_cv", 0.04, "<=", 0.02, rule="closer", holds=False),
            fact("n_bids", 5, ">=", 3),
            fact("bid_cv", 0.04, "<=", 0.06, rule="close"),
            fact("bid_cv", 0.04, "<=", 0.06, rule="again"),
        ]
    )
    assert [(r.code, r.first, r.met) for r in rows] == [
        ("bid_cv", True, True),
        ("bid_cv", False, False),
        ("n_bids", True, True),
    ]
    assert (rows[0].rule, rows[0].beyond) == ("Bids close", "0.02")
    assert (rows[1].rule, rows[1].beyond) == ("closer, did not fire", "")


@pytest.mark.parametrize(
    ("share", "shown"), [(0.0, "<1\u00a0%"), (0.02, "2\u00a0%"), (1.0, ">99\u00a0%")]
)
def test_a_rank_is_a_share_of_peers_with_what_it_was_made_of(share: float, shown: str) -> None:
    one = fact(
        "bid_spread", share, "<=", 0.1, unit="0-1", expression="pct_rank(bid_spread)",
        actual=0.009, peer_median=0.035,
    )  # fmt: skip
    [row] = told([one])
    assert row.title == "Highest over lowest bid, rank among peers"
    assert (row.value, row.against) == (shown, "≤\u00a010\u00a0%")
    assert row.note == "itself 0.009, peers’ median 0.035"
    assert "0-1" not in "".join(map(str, vars(row).values()))


def test_a_tally_is_told_as_count_against_the_usual_rate() -> None:
    [row] = told([TALLY])
    assert row.title == "Tenders among the most suspicious tenth of their kind"
    assert (row.value, row.note, row.n) == ("6 of 19", "31.6\u00a0%", "19")
    assert (row.against, row.rule, row.met) == (">\u00a04.9\u00a0%", "the usual rate", True)
    assert row.beyond == "26.7\u00a0pp"
    assert told([TALLY], "zh")[0].value == "19 个中 6 个"


def test_a_rule_that_does_not_apply_is_no_fact_but_is_named() -> None:
    scope = fact(
        "jurisdiction", "CN", "=", "US-CA", unit="", rule="late-ca", part="scope", holds=False
    )
    assert told([scope]) == []
    assert silent_rules([scope], "en") == ["late-ca: jurisdiction is CN, the rule is for US-CA"]


def test_nothing_short_of_certain_is_called_certain() -> None:
    assert [below_one(x) for x in (0.9999, 0.99, 0.5, 1.0, None)] == [
        ">0.99", "0.99", "0.50", "1", "",
    ]  # fmt: skip
    assert [percent(x) for x in (0.999, 1.0, 0.001, 0.0)] == [
        ">99\u00a0%", "100\u00a0%", "<1\u00a0%", "0\u00a0%",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "unit", "en", "zh"),
    [
        (239, "h", "239\u00a0h", "239\u00a0小时"),
        (5235, "h", "218\u00a0days", "218\u00a0天"),
        (0.93, "distance", "0.93", "0.93"),
        (0.5, "0-1", "50\u00a0%", "50\u00a0%"),
        (1, "rounds", "1\u00a0round", "1\u00a0轮"),
        ("joint2", "", "two firms jointly", "两家企业合计"),
    ],
)
def test_units_are_words_or_nothing(value: Any, unit: str, en: str, zh: str) -> None:
    assert (measure(value, unit, "en"), measure(value, unit, "zh")) == (en, zh)


def test_chinese_keeps_its_distance_from_digits() -> None:
    assert (
        spaced("知悉后**218 天**仍未通知，时限为4 小时。")
        == "知悉后 **218 天**仍未通知，时限为 4 小时。"
    )
    assert spaced("6份报价中**12.5 %**过近") == "6 份报价中 **12.5 %** 过近"


def test_years_and_quarters_have_their_names() -> None:
    assert period("2025-01-01", "2025-12-31", "en") == "2025"
    assert period("2025-07-01", "2025-09-30", "en") == "Q3\u00a02025"


def test_the_excess_of_a_late_notice_is_time_past_the_limit() -> None:
    late = {
        "facts": [
            fact("persons", 5e6, ">=", 1e6, unit="", **{"class": "GUIDE"}),
            fact("breach_overdue_h", 5235, ">", 0, unit="h", **{"class": None}),
        ]
    }
    assert excess(late, "en") == "218\u00a0days past the limit"
    assert excess(late, "zh") == "超过限值 218\u00a0天"


class Known(Surroundings):
    """What would be read for one alert, made up."""

    def __init__(self, **rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    def judged(self, *_: object) -> list[dict[str, Any]]:
        return self._rows.get("judged", [])

    def features(self, typology: str, grain: str, *_: object) -> list[dict[str, Any]]:
        return self._rows.get(grain, [])

    def filed(self, table: str, **_: object) -> list[dict[str, Any]]:
        return self._rows.get(table, [])

    def names(self, firms: Any) -> dict[str, tuple[str, str]]:
        return {firm: (f"Name of {firm}", f"{firm}之名") for firm in firms if firm != "F-3"}


def shown(kind: str, key: str, found: Surroundings, lang: Any = "en", **more: Any) -> Any:
    alert = {
        "typology": "X", "subject": {"kind": kind, "key": key}, "facts": [],
        "period": {"start": "2026-01-01", "end": "2026-12-31"}, **more,
    }  # fmt: skip
    return [
        (t.title, [[c.text for c in row] for row in t.rows]) for t in around(alert, found, lang)
    ]


def test_the_tenders_behind_a_tally_are_listed_most_suspicious_first() -> None:
    row = {
        "subject_key": "T-2", "period_start": date(2026, 3, 1), "period_end": date(2026, 3, 31),
        "p_value": 0.012, "message_en": "Bids vary by **0.01**.", "message_zh": "", "facts": "[]",
    }  # fmt: skip
    [(title, rows)] = shown("firm", "F-1", Known(judged=[row]), facts=[TALLY])
    assert title == "The tenders behind the count"
    assert rows == [
        ["T-2", "Mar\u00a02026", "Bids vary by 0.01.", "0.012"],
        ["T-1", "–", "–", "–"],
    ]


def test_members_have_names_and_stay_ids_where_none_is_filed() -> None:
    [(title, rows)] = shown("cluster", "F-1|F-3", Known(), "zh")
    assert (title, rows) == ("成员", [["F-1之名", "F-1"], ["F-3", "F-3"]])


def test_only_types_seen_and_not_declared_are_listed() -> None:
    one = {
        "data_type": "precise_location", "sessions": 4, "identified": True, "uc_undeclared": 1.0,
        "operator_id": "F-1", "version": "5.0", "app_type": "short_video",
    }  # fmt: skip
    known = Known(app_data_type=[one, one | {"data_type": "health", "uc_undeclared": 0.0}])
    (title, rows), (_, pairs) = shown("app", "app-1", known)
    assert title == "Data types seen and not declared"
    assert rows == [["precise location", "4", "yes"]]
    assert pairs[0] == ["Operator", "Name of F-1"]


def test_bids_are_told_with_their_distance_from_the_lowest() -> None:
    bids = [
        {"bidder_id": "F-1", "amount": 1130.0, "currency": "EUR", "won": False},
        {"bidder_id": "F-2", "amount": 1000.0, "currency": "EUR", "won": True},
    ]
    [(_, rows)] = shown("tender", "T-1", Known(bids=bids))
    assert rows == [
        ["Name of F-2", "F-2", "1,000\u00a0EUR", "–", "✓"],
        ["Name of F-1", "F-1", "1,130\u00a0EUR", "13\u00a0%", ""],
    ]


def test_an_incident_still_open_says_so() -> None:
    filed = {
        "operator_id": "F-1", "aware_at": "2026-04-18T17:25:00+00:00", "notified_at": None,
        "users_notified_at": None, "persons": 62128562, "sensitive_persons": 3,
    }  # fmt: skip
    known = {"deadline_h": 4.0, "jurisdiction": "CN", "deadline_source": "Measures"}
    [(_, rows)] = shown("incident", "I-1", Known(breach_notifications=[filed], incident=[known]))
    assert ["Limit in force", "4\u00a0h (CN, Measures)"] in rows
    assert ["Authority told", "not yet"] in rows


def test_what_cannot_be_found_is_left_out() -> None:
    for kind in ("deal", "tender", "incident", "app"):
        assert shown(kind, "K-1", Known()) == []


def test_earlier_periods_and_figures_told_beside_read_as_words() -> None:
    facts = [
        {"feature": "bid_cv", "expression": "prev(bid_cv, 1)", "value": 1.0, "op": ">",
         "threshold": 2, "holds": False, "unit": "ratio"},
        {"feature": "n_bids", "expression": "n_bids", "value": 4, "op": "", "threshold": None,
         "holds": None, "part": "evidence", "unit": ""},
        {"feature": "periods", "expression": "periods of 3 in which it held", "value": 3,
         "op": ">=", "threshold": 2, "holds": True, "n": 3, "unit": "periods"},
    ]  # fmt: skip
    rows = fact_rows(facts, "en")
    assert [row.title for row in rows] == [
        "Periods in which it held", "Relative spread of bids, the period before", "Number of bids",
    ]  # fmt: skip
    assert [row.beside for row in rows] == [False, False, True]
    assert fact_rows(facts, "zh")[1].title.endswith("（上一期）")
