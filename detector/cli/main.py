"""`warden`: the command line. Heavy libraries are imported inside the commands that use them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from detector.cli import (
    alerts,
    approvals,
    audit,
    bundle,
    cases,
    data,
    demo,
    exceptions,
    features,
    firms,
    formats,
    jobs,
    keys,
    knowledge,
    models,
    notify,
    operations,
    peers,
    replay,
    reviews,
    rules,
    tables,
    users,
)
from detector.cli.output import STATE, explain, lift_global_options, unforeseen
from features.errors import WardenError

app = typer.Typer(
    name="warden",
    help="Watches transactions and platform filings for a market regulator.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="--home and --json may stand anywhere on the line.",
)


@app.callback()
def options(
    home: Annotated[
        Path, typer.Option(envvar="WARDEN_HOME", help="Folder of one installation.")
    ] = Path("warden-home"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Options every command shares."""
    STATE.home = home
    STATE.json = as_json


app.command("init")(operations.init)
app.command("doctor")(operations.doctor)
app.command("serve")(operations.serve)
app.command("docs")(operations.docs)
app.command("ingest")(data.ingest)
app.command("ingest-ocds")(formats.ingest_ocds)
app.command("ingest-dsa")(formats.ingest_dsa)
app.command("ingest-tcf")(formats.ingest_tcf)
app.command("detect")(data.detect)
app.command("export")(data.export)
app.command("bundle")(bundle.bundle)
app.command("peers")(peers.peers)
app.command("replay")(replay.replay)
app.command("knowledge")(knowledge.knowledge)
app.command("demo")(demo.demo)
app.command("work")(jobs.work)
app.add_typer(alerts.app, name="alerts")
app.add_typer(tables.app, name="tables")
app.add_typer(features.app, name="features")
app.add_typer(firms.app, name="firms")
rules.app.add_typer(exceptions.app, name="except")
app.add_typer(rules.app, name="rules")
app.add_typer(models.app, name="models")
app.add_typer(reviews.app, name="reviews")
app.add_typer(jobs.app, name="jobs")
app.add_typer(cases.app, name="cases")
app.add_typer(audit.app, name="audit")
app.add_typer(approvals.app, name="approvals")
app.add_typer(keys.app, name="keys")
app.add_typer(users.app, name="users")
app.add_typer(notify.app, name="notify")
app.add_typer(operations.config_app, name="config")


def main() -> None:
    """Entry point: exit codes 0 ok, 1 failed, 2 wrong usage, 3 findings, 4 integrity broken."""
    try:
        app(args=lift_global_options(sys.argv[1:]), prog_name="warden")
    except WardenError as error:
        sys.exit(explain(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last door: a person never sees a traceback
        sys.exit(explain(unforeseen(error)))


if __name__ == "__main__":
    main()
