"""`reviews learn` and `reviews lessons`: what reviews taught about the order of the queue."""

from __future__ import annotations

from typing import Any

from detector.cli.output import STATE, opened, say_table

COLUMNS = ("conduct", "grain", "reviews", "confirmed", "weight", "prior_auc", "mixed_auc", "note")


def learn() -> None:
    """Learn an order from all reviews and bring the alerts that wait into it."""
    from detector.lessons import learn as learn_now

    _say(learn_now(opened()), (*COLUMNS, "moved"))


def lessons() -> None:
    """The lessons in force: what they rest on, weigh and look at."""
    from detector.lessons import told

    _say(told(opened()), COLUMNS)


def _say(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    shown = rows if STATE.json else [row | {"note": note(row)} for row in rows]
    say_table(shown, columns, "No review has taught anything yet.")


def note(row: dict[str, Any]) -> str:
    """What a lesson looks at, or why it is none."""
    if row["reason"]:
        return str(row["reason"])
    turned = [n["feature"] for n in row["numbers"] if n["turned"]]
    first = ", ".join(n["feature"] for n in row["numbers"][:3])
    against = f"; against the declared direction: {', '.join(turned)}" if turned else ""
    return f"most by {first}{against}"
