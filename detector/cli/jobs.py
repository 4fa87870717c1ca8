"""`jobs` and `work`: what is scheduled, what ran, and the process that runs it."""

from __future__ import annotations

from typing import Annotated

import typer

from detector.cli.output import opened, say, say_table

app = typer.Typer(help="Scheduled jobs and their ledger.", no_args_is_help=True)


@app.command("list")
def list_jobs() -> None:
    """Jobs with their schedule and next slot."""
    from detector.jobs import all_jobs
    from detector.scheduler import schedules

    system = opened()
    jobs = all_jobs()
    triggers = schedules(system, jobs)
    texts = system.settings.jobs.schedules()
    rows = []
    for name, job in jobs.items():
        trigger = triggers.get(name)
        following = trigger.get_next_fire_time(None, system.clock()) if trigger else None
        rows.append(
            {
                "name": name,
                "schedule": texts.get(name, job.schedule),
                "next_slot": following.isoformat() if following else "off",
                "catch_up": job.catch_up,
                "title": job.title["en"],
            }
        )
    say_table(rows, ("name", "schedule", "next_slot", "catch_up", "title"), "No jobs.")


@app.command("run")
def run_job(name: Annotated[str, typer.Argument(help="Job, see `warden jobs list`.")]) -> None:
    """Run one job now, in this process, through the ledger."""
    from detector.scheduler import run_now

    row = run_now(opened(), name)
    say(row.as_dict(), f"{name}: {row.state}. {row.note or row.error or ''}".strip())
    if row.state != "done":
        raise typer.Exit(1)


@app.command("ledger")
def ledger(
    job: Annotated[str | None, typer.Option(help="Only this job.")] = None,
    limit: Annotated[int, typer.Option(help="Newest rows first.")] = 50,
) -> None:
    """Every slot: planned, running, done, failed or skipped, and why."""
    from detector.database import reading
    from detector.ledger import ledger_rows

    with reading(opened().engine) as connection:
        rows = [r.as_dict() for r in ledger_rows(connection, job=job, limit=limit)]
    columns = ("job", "slot", "state", "attempt", "started_at", "finished_at", "note", "error")
    say_table(rows, columns, "No run yet.")


def work(
    once: Annotated[bool, typer.Option(help="Do what is due, then stop.")] = False,
) -> None:
    """Scheduler and worker: runs due jobs until stopped; several may share one database."""
    from detector.scheduler import work as work_until_stopped

    work_until_stopped(opened(), once=once)
