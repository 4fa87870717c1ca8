"""`knowledge`: an alert as known then and as known now."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from detector.cli.output import STATE, opened, say, say_table

Alert = Annotated[str, typer.Argument(help="Id of the alert, as in the queue.")]
WHY = {
    "blind": "The alert is in blind review: its figures are kept back until it is decided.",
    "rule_in_storm": "The alert is about a rule that fires too often, and about no filing.",
    "not_pinned": "No run of this installation judged it, so there is nothing to judge by again.",
    "unreadable": "What its run judged by cannot be read any more: see `warden replay`.",
}


def knowledge(alert: Alert) -> None:
    """Tell the facts of an alert by the filings of then and of now; nothing is changed."""
    from detector.knowledge import knowledge as compared

    found = compared(opened(), alert)
    if STATE.json:
        say(found, "")
        return
    if found["reason"]:
        typer.echo(WHY[found["reason"]])
        return
    typer.echo(_head(found))
    columns = ("feature", "op", "then", "now", "changed")
    rows = [
        {"feature": f.get("feature"), "op": f.get("op"), "then": _figure(f["then"]),
         "now": _figure(f["now"]), "changed": ", ".join(f["changed"])}
        for f in found["facts"]
    ]  # fmt: skip
    say_table(rows, columns, "The alert has no facts.")


def _head(found: dict[str, Any]) -> str:
    if found["same_filings"]:
        return f"Nothing was filed since it was judged ({found['then']['known_at'][:16]})."
    filed = ", ".join(f"{n:,} in {table}" for table, n in found["filings"].items())
    now = found["now"]
    outcome = now["outcome"] or "in no filing of the period any more"
    return (
        f"Filed or corrected since: {filed or 'nothing it looks at'}.\n"
        f"Fired then; by the same judges now: {outcome}. {found['changed']} facts differ."
    )


def _figure(told: dict[str, Any] | None) -> str:
    if told is None:
        return "-"
    value = told.get("value")
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if value is not None else str(told.get("reason") or "-")
