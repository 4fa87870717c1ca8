"""`demo`: the whole job on a simulated market, ending at the alert queue."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from detector.cli.output import STATE, note, to_json
from features.errors import WardenError

MARK = "simulated-market"


def demo(
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the pages afterwards.")
    ] = True,
    port: Annotated[int, typer.Option(help="Port of the pages.")] = 8000,
    seed: Annotated[int, typer.Option(help="Seed of the simulated market.")] = 20260101,
    small: Annotated[bool, typer.Option(help="A twentieth of the size.")] = False,
    top: Annotated[int, typer.Option(help="Rows of each lane of the queue to print.")] = 12,
) -> None:
    """Simulate a market with planted schemes, judge it, print the head of the queue, serve it."""
    from detector.demo.world import Size, generate
    from detector.firm_index import keep_index
    from detector.people.demonstration import PEOPLE, add_people
    from detector.run import run_detection
    from detector.system import open_system

    home = fresh_home(STATE.home / "demo")
    began = time.perf_counter()
    world = generate(
        home.parent / "demo-filings",
        seed=seed,
        size=Size.small() if small else Size.full(),
        labels_path=home.parent / "demo-answers.csv",
    )
    step("simulated market written", began)
    system = open_system(home, create=True)
    (home / MARK).touch()
    ingest_all(system, world, began)
    summary = run_detection(system)
    step("judged", began)
    step(f"{keep_index(system).firms:,} firms indexed", began)
    password = add_people(system)
    rows = head_of_queue(system, top)
    if STATE.json:
        people = {"names": list(PEOPLE), "password": password}
        typer.echo(to_json({"counts": summary.counts, "queue": rows, "people": people}))
    else:
        print_queue(rows, summary.counts)
    step("done", began)
    note(f"Sign in as {', '.join(PEOPLE)}; the password of each is {password}")
    if serve:
        from detector.cli.operations import serve_system

        serve_system(home, "127.0.0.1", port)
    else:
        note(f"Look at it with `warden serve --home {home}`.")


def fresh_home(home: Path) -> Path:
    """An empty home for the demonstration; only one made by an earlier demonstration is removed.

    Raises:
        WardenError: `not_a_demo` when something else lies there.
    """
    if home.exists():
        if not (home / MARK).exists() and any(home.iterdir()) and (home / "config.toml").exists():
            raise WardenError(
                "not_a_demo",
                f"{home} holds an installation that the demonstration did not make.",
                "Name another place with --home.",
                kind="conflict",
            )
        shutil.rmtree(home)
    return home


def step(text: str, began: float) -> None:
    """Tells a waiting person where the job is."""
    note(f"[{time.perf_counter() - began:5.1f} s] {text}")


def ingest_all(system: Any, world: Any, began: float) -> None:
    """Loads every table through the same door as real filings."""
    from detector.cli.data import balance_text
    from detector.ingest.load import load_files

    for table in world.load_order:
        balance = load_files(
            home=system.home,
            engine=system.engine,
            table=table,
            files=world.files[table],
            mapping=None,
            recorded_at=system.clock(),
        )
        step(balance_text(balance.as_dict()).splitlines()[0], began)


def head_of_queue(system: Any, top: int) -> list[dict[str, Any]]:
    """The first alerts of each lane in the order of the queue."""
    from alerts.inbox import QueueFilter, queue
    from alerts.model import alert_object
    from detector.database import reading
    from features.vocabulary import Lane

    with reading(system.engine) as connection:
        pages = [queue(connection, QueueFilter(lanes=(lane,)), limit=top) for lane in Lane]
        return [alert_object(alert) for page in pages for alert in page.alerts]


def print_queue(rows: list[dict[str, Any]], counts: dict[str, Any]) -> None:
    """The head of the queue with a reason for each alert, then what was not checked."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    lane = ""
    for row in rows:
        if row["lane"] != lane:
            lane = row["lane"]
            heading = "Legal lane: limits passed" if lane == "legal" else "Screen lane: suspicions"
            console.print(
                f"\n[bold]{heading}[/bold], the first {sum(r['lane'] == lane for r in rows)}"
            )
        period = row["period"]["start"][:7]
        console.print(f"{row['id']}  [bold]{row['title']['en']}[/bold], {period}")
        console.print(f"              {row['message']['en'].replace('**', '')}")
    from detector.cli.data import summary_text

    raised = counts["alerts"]["opened"]
    console.print(f"\n{raised:,} alerts. {summary_text(counts, 'live')}")
    console.print("Every suspicion is a reason to look, not a finding.")
