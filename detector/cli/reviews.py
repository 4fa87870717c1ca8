"""`reviews`: what people found about alerts, and what that says about the machine."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from detector.cli import lessons
from detector.cli.lifecycle import Actor
from detector.cli.output import STATE, opened, say, say_table

app = typer.Typer(
    help="What reviewers found: precision, agreement, the blind sample.", no_args_is_help=True
)
app.command("learn")(lessons.learn)
app.command("lessons")(lessons.lessons)


@app.command("list")
def list_reviews(
    second: Annotated[
        bool, typer.Option("--second", help="Alerts that wait for a second person instead.")
    ] = False,
    limit: Annotated[int, typer.Option(help="Newest rows first.")] = 50,
) -> None:
    """Closed alerts with what was found, by whom and when."""
    if second:
        waiting()
        return
    from detector.feedback import labels

    found = labels(opened()).tail(limit).reverse()
    columns = ("at", "alert_id", "typology", "subject_key", "disposition", "reviewer")
    rows = found.select(columns).to_dicts()
    say_table(rows, columns, "No alert is closed yet.")


def waiting() -> None:
    """Alerts a second person is to look at; what the first one found is not told."""
    from detector.review_quality import waiting_for_second

    rows = waiting_for_second(opened())
    shown = rows if STATE.json else [row | {"title": row["title"].get("en", "")} for row in rows]
    say_table(shown, ("alert", "title", "closed_by"), "No alert waits for a second reviewer.")


@app.command("second")
def second_review(
    alert_id: Annotated[str, typer.Argument(help="Alert, see `warden reviews list --second`.")],
    reason: Annotated[
        str, typer.Option(help="confirmed, explained, data_error, insufficient or referred.")
    ] = "",
    note: Annotated[str | None, typer.Option(help="Why, in a sentence.")] = None,
    actor: Actor = "",
) -> None:
    """Record what a second person finds about a closed alert; it stays closed as it is."""
    from alerts.lifecycle import second_review as record
    from alerts.model import event_object
    from detector.database import writing

    system = opened()
    with writing(system.engine) as connection:
        event = record(connection, alert_id, actor, reason or None, note, system.clock())
    say(event_object(event), f"{alert_id}: {event.reason}, second review by {actor}.")


@app.command("precision")
def show_precision() -> None:
    """Share confirmed of reviewed alerts, by rule, model and typology, with its interval."""
    from detector.review_quality import precision

    found = precision(opened())
    if STATE.json:
        say(found, "")
        return
    rows = [line_of(row, kind) for kind in found for row in found[kind]]
    columns = ("of", "id", "closed", "confirmed", "of_answered", "precision", "interval", "reason")
    say_table(rows, columns, "No alert is closed yet.")


def line_of(row: dict[str, Any], kind: str) -> dict[str, Any]:
    """One precision as a row of a table."""
    share = row["precision"] or {}
    low, high = share.get("low"), share.get("high")
    return {
        "of": kind.rstrip("s").replace("typologie", "typology"),
        "id": row["id"],
        "closed": row["alerts"],
        "confirmed": share.get("k"),
        "of_answered": share.get("n"),
        "precision": share.get("value"),
        "interval": None if low is None else f"{low:.2f} to {high:.2f}",
        "reason": row["reason"],
    }


@app.command("agreement")
def show_agreement() -> None:
    """How far two persons who reviewed the same alert found the same."""
    from detector.review_quality import agreement

    found = agreement(opened())
    agreed = found["agreed"] or {}
    kappa = found["kappa"]
    text = (
        f"{found['pairs']} alerts reviewed by two persons, {agreed.get('k', 0)} with one answer; "
        f"{found['waiting']} wait for the second.\n"
        + (f"Cohen's kappa {kappa:.2f}." if kappa is not None else f"No kappa: {found['reason']}.")
    )
    say(found, text)


@app.command("recall")
def show_recall() -> None:
    """Share of real cases that alerts caught, estimated from the blind sample."""
    from detector.recall import recall

    found = recall(opened())
    value = found["recall"]
    text = f"No recall: {found['reason']}."
    if value:
        text = (
            f"Recall {value['value']:.2f} ({value['low']:.2f} to {value['high']:.2f}), from "
            f"{found['sampled']} reviews of the blind sample."
        )
    wrong = [row["typology"] for row in found["direction"] if row["wrong"]]
    if wrong:
        text += f"\nWhat looked harmless holds more often than the alerts: {', '.join(wrong)}."
    say(found, text)


@app.command("sample")
def sample(
    n: Annotated[int, typer.Option("--n", help="Subjects to draw.")] = 20,
    show: Annotated[
        bool, typer.Option("--show", help="Tell what was drawn so far; for audits, not reviewers.")
    ] = False,
    actor: Actor = "",
) -> None:
    """Draw judged subjects without an alert for blind review, once a week."""
    if show:
        from detector.sampling import shown_draws

        columns = ("slot", "role", "alert_id", "typology", "grain", "probability", "close_reason")
        say_table(shown_draws(opened()), columns, "Nothing was drawn yet.")
        return
    from detector.sampling import draw_sample

    told = draw_sample(opened(), n, actor or "system")
    text = f"{told['slot']} was drawn before: {told['already']} subjects."
    if not told["already"]:
        text = (
            f"{told['slot']}: {told['queued']} subjects of {told['population']:,} without an alert "
            f"queued for blind review, from {told['strata']} strata."
        )
    say(told, text)


@app.command("fit")
def fit(
    use: Annotated[
        bool, typer.Option("--use", help="Rank by it from the next run on, if it is better.")
    ] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Rank by the additive form again from the next run on.")
    ] = False,
    actor: Actor = "",
) -> None:
    """Fit how likely alerts are on 200 or more reviews; nothing changes unless you say so."""
    system = opened()
    if drop:
        from detector.curves import put_in_force
        from detector.model_audit import curve_entered

        with curve_entered(system, None, actor or "system"):
            put_in_force(system.home, None)
        say({"in_force": None}, "Alerts are ranked by the additive form from the next run on.")
        return
    from detector.learning import learn

    found = learn(system, put_to_use=use, actor=actor or "system")
    text = (
        f"Curve {found['posterior']} from {found['reviews']} reviews of {found['subjects']} "
        f"subjects: loss {found['fitted_loss']:.4f} on those left out, additive form "
        f"{found['additive_loss']:.4f}; calibration slope {found['slope']:.2f}.\n"
        + ("In force from the next run on." if use else "Not in force; `--use` puts it there.")
    )
    say(found, text)
