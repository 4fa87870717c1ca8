"""What each address needs. An address that stands nowhere here is refused to everyone."""

from __future__ import annotations

from collections.abc import Mapping

from detector.people.permissions import Permission

OPEN = "open"
"""Answers anybody: whether the server lives, its own description, and the way in."""
SIGNED_IN = "signed in"
"""Answers whoever is signed in, about themselves."""

NEEDS: Mapping[tuple[str, str], Permission | str] = {
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/sign-in"): OPEN,
    ("POST", "/sign-in"): OPEN,
    ("GET", "/sign-in/oidc"): OPEN,
    ("GET", "/sign-in/oidc/back"): OPEN,
    ("POST", "/sign-out"): OPEN,
    # who am I
    ("GET", "/api/v1/me"): SIGNED_IN,
    ("GET", "/api/v1/me/notifications"): SIGNED_IN,
    ("PUT", "/api/v1/me/notifications"): SIGNED_IN,
    # one's own; with `people.manage` everybody's
    ("GET", "/api/v1/notifications"): SIGNED_IN,
    ("GET", "/api/v1/me/keys"): SIGNED_IN,
    ("POST", "/api/v1/me/keys"): SIGNED_IN,
    ("POST", "/api/v1/me/keys/{key_id}/revoke"): SIGNED_IN,
    # alerts
    ("GET", "/"): Permission.ALERTS_READ,
    ("GET", "/alerts/{alert_id}"): Permission.ALERTS_READ,
    ("GET", "/alerts/{alert_id}/replay"): Permission.THRESHOLDS_READ,
    ("POST", "/alerts/{alert_id}/replay"): Permission.THRESHOLDS_READ,
    ("POST", "/alerts/{alert_id}/decisions"): Permission.ALERTS_DECIDE,
    ("POST", "/alerts/{alert_id}/comments"): Permission.ALERTS_DECIDE,
    ("GET", "/api/v1/alerts"): Permission.ALERTS_READ,
    ("GET", "/api/v1/alerts/{alert_id}"): Permission.ALERTS_READ,
    ("GET", "/api/v1/alerts/{alert_id}/evidence"): Permission.ALERTS_READ,
    ("GET", "/api/v1/alerts/{alert_id}/rules"): Permission.ALERTS_READ,
    ("POST", "/api/v1/alerts/{alert_id}/decisions"): Permission.ALERTS_DECIDE,
    ("POST", "/api/v1/alerts/{alert_id}/comments"): Permission.ALERTS_DECIDE,
    ("GET", "/api/v1/alerts/{alert_id}/replay"): Permission.THRESHOLDS_READ,
    ("POST", "/api/v1/alerts/{alert_id}/replay"): Permission.THRESHOLDS_READ,
    ("POST", "/api/v1/alerts/bulk"): Permission.ALERTS_DECIDE,
    ("POST", "/api/v1/alerts/{alert_id}/assignment"): Permission.ALERTS_DECIDE,
    ("POST", "/api/v1/alerts/{alert_id}/labels"): Permission.ALERTS_DECIDE,
    ("POST", "/api/v1/alerts/{alert_id}/undo"): Permission.ALERTS_DECIDE,
    ("POST", "/api/v1/alerts/{alert_id}/tuning"): Permission.ALERTS_DECIDE,
    ("POST", "/api/v1/alerts/{alert_id}/closure/approve"): Permission.ALERTS_APPROVE,
    ("POST", "/api/v1/alerts/{alert_id}/closure/reject"): Permission.ALERTS_APPROVE,
    ("POST", "/api/v1/alerts/{alert_id}/closure/withdraw"): Permission.ALERTS_DECIDE,
    ("GET", "/api/v1/alerts/{alert_id}/attachments"): Permission.ALERTS_READ,
    ("POST", "/api/v1/alerts/{alert_id}/attachments"): Permission.ALERTS_DECIDE,
    ("GET", "/api/v1/alerts/{alert_id}/attachments/{number}"): Permission.ALERTS_READ,
    ("POST", "/alerts/{alert_id}/assignment"): Permission.ALERTS_DECIDE,
    ("POST", "/alerts/{alert_id}/undo"): Permission.ALERTS_DECIDE,
    ("POST", "/alerts/{alert_id}/tuning"): Permission.ALERTS_DECIDE,
    ("POST", "/alerts/{alert_id}/closure/approve"): Permission.ALERTS_APPROVE,
    ("POST", "/alerts/{alert_id}/closure/reject"): Permission.ALERTS_APPROVE,
    ("POST", "/alerts/{alert_id}/closure/withdraw"): Permission.ALERTS_DECIDE,
    ("GET", "/api/v1/alerts/{alert_id}/bundle"): Permission.EVIDENCE_EXPORT,
    ("GET", "/api/v1/reviews/precision"): Permission.ALERTS_READ,
    ("GET", "/api/v1/reviews/agreement"): Permission.ALERTS_READ,
    ("GET", "/api/v1/reviews/lessons"): Permission.ALERTS_READ,
    ("GET", "/api/v1/alerts/{alert_id}/origin"): Permission.ALERTS_READ,
    # cases
    ("GET", "/api/v1/cases"): Permission.CASES_READ,
    ("POST", "/api/v1/cases"): Permission.CASES_WRITE,
    ("GET", "/api/v1/cases/{number}"): Permission.CASES_READ,
    ("PATCH", "/api/v1/cases/{number}"): Permission.CASES_WRITE,
    ("POST", "/api/v1/cases/{number}/alerts"): Permission.CASES_WRITE,
    ("POST", "/api/v1/cases/{number}/alerts/{alert_id}/remove"): Permission.CASES_WRITE,
    ("POST", "/api/v1/cases/{number}/tasks"): Permission.CASES_WRITE,
    ("PATCH", "/api/v1/cases/{number}/tasks/{task}"): Permission.CASES_WRITE,
    ("POST", "/api/v1/cases/{number}/notes"): Permission.CASES_WRITE,
    ("POST", "/api/v1/cases/{number}/interventions"): Permission.CASES_WRITE,
    ("GET", "/api/v1/cases/{number}/timeline"): Permission.CASES_READ,
    ("POST", "/api/v1/cases/{number}/hand-over"): Permission.EVIDENCE_EXPORT,
    # firms
    ("GET", "/api/v1/firms"): Permission.FIRMS_READ,
    ("GET", "/api/v1/firms/{firm_id}"): Permission.FIRMS_READ,
    ("GET", "/api/v1/firms/{firm_id}/timeline"): Permission.FIRMS_READ,
    ("GET", "/api/v1/firms/{firm_id}/coverage"): Permission.FIRMS_READ,
    ("GET", "/api/v1/firms/{firm_id}/network"): Permission.FIRMS_READ,
    ("GET", "/api/v1/firms/{firm_id}/peers"): Permission.FIRMS_READ,
    ("GET", "/api/v1/firms/{firm_id}/filings"): Permission.FIRMS_READ,
    ("GET", "/api/v1/firms/{firm_id}/filings/{table}"): Permission.FIRMS_READ,
    ("GET", "/api/v1/searches"): Permission.FIRMS_READ,
    ("POST", "/api/v1/searches"): Permission.FIRMS_READ,
    ("GET", "/api/v1/searches/hits"): Permission.FIRMS_READ,
    ("GET", "/api/v1/searches/{search_id}"): Permission.FIRMS_READ,
    ("PATCH", "/api/v1/searches/{search_id}"): Permission.FIRMS_READ,
    ("DELETE", "/api/v1/searches/{search_id}"): Permission.FIRMS_READ,
    ("GET", "/api/v1/searches/{search_id}/hits"): Permission.FIRMS_READ,
    ("POST", "/api/v1/searches/{search_id}/seen"): Permission.FIRMS_READ,
    # rules
    ("GET", "/api/v1/rules"): Permission.RULES_READ,
    ("POST", "/api/v1/rules/lint"): Permission.RULES_WRITE,
    ("POST", "/api/v1/rules/test"): Permission.RULES_WRITE,
    ("GET", "/api/v1/rules/{rule_id}"): Permission.RULES_READ,
    ("GET", "/api/v1/rules/{rule_id}/versions"): Permission.RULES_READ,
    ("GET", "/api/v1/rules/{rule_id}/versions/{version}"): Permission.RULES_READ,
    ("GET", "/api/v1/rules/{rule_id}/versions/{version}/diff"): Permission.RULES_READ,
    ("GET", "/api/v1/rules/{rule_id}/tuning"): Permission.RULES_READ,
    ("POST", "/api/v1/rules/{rule_id}/promote"): Permission.RULES_WRITE,
    ("POST", "/api/v1/rules/{rule_id}/retire"): Permission.RULES_WRITE,
    ("POST", "/api/v1/rules/{rule_id}/rollback"): Permission.RULES_WRITE,
    ("POST", "/api/v1/rules/{rule_id}/backtest"): Permission.RULES_WRITE,
    ("POST", "/api/v1/rules/{rule_id}/diff"): Permission.RULES_WRITE,
    ("GET", "/api/v1/exceptions"): Permission.RULES_READ,
    ("POST", "/api/v1/exceptions"): Permission.EXCEPTIONS_WRITE,
    ("GET", "/api/v1/exceptions/{number}"): Permission.RULES_READ,
    ("POST", "/api/v1/exceptions/{number}/approve"): Permission.EXCEPTIONS_APPROVE,
    ("POST", "/api/v1/exceptions/{number}/end"): Permission.EXCEPTIONS_WRITE,
    # the machine
    ("GET", "/metrics"): Permission.RUNS_READ,
    ("GET", "/api/v1/models"): Permission.RUNS_READ,
    ("GET", "/api/v1/models/history"): Permission.RUNS_READ,
    ("GET", "/api/v1/models/drift"): Permission.RUNS_READ,
    ("GET", "/api/v1/runs"): Permission.RUNS_READ,
    ("GET", "/api/v1/runs/{run_id}"): Permission.RUNS_READ,
    # the trail
    ("GET", "/audit"): Permission.AUDIT_READ,
    ("GET", "/api/v1/audit"): Permission.AUDIT_READ,
    ("GET", "/api/v1/audit/state"): Permission.AUDIT_READ,
    # people
    ("GET", "/api/v1/people"): Permission.PEOPLE_MANAGE,
    ("POST", "/api/v1/people"): Permission.PEOPLE_MANAGE,
    ("GET", "/api/v1/people/{name}"): Permission.PEOPLE_MANAGE,
    ("PATCH", "/api/v1/people/{name}"): Permission.PEOPLE_MANAGE,
    ("GET", "/api/v1/webhooks"): Permission.PEOPLE_MANAGE,
    ("POST", "/api/v1/webhooks"): Permission.PEOPLE_MANAGE,
    ("DELETE", "/api/v1/webhooks/{webhook_id}"): Permission.PEOPLE_MANAGE,
    ("POST", "/api/v1/webhooks/{webhook_id}/rotate"): Permission.PEOPLE_MANAGE,
    ("POST", "/api/v1/webhooks/{webhook_id}/test"): Permission.PEOPLE_MANAGE,
    ("POST", "/api/v1/notifications/{message_id}/retry"): Permission.PEOPLE_MANAGE,
}


def needed(method: str, path: str) -> Permission | str | None:
    """What an address needs; None where nobody has said."""
    return NEEDS.get(("GET" if method == "HEAD" else method, path))
