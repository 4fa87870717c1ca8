"""`approvals`: what waits for a second person, and the second person's word."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.output import STATE, opened, say, say_table

if TYPE_CHECKING:
    from datetime import datetime

    from detector.database import WriteConnection
    from detector.second_person import Outgoing
    from detector.system import System
    from detector.waiting import Looker

app = typer.Typer(help="What waits for a second person, and answering it.", no_args_is_help=True)
Actor = Annotated[str, typer.Option(envvar="WARDEN_ACTOR", help="Who acts; no name, no act.")]
Number = Annotated[int, typer.Argument(help="Number of the request.")]
Approval = Annotated[
    int | None, typer.Option(help="Number of the approved request, above the limit.")
]
Purpose = Annotated[str, typer.Option(help="Ask a second person for it, for this purpose.")]
ForCase = Annotated[str, typer.Option("--case", help="Number of the case it is asked for.")]


@app.command("list")
def list_approvals(actor: Actor = "") -> None:
    """Requests you made or may answer, the newest first."""
    from alerts.approvals import approval_object
    from detector.database import reading
    from detector.waiting import requests

    system = opened()
    with reading(system.engine) as connection:
        who = looker(system, actor)
        found = [approval_object(o) for o in requests(connection, who, system.clock())]
    if STATE.json:
        say({"items": found}, "")
        return
    rows = [one | {"what": _what(one["about"]), "until": one["expires_at"][:16]} for one in found]
    columns = ("id", "kind", "stage", "what", "asked_by", "purpose", "case", "until")
    say_table(rows, columns, "Nothing waits for you.")


@app.command("show")
def show(number: Number, actor: Actor = "") -> None:
    """One request, with the hash an approval speaks of."""
    from alerts.approvals import approval_object
    from detector.database import reading
    from detector.waiting import request

    system = opened()
    with reading(system.engine) as connection:
        found = approval_object(request(connection, number, looker(system, actor), system.clock()))
    text = "\n".join(f"{name}: {value}" for name, value in found.items() if value is not None)
    say(found, text)


@app.command("approve")
def approve(
    number: Number,
    content: Annotated[str, typer.Option(help="The hash `show` prints: what you have read.")],
    actor: Actor = "",
) -> None:
    """The second person's word, on exactly what was read."""
    from alerts.approvals import approve as answer

    def act(connection: WriteConnection, version: int, now: datetime) -> object:
        return answer(connection, number, actor, now, version, content)

    _answered(number, actor, act, answers=True)
    say({"id": number, "stage": "approved"}, f"Request {number} is approved.")


@app.command("reject")
def reject(
    number: Number, note: Annotated[str, typer.Option(help="Why.")], actor: Actor = ""
) -> None:
    """Refuse a request, and say why."""
    from alerts.approvals import reject as answer

    def act(connection: WriteConnection, version: int, now: datetime) -> object:
        return answer(connection, number, actor, now, version, note)

    _answered(number, actor, act, answers=True)
    say({"id": number, "stage": "rejected"}, f"Request {number} is rejected.")


@app.command("withdraw")
def withdraw(number: Number, actor: Actor = "") -> None:
    """Take back a request of your own."""
    from alerts.approvals import withdraw as take_back

    def act(connection: WriteConnection, version: int, now: datetime) -> object:
        return take_back(connection, number, actor, now, version)

    _answered(number, actor, act, answers=False)
    say({"id": number, "stage": "withdrawn"}, f"Request {number} is withdrawn.")


@app.command("reidentify")
def reidentify(
    pseudonym: Annotated[str, typer.Argument(help="The 32 digits that stand in the filed row.")],
    candidates: Annotated[Path, typer.Option(help="Text file, one candidate a line, as filed.")],
    approval: Approval = None,
    purpose: Purpose = "",
    case: ForCase = "",
    actor: Actor = "",
) -> None:
    """Ask which candidate a pseudonym stands for; with an approved request, be told."""
    from alerts.approvals import approval_object
    from detector import reidentification
    from detector.people.permissions import Permission

    system = opened()
    named = [line for line in candidates.read_text("utf-8").splitlines() if line]
    _require(system, actor, Permission.REIDENTIFY)
    if approval is not None:
        found = reidentification.resolve(system, approval, pseudonym, named, actor)
        say(found, f"It stands for {found['match'] or 'none of the candidates'}.")
        return
    made = reidentification.ask(system, pseudonym, named, purpose, case, actor)
    _said(approval_object(made))


def asked_for(system: System, out: Outgoing, purpose: str, case: str, actor: str) -> None:
    """Asks a second person for an export, and says how it goes on."""
    from alerts.approvals import approval_object
    from detector.second_person import ask

    _said(approval_object(ask(system, out, purpose, case, actor)))


def looker(system: System, actor: str) -> Looker:
    """Who looks, by the account of that name.

    Raises:
        WardenError: `unknown_person`, `not_permitted` for an account that was closed.
    """
    from alerts.case_model import reach_of
    from alerts.limits import of_person
    from detector.database import reading
    from detector.people.accounts import account
    from detector.people.permissions import granted, roles_of
    from detector.waiting import Looker
    from features.errors import WardenError

    with reading(system.engine) as connection:
        known = account(connection, actor)
    if not known.enabled:
        raise WardenError("not_permitted", f"The account {actor} is closed.")
    within = of_person(known.units, known.jurisdictions, system.settings.units)
    reach = reach_of(known.units, known.jurisdictions)
    return Looker(known.name, granted(roles_of(known.roles)), within, reach)


def _require(system: System, actor: str, permission: Any) -> None:
    from features.errors import WardenError

    who = looker(system, actor)
    if permission not in who.may:
        raise WardenError("not_permitted", f"{actor} may not do this: it needs `{permission}`.")


def _answered(number: int, actor: str, act: Any, *, answers: bool) -> None:
    from detector.database import writing
    from detector.waiting import request, require_answer

    system = opened()
    who, now = looker(system, actor), system.clock()
    with writing(system.engine) as connection:
        found = request(connection, number, who, now)
        if answers:
            require_answer(found, who)
        act(connection, found.version, now)


def _said(made: dict[str, Any]) -> None:
    say(
        made,
        f"Request {made['id']} waits for a second person until {made['expires_at'][:16]} UTC.\n"
        f"They read it with `warden approvals show {made['id']}`; once it is approved, repeat the "
        f"command with --approval {made['id']}.",
    )


def _what(about: dict[str, Any]) -> str:
    if "what" in about:
        sizes = f"{about['alerts']:,} alerts, {about['rows']:,} rows"
        return f"{about['what']} {about['key']} ({sizes})"
    return f"{about['pseudonym']} among {about['candidates']:,}"
