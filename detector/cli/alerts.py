"""`alerts list|show|decide`: the queue and one alert without a browser."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from detector.cli.lifecycle import Actor
from detector.cli.output import opened, say, say_table

app = typer.Typer(help="The queue of alerts, and decisions on them.", no_args_is_help=True)

COLUMNS = ("id", "typology", "subject", "severity", "state", "owner", "due", "late")


@app.command("list")
def list_alerts(
    state: Annotated[list[str] | None, typer.Option(help="Any of these states.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Any of these labels.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Only this person's.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is late.")] = False,
    pending: Annotated[
        bool, typer.Option("--pending", help="Only what waits for a second person.")
    ] = False,
    sort: Annotated[str, typer.Option(help="`queue`, `due` or `age`.")] = "queue",
    limit: Annotated[int, typer.Option(help="At most so many, 1 to 200.")] = 50,
) -> None:
    """Alerts in queue order, by the day they are due, or oldest first."""
    from alerts.inbox import QueueFilter, Sort, queue
    from alerts.model import State, alert_object
    from detector.database import reading
    from features.errors import WardenError

    if sort not in tuple(Sort) or not set(state or ()) <= set(State):
        known = f"Orders: {', '.join(Sort)}. States: {', '.join(State)}."
        raise WardenError("unknown_choice", "There is no such order or state.", known)
    system = opened()
    today = system.clock().date()
    wanted = QueueFilter(
        states=state or (),
        labels=[word.casefold() for word in label or ()],
        assignee=assignee,
        overdue_on=today if overdue else None,
        pending=pending or None,
    )
    with reading(system.engine) as connection:
        found = queue(connection, wanted, None, limit, Sort(sort)).alerts
    say_table([_row(alert_object(alert, today)) for alert in found], COLUMNS, "No alert fits.")


def _row(alert: dict[str, Any]) -> dict[str, Any]:
    return alert | {
        "subject": alert["subject"]["key"],
        "owner": alert["assignee"],
        "due": alert["due_on"],
        "late": "late" if alert["overdue"] else None,
    }


@app.command("show")
def show_alert(
    alert_id: Annotated[str, typer.Argument(help="Alert, see `warden alerts list`.")],
) -> None:
    """One alert and everything that happened to it."""
    from alerts.inbox import get_alert
    from alerts.model import alert_object, event_object, kept_back
    from detector.database import reading

    system = opened()
    with reading(system.engine) as connection:
        alert, history = get_alert(connection, alert_id)
    shown = alert_object(alert, system.clock().date())
    events = [event_object(event, blind=kept_back(alert)) for event in history]
    lines = [
        f"{alert.id} · {shown['title'].get('en', '')} · severity {shown['severity']}",
        f"{shown['state']} · {shown['assignee'] or 'nobody’s'} · due {shown['due_on']}"
        f" · {shown['age_days']} days old · version {shown['version']}",
        *(_event_line(event) for event in events),
    ]
    say(shown | {"events": events}, "\n".join(lines))


def _event_line(event: dict[str, Any]) -> str:
    why = f" ({event['reason']})" if event["reason"] else ""
    said = f": {event['note']}" if event["note"] else ""
    return f"{event['at'][:16]} {event['kind'].replace('_', ' ')}{why} by {event['actor']}{said}"


@app.command("decide")
def decide_alert(
    alert_id: Annotated[str, typer.Argument(help="Alert, see `warden alerts list`.")],
    action: Annotated[str, typer.Argument(help="acknowledge, review, escalate, close, reopen.")],
    reason: Annotated[str | None, typer.Option(help="To close: why, one of the list.")] = None,
    note: Annotated[str | None, typer.Option(help="To close or escalate: what you saw.")] = None,
    version: Annotated[
        int | None, typer.Option(help="The version decided on; the present one if left.")
    ] = None,
    actor: Actor = "",
) -> None:
    """Decide on an alert, as somebody with an account whose role may.

    Closing a severe alert for another reason than `confirmed` asks a second person, who answers
    on the page or over HTTP, signed in.
    """
    from alerts.inbox import get_alert
    from alerts.lifecycle import decide
    from alerts.model import alert_object
    from detector.casework import worker
    from detector.database import reading, writing

    system = opened()
    with reading(system.engine) as connection:
        seen = version or get_alert(connection, alert_id).alert.version
    with writing(system.engine) as connection:
        who, days = worker(connection, actor), system.settings.due.deadlines()
        now = system.clock()
        after = decide(connection, alert_id, who, action, reason, note, seen, now, days)
    told = "waits for a second person" if after.pending else f"is {after.state}"
    say(alert_object(after, now.date()), f"Alert {alert_id} {told}.")
