"""A small made-up queue: enough kinds of suspicion to see every part of the pages at work."""

from __future__ import annotations

from datetime import date
from typing import Any

from alerts.model import Signal

RUN, SNAPSHOT = "5f1c2d3e4a5b4c6d8e9f0a1b2c3d4e5f-7", "bids:41,tenders:12,firms:3"
FIRMS = (
    ("F-0101", "Dunmere Paving", "顿梅路面"),
    ("F-0102", "Calder Road Works", "卡尔德道路工程"),
    ("F-0103", "Orvelo Market", "沃洛集市"),
    ("F-0104", "Tessmor Beauty", "泰丝美妆"),
    ("F-0105", "Brightfen Supply", "明汾供应"),
    ("F-0106", "Havra Travel", "哈芙旅行"),
    ("F-0107", "Sundray Energy", "桑瑞能源"),
    ("F-0108", "Pellin Games", "佩林游戏"),
    ("F-0109", "Wendlow Home", "温洛家居"),
    ("F-0110", "Nordhavel Cloud", "诺哈云"),
)


def fact(feature: str, value: Any, op: str, threshold: Any, **more: Any) -> dict[str, Any]:
    """One leaf of a rule's condition."""
    given = {"n": 8, "holds": value is not None, "unit": "ratio", "class": "LIT", "parameter": None}
    return {"feature": feature, "value": value, "op": op, "threshold": threshold, **given, **more}


def weight(feature: str, value: float, median: float, z: float, share: float) -> dict[str, Any]:
    """One contribution of the outlier model."""
    return {
        "feature": feature, "value": value, "peer_median": median, "z": z, "pct": 0.99,
        "share": share, "n": 8, "peers": 214,
    }  # fmt: skip


def signal(
    typology: str, conduct: tuple[str, str], firm: tuple[str, str, str], **more: Any
) -> Signal:
    """One signal about a firm, with defaults for what a case does not care about."""
    en, zh = conduct
    given: dict[str, Any] = {
        "subject_kind": "firm", "subject_key": firm[0],
        "period_start": date(2026, 1, 1), "period_end": date(2026, 12, 31),
        "suspicion": 0.8, "p_value": None, "q_value": None, "severity": 3, "lane": "screen",
        "rules": ({"id": typology.lower(), "version": "1.0.0"},), "models": (), "facts": (),
        "message": {"en": f"{en} seen.", "zh": f"发现{zh}。"},
        "legal_basis": (), "innocent": (), "not_checked": (),
    }  # fmt: skip
    title = {"en": f"possible {en}: {firm[1]}", "zh": f"涉嫌{zh}：{firm[2]}"}
    return Signal(
        typology=typology, title=title, run_id=RUN, snapshot_id=SNAPSHOT, **(given | more)
    )


def cover_bids(i: int) -> Signal:
    """Rule and model agree; one rule could not be judged."""
    firm, cv, tenders = FIRMS[i % 10], round(0.031 + 0.004 * i, 3), 6 + i
    return signal(
        "MON-BID-DISTANCE", ("winner isolated from cover bids", "中标价与陪标价差距异常"), firm,
        suspicion=round(0.97 - 0.03 * i, 2), p_value=0.0004 * (i + 1), q_value=0.01 * (i + 1),
        severity=4 if i < 3 else 3,
        models=({"id": "signed-rank", "version": "2026.11"},),
        facts=(
            fact("bid_rd_norm", 4.82 - 0.2 * i, ">=", 2.0, n=tenders),
            fact("bid_cv", cv, "<=", 0.06, n=tenders),
            fact("losing_gap_share", 0.42, ">=", 0.25, unit="share", n=tenders, **{"class": "ENG"}),
            fact("bid_rotation", None, ">=", 0.7, reason="too_few"),
            weight("bid_rd_norm", 4.82 - 0.2 * i, 1.04, 5.1, 0.46),
            weight("bid_cv", cv, 0.118, 3.9, 0.34),
            weight("bid_kurtosis", 2.61, 0.4, 2.2, 0.2),
        ),
        message={
            "en": f"The winner sits **{4.82 - 0.2 * i:.2f} gaps** below a tight pack of losers in "
            f"{tenders} tenders (cv {cv}, peer median 0.118).",
            "zh": f"{tenders} 次招标中，中标价比密集的落标价低 **{4.82 - 0.2 * i:.2f} 个间距**"
            f"（cv {cv}，同类中位数 0.118）。",
        },
        legal_basis=(
            {"jurisdiction": "CN", "instrument": "Anti-Monopoly Law", "article": "art. 17",
             "in_force_from": "2022-08-01", "note": "Competitors may not agree on prices or "
             "divide a market; bids prepared together are one form of it."},
            {"jurisdiction": "CN", "instrument": "Bidding Law", "article": "art. 32",
             "in_force_from": "2017-12-28"},
        ),
        innocent=(
            {"en": "The winner alone had a cheap source near the site; its later tenders elsewhere "
             "would show ordinary distances.",
             "zh": "中标人独有靠近工地的廉价货源；其在别处的投标应显示正常差距。"},
            {"en": "A published engineer's estimate draws the losing bids together.",
             "zh": "公开的工程预算使落标报价趋同。"},
        ),
        not_checked=({"rule": "bid-rotation@1.2.0", "reason": "too_few"},) if i % 3 == 0 else (),
    )  # fmt: skip


def late_breach(i: int) -> Signal:
    """A fact against a limit in law."""
    hours, firm = 95 + 31 * i, FIRMS[(i + 5) % 10]
    return signal(
        "PRIV-BREACH-LATE", ("breach notified late", "个人信息泄露通知迟延"), firm,
        subject_kind="incident", subject_key=f"I-{300 + i}", lane="legal",
        severity=5 if i < 2 else 3, suspicion=1.0,
        period_start=date(2026, 10, 1), period_end=date(2026, 10, 31),
        facts=(fact("notice_delay_hours", hours, ">", 72, unit="hours", n=1, **{"class": "LEGAL"}),
               fact("affected_persons", 2_500_000, ">=", 1, unit="persons", n=1)),
        message={"en": f"Notified {hours} h after becoming aware; the limit is 72 h.",
                 "zh": f"知悉后 {hours} 小时才通知，时限为 72 小时。"},
        innocent=({"en": "Awareness was disputed until an expert confirmed the leak.",
                   "zh": "在专家确认之前，是否知悉存在争议。"},
                  {"en": "An authority asked for the notice to wait.",
                   "zh": "主管机关要求暂缓通知。"}),
        legal_basis=({"jurisdiction": "CN", "instrument": "Personal Information Protection Law",
                      "article": "art. 57", "in_force_from": "2021-11-01"},),
    )  # fmt: skip


def model_only(i: int) -> Signal:
    """No rule fired: the reason has to come from the model."""
    return signal(
        "MON-PRICE-VARIANCE", ("prices unusually stable", "价格异常稳定"), FIRMS[(i + 2) % 10],
        subject_kind="sku_seller", subject_key=f"S-{i}/{FIRMS[(i + 2) % 10][0]}", severity=2,
        period_start=date(2026, 7, 1), period_end=date(2026, 9, 30), rules=(),
        suspicion=round(0.93 - 0.02 * i, 2), p_value=0.002 * (i + 1), message={"en": "", "zh": ""},
        models=({"id": "isolation-forest", "version": "2026.11"},),
        facts=(weight("price_cv", 0.004 + 0.001 * i, 0.061, 4.4, 0.8),
               weight("price_change_share", 0.02, 0.31, 2.7, 0.2)),
    )  # fmt: skip


def undeclared(i: int) -> Signal:
    """A rule about an app, with a class as value."""
    firm = FIRMS[(i + 7) % 10]
    return signal(
        "PRIV-UNDECLARED-COLLECTION", ("data collected but not declared", "收集未声明的个人信息"),
        (f"app.{i}", f"{firm[1]} {i}.2", f"{firm[2]} {i}.2"), subject_kind="app", lane="legal",
        severity=4 if i % 2 else 3, period_start=date(2026, 9, 1), period_end=date(2026, 9, 30),
        suspicion=1.0,
        facts=(fact("undeclared_types", 3 + i, ">=", 1, unit="count", **{"class": "LEGAL"}),
               fact("data_type", "precise_location", "in", "location, contacts", unit="")),
        message={"en": f"Location and contacts left the phone in {248 + i} of 400 sessions; "
                 "neither is declared.",
                 "zh": f"400 次会话中有 **{248 + i} 次**外传位置和通讯录；两者均未声明。"},
        innocent=({"en": "The declaration was amended after the scan.",
                   "zh": "检测之后已更正声明。"},
                  {"en": "A library was added by mistake and removed.",
                   "zh": "误加入的组件已移除。"}),
    )  # fmt: skip


def signals() -> list[Signal]:
    """Forty signals: both lanes, all severities met in practice, rules, models and both."""
    return [
        *(cover_bids(i) for i in range(10)),
        *(late_breach(i) for i in range(6)),
        *(undeclared(i) for i in range(8)),
        *(model_only(i) for i in range(16)),
    ]
