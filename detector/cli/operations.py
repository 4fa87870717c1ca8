"""`init`, `doctor`, `serve`, `docs`, `config`: keeping an installation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detector.cli.output import STATE, note, opened, say, say_table

config_app = typer.Typer(help="Settings.", no_args_is_help=True)


def init() -> None:
    """Create the home, its config and its database; harmless when repeated."""
    new = not (STATE.home / "config.toml").exists()
    from detector.settings import hide_password
    from detector.system import open_system

    system = open_system(STATE.home, create=True)

    url = hide_password(str(system.engine.url)) if system.settings.database_url else "warden.db"
    text = f"Home at {system.home}, database {url}." + (" Created." if new else " Already there.")
    say({"home": str(system.home), "created": new, "database": url}, text)


def doctor() -> None:
    """Check this installation: packages, home, keys, database, lake, jobs."""
    from detector.doctor import examine

    findings = examine(STATE.home)
    rows = [
        {"check": f.check, "result": f.result, "detail": f.detail, "next": f.next} for f in findings
    ]
    say_table(rows, ("check", "result", "detail", "next"), "Nothing to check.")
    if any(f.result != "ok" for f in findings):
        raise typer.Exit(3)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.")] = 8000,
    with_jobs: Annotated[bool, typer.Option(help="Run the scheduler in this process too.")] = False,
) -> None:
    """Serve API and web pages until Ctrl-C."""
    serve_system(STATE.home, host, port, with_jobs)


def serve_system(home: Path, host: str, port: int, with_jobs: bool = False) -> None:
    """Runs the server over one installation; the application is named by text, so that the
    machine does not import its own door."""
    import os
    import threading

    import uvicorn

    system = opened() if home == STATE.home else None
    os.environ["WARDEN_HOME"] = str(home.resolve())
    if host not in ("127.0.0.1", "localhost", "::1"):
        os.environ.setdefault("WARDEN_HOSTS", host if host not in ("0.0.0.0", "::") else "*")  # noqa: S104
    if with_jobs:
        from detector.scheduler import work as work_until_stopped
        from detector.system import open_system

        worker = system or open_system(home)
        stop = threading.Event()
        arguments = {"stop": stop}
        threading.Thread(
            target=work_until_stopped, args=(worker,), kwargs=arguments, daemon=True
        ).start()
    note(f"Serving http://{host}:{port} (Ctrl-C stops).")
    uvicorn.run("api.app:application", factory=True, host=host, port=port, log_level="warning")


def docs(
    out: Annotated[Path, typer.Option(help="Folder for the pages.")] = Path("docs/reference"),
) -> None:
    """Write the reference of features, rules, typologies and commands from the code."""
    from detector.reference import write_reference

    pages = write_reference(out)
    say([str(p) for p in pages], "\n".join(f"wrote {p}" for p in pages))


@config_app.command("show")
def show(
    origin: Annotated[bool, typer.Option(help="Say where each value comes from.")] = True,
) -> None:
    """Settings in force, passwords masked."""
    from detector.settings import origins

    system = opened()
    columns = ("key", "value", "origin") if origin else ("key", "value")
    say_table(origins(system.home, system.settings), columns, "No settings.")
