"""An alert as an OCSF 1.3 Detection Finding (class 2004), for whoever collects such events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from importlib.metadata import version
from typing import Any

from detector.bundle.gather import Evidence, Row
from detector.bundle.profiles import Profile

SCHEMA = "1.3.0"
CLASS, CATEGORY = 2004, 2
CREATE, UPDATE, CLOSE = 1, 2, 3
SEVERITY = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
ACTIVITY = {CREATE: "Create", UPDATE: "Update", CLOSE: "Close"}
STATUS = {"open": (1, "New"), "closed": (4, "Resolved")}
IN_PROGRESS = (2, "In Progress")
RULE, LEARNING = (1, "Rule"), (4, "Learning (ML/DL)")


def finding(found: Evidence, profile: Profile, created: datetime) -> Row:
    """The event of one alert, from evidence that was already redacted."""
    alert = found.alert
    activity = _activity(alert)
    state = STATUS.get(alert["state"], IN_PROGRESS)
    score = alert.get("suspicion")
    told: Row = {
        "class_uid": CLASS, "class_name": "Detection Finding",
        "category_uid": CATEGORY, "category_name": "Findings",
        "activity_id": activity, "activity_name": ACTIVITY[activity],
        "type_uid": CLASS * 100 + activity,
        "type_name": f"Detection Finding: {ACTIVITY[activity]}",
        "time": _millis(alert["updated_at"]),
        "start_time": _midnight(alert["period"]["start"]),
        "end_time": _midnight(alert["period"]["end"]),
        "severity_id": alert["severity"], "severity": SEVERITY[alert["severity"]],
        "status_id": state[0], "status": state[1],
        "message": str(alert["message"].get("en", "")).replace("**", ""),
        "metadata": {
            "version": SCHEMA,
            "product": {
                "name": "Marketwarden", "vendor_name": "Marketwarden",
                "version": version("marketwarden"), "lang": "en",
            },
            "uid": f"{alert['id']}/{alert['version']}", "logged_time": _instant(created),
            "labels": [f"profile:{profile}", f"lane:{alert['lane']}"],
        },
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
        told["confidence_score"] = round(100 * float(score))
    if alert["close_reason"]:
        told["status_detail"] = alert["close_reason"]
    return told


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
