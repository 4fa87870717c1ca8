"""`rules backtest|diff`: what a rule would have done, and what a change of it would do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.output import STATE, a_date, an_instant, note, opened, say, say_table, to_json
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.backtesting import BacktestReport

From = Annotated[str | None, typer.Option("--from", help="First day of the window.")]
To = Annotated[str | None, typer.Option("--to", help="Last day of the window.")]
KnownAsOf = Annotated[
    str | None,
    typer.Option("--known-as-of", help="With what was known at that moment, or end of that day."),
]
LONGEST = 32
"""Characters of the longest bar."""
EIGHTHS = " ▏▎▍▌▋▊▉"


def backtest(
    rules: Annotated[
        list[str] | None,
        typer.Argument(metavar="RULE...", help="An id, id@version, or a YAML file."),
    ] = None,
    start: From = None,
    end: To = None,
    known_as_of: KnownAsOf = None,
    everything: Annotated[bool, typer.Option("--all", help="Every rule, drafts too.")] = False,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", help="name=value: who enters and leaves with it; may be repeated."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report here as JSON.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it: ends in .svg or .html.")] = None,
    freeze: Annotated[
        Path | None, typer.Option(help="Write a small slice for an example of level golden.")
    ] = None,
) -> None:
    """Judge history by rules of any status, through the code of live runs; nothing is stored."""
    names = rules or []
    one = len(names) == 1 and not everything
    if everything == bool(names):
        raise WardenError("bad_window", "Which rules?", "Name rules, or say --all.")
    if (given or freeze) and not one:
        raise WardenError("bad_window", "--set and --freeze are for one rule.", "Name one rule.")
    window = (a_date(start, "--from"), a_date(end, "--to"))
    moment = a_moment(known_as_of)
    from detector import backtesting

    system = opened()
    if one:
        found = [
            backtesting.backtest(
                system, names[0], *window, known_as_of=moment, sets=given or (), freeze=freeze
            )
        ]
    else:
        found = backtesting.backtest_all(system, *window, known_as_of=moment, names=names)
    told = [report.as_dict() for report in found]
    whole: Any = told[0] if one else told
    written = [path for path in (out, plot, freeze) if path]
    if out:
        out.write_text(to_json(whole) + "\n", encoding="utf-8")
    if plot:
        from detector.charts.backtest import write_plot

        write_plot(told, plot)
    if STATE.json:
        say(whole, "")
    elif one:
        tell(found[0])
    else:
        say_table([in_a_row(report) for report in told], COLUMNS, "No rules.")
    for path in written:
        note(f"Wrote {path}.")


def diff(
    old: Annotated[str, typer.Argument(help="An id, id@version, or a YAML file.")],
    new: Annotated[str, typer.Argument(help="The same.")],
    start: From = None,
    end: To = None,
    known_as_of: KnownAsOf = None,
) -> None:
    """Fired by both, only by the old, only by the new, with examples; and the texts compared."""
    window = (a_date(start, "--from"), a_date(end, "--to"))
    moment = a_moment(known_as_of)
    from detector import rule_diff

    found = rule_diff.diff(opened(), old, new, *window, known_as_of=moment)
    if STATE.json:
        say(found, "")
    else:
        typer.echo("\n".join(diff_lines(found)))


def a_moment(text: str | None) -> datetime | None:
    """A moment of an option; a bare day means its end.

    Raises:
        WardenError: `bad_date`.
    """
    from detector.planning import end_of

    if text is not None and len(text) <= len("2026-03-31"):
        day = a_date(text, "--known-as-of")
        return end_of(day) if day else None
    return an_instant(text, "--known-as-of")


COLUMNS = ("rule", "status", "judged", "fired", "rate", "interval", "cap", "kept", "hours", "live")


def in_a_row(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report as one row among many."""
    rate, live = report["flag_rate"], report["live"]
    spread = f"{_percent(rate['low'])} to {_percent(rate['high'])}" if rate["n"] else None
    return {
        "rule": f"{report['rule']}@{report['version']}",
        "status": report["status"],
        "judged": rate["n"],
        "fired": rate["k"],
        "rate": _percent(rate["value"]),
        "interval": spread,
        "cap": _percent(report["max_flag_rate"]),
        "kept": {True: "yes", False: "no", None: None}[report["max_flag_rate_kept"]],
        "hours": report["review_hours"]["value"],
        "live": None if live is None else ("same" if live["identical"] else "differs"),
    }


def tell(report: BacktestReport) -> None:
    """One report for a person at a terminal."""
    from detector.charts.backtest import summary
    from detector.charts.timeline import steps

    data = report.as_dict()
    lines = [f"{data['rule']} {data['version']}, {data['status']}, {data['grain']}", summary(data)]
    outcomes = ", ".join(f"{k.replace('_', ' ')} {v:,}" for k, v in data["outcomes"].items())
    lines += [f"Outcomes: {outcomes}.", ""]
    _, found = steps(data["by_period"])
    most = max((step.fired for step in found), default=0)
    width = max((len(step.label) for step in found), default=0)
    for step in found:
        bar, rate = _bar(step.fired, most), _percent(step.rate) or "none judged"
        lines.append(f"{step.label:<{width}}  {step.fired:>7,}  {rate:>11}  {bar}".rstrip())
    typer.echo("\n".join([*lines, *_below(data)]))


def _below(data: Mapping[str, Any]) -> Iterable[str]:
    """What stands under the bars."""
    yield ""
    for name, moved in data["moved"].items():
        yield (
            f"With {name}: {moved['entered']:,} enter, {moved['left']:,} leave, "
            f"{moved['both']:,} stay."
        )
        for side in ("entered", "left"):
            yield from (f"  {side}: {_example(one)}" for one in moved["examples"][side])
    for name, line in _sweep(data["sensitivity"]).items():
        yield f"Firings as {name} moves: {line}."
    for other in data["overlap"][:3]:
        yield f"Overlap with {other['rule']}: {other['both']:,} of both, {other['jaccard']:.2f}."
    reviewed, hours = data["reviewed"], data["review_hours"]
    if reviewed["precision"]:
        share = reviewed["precision"]
        spread = f"{_percent(share['low'])} to {_percent(share['high'])}"
        yield f"Reviewed: {_percent(share['value'])} confirmed of {share['n']} ({spread})."
    else:
        yield f"Reviewed: no share confirmed, because {reviewed['reason']}."
    yield f"Expected review: {hours['value']:,.1f} hours, at {hours['assumption']}."
    for one in data["examples"][:3]:
        yield f"Example: {_example(one)}"
    yield f"Firing hash {data['firing_hash'][:16]}, snapshot {data['snapshot_id'][:16]}."
    if data["live"]:
        same = data["live"]["identical"]
        where = ", ".join(data["live"]["differing_periods"][:5])
        yield "The live run said the same." if same else f"The live run differs in {where}."
    yield from (f"Note: {text}." for text in data["notes"])


def diff_lines(found: Mapping[str, Any]) -> Iterable[str]:
    """A comparison of two rules for a person at a terminal."""
    old, new = (f"{found[s]['rule']}@{found[s]['version']}" for s in ("old", "new"))
    yield f"{old} and {new}"
    yield (
        f"Fired by both {found['both']:,}, only by the old {found['only_old']:,}, "
        f"only by the new {found['only_new']:,}."
    )
    for side in ("only_old", "only_new"):
        name = side.replace("_", " ")
        yield from (f"  {name}: {_example(one)}" for one in found["examples"][side])
    for row in found["outcomes_changed"]:
        yield f"{row['old'] or 'no row'} to {row['new'] or 'no row'}: {row['rows']:,}"
    yield from found["text"] or ["The two texts are the same."]


def _example(one: Mapping[str, Any]) -> str:
    """A firing in one line: who, when, why."""
    day = str(one["period_start"])
    return f"{one['subject_key']}, {day}: {(one['message_en'] or '').replace('**', '')}"


def _sweep(steps: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By parameter the number of firings at each step."""
    found: dict[str, list[str]] = {}
    for one in steps:
        step = f"{one['step']:+d}" if one["value"] is None else f"{one['value']:g}"
        found.setdefault(one["parameter"], []).append(f"{step}: {one['fired']:,}")
    return {name: ", ".join(parts) for name, parts in found.items()}


def _bar(value: int, most: int) -> str:
    """A bar of block characters."""
    eighths = round(value / most * LONGEST * 8) if most else 0
    whole, part = divmod(max(eighths, 1 if value else 0), 8)
    return "█" * whole + EIGHTHS[part].strip()


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.3g}%"
