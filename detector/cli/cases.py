"""`cases`: keep a case from its first alert to what came of the decision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.approvals import Approval, ForCase, Purpose, asked_for
from detector.cli.output import STATE, a_date, opened, say, say_table
from features.errors import WardenError

if TYPE_CHECKING:
    from alerts.case_model import CaseHand
    from detector.system import System

Number = Annotated[str, typer.Argument(help="Number of the case, for example C-2026-0001.")]
Actor = Annotated[str, typer.Option(envvar="WARDEN_ACTOR", help="Who acts; no name, no act.")]
Row = dict[str, Any]

app = typer.Typer(help="Cases, hand-over, and what came of a decision.", no_args_is_help=True)


@app.command("list")
def list_cases(
    state: Annotated[
        list[str] | None, typer.Option(help="open, in_progress, decided or closed.")
    ] = None,
    firm: Annotated[str | None, typer.Option(help="A firm that is a party.")] = None,
    alert: Annotated[str | None, typer.Option(help="An alert in it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="The newest ones.")] = 50,
) -> None:
    """Cases, the newest first."""
    from alerts.case_model import case_object
    from alerts.case_store import CaseFilter, list_cases
    from detector.database import reading

    wanted = CaseFilter(states=tuple(state or ()), firm=firm, alert=alert)
    with reading(opened().engine) as connection:
        found = [case_object(case) for case in list_cases(connection, wanted, limit)]
    columns = ("number", "state", "outcome", "owner", "unit", "title")
    say_table(found, columns, "No case.")


@app.command("show")
def show(number: Number) -> None:
    """One case with what belongs to it, and everything that happened."""
    from alerts.case_reading import case_detail, timeline
    from detector.database import reading

    with reading(opened().engine) as connection:
        told = case_detail(connection, number)
        events = timeline(connection, number)
    if STATE.json:
        say(told | {"timeline": events}, "")
        return
    typer.echo(_head(told))
    for one in told["parties"]:
        typer.echo(f"{one['role']}: {one['firm']}")
    for one in told["alerts"]:
        typer.echo(f"alert {one['id']} {one['state']}: {one['title']['en']}")
    for one in told["tasks"]:
        mark = "✓" if one["done"] else "–"
        typer.echo(f"task {one['id']} {mark} {one['text']} ({one['assignee'] or 'nobody'})")
    for one in told["interventions"]:
        typer.echo(f"{one['kind']} of {one['decided_on']}: {one['text']}")
        for target in one["targets"]:
            typer.echo(f"  {target_line(target, target['follow_up'])}")
    typer.echo("")
    rows = [e | {"at": e["at"][:16], "about": e["alert"] or number} for e in events]
    say_table(rows, ("at", "about", "kind", "actor", "note"), "Nothing happened.")


@app.command("open")
def open_case(
    alerts: Annotated[list[str], typer.Argument(help="Ids of the alerts it begins with.")],
    title: Annotated[str, typer.Option(help="What it is about, in a few words.")] = "",
    unit: Annotated[str | None, typer.Option(help="The unit whose case it is.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="Whose law, for example CN.")] = None,
    owner: Annotated[str | None, typer.Option(help="Who leads it.")] = None,
    actor: Actor = "",
) -> None:
    """Open a case on some alerts; the firms they are about become its subjects."""
    from alerts.case_model import NewCase, case_object
    from detector.case_parties import open_on_alerts

    system = opened()
    wanted = NewCase(title, unit, jurisdiction, owner)
    case = case_object(open_on_alerts(system, wanted, alerts, hand_of(system, actor)))
    say(case, _head(case))


@app.command("move")
def move(
    number: Number,
    to: Annotated[str, typer.Argument(help="open, in_progress, decided or closed.")],
    outcome: Annotated[
        str | None,
        typer.Option(help="For closing: measures_taken, no_grounds, insufficient or referred."),
    ] = None,
    note: Annotated[str | None, typer.Option(help="Why; closing and reopening need it.")] = None,
    actor: Actor = "",
) -> None:
    """Move a case on, close it with an outcome, or reopen it."""
    from alerts.case_model import CaseOutcome, CaseState, case_object
    from alerts.cases import CaseChange, change_case
    from detector.database import writing

    change = CaseChange(
        state=chosen(CaseState, to, "state"),
        outcome=chosen(CaseOutcome, outcome, "outcome") if outcome else None,
        note=note,
    )
    system = opened()
    with writing(system.engine) as connection:
        case = case_object(change_case(connection, number, change, hand_of(system, actor)))
    say(case, _head(case))


@app.command("note")
def note(
    number: Number,
    text: Annotated[str, typer.Argument(help="In Markdown.")],
    actor: Actor = "",
) -> None:
    """Add a note to a case."""
    from alerts.case_work import add_note
    from detector.database import writing

    system = opened()
    with writing(system.engine) as connection:
        made = add_note(connection, number, text, hand_of(system, actor))
    say({"id": made}, f"Note {made} of case {number}.")


@app.command("intervene")
def intervene(
    number: Number,
    kind: Annotated[str, typer.Argument(help="order, commitment, fine or guidance.")],
    on: Annotated[str, typer.Option(help="Day of the decision.")],
    text: Annotated[str, typer.Option(help="What was decided.")],
    legal_basis: Annotated[str, typer.Option(help="The article it rests on.")],
    amount: Annotated[float | None, typer.Option(help="Of a fine, with --currency.")] = None,
    currency: Annotated[str | None, typer.Option(help="Three letters, for example CNY.")] = None,
    moves: Annotated[
        list[str] | None,
        typer.Option(help="FEATURE:up|down:DAY or FEATURE:up|down:DAY:SUBJECT, repeatable."),
    ] = None,
    actor: Actor = "",
) -> None:
    """Record what was decided, and which features it is to move by when."""
    from alerts.case_remedies import Intervention, InterventionKind
    from detector.remedies.targets import decide

    day = a_date(on, "--on")
    assert day is not None  # noqa: S101  the option is required
    wanted = Intervention(
        chosen(InterventionKind, kind, "kind"), day, text, legal_basis, amount, currency
    )
    system = opened()
    goals = [_goal(move) for move in moves or ()]
    case, made = decide(system, number, wanted, goals, hand_of(system, actor))
    say(
        {"case": case.number, "id": made, "version": case.version},
        f"Intervention {made} of case {case.number}. Later: warden cases follow-up {case.number}",
    )


@app.command("correct")
def correct(
    number: Number,
    intervention: Annotated[int, typer.Argument(help="Number of the decision; see `show`.")],
    why: Annotated[str, typer.Option(help="Why the record is corrected.")],
    on: Annotated[str | None, typer.Option(help="Day of the decision.")] = None,
    text: Annotated[str | None, typer.Option(help="What was decided.")] = None,
    legal_basis: Annotated[str | None, typer.Option(help="The article it rests on.")] = None,
    amount: Annotated[float | None, typer.Option(help="Of a fine, with --currency.")] = None,
    currency: Annotated[str | None, typer.Option(help="Three letters, for example CNY.")] = None,
    moves: Annotated[
        list[str] | None,
        typer.Option(help="All targets anew: FEATURE:up|down:DAY or FEATURE:up|down:DAY:SUBJECT."),
    ] = None,
    actor: Actor = "",
) -> None:
    """Correct what was recorded of a decision; what is not named stays, the old stays on record."""
    from dataclasses import replace

    from alerts.case_corrections import one_intervention
    from alerts.case_remedies import intervention_from
    from detector.database import reading
    from detector.remedies.targets import correct_decision, goals_of

    system = opened()
    with reading(system.engine) as connection:
        before = one_intervention(connection, number, intervention)
    was = intervention_from(before)
    wanted = replace(
        was,
        decided_on=a_date(on, "--on") or was.decided_on,
        text=text or was.text,
        legal_basis=legal_basis or was.legal_basis,
        amount=was.amount if amount is None else amount,
        currency=currency or was.currency,
    )
    goals = [_goal(move) for move in moves] if moves else goals_of(was)
    hand = hand_of(system, actor)
    case = correct_decision(system, number, intervention, wanted, goals, why, hand)
    told = {"case": case.number, "id": intervention, "version": case.version}
    say(told, f"Decision {intervention} of case {case.number} corrected.")


@app.command("follow-up")
def follow_up(number: Number, actor: Actor = "") -> None:
    """Compare what was to move with peers, before and after; the job does it for all cases."""
    from detector.remedies.follow_up import follow_up

    found = follow_up(opened(), number, actor)
    if STATE.json:
        say(found, "")
        return
    for one in found:
        typer.echo(target_line(one, one))
    if not found:
        typer.echo("Nothing in this case is to be followed up.")


@app.command("hand-over")
def hand_over(
    number: Number,
    to: Annotated[str, typer.Option(help="The authority that receives it.")],
    out: Annotated[Path, typer.Option(help="File to write, a zip.")],
    note: Annotated[
        list[int] | None, typer.Option(help="Number of a note that goes along, repeatable.")
    ] = None,
    actor: Actor = "",
    approval: Approval = None,
    purpose: Purpose = "",
    case: ForCase = "",
) -> None:
    """Write a signed file of a case for another installation."""
    from detector.handover import HandOver, outgoing, write_hand_over

    system = opened()
    wanted = HandOver(number, to, tuple(note or ()), approval)
    if purpose:
        return asked_for(system, outgoing(system, wanted), purpose, case, actor)
    size = write_hand_over(system, wanted, hand_of(system, actor), out)
    text = (
        f"{out}, {size:,} bytes, for {to}.\n"
        f"The receiver needs the public key of this installation, by another way: "
        f"{system.home / 'keys' / 'audit.pub'}"
    )
    return say({"case": number, "file": str(out), "bytes": size, "to": to}, text)


@app.command("import")
def import_case(
    file: Annotated[Path, typer.Argument(help="What another installation handed over.")],
    trust: Annotated[Path, typer.Option(help="Public key of the sender (PEM file).")],
    actor: Actor = "",
) -> None:
    """Take in the alerts of a case another installation handed over, as leads."""
    from dataclasses import asdict

    from detector.handover_reading import import_file

    found = import_file(opened(), file, trust, actor)
    text = f"{len(found.alerts)} leads of case {found.case} from {found.installation}"
    text += f", {found.known} received before." if found.known else "."
    say(asdict(found), "\n".join([text, *found.alerts]))


def hand_of(system: System, actor: str) -> CaseHand:
    """Whoever sits at the keyboard, who sees every case."""
    from alerts.case_model import CaseHand

    return CaseHand(actor, system.clock())


def chosen(words: Any, given: str, what: str) -> Any:
    """One of some words. Raises: WardenError `unknown_word`."""
    try:
        return words(given)
    except ValueError:
        known = ", ".join(words)
        raise WardenError(
            "unknown_word", f"There is no {what} `{given}`.", f"One of {known}."
        ) from None


def target_line(target: Row, found: Row | None) -> str:
    """What is to move, and what was found."""
    line = f"{target['feature']} of {target['subject_key']} {target['direction']}"
    line += f" by {target['by']}: "
    if found is None:
        return line + "not looked at yet"
    line += {
        "moved": "moved as wanted",
        "no_change": "no change seen",
        "against": "moved the other way",
        "cannot_tell": "cannot be told yet",
    }[found["verdict"]]
    if found["reason"]:
        line += f" ({found['reason']})"
    if found["effect"] is not None:
        line += f"; {found['effect']:+.4g} beyond the peers' median"
    if found["interval"]:
        low, high = found["interval"]
        line += f", 90 % interval {low:.4g} to {high:.4g}"
    if "n_peers" in found:
        line += f", {found['n_peers']} peers"
    if "n_before" in found:
        line += f", {found['n_before']} periods before and {found['n_after']} after"
    return line + "".join(f"; {caution}" for caution in found.get("cautions", ()))


def _goal(text: str) -> Any:
    from detector.remedies.targets import Goal

    feature, _, rest = text.partition(":")
    direction, _, rest = rest.partition(":")
    day, _, subject = rest.partition(":")
    by = a_date(day or "", "--moves")
    if direction not in ("up", "down") or by is None:
        raise WardenError(
            "bad_target", f"--moves {text} cannot be read.", "For example bid_cv:up:2027-06-30."
        )
    return Goal(feature, "up" if direction == "up" else "down", by, subject or None)


def _head(case: Row) -> str:
    outcome = f" ({case['outcome']})" if case["outcome"] else ""
    return f"{case['number']} {case['state']}{outcome}: {case['title']}"
