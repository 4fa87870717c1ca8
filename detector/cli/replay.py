"""`replay`: judge an alert again by what its run recorded."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer

from detector.cli.output import opened, say

MOST = 40
"""Differences printed; `--json` gives all of them."""
LONGEST = 60

Alert = Annotated[str, typer.Argument(help="Id of the alert, as in the queue.")]
Actor = Annotated[
    str, typer.Option(envvar="WARDEN_ACTOR", help="Who asks; by default who is logged in.")
]
Now = Annotated[
    bool,
    typer.Option("--now/--no-now", help="Also judge what is filed today by the same judges."),
]


def replay(alert: Alert, actor: Actor = "", now: Now = True) -> None:
    """Judge an alert again from its recorded snapshot; exit code 4 when a figure differs."""
    from detector.replay_records import replay_and_keep

    found = replay_and_keep(opened(), alert, actor or getpass.getuser(), as_known_now=now)
    say(found, told(found))
    if found["outcome"] != "identical":
        raise typer.Exit(4)


def told(found: dict[str, Any]) -> str:
    """A replay for people."""
    lines = [f"{found['alert_id']}: {found['outcome']} ({found['compared']:,} figures compared)"]
    lines += [line(one) for one in found["differences"][:MOST]]
    left = len(found["differences"]) - MOST
    lines += [f"  ... and {left} more, see --json"] if left > 0 else []
    lines += [f"likely: {cause['text']['en']}" for cause in found["causes"]]
    for cause in found["causes"]:
        lines += [f"  {name}" for name in cause.get("changed", ())]
    return "\n".join([*lines, *since(found)])


def since(found: dict[str, Any]) -> list[str]:
    """What has changed since, none of which moved the replay."""
    lines = []
    if found["judges"]:
        lines.append(f"since then changed: {', '.join(found['judges'])}")
    now = found["as_known_now"]
    if now is None or now["same_filings"]:
        return lines
    filed = ", ".join(f"{n:,} in {table}" for table, n in now["filings"].items())
    lines.append(f"filed or corrected since: {filed or 'nothing it looks at'}")
    if not now["raised"]:
        lines.append("as known now it would not be raised")
    elif not now["differences"]:
        lines.append("as known now it would say the same")
    else:
        lines.append("as known now it would say:")
        lines += [line(one) for one in now["differences"][:MOST]]
    return lines


def line(one: dict[str, Any]) -> str:
    """One figure, old and new."""
    return f"  {one['field']}: {short(one['recorded'])} -> {short(one['replayed'])}"


def short(value: Any) -> str:
    """A value that fits on a line."""
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
