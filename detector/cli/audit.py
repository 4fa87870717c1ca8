"""`audit`: the trail of who did what: looked up, verified, signed, handed out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from detector.cli.lifecycle import Actor
from detector.cli.output import STATE, an_instant, note, opened, say, say_table

app = typer.Typer(help="The audit trail.", no_args_is_help=True)

BROKEN = 4
COLUMNS = ("seq", "at", "actor", "action", "kind", "key", "data")


@app.command("list")
def list_entries(
    actor: Annotated[str | None, typer.Option(help="Of this person, name or pseudonym.")] = None,
    action: Annotated[
        str | None, typer.Option(help="This act; `rule.` is every act on rules.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="About this kind of object.")] = None,
    key: Annotated[str | None, typer.Option(help="About this object.")] = None,
    since: Annotated[str | None, typer.Option(help="From this moment on.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this moment.")] = None,
    limit: Annotated[int, typer.Option(help="Newest entries first.")] = 50,
    names_for: Annotated[
        str, typer.Option("--names-for", help="Tell names, to this person; entered as a read.")
    ] = "",
) -> None:
    """Entries, newest first; persons are pseudonyms."""
    from alerts import audit
    from alerts.audit_chain import canonical
    from alerts.audit_reading import EntryFilter, entries
    from detector.database import reading, writing

    start, end = an_instant(since, "--since"), an_instant(until, "--until")
    system = opened()
    if names_for:
        with writing(system.engine) as writer:
            audit.record(
                writer, actor=names_for, action="audit.names_read", kind="audit", key="names",
                data={}, now=system.clock(),
            )  # fmt: skip
    wanted = EntryFilter(actor, action, kind, key, start, end)
    with reading(system.engine) as connection:
        rows = entries(connection, wanted, None, limit, named=bool(names_for)).entries
    columns = ("name", *COLUMNS) if names_for else COLUMNS
    shown = rows if STATE.json else [row | {"data": canonical(row["data"])} for row in rows]
    say_table(shown, columns, "No entry.")


@app.command("checkpoint")
def checkpoint() -> None:
    """Verify every entry and write a signed checkpoint to the second place."""
    from detector.audit.copies import folder
    from detector.audit.trail import make_checkpoint

    system = opened()
    one = make_checkpoint(system)
    if one is None:
        say({"signed": None}, "Nothing was entered since the last checkpoint.")
        return
    told = {"signed": one.seq, "hash": one.hash, "at": one.at, "place": str(folder(system))}
    say(told, f"{one.seq:,} entries verified and signed, in {folder(system)}.")


@app.command("export")
def export(
    out: Annotated[Path, typer.Option(help="File to write, JSON lines.")],
    actor: Actor = "",
) -> None:
    """Write every entry to a file that can be verified elsewhere with the public key."""
    from detector.audit.keys import PUBLIC
    from detector.audit.trail import export_trail

    system = opened()
    count = export_trail(system, out, actor)
    key = system.home / PUBLIC
    note(f"{count:,} entries written to {out}. Verify it elsewhere with {key}.")
    if STATE.json:
        say({"entries": count, "out": str(out), "key": str(key)}, "")


@app.command("verify")
def verify(
    exported: Annotated[
        Path | None, typer.Option("--export", help="An export, instead of the database.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Public key of the export; by default of this home.")
    ] = None,
    checkpoints: Annotated[
        Path | None, typer.Option(help="Folder of checkpoints to hold the export against.")
    ] = None,
) -> None:
    """Check that nothing was changed, left out, moved or added; exit code 4 when it was."""
    told = _of_database() if exported is None else _of_export(exported, key, checkpoints)
    if told["intact"]:
        signed = f"{told['signed']:,} of them signed on {told['signed_at']}"
        text = f"Whole: {told['entries']:,} entries, {signed if told['signed'] else 'none signed'}."
        say(told, text)
        return
    say(told, f"NOT WHOLE from entry {told['first_bad']} on ({told['code']}): {told['why']}")
    raise typer.Exit(BROKEN)


def _of_database() -> dict[str, Any]:
    from detector.audit.trail import verify_trail

    return verify_trail(opened()).as_dict()


def _of_export(exported: Path, key: Path | None, checkpoints: Path | None) -> dict[str, Any]:
    from detector.audit.keys import public_key, published
    from detector.audit.offline import verify_file

    keys = public_key(key) if key else published(STATE.home)
    return verify_file(exported, keys, checkpoints)
