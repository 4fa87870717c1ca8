"""`warden users`: the accounts of an installation, kept at its machine."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.lifecycle import Actor
from detector.cli.output import STATE, opened, say, say_table
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.people.accounts import Account
    from detector.system import System

app = typer.Typer(help="Who may sign in, and what they may do.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name beside every act; never given twice.")]
Roles = Annotated[
    list[str] | None, typer.Option("--role", help="A role; repeat for several.", show_default=False)
]
Units = Annotated[
    list[str] | None, typer.Option("--unit", help="Only alerts of this unit.", show_default=False)
]
Places = Annotated[
    list[str] | None,
    typer.Option("--jurisdiction", help="Only subjects of this one.", show_default=False),
]
COLUMNS = ("name", "roles", "units", "jurisdictions", "signs_in_by", "enabled")


@app.command("add")
def add(
    name: Name,
    role: Roles = None,
    unit: Units = None,
    jurisdiction: Places = None,
    without_password: Annotated[
        bool, typer.Option(help="For who has keys only, or another way to sign in.")
    ] = False,
    actor: Actor = "",
) -> None:
    """Add a person; the password is asked for, or read from a pipe."""
    from detector.database import writing
    from detector.people import accounts

    system = opened()
    password = None if without_password else _password(name)
    with writing(system.engine) as connection:
        made = accounts.add(
            connection, name, role or [], _actor(actor), system.clock(), password=password,
            units=unit or [], jurisdictions=jurisdiction or [],
        )  # fmt: skip
    _say(made, f"{made.name} may sign in as {', '.join(made.roles) or 'nothing yet'}.")


@app.command("list")
def listed() -> None:
    """Everyone with an account."""
    from detector.database import reading
    from detector.people import accounts

    with reading(opened().engine) as connection:
        found = accounts.accounts(connection)
    say_table([_row(one) for one in found], COLUMNS, "Nobody has an account yet.")


@app.command("role")
def role(
    name: Name,
    roles: Annotated[list[str], typer.Argument(help="The roles from now on; all of them.")],
    actor: Actor = "",
) -> None:
    """Give a person other roles; sessions of the person end."""
    made = _changed(opened(), name, actor, roles=roles)
    _say(made, f"{made.name} is {', '.join(made.roles)} from now on.")


@app.command("limit")
def limit(name: Name, unit: Units = None, jurisdiction: Places = None, actor: Actor = "") -> None:
    """Set the units and jurisdictions a person is limited to; none given lifts the limit."""
    made = _changed(opened(), name, actor, units=unit or [], jurisdictions=jurisdiction or [])
    limits = [*made.units, *made.jurisdictions]
    _say(made, f"{made.name} sees {', '.join(limits) or 'every unit and jurisdiction'}.")


@app.command("disable")
def disable(name: Name, actor: Actor = "") -> None:
    """Close an account: its sessions and keys hold no more, its acts keep their name."""
    _say(_changed(opened(), name, actor, enabled=False), f"{name} can no longer sign in.")


@app.command("enable")
def enable(name: Name, actor: Actor = "") -> None:
    """Open a closed account again."""
    _say(_changed(opened(), name, actor, enabled=True), f"{name} can sign in again.")


@app.command("password")
def password(name: Name, actor: Actor = "") -> None:
    """Set a new password, asked for or read from a pipe; sessions of the person end."""
    from detector.database import writing
    from detector.people import accounts

    system, text = opened(), _password(name)
    with writing(system.engine) as connection:
        accounts.set_password(connection, name, text, _actor(actor), system.clock())
    say({"name": name}, f"{name} has a new password.")


@app.command("key")
def key(
    name: Name,
    scope: Annotated[list[str], typer.Option("--scope", help="What it may do; repeat.")],
    title: Annotated[str, typer.Option(help="What it is for.")],
    days: Annotated[int, typer.Option(help="How long it holds.")] = 90,
    actor: Actor = "",
) -> None:
    """Make a key for a program that acts for a person; it is shown this once."""
    from detector.database import writing
    from detector.people import keys

    system = opened()
    with writing(system.engine) as connection:
        made, text = keys.add_key(
            connection, name, title, scope, days, _actor(actor), system.clock()
        )
    say(asdict(made) | {"key": text}, text)


@app.command("keys")
def listed_keys(name: Name) -> None:
    """Keys of a person."""
    from detector.database import reading
    from detector.people import keys

    with reading(opened().engine) as connection:
        found = keys.keys_of(connection, name)
    rows = [asdict(one) | {"scopes": ", ".join(one.scopes)} for one in found]
    columns = ("id", "title", "scopes", "added_at", "expires_at", "revoked_at")
    say_table(rows, columns, f"{name} has no keys.")


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `warden users keys` names it.")],
    actor: Actor = "",
) -> None:
    """End a key for good."""
    from detector.database import writing
    from detector.people import keys

    system = opened()
    with writing(system.engine) as connection:
        keys.revoke_key(connection, key_id, _actor(actor), system.clock())
    say({"id": key_id}, f"The key {key_id} holds no more.")


def _changed(system: System, name: str, actor: str, **asked: Any) -> Account:
    from detector.database import writing
    from detector.people import accounts

    with writing(system.engine) as connection:
        return accounts.change(connection, name, _actor(actor), system.clock(), **asked)


def _actor(given: str) -> str:
    """Who keeps the accounts: named, else who is logged in at the machine."""
    import getpass

    return given.strip() or getpass.getuser()


def _password(name: str) -> str:
    if not sys.stdin.isatty():
        text = sys.stdin.readline().rstrip("\n")
        if not text:
            raise WardenError(
                "no_password", "No password was given.", "Pipe one in, or use --without-password."
            )
        return text
    asked: str = typer.prompt(f"Password for {name}", hide_input=True, confirmation_prompt=True)
    return asked


def _row(one: Account) -> dict[str, Any]:
    ways = [w for w, has in (("password", one.local), (one.issuer or "", one.issuer)) if has]
    lists = {k: ", ".join(getattr(one, k)) for k in ("roles", "units", "jurisdictions")}
    by = ", ".join(ways) or "keys only"
    return {"name": one.name, **lists, "signs_in_by": by, "enabled": one.enabled}


def _say(one: Account, text: str) -> None:
    say(asdict(one) if STATE.json else None, text)
