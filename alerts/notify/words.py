"""What a message says: the kind of event, an id, a link, and nothing of the matter itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alerts.notify.kinds import Kind, Notice

MOST_LINES = 50
"""Notices listed in one message; the rest is counted."""

WORDS: Mapping[str, Mapping[Kind, str]] = {
    "en": {
        Kind.ALERT_OPENED: "Alert opened",
        Kind.ALERT_REOPENED: "Alert reopened",
        Kind.ALERT_ESCALATED: "Alert escalated",
        Kind.ALERT_ASSIGNED: "Alert assigned to you",
        Kind.CLOSURE_PENDING: "Closing waits for a second person",
        Kind.LEAD_RECEIVED: "Lead received",
        Kind.CASE_ASSIGNED: "Case or task assigned to you",
        Kind.JOB_FAILED: "Job failed",
        Kind.DATA_LATE: "Data stopped coming",
        Kind.TEST: "Test",
    },
    "zh": {
        Kind.ALERT_OPENED: "新预警",
        Kind.ALERT_REOPENED: "预警重新打开",
        Kind.ALERT_ESCALATED: "预警已上报",
        Kind.ALERT_ASSIGNED: "预警已分派给您",
        Kind.CLOSURE_PENDING: "结案待第二人审核",
        Kind.LEAD_RECEIVED: "收到线索",
        Kind.CASE_ASSIGNED: "案件或任务已分派给您",
        Kind.JOB_FAILED: "作业失败",
        Kind.DATA_LATE: "数据中断",
        Kind.TEST: "测试",
    },
}
_PLACES = {
    "alert": "/alerts/{key}",
    "case": "/api/v1/cases/{key}",
    "run": "/api/v1/runs/{key}",
    "webhook": "/api/v1/webhooks",
}
_MANY = {"en": "{n} notices", "zh": "{n} 条通知"}
_REST = {"en": "and {n} more: {link}", "zh": "另有 {n} 条：{link}"}
_CLOSE = {
    "en": "Marketwarden. Sign in to read more; change what is sent to you at {link}",
    "zh": "Marketwarden。请登录查看详情；通知设置：{link}",
}


def link_of(notice: Notice, base_url: str) -> str:
    """Where whoever may sees more."""
    return base_url.rstrip("/") + _PLACES[notice.about].format(key=notice.key)


def mail_of(notices: Sequence[Notice], language: str, base_url: str) -> tuple[str, str]:
    """Subject and text of an e-mail."""
    words, base = WORDS[language], base_url.rstrip("/")
    lines = [
        f"{words[one.kind]}: {one.key}\n{link_of(one, base)}\n" for one in notices[:MOST_LINES]
    ]
    if len(notices) > MOST_LINES:
        lines.append(_REST[language].format(n=len(notices) - MOST_LINES, link=f"{base}/") + "\n")
    told = (
        f"{words[notices[0].kind]}: {notices[0].key}"
        if len(notices) == 1
        else _MANY[language].format(n=len(notices))
    )
    closing = _CLOSE[language].format(link=f"{base}/api/v1/me/notifications")
    return f"Marketwarden: {told}", "\n".join([*lines, closing, ""])


def payload_of(notice: Notice, base_url: str) -> dict[str, Any]:
    """Body of a webhook, in the form of Standard Webhooks."""
    return {
        "type": notice.kind.value,
        "timestamp": notice.at.isoformat(),
        "data": {"id": notice.key, "link": link_of(notice, base_url)},
    }
