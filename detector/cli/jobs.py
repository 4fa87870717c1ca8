"""`jobs` and `work`: what is scheduled, what ran, and the process that runs it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from detector.cli.output import opened, say, say_table

app = typer.Typer(help="Scheduled jobs and their ledger.", no_args_is_help=True)


@app.command("list")
def list_jobs() -> None:
    """Jobs with their schedule and next slot."""
    from detector.jobs import job_rows

    say_table(job_rows(opened()), ("name", "schedule", "next_slot", "catch_up", "title"), "No jobs.")


@app.command("run")
def run_job(name: Annotated[str, typer.Argument(help="Job, see `warden jobs list`.")]) -> None:
    """Run one job now, in this process, through the ledger."""
    from detector.jobs import run_now

    result: dict[str, Any] = run_now(opened(), name)
    say(result, f"{name}: {result['state']}. {result.get('note') or ''}".strip())


@app.command("ledger")
def ledger(
    job: Annotated[str | None, typer.Option(help="Only this job.")] = None,
    limit: Annotated[int, typer.Option(help="Newest rows first.")] = 50,
) -> None:
    """Every slot: planned, running, done, failed or skipped, and why."""
    from detector.ledger import ledger_rows

    columns = ("job", "slot", "state", "attempt", "worker", "started_at", "finished_at", "note", "error")
    say_table(ledger_rows(opened().engine, job=job, limit=limit), columns, "No run yet.")


def work(
    once: Annotated[bool, typer.Option(help="Do what is due, then stop.")] = False,
) -> None:
    """Scheduler and worker: runs due jobs until stopped; several may share one database."""
    from detector.scheduler import work as work_until_stopped

    work_until_stopped(opened(), once=once)
