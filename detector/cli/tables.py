"""`tables`: what can be filed, column by column, and empty files to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.output import STATE, note, say, say_table

if TYPE_CHECKING:
    from features.contracts import TableContract

app = typer.Typer(help="Canonical tables and their columns.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="TABLE", help="Canonical table, such as `bids`.")]


@app.command("list")
def list_tables() -> None:
    """Every table that can be ingested, with what identifies a row."""
    from features.contracts import CONTRACTS

    rows = [
        {
            "table": t.name,
            "title": t.title,
            "key": ", ".join(t.keys),
            "required": ", ".join(t.required),
            "columns": len(t.columns),
        }
        for t in CONTRACTS.values()
    ]
    say_table(rows, ("table", "title", "key", "required", "columns"), "")


@app.command("show")
def show(table: Name) -> None:
    """Columns of a table: how they are read, their unit, range and meaning."""
    from features.contracts import contract

    wanted = contract(table)
    data = description(wanted)
    if STATE.json:
        say(data, "")
        return
    typer.echo(f"{wanted.name}: {wanted.title}\nA row is known by: {', '.join(wanted.keys)}\n")
    say_table(data["columns"], ("column", "kind", "unit", "note", "meaning"), "")
    for title, lines in (
        ("\nA row is refused when:", data["checks"]),
        ("\nA row is kept and reported when:", data["cautions"]),
        ("\nNames are looked up, and strange ones reported:", data["references"]),
    ):
        if lines:
            typer.echo("\n".join([title, *(f"  {line}" for line in lines)]))


@app.command("summary")
def summary(table: Name) -> None:
    """What a table holds: rows in force and, column by column, filled cells and distinct values."""
    from detector.cli.output import opened
    from detector.lake_summary import summarised

    data = summarised(opened().lake, table)
    if STATE.json:
        say(data, "")
        return
    typer.echo("{table}: {rows:,} rows in force of {versions:,} versions\n".format(**data))
    say_table(data["columns"], ("column", "filled", "distinct", "least", "most"), "")


@app.command("template")
def template(
    table: Name,
    out: Annotated[Path | None, typer.Option(help="File to write; stdout otherwise.")] = None,
    mapping: Annotated[
        bool, typer.Option("--mapping", help="A mapping file with every column explained.")
    ] = False,
) -> None:
    """An empty CSV with the columns of a table, or a mapping file to fill in."""
    from detector.templates import csv_template, mapping_template
    from features.contracts import contract
    from features.errors import WardenError

    wanted = contract(table)
    text = mapping_template(wanted) if mapping else csv_template(wanted)
    if out is None:
        say({"table": table, "text": text}, text.rstrip("\n"))
        return
    if out.exists():
        raise WardenError("file_exists", f"{out} exists already.", "Name another file.")
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WardenError(
            "file_not_writable",
            f"{out} cannot be written ({error.strerror}).",
            "Name a file in a folder that exists.",
        ) from error
    say({"table": table, "out": str(out)}, "") if STATE.json else note(f"Written to {out}.")


def description(wanted: TableContract) -> dict[str, Any]:
    """A table as plain data."""
    from detector.templates import column_notes
    from features.contracts.references import REFERENCES

    return {
        "table": wanted.name,
        "title": wanted.title,
        "key": list(wanted.keys),
        "required": list(wanted.required),
        "event_time": list(wanted.event_time),
        "columns": [
            {
                "column": c.name,
                "kind": c.kind,
                "unit": c.unit,
                "note": "; ".join(column_notes(c)),
                "meaning": c.description,
                "required": not c.nullable,
                "person": c.person,
                "allowed": list(c.allowed or ()),
            }
            for c in wanted.columns
        ],
        "checks": [check.says for check in wanted.checks.values()],
        "cautions": [caution.says for caution in wanted.cautions],
        "references": [reference.says for reference in REFERENCES.get(wanted.name, ())],
    }
