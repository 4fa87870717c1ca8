"""How commands speak: text for people, JSON for scripts, errors with a next step."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System

USAGE_CODES = frozenset(
    {
        "unknown_table",
        "unknown_typology",
        "unknown_ending",
        "unknown_kind",
        "unknown_job",
        "unknown_rule",
        "unknown_feature",
        "unknown_subject",
        "bad_window",
        "bad_date",
    }
)


@dataclass
class Invocation:
    """The options of this one invocation of the command line."""

    home: Path = Path("warden-home")
    json: bool = False


STATE = Invocation()


def lift_global_options(arguments: Sequence[str]) -> list[str]:
    """Moves `--home DIR` and `--json` to the front, so that they may stand anywhere."""
    lifted: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for word in waiting:
        if word == "--":
            rest += [word, *waiting]
        elif word == "--json" or word.startswith("--home="):
            lifted.append(word)
        elif word == "--home":
            lifted += [word, next(waiting, "")]
        else:
            rest.append(word)
    return lifted + rest


def opened(*, create: bool = False) -> System:
    """The installation this invocation is about."""
    from detector.system import open_system

    log_to_stderr()
    new = create and not (STATE.home / "config.toml").exists()
    system = open_system(STATE.home, create=create)
    if new:
        note(f"Created a new home at {STATE.home}.")
    return system


def log_to_stderr() -> None:
    """Logs go to stderr: readable on a terminal, JSON lines elsewhere; stdout is for data."""
    import structlog

    shape = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            shape,
        ],
        # asked anew for each line: the stream may have been replaced since
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def note(text: str) -> None:
    """A remark for the person at the keyboard; never part of the data on stdout."""
    typer.echo(text, err=True)


def say(data: Any, text: str) -> None:
    """Prints the data as JSON when asked, else the text."""
    typer.echo(to_json(data) if STATE.json else text)


def to_json(data: Any) -> str:
    """JSON with dates as ISO text and Chinese as it is."""
    return json.dumps(data, ensure_ascii=False, indent=1, default=str)


def say_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], empty: str) -> None:
    """Prints rows as a plain aligned table, or as JSON; `empty` when there are none."""
    listed = [dict(row) for row in rows]
    if STATE.json:
        typer.echo(to_json(listed))
        return
    if not listed:
        typer.echo(empty)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in listed:
        table.add_row(*(shown(row.get(column)) for column in columns))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def shown(value: Any) -> str:
    """A cell of a table: numbers short, nothing as a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e5 else f"{value:,.0f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def explain(error: WardenError) -> int:
    """Prints an error with its next step to stderr and returns the exit code."""
    if STATE.json:
        payload = {"code": error.code, "message": error.message, "hint": error.hint}
        typer.echo(to_json({"error": payload}), err=True)
    else:
        typer.echo(f"Error ({error.code}): {error.message}", err=True)
        if error.hint:
            typer.echo(f"Next: {error.hint}", err=True)
    if error.kind == "integrity":
        return 4
    return 2 if error.code in USAGE_CODES else 1


def a_date(text: str | None, option: str) -> date | None:
    """An ISO date of an option.

    Raises:
        WardenError: `bad_date`.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WardenError(
            "bad_date", f"{option} {text} is not a date.", "Write it like 2026-03-31."
        ) from None


def an_instant(text: str | None, option: str) -> datetime | None:
    """An ISO instant or date of an option; without a zone it is UTC.

    Raises:
        WardenError: `bad_date`.
    """
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise WardenError(
            "bad_date", f"{option} {text} is not a time.", "Write it like 2026-03-31T08:00:00Z."
        ) from None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def unforeseen(error: Exception) -> WardenError:
    """A fault nobody foresaw, with its traceback kept in a file for those who mend it."""
    import os
    import tempfile
    import traceback

    if os.environ.get("WARDEN_DEBUG"):
        raise error
    folder = STATE.home if STATE.home.is_dir() else Path(tempfile.gettempdir())
    path = folder / "last-fault.txt"
    path.write_text("".join(traceback.format_exception(error)))
    first = str(error).strip().splitlines()[:1]
    return WardenError(
        "internal",
        f"A fault in the software: {type(error).__name__}{': ' + first[0] if first else ''}.",
        f"Nothing was half-written. Please report it with the file {path}.",
    )
