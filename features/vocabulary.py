"""Words shared by every package: grains, outcomes, reasons, directions, severities.

No I/O and no engine: this module may be imported from anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from features.typologies import TYPOLOGIES as TYPOLOGIES
from features.typologies import Typology as Typology

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
        recurs: whether the same subject comes again in later periods.
    """

    code: str
    subject_kind: str
    parts: tuple[str, ...]
    period: PeriodLetter
    recurs: bool = True


# fmt: off
GRAINS: dict[str, Grain] = {
    g.code: g
    for g in (
        Grain("tender", "tender", ("tender_id", "lot_id"), "m", recurs=False),
        Grain("pair_tender", "pair_tender", ("firm_a", "firm_b", "tender_id"), "m", recurs=False),
        Grain("group_y", "group", ("members",), "y"),
        Grain("category_y", "category", ("category",), "y"),
        Grain("buyer_y", "buyer", ("buyer_id",), "y"),
        Grain("buyer_q", "buyer", ("buyer_id",), "q"),
        Grain("firm_q", "firm", ("firm_id",), "q"),
        Grain("firm_y", "firm", ("firm_id",), "y"),
        Grain("pair_y", "pair", ("firm_a", "firm_b"), "y"),
        Grain("pair_q", "pair", ("seller_a", "seller_b"), "q"),
        Grain("market_y", "market", ("market_id",), "y"),
        Grain("market_q", "market", ("market_id",), "q"),
        Grain("market_firm_y", "market_firm", ("market_id", "firm_id"), "y"),
        Grain("sku_d", "sku", ("sku_id",), "d"),
        Grain("sku_w", "sku", ("sku_id",), "w"),
        Grain("sku_m", "sku", ("sku_id",), "m"),
        Grain("sku_q", "sku", ("sku_id",), "q"),
        Grain("sku_event", "sku_event", ("sku_id", "promo_id"), "m", recurs=False),
        Grain("sku_seller_q", "sku_seller", ("sku_id", "seller_id"), "q"),
        Grain("cell", "cell", ("sku_id", "bucket"), "m"),
        Grain("product_m", "product", ("product_id",), "m"),
        Grain("product_q", "product", ("product_id",), "q"),
        Grain("product_pair_m", "product_pair", ("sku_a", "sku_b"), "m"),
        Grain("customer_y", "customer", ("seller_id", "buyer_id"), "y"),
        Grain("platform_m", "platform", ("platform_id",), "m"),
        Grain("merchant_d", "merchant", ("merchant_id",), "d"),
        Grain("merchant_w", "merchant", ("merchant_id",), "w"),
        Grain("merchant_m", "merchant", ("merchant_id",), "m"),
        Grain("item_d", "item", ("item_id",), "d"),
        Grain("cluster_m", "cluster", ("members",), "m"),
        Grain("path_m", "path", ("members",), "m"),
        Grain("deal", "deal", ("deal_id",), "m", recurs=False),
        Grain("deal_market", "deal_market", ("deal_id", "market_id"), "m", recurs=False),
        Grain("app_v", "app", ("app_id",), "m"),
        Grain("app_m", "app", ("app_id",), "m"),
        Grain("app_locale_m", "app_locale", ("app_id", "locale"), "m"),
        Grain("app_data_type", "app_data_type", ("app_id", "data_type"), "m"),
        Grain("app_recipient", "app_recipient", ("app_id", "data_type", "recipient"), "m"),
        Grain("operator_d", "operator", ("operator_id",), "d"),
        Grain("operator_m", "operator", ("operator_id",), "m"),
        Grain("operator_q", "operator", ("operator_id",), "q"),
        Grain("operator_y", "operator", ("operator_id",), "y"),
        Grain("operator_type_q", "operator_type", ("operator_id", "data_type"), "q"),
        Grain("operator_topic_w", "operator_topic", ("operator_id", "topic"), "w"),
        Grain("service_pair_m", "service_pair", ("operator_id", "service_a", "service_b"), "m"),
        Grain("incident", "incident", ("incident_id",), "m", recurs=False),
        Grain("request", "request", ("request_id",), "m", recurs=False),
        Grain("dataset", "dataset", ("dataset_id",), "m"),
        Grain("metric_cell", "metric_cell",
              ("operator_id", "service_id", "metric", "period_start"), "m", recurs=False),
        Grain("filing", "filing", ("operator_id", "filing"), "m"),
        Grain("vendor", "vendor", ("vendor_id",), "m"),
    )
}
# fmt: on


def meant_by(pattern: str, typology: str) -> bool:
    """Whether a typology is named by a pattern: itself, or a beginning followed by ``*``."""
    return typology.startswith(pattern[:-1]) if pattern.endswith("*") else typology == pattern


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a pure computation may know about time: never the clock.

    Attributes:
        as_of: the day the judgement is made for; open cases are censored there.
    """

    as_of: date
