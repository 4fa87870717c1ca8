"""`keys`: the keys of the installation, and exchanging one."""

from __future__ import annotations

from typing import Annotated

import typer

from detector.cli.output import opened, say, say_table

app = typer.Typer(help="Keys of the installation, and exchanging one.", no_args_is_help=True)
Actor = Annotated[str, typer.Option(envvar="WARDEN_ACTOR", help="Who acts; no name, no act.")]


@app.command("list")
def list_keys() -> None:
    """Every key with a mark that tells it apart; never the key itself."""
    from detector.key_rotation import listed

    say_table(listed(opened()), ("name", "mark", "since", "retired", "use"), "No key.")


@app.command("rotate")
def rotate(
    name: Annotated[str, typer.Argument(help="pseudonym, audit, webhooks or sessions.")],
    actor: Actor = "",
) -> None:
    """Exchange a key for a new one; what the old one made stays readable and verifiable."""
    from detector.key_rotation import rotate as exchange

    done = exchange(opened(), name, actor)
    if "ended" in done:
        say(done, f"{done['ended']} sessions ended; everybody signs in again.")
        return
    say(done, f"The key {name} is {done['now']} from now on; {done['before'] or 'none'} is kept.")
