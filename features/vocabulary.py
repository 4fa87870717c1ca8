"""Words shared by every package: grains, outcomes, reasons, directions, severities.

No I/O and no engine: this module may be imported from anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

Direction = Literal["high", "low", "none"]
"""Which tail of a feature is suspicious; `none` marks context that no model may use."""

PeriodLetter = Literal["d", "w", "m", "q", "y"]


class Outcome(StrEnum):
    """The five ends of every judgement; all are stored and counted."""

    FIRED = "fired"
    CLEAR = "clear"
    NOT_EVALUABLE = "not_evaluable"
    OUT_OF_SCOPE = "out_of_scope"
    ERROR = "error"


class Reason(StrEnum):
    """Why a feature is null (section 1.3 of the domain catalogue, with `losing_tied`)."""

    TOO_FEW = "too_few"
    ZERO_DENOMINATOR = "zero_denominator"
    CONSTANT = "constant"
    CONSTANT_PEERS = "constant_peers"
    MISSING_INPUT = "missing_input"
    NOT_APPLICABLE = "not_applicable"
    CENSORED = "censored"
    LOSING_TIED = "losing_tied"


class Lane(StrEnum):
    """`legal`: a fact against a statutory limit. `screen`: everything probabilistic."""

    LEGAL = "legal"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class Grain:
    """What one row of a feature table is about.

    Attributes:
        code: the code used in ``warden export features:CODE``.
        subject_kind: the kind of the subject whose key the row carries.
        parts: the id columns joined by ``/`` into the key.
        period: the usual period; data filed by a finer one keeps its own.
    """

    code: str
    subject_kind: str
    parts: tuple[str, ...]
    period: PeriodLetter


GRAINS: dict[str, Grain] = {
    g.code: g
    for g in (
        Grain("tender", "tender", ("tender_id", "lot_id"), "m"),
        Grain("firm_q", "firm", ("firm_id",), "q"),
        Grain("firm_y", "firm", ("firm_id",), "y"),
        Grain("pair_y", "pair", ("firm_a", "firm_b"), "y"),
        Grain("market_y", "market", ("market_id",), "y"),
        Grain("market_q", "market", ("market_id",), "q"),
        Grain("market_firm_y", "market_firm", ("market_id", "firm_id"), "y"),
        Grain("sku_seller_q", "sku_seller", ("sku_id", "seller_id"), "q"),
        Grain("cluster_m", "cluster", ("members",), "m"),
        Grain("deal", "deal", ("deal_id",), "m"),
        Grain("deal_market", "deal_market", ("deal_id", "market_id"), "m"),
        Grain("app_v", "app", ("app_id",), "m"),
        Grain("app_data_type", "app_data_type", ("app_id", "data_type"), "m"),
        Grain("incident", "incident", ("incident_id",), "m"),
    )
}


@dataclass(frozen=True, slots=True)
class Typology:
    """One suspicion of the domain catalogue.

    Attributes:
        id: catalogue id, for example ``MON-BID-CV``.
        title: neutral name by language (``en``, ``zh``).
        grain: the grain its features are computed at.
        alerts_on: grains an alert may be about, best first; a row that rolls up to none of the
            coarser ones is alerted on itself, so nothing is dropped.
        context_only: raises other suspicions but is never an alert alone.
    """

    id: str
    title: dict[str, str]
    grain: str
    alerts_on: tuple[str, ...]
    family: str
    context_only: bool = False


TYPOLOGIES: dict[str, Typology] = {
    t.id: t
    for t in (
        Typology(
            "MON-STR-HHI",
            {"en": "highly concentrated market", "zh": "市场高度集中"},
            "market_y",
            ("market_y",),
            "MON-STR",
            context_only=True,
        ),
        Typology(
            "MON-HHI-MERGER",
            {"en": "merger raising concentration", "zh": "经营者集中推高市场集中度"},
            "deal_market",
            ("deal",),
            "MON-STR",
        ),
        Typology(
            "MON-DOMINANCE-CN",
            {"en": "presumed dominant position", "zh": "推定市场支配地位"},
            "market_firm_y",
            ("market_firm_y",),
            "MON-STR",
        ),
        Typology(
            "MON-BID-CV",
            {"en": "bids unusually close together", "zh": "投标报价异常集中"},
            "tender",
            ("firm_y", "tender"),
            "MON-BID",
        ),
        Typology(
            "MON-BID-DISTANCE",
            {"en": "winner isolated from cover bids", "zh": "中标价与陪标价差距异常"},
            "tender",
            ("firm_y", "tender"),
            "MON-BID",
        ),
        Typology(
            "MON-BID-SHAPE",
            {"en": "lopsided bid distribution", "zh": "报价分布形态异常"},
            "tender",
            ("firm_y", "tender"),
            "MON-BID",
        ),
        Typology(
            "MON-BID-KS",
            {"en": "bids unlike independent ones", "zh": "报价偏离独立竞价分布"},
            "tender",
            ("firm_y", "tender"),
            "MON-BID",
        ),
        Typology(
            "MON-BID-SUBGROUP",
            {"en": "tight group of bidders inside a tender", "zh": "部分投标人报价异常接近"},
            "tender",
            ("firm_y", "tender"),
            "MON-BID",
        ),
        Typology(
            "MON-BID-IDENTICAL",
            {"en": "identical or patterned bids", "zh": "报价雷同或呈规律性差异"},
            "tender",
            ("firm_y", "tender"),
            "MON-BID",
        ),
        Typology(
            "MON-PRICE-VARIANCE",
            {"en": "prices unusually stable", "zh": "价格异常稳定"},
            "sku_seller_q",
            ("sku_seller_q",),
            "MON-PRICE",
        ),
        Typology(
            "TRX-WASH-SCC",
            {"en": "goods or money moving in circles", "zh": "循环或对敲交易"},
            "cluster_m",
            ("cluster_m",),
            "TRX",
        ),
        Typology(
            "PRIV-UNDECLARED-COLLECTION",
            {"en": "data collected but not declared", "zh": "收集未声明的个人信息"},
            "app_data_type",
            ("app_v",),
            "PRIV",
        ),
        Typology(
            "PRIV-BREACH-LATE",
            {"en": "breach notified late", "zh": "个人信息泄露通知迟延"},
            "incident",
            ("incident",),
            "PRIV",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a pure computation may know about time: never the clock.

    Attributes:
        as_of: the day the judgement is made for; open cases are censored there.
    """

    as_of: date
