"""`rules except`: firings that are known and answered for, for a while."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from detector.cli.lifecycle import Actor
from detector.cli.output import a_date, opened, say, say_table

app = typer.Typer(
    help="Exceptions: they tag firings and set alerts aside, and drop nothing.",
    no_args_is_help=True,
)


@app.command("add")
def add(
    rule_id: Annotated[str, typer.Argument(help="Rule whose firings are meant.")],
    reason: Annotated[str, typer.Option(help="Why these firings are no suspicion.")] = "",
    owner: Annotated[str | None, typer.Option(help="Who answers for it; else the actor.")] = None,
    subject: Annotated[str | None, typer.Option(help="Key of one subject.")] = None,
    kind: Annotated[str | None, typer.Option(help="Kind of subject, for example `firm`.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Periods that end on this day or later.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Periods that end on this day or before.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="Last day a covered period may end; in 90 days if left.")
    ] = None,
    actor: Actor = "",
) -> None:
    """Add an exception; for a severe rule another person approves it before it holds."""
    from alerts.exceptions import Wanted, exception_object
    from detector.rule_exceptions import add_exception

    wanted = Wanted(
        rule_id=rule_id,
        owner=actor if owner is None else owner,
        reason=reason,
        subject_kind=kind,
        subject_key=subject,
        first_day=a_date(start, "--from"),
        last_day=a_date(end, "--to"),
        expires=a_date(expires, "--expires"),
    )
    tell(exception_object(add_exception(opened(), wanted, actor)))


@app.command("approve")
def approve(
    exception_id: Annotated[int, typer.Argument(help="Number of the exception.")],
    actor: Actor = "",
) -> None:
    """Approve an exception of a severe rule, as a second person."""
    from alerts.exceptions import exception_object
    from detector.rule_exceptions import approve_exception

    tell(exception_object(approve_exception(opened(), exception_id, actor)))


@app.command("end")
def end(
    exception_id: Annotated[int, typer.Argument(help="Number of the exception.")],
    on: Annotated[str | None, typer.Option(help="Last day covered; today if left.")] = None,
    actor: Actor = "",
) -> None:
    """End an exception; later periods are covered no more."""
    from alerts.exceptions import exception_object
    from detector.rule_exceptions import end_exception

    day = a_date(on, "--on")
    tell(exception_object(end_exception(opened(), exception_id, actor, day)))


@app.command("list")
def list_exceptions(
    rule: Annotated[str | None, typer.Option(help="Only of this rule.")] = None,
) -> None:
    """Every exception, and what each has hidden."""
    from detector.cli.output import STATE
    from detector.rule_exceptions import exceptions_report

    rows = exceptions_report(opened(), rule)
    shown = [] if STATE.json else [line_of(row) for row in rows]
    columns = ("id", "rule", "about", "until", "owner", "holds", "alerts", "worst", "firings")
    say_table(rows if STATE.json else shown, columns, "No exceptions.")


def line_of(row: dict[str, Any]) -> dict[str, Any]:
    """One exception as a row of a table."""
    hidden = row["hidden"]
    return {
        "id": row["id"],
        "rule": row["rule"],
        "about": " ".join(part for part in row["subject"].values() if part),
        "until": row["until"],
        "owner": row["owner"],
        "holds": "yes" if row["in_force"] else "waits for a second person",
        "alerts": hidden["alerts"],
        "worst": hidden["worst_severity"],
        "firings": hidden["firings"],
    }


def tell(one: dict[str, Any]) -> None:
    """What was done, and what comes next."""
    about = " ".join(part for part in one["subject"].values() if part)
    text = f"Exception {one['id']}: {one['rule']}, {about}, until {one['until']}."
    if not one["in_force"]:
        text += (
            "\nThe rule is severe: nothing is covered yet. Next, by another person: "
            f"warden rules except approve {one['id']}"
        )
    say(one, text)
