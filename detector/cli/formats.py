"""`ingest-ocds`, `ingest-dsa`, `ingest-tcf`: the formats public registers publish in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from detector.cli.data import balance_text, progress_bar
from detector.cli.lifecycle import Actor
from detector.cli.output import an_instant, opened, say

Loaded = TypeVar("Loaded")
RecordedAt = Annotated[str | None, typer.Option(help="When we learned it; now by default.")]


def ingest_ocds(
    files: Annotated[
        list[Path], typer.Argument(help="Packages, releases or records: JSON, JSONL; .gz, .zip.")
    ],
    recorded_at: RecordedAt = None,
    actor: Actor = "",
) -> None:
    """Load open contracting data into tenders, bids and firms; releases become versions."""
    from detector.ingest.ocds import load_ocds

    balances = _loaded(load_ocds, "OCDS", files, recorded_at, actor)
    told = [balance.as_dict() for balance in balances]
    say(told, "\n".join(balance_text(one) for one in told))


def ingest_dsa(
    files: Annotated[list[Path], typer.Argument(help="Daily dumps: zip, or CSV; `.gz` too.")],
    recorded_at: RecordedAt = None,
    actor: Actor = "",
) -> None:
    """Load statements of reasons from daily dumps of the DSA Transparency Database."""
    from detector.ingest.dsa import load_dsa

    told = _loaded(load_dsa, "DSA", files, recorded_at, actor).as_dict()
    say(told, balance_text(told))


def ingest_tcf(
    files: Annotated[list[Path], typer.Argument(help="Global vendor lists: JSON; .gz, .zip.")],
    recorded_at: RecordedAt = None,
    actor: Actor = "",
) -> None:
    """Load vendor lists of the IAB consent framework into vendor declarations."""
    from detector.ingest.tcf import load_tcf

    told = _loaded(load_tcf, "TCF", files, recorded_at, actor).as_dict()
    say(told, balance_text(told))


def _loaded(
    load: Callable[..., Loaded],
    label: str,
    files: Sequence[Path],
    recorded_at: str | None,
    actor: str,
) -> Loaded:
    learned = an_instant(recorded_at, "--recorded-at")
    system = opened(create=True)
    with progress_bar(label) as progress:
        return load(
            home=system.home,
            engine=system.engine,
            files=files,
            recorded_at=learned or system.clock(),
            progress=progress,
            actor=actor or "system",
        )
