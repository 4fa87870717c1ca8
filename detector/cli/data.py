"""`ingest`, `detect`, `export`: from files to a queue and out again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.approvals import Approval, ForCase, Purpose, asked_for
from detector.cli.lifecycle import Actor
from detector.cli.output import STATE, a_date, an_instant, note, opened, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FEW_REASONS = 3
"""Up to so many missing tables, the features they leave out are named."""

Typologies = Annotated[
    list[str] | None, typer.Option("--typology", help="Only this typology; may be repeated.")
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="With what was known at the end of this day.")
]


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on stderr, and only on a terminal; call it with (done, total) in bytes."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn(label), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def ingest(
    table: Annotated[str, typer.Argument(help="Canonical table, for example `bids`.")],
    files: Annotated[list[Path], typer.Argument(help="CSV, Parquet or JSONL; `.gz` too.")],
    mapping: Annotated[Path | None, typer.Option(help="YAML that maps a source's columns.")] = None,
    recorded_at: Annotated[
        str | None, typer.Option(help="When we learned it; now by default.")
    ] = None,
    actor: Actor = "",
) -> None:
    """Load files into a canonical table; bad rows go to quarantine, good ones go on."""
    learned = an_instant(recorded_at, "--recorded-at")
    from detector.ingest.load import load_files

    system = opened(create=True)
    with progress_bar(f"{table}") as progress:
        balance = load_files(
            home=system.home,
            engine=system.engine,
            table=table,
            files=files,
            mapping=mapping,
            recorded_at=learned or system.clock(),
            progress=progress,
            actor=actor or "system",
        )
    say(balance.as_dict(), balance_text(balance.as_dict()))


def balance_text(balance: dict[str, Any]) -> str:
    """The balance of a batch in one line, with what a person should know under it."""
    line = (
        "{table}: read {read:,} = accepted {accepted:,} + corrected {corrected:,}"
        " + repeated {repeated:,} + quarantined {quarantined:,}"
    ).format(**balance)
    if balance.get("already_known"):
        line += "\nThe same bytes were loaded before; nothing changed."
    if balance.get("unknown_columns"):
        line += f"\nKept out, not part of the table: {', '.join(balance['unknown_columns'])}"
    for warning in balance.get("warnings") or ():
        line += f"\nWarning: {warning}"
    if balance["quarantined"]:
        line += "\nSee why: warden export quarantine --out quarantine.csv"
    return line


def detect(
    as_of: AsOf = None,
    start: Annotated[str | None, typer.Option("--from", help="First day of the window.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day of the window.")] = None,
    typology: Typologies = None,
    actor: Actor = "",
) -> None:
    """Compute features, judge them by rules and models, and raise alerts."""
    days = (a_date(as_of, "--as-of"), a_date(start, "--from"), a_date(end, "--to"))
    from detector.run import run_detection

    summary = run_detection(
        opened(),
        as_of=days[0],
        start=days[1],
        end=days[2],
        typologies=typology or None,
        actor=actor or "system",
    )
    say(asdict(summary), summary_text(summary.counts, summary.target))


def summary_text(counts: dict[str, Any], target: str) -> str:
    """What a run judged, raised and could not check."""
    lines = []
    if not counts.get("judged"):
        lines.append(
            "Features computed; no rule or model judges these typologies yet."
            if counts.get("cells")
            else "Nothing new to judge: no filing, rule or model has changed."
        )
    outcomes = counts.get("outcomes", {})
    if counts.get("judged") and outcomes:
        parts = ", ".join(f"{k.replace('_', ' ')} {v:,}" for k, v in outcomes.items())
        lines.append(f"Judged {counts['judged']:,} (typology, subject, period): {parts}.")
    alerts = counts.get("alerts")
    if alerts:
        parts = ", ".join(f"{k.replace('_', ' ')} {v:,}" for k, v in alerts.items())
        lines.append(f"Alerts: {parts}.")
    lines += budget_line(counts.get("budget") or {})
    for rule, share in (counts.get("storms") or {}).items():
        lines.append(
            f"Rule {rule} fired for {share:.0%} of what it judged: "
            "its alerts are held back, and one about the rule says so."
        )
    lines += shadow_line(counts.get("shadows") or {})
    if counts.get("held_back"):
        lines.append(f"Held back, fired but not raised: {counts['held_back']:,} (see the scores).")
    if target != "live":
        lines.append("This was a look back: later filings are known, so no alert was touched.")
    return "\n".join([*lines, *not_checked(counts.get("skipped") or {})])


def budget_line(budget: dict[str, int]) -> list[str]:
    """How many of the alerts that rest on a test lie inside the long-run budget."""
    told = sum(budget.values())
    if not told:
        return []
    return [
        f"Of {told:,} alerts that rest on a test of many subjects, {budget['inside']:,} lie inside "
        "the long-run budget of false alarms."
    ]


def not_checked(skipped: Mapping[str, str]) -> list[str]:
    """What could not be computed, by reason; with many reasons their number alone is told.

    Args:
        skipped: by feature, the reason, such as ``table apps is absent``.
    """
    reasons = sorted(set(skipped.values()))
    if len(reasons) <= FEW_REASONS:
        named = {why: [n for n, reason in skipped.items() if reason == why] for why in reasons}
        return [f"Not checked, {why}: {', '.join(names)}." for why, names in named.items()]
    tables = ", ".join(why.removeprefix("table ").removesuffix(" is absent") for why in reasons)
    return [f"Not checked: {len(skipped)} features, for want of {tables} (--json names them)."]


def shadow_line(shadows: dict[str, dict[str, int]]) -> list[str]:
    """What rules in shadow would have raised; nothing when none judged anybody."""
    judged = {name: told for name, told in shadows.items() if told["judged"]}
    if not judged:
        return []
    most = sorted(judged, key=lambda name: (-judged[name]["fired"], name))[:3]
    named = ", ".join(f"{name} {judged[name]['fired']:,}" for name in most)
    total = sum(told["fired"] for told in judged.values())
    return [
        f"In shadow, raising no alert: {len(judged)} rules fired {total:,} times; most: {named}."
    ]


def export(
    kind: Annotated[
        str, typer.Argument(help="alerts, scores, features:GRAIN, outcomes, quarantine")
    ],
    out: Annotated[Path, typer.Option(help="Ends in .parquet, .csv, .jsonl or .xlsx.")],
    typology: Typologies = None,
    as_of: AsOf = None,
    actor: Actor = "",
    approval: Approval = None,
    purpose: Purpose = "",
    case: ForCase = "",
) -> None:
    """Write alerts, scores, features, outcomes or quarantined rows to a file."""
    day = a_date(as_of, "--as-of")
    from detector.database import reading
    from detector.export import write_table
    from detector.extracts import enter_export, extract
    from detector.people.limits import limits_of
    from detector.second_person import of_table

    system = opened()
    with reading(system.engine) as connection:
        within = limits_of(connection, actor or "system", system.settings)
    frame = extract(system, kind, typologies=typology or None, as_of=day, within=within)
    name = actor or "system"
    if purpose:
        asked_for(system, of_table(kind, frame, typology, day), purpose, case, name)
        return
    enter_export(
        system, kind, frame, name, typologies=typology or None, as_of=day, approval=approval
    )
    write_table(frame, out)
    if STATE.json:
        say({"kind": kind, "rows": frame.height, "out": str(out)}, "")
    else:
        note(f"{frame.height:,} rows written to {out}.")
