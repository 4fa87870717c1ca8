"""The alerts: the queue, one alert, its evidence, and what people decide about it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, Field

from alerts.inbox import (
    LARGEST_PAGE,
    QueueFilter,
    Sort,
    get_alert,
)
from alerts.lifecycle import comment, decide
from alerts.model import State, alert_object, kept_back
from api.answers import answer, event_shown
from api.deps import (
    Actor,
    IfMatch,
    SystemDep,
    Who,
    etag,
    expected_version,
    problems,
)
from api.disclosure import disclosed, hidden
from api.queue_answers import QueueRoute, first_answer
from api.schemas.alerts import Alert, AlertDetail, AlertPage, Comment, Decision, Event, Evidence
from api.schemas.rules import FiredTexts
from api.web.explained import sentences
from detector.database import reading, writing
from detector.explanation import explanation, nothing
from detector.rule_views import fired_texts
from features.vocabulary import Lane

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

Severity = Annotated[int, Field(ge=1, le=5)]


def list_alerts(
    request: Request,
    system: SystemDep,
    state: Annotated[list[State], Query()] = [],  # noqa: B006  FastAPI copies defaults
    lane: Annotated[list[Lane], Query()] = [],  # noqa: B006
    typology: Annotated[list[str], Query(max_length=20)] = [],  # noqa: B006
    severity: Annotated[list[Severity], Query()] = [],  # noqa: B006
    subject: Annotated[str | None, Query(max_length=200, description="key, or a part")] = None,
    set_aside: Annotated[bool | None, Query(description="covered by exceptions, or not")] = None,
    assignee: Annotated[str | None, Query(max_length=128)] = None,
    label: Annotated[list[str], Query(max_length=20)] = [],  # noqa: B006
    overdue: Annotated[bool, Query(description="only what is late")] = False,
    stale: Annotated[bool | None, Query(description="filings have stopped, or not")] = None,
    pending: Annotated[bool | None, Query(description="waits for a second person")] = None,
    due_by: Annotated[date | None, Query(description="not closed, due then or before")] = None,
    assigned: Annotated[bool | None, Query(description="somebody's, or nobody's")] = None,
    opened_since: Annotated[AwareDatetime | None, Query()] = None,
    opened_before: Annotated[AwareDatetime | None, Query()] = None,
    jurisdiction: Annotated[
        list[Annotated[str, Field(max_length=16)]],
        Query(max_length=20, description="whose authorities it concerns, for example CN"),
    ] = [],  # noqa: B006
    q: Annotated[str | None, Query(max_length=200, description="anywhere in the title")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
    sort: Annotated[Sort, Query(description="queue order, by day due, or oldest first")] = (
        Sort.QUEUE
    ),
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    """The queue: legal lane first, then by priority. Repeat a filter to ask for any of several."""
    today = system.clock().date()
    wanted = QueueFilter(
        states=state,
        lanes=lane,
        typologies=typology,
        severities=severity,
        subject=subject,
        text=q,
        set_aside=set_aside,
        assignee=assignee,
        labels=[word.casefold() for word in label],
        overdue_on=today if overdue else None,
        stale=stale,
        pending=pending,
        jurisdictions=jurisdiction,
        due_by=due_by,
        assigned=assigned,
        opened_since=opened_since,
        opened_before=opened_before,
    )
    return first_answer(request, wanted, sort, limit, cursor)


router.add_api_route(
    "", list_alerts, methods=["GET"], response_model=AlertPage, responses=problems(422, 503),
    route_class_override=QueueRoute,
)  # fmt: skip


@router.get("/{alert_id}", responses=problems(404, 503))
def read_alert(
    response: Response,
    system: SystemDep,
    who: Who,
    alert_id: str,
    explain: Annotated[bool, Query(description="false leaves `explanation` null")] = True,
) -> AlertDetail:
    """One alert with its history and what would clear it; its ETag is what a change must name in
    If-Match."""
    with reading(system.engine) as connection:
        alert, events = get_alert(connection, alert_id)
    response.headers["ETag"] = etag(alert.version)
    shown: dict[str, Any] = disclosed(alert_object(alert, system.clock().date()), who)
    blind, told = kept_back(alert), None
    if explain:
        why = "blind" if blind else "restricted"
        unsaid = blind or hidden(alert.signal.rules, who)
        found = nothing(why) if unsaid else explanation(system, shown)
        told = {**found, "sentence": sentences(found)}
    listed = [event_shown(event, blind=blind) for event in events]
    return AlertDetail.model_validate(shown | {"events": listed, "explanation": told})


@router.get("/{alert_id}/evidence", responses=problems(404, 503))
def read_evidence(response: Response, system: SystemDep, who: Who, alert_id: str) -> Evidence:
    """The facts, what was not checked, and where every number comes from."""
    with reading(system.engine) as connection:
        alert, _ = get_alert(connection, alert_id)
    response.headers["ETag"] = etag(alert.version)
    shown = disclosed(alert_object(alert), who)
    pointers = ("snapshot_id", "run_id", "subject", "period", "rules", "models")
    return Evidence(
        alert_id=alert.id,
        version=alert.version,
        facts=shown["facts"],
        not_checked=shown["not_checked"],
        sources={name: shown[name] for name in pointers},  # type: ignore[arg-type]
    )


@router.get("/{alert_id}/rules", responses=problems(404, 503))
def read_fired_rules(system: SystemDep, who: Who, alert_id: str) -> FiredTexts:
    """The texts of the rules as they fired, and what has changed in them since."""
    with reading(system.engine) as connection:
        alert, _ = get_alert(connection, alert_id)
        unsaid = kept_back(alert) or hidden(alert.signal.rules, who)
        found = [] if unsaid else fired_texts(connection, alert.signal.rules)
    return FiredTexts.model_validate({"items": found})


@router.post("/{alert_id}/decisions", responses=problems(401, 403, 404, 409, 412, 422, 428, 503))
def make_decision(
    response: Response,
    system: SystemDep,
    alert_id: str,
    decision: Decision,
    who: Who,
    if_match: IfMatch = None,
) -> Alert:
    """Moves the alert to another state, if it is still what the actor saw.

    A closure that needs a second person is asked for: `pending` is set and the state stays.
    """
    version = expected_version(if_match)
    with writing(system.engine) as connection:
        alert = decide(
            connection,
            alert_id,
            who.name,
            decision.action,
            decision.reason,
            decision.note,
            version,
            system.clock(),
            system.settings.due.deadlines(),
        )
    return answer(response, system, alert, who)


@router.post("/{alert_id}/comments", status_code=201, responses=problems(401, 403, 404, 422, 503))
def add_comment(
    system: SystemDep,
    alert_id: str,
    remark: Comment,
    actor: Actor,
) -> Event:
    """Adds a comment; it never conflicts with a decision, so it needs no If-Match."""
    with writing(system.engine) as connection:
        event = comment(connection, alert_id, actor, remark.text, system.clock())
    return Event.model_validate(event_shown(event))
