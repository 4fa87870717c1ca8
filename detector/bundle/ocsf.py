"""An alert as an OCSF 1.3 Detection Finding (class 2004), a case as an Incident Finding (2005)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from importlib.metadata import version
from typing import Any

from detector.bundle.case_gather import CaseEvidence
from detector.bundle.gather import Evidence, Row
from detector.bundle.profiles import Profile

SCHEMA = "1.3.0"
CATEGORY = 2
DETECTION, INCIDENT = (2004, "Detection Finding"), (2005, "Incident Finding")
CREATE, UPDATE, CLOSE = 1, 2, 3
SEVERITY = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
ACTIVITY = {CREATE: "Create", UPDATE: "Update", CLOSE: "Close"}
STATUS = {"open": (1, "New"), "closed": (4, "Resolved")}
IN_PROGRESS = (2, "In Progress")
CASE_STATUS = {"open": (1, "New"), "in_progress": IN_PROGRESS, "decided": (4, "Resolved"),
               "closed": (5, "Closed")}  # fmt: skip
OTHER = 99
"""Stands for a scale of one's own."""
RULE, LEARNING = (1, "Rule"), (4, "Learning (ML/DL)")


def finding(found: Evidence, profile: Profile, created: datetime) -> Row:
    """The event of one alert, from evidence that was already redacted."""
    alert = found.alert
    activity = _activity(alert)
    state = STATUS.get(alert["state"], IN_PROGRESS)
    score = alert.get("suspicion")
    told: Row = {
        **_class(DETECTION, activity),
        "time": _millis(alert["updated_at"]),
        "start_time": _midnight(alert["period"]["start"]),
        "end_time": _midnight(alert["period"]["end"]),
        "severity_id": alert["severity"], "severity": SEVERITY[alert["severity"]],
        "status_id": state[0], "status": state[1],
        "message": str(alert["message"].get("en", "")).replace("**", ""),
        "metadata": _metadata(
            f"{alert['id']}/{alert['version']}", created,
            [f"profile:{profile}", f"lane:{alert['lane']}"],
        ),
        "finding_info": _info(alert, found),
        "evidences": [{"data": _measured(one)} for one in found.features],
        "resources": [_resource(firm, found) for firm in found.sources.concerned],
        "unmapped": {
            "subject": alert["subject"],
            "legal_basis": found.law,
            "innocent_explanations": alert["innocent_explanations"],
            "not_checked": alert["not_checked"],
            "replay": found.replay.get("outcome"),
        },
    }  # fmt: skip
    if score is not None:
        part = round(100 * float(score))
        told |= {"confidence_score": part, "confidence_id": OTHER, "confidence": str(part)}
    if alert["close_reason"]:
        told["status_detail"] = alert["close_reason"]
    return told


def incident(found: CaseEvidence, profile: Profile, created: datetime) -> Row:
    """The event of one case, from evidence that was already redacted."""
    case = found.case
    activity = CLOSE if case["state"] == "closed" else CREATE if case["version"] == 1 else UPDATE
    alerts = [one.alert for one in found.alerts]
    severity = max((int(alert["severity"]) for alert in alerts), default=0)
    told: Row = {
        **_class(INCIDENT, activity),
        "time": _millis(case["updated_at"]),
        "severity_id": severity, "severity": SEVERITY.get(severity, "Unknown"),
        "status_id": CASE_STATUS[case["state"]][0], "status": CASE_STATUS[case["state"]][1],
        "desc": case["title"],
        "message": case["title"],
        "assignee_group": {"name": case.get("unit") or "not assigned to a unit"},
        "metadata": _metadata(
            f"{case['number']}/{case['version']}", created, [f"profile:{profile}"]
        ),
        "finding_info_list": [_info(one.alert, one) for one in found.alerts],
        "unmapped": {
            "case": case["number"],
            "parties": found.parties,
            "interventions": found.interventions,
            "alerts_left_out": found.left_out,
        },
    }  # fmt: skip
    if alerts:
        told["start_time"] = _midnight(min(alert["period"]["start"] for alert in alerts))
        told["end_time"] = _midnight(max(alert["period"]["end"] for alert in alerts))
    if case["outcome"]:
        told["status_detail"] = case["outcome"]
    return told


def _class(kind: tuple[int, str], activity: int) -> Row:
    return {
        "class_uid": kind[0], "class_name": kind[1],
        "category_uid": CATEGORY, "category_name": "Findings",
        "activity_id": activity, "activity_name": ACTIVITY[activity],
        "type_uid": kind[0] * 100 + activity, "type_name": f"{kind[1]}: {ACTIVITY[activity]}",
    }  # fmt: skip


def _metadata(uid: str, created: datetime, labels: list[str]) -> Row:
    release = version("marketwarden")
    product = {"name": "Marketwarden", "vendor_name": "Marketwarden", "version": release}
    return {
        "version": SCHEMA, "product": product | {"lang": "en"}, "uid": uid,
        "logged_time": _instant(created), "labels": labels,
    }  # fmt: skip


def _activity(alert: Mapping[str, Any]) -> int:
    if alert["state"] == "closed":
        return CLOSE
    return CREATE if alert["version"] == 1 else UPDATE


def _info(alert: Row, found: Evidence) -> Row:
    analytics = [_analytic(rule["id"], rule["version"], RULE) for rule in found.rules]
    analytics += [_analytic(model["id"], model["version"], LEARNING) for model in alert["models"]]
    told: Row = {
        "uid": alert["id"],
        "title": alert["title"]["en"],
        "types": [alert["typology"]],
        "created_time": _millis(alert["opened_at"]),
        "modified_time": _millis(alert["updated_at"]),
        "data_sources": sorted(found.sources.tables),
    }
    if analytics:
        told |= {"analytic": analytics[0], "related_analytics": analytics[1:]}
    return told


def _analytic(name: object, release: object, kind: tuple[int, str]) -> Row:
    return {"uid": name, "name": name, "version": release, "type_id": kind[0], "type": kind[1]}


def _measured(one: Row) -> Row:
    names = ("feature", "expression", "value", "unit", "op", "threshold", "n", "holds", "reason",
             "rule", "interval", "band")  # fmt: skip
    return {name: one.get(name) for name in names}


def _resource(firm: str, found: Evidence) -> Row:
    name = found.sources.names.get(firm, {}).get("en", firm)
    return {"uid": firm, "name": name, "type": "organization"}


def _millis(text: str) -> int:
    return _instant(datetime.fromisoformat(text))


def _instant(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _midnight(day: str) -> int:
    return _millis(f"{date.fromisoformat(day).isoformat()}T00:00:00+00:00")
