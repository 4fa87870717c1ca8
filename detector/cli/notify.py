"""`warden notify`: endpoints of webhooks, and what was told to whom."""

from __future__ import annotations

from typing import Annotated

import typer

from detector.cli.lifecycle import Actor
from detector.cli.output import opened, say, say_table

app = typer.Typer(help="E-mail and webhooks about what happened.", no_args_is_help=True)
hooks = typer.Typer(help="Programs that are told.", no_args_is_help=True)
app.add_typer(hooks, name="webhooks")

Endpoint = Annotated[str, typer.Argument(metavar="ID", help="As `webhooks list` shows it.")]
COLUMNS = ("id", "url", "kinds", "old_until", "added_by")
DELIVERIES = ("message_id", "kind", "key", "channel", "recipient", "state", "attempts", "error")


@hooks.command("add")
def add(
    url: Annotated[str, typer.Argument(help="https://host/path; the host must be allowed.")],
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="What it is told; repeat. None: everything.")
    ] = None,
    actor: Actor = "",
) -> None:
    """Add an endpoint; its secret is shown this once."""
    from detector.notifying import endpoints

    row, secret = endpoints.add(opened(), url, kind or [], _actor(actor))
    say(row | {"secret": secret}, f"{row['id']}\n{secret}")


@hooks.command("list")
def listed() -> None:
    """Every endpoint."""
    from detector.database import reading
    from detector.notifying.endpoints import webhooks

    with reading(opened().engine) as connection:
        found = webhooks(connection)
    rows = [row | {"kinds": ", ".join(row["kinds"]) or "all"} for row in found]
    say_table(rows, COLUMNS, "There is no endpoint yet.")


@hooks.command("remove")
def remove(endpoint: Endpoint, actor: Actor = "") -> None:
    """End an endpoint; what waits for it is not sent any more."""
    from detector.notifying import endpoints

    endpoints.remove(opened(), endpoint, _actor(actor))
    say({"id": endpoint}, f"{endpoint} is told nothing more.")


@hooks.command("rotate")
def rotate(endpoint: Endpoint, actor: Actor = "") -> None:
    """Give an endpoint a new secret; the old one signs beside it for a week."""
    from detector.notifying import endpoints

    row, secret = endpoints.rotate(opened(), endpoint, _actor(actor))
    say(row | {"secret": secret}, secret)


@hooks.command("test")
def test(endpoint: Endpoint, actor: Actor = "") -> None:
    """Send a test to an endpoint now, and say what became of it."""
    from detector.ledger import worker_name
    from detector.notifying import endpoints
    from detector.notifying.sending import notify

    system = opened()
    message_id = endpoints.try_out(system, endpoint, _actor(actor))
    notify(system, worker_name())
    told = endpoints.state_of(system, message_id)
    say(told, f"{told['id']} {told['state']}: {told['error'] or 'the endpoint confirmed it'}")
    if told["state"] != "sent":
        raise typer.Exit(1)


@app.command("list")
def deliveries(
    state: Annotated[
        str | None, typer.Option(help="waiting, sending, sent, unsure, dead or cancelled.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 50,
) -> None:
    """What was told to whom, the newest first; `--state dead` is what was given up."""
    from detector.database import reading
    from detector.notifying.deliveries import deliveries as found

    with reading(opened().engine) as connection:
        rows = found(connection, state=state, limit=limit)
    say_table(rows, DELIVERIES, "Nobody was told anything.")


@app.command("retry")
def retry(
    message: Annotated[str, typer.Argument(help="Id of a message that is dead.")],
    actor: Actor = "",
) -> None:
    """Try a message again that was given up."""
    from detector.notifying.endpoints import revive

    revive(opened(), message, _actor(actor))
    say({"message": message}, f"{message} is tried again.")


def _actor(given: str) -> str:
    """Who keeps the endpoints: named, else who is logged in at the machine."""
    import getpass

    return given.strip() or getpass.getuser()
