"""`rules promote|retire|rollback|show`: the life of a rule in one installation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.output import STATE, opened, say
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.rulebook import Rulebook

Actor = Annotated[
    str, typer.Option(envvar="WARDEN_ACTOR", help="Who decides; no name, no decision.")
]
Note = Annotated[str | None, typer.Option(help="Why, for whoever reads the history.")]
Version = Annotated[str | None, typer.Option(help="Another version than today's.")]


def promote(
    rule_id: Annotated[str, typer.Argument(help="Rule to promote.")],
    actor: Actor = "",
    to: Annotated[str | None, typer.Option(help="`shadow` or `active`; by default next.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="JSON of `warden rules backtest RULE --json --out FILE`.")
    ] = None,
    note: Note = None,
    version: Version = None,
) -> None:
    """Put a rule into shadow with a backtest report, or, as a second person, make it live."""
    from detector.promotion import to_active, to_shadow
    from detector.rule_checks import read_report
    from detector.rulebook import rulebook

    if to not in (None, "shadow", "active"):
        raise WardenError("unknown_stage", f"There is no stage {to}.", "Use shadow or active.")
    system = opened()
    shadow = rulebook(system).standing(rule_id).shadow
    going_live = to == "active" or (
        to is None and shadow is not None and version in (None, shadow.version)
    )
    if going_live:
        tell(to_active(system, rule_id, actor, note=note, version=version), rule_id)
        return
    handed = read_report(content_of(report)) if report is not None else None
    book = to_shadow(system, rule_id, actor, report=handed, note=note, version=version)
    tell(book, rule_id)


def content_of(path: Path) -> bytes:
    """The bytes of a file. Raises: WardenError `no_file`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise WardenError("no_file", f"{path} cannot be read.", "Check the name.") from error


def retire(
    rule_id: Annotated[str, typer.Argument(help="Rule to take out of use.")],
    actor: Actor = "",
    note: Note = None,
    version: Annotated[str | None, typer.Option(help="Only this one, of two in use.")] = None,
) -> None:
    """Take a rule out of use; its texts, results and alerts stay."""
    from detector.promotion import retire as act

    tell(act(opened(), rule_id, actor, note=note, version=version), rule_id)


def rollback(
    rule_id: Annotated[str, typer.Argument(help="Rule to bring back to what was live before.")],
    actor: Actor = "",
    note: Note = None,
) -> None:
    """Make the version live again that was live before; the next run judges by it."""
    from detector.promotion import roll_back

    tell(roll_back(opened(), rule_id, actor, note=note), rule_id)


def tell(book: Rulebook, rule_id: str) -> None:
    """Where the rule stands now, and what comes next."""
    from detector.rule_views import rule_object

    shown = rule_object(book, rule_id)
    say(shown, state_lines(shown))


def state_lines(shown: dict[str, Any]) -> str:
    """Where a rule stands, for people."""
    parts = [
        f"{word}: {shown[key]['version'] if shown[key] else 'none'}"
        for word, key in (("live", "live"), ("in shadow", "shadow"))
    ]
    candidate = shown["candidate"]
    lines = [f"{shown['id']} · {' · '.join(parts)}"]
    used = [part["version"] for part in (shown["live"], shown["shadow"]) if part]
    if candidate["version"] not in used:
        lines.append(f"today's text: {candidate['version']} ({candidate['status']})")
    if shown["shadow"]:
        lines.append(
            "It is judged in every run and raises no alert. Then, by another person: "
            f"warden rules promote {shown['id']} --to active"
        )
    return "\n".join(lines)


def show(
    rule_id: Annotated[str, typer.Argument(help="Rule to show.")],
    version: Annotated[str | None, typer.Option(help="Another version, as it judged.")] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="From that version to what counts today.")
    ] = False,
    rules: Annotated[
        list[Path] | None, typer.Option("--rules", help="Folder with rules of your own.")
    ] = None,
) -> None:
    """One rule: its text, where it stands, and what was decided about it."""
    if rules or not (STATE.home / "config.toml").exists():
        show_file(rule_id, rules)
        return
    from detector.drift_reports import bunching_at, last_report
    from detector.rule_views import history, rule_object, version_object
    from detector.rulebook import rulebook, text_diff

    system = opened()
    book = rulebook(system)
    wanted = version or book.today(rule_id)
    if diff:
        lines = text_diff(system, rule_id, wanted)
        say({"rule": rule_id, "version": wanted, "diff": lines}, "\n".join(lines) or "No change.")
        return
    told = rule_object(book, rule_id)
    rule = book.version(rule_id, wanted)
    one = version_object(book, rule_id, wanted)
    acts = history(book, rule_id)
    lines = [f"# {line}" for line in state_lines(told).split("\n")]
    lines += [
        f"# {act['at'][:16]} {act['kind'].replace('_', ' ')} {act['version']} by {act['actor']}"
        + (f": {act['note']}" if act["note"] else "")
        for act in acts
    ]
    text = one["text"].rstrip() + "\n\n" + "\n".join(lines)
    spec = rule.spec.model_dump(mode="json")
    heaps = bunching_at(last_report(system), rule_id)
    text += "".join(f"\n# {heap_line(heap)}" for heap in heaps if heap["state"] != "few")
    data = {"shown": one, "versions": book.versions(rule_id), "history": acts, "bunching": heaps}
    say({**spec, **told, **data}, text)


def heap_line(heap: dict[str, Any]) -> str:
    """How many values lie just inside a limit."""
    limit = "its limits" if heap["limit"] is None else f"{heap['limit']:g}"
    usual = heap["n"] * heap["expected"]
    return (
        f"just inside {heap['feature']} {heap['op']} {limit}: {heap['inside']} of {heap['n']} "
        f"near it, {usual:.1f} if nobody aimed (q {heap['q']:.2g}, {heap['state']})"
    )


def show_file(rule_id: str, rules: list[Path] | None) -> None:
    """A rule as its file says, where there is no installation to ask."""
    from detector.cli.rules import rule_dirs
    from rules.ruleset import load_library

    rule = load_library(rule_dirs(rules)).get(rule_id)
    say(rule.spec.model_dump(mode="json"), rule.text)
