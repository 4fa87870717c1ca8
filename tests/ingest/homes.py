"""A home with a database, and a short way to ingest text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from sqlalchemy import Engine

from detector.database import connect, upgrade
from detector.ingest.limits import Limits
from detector.ingest.load import Balance, load_files
from detector.lake import Lake


@dataclass(frozen=True)
class Home:
    """One installation in a temporary folder."""

    path: Path
    engine: Engine

    @property
    def lake(self) -> Lake:
        """Its lake."""
        return Lake(self.path, self.engine)

    def file(self, name: str, content: str | bytes) -> Path:
        """Writes an input file outside the home."""
        path = self.path.parent / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def load(
        self,
        table: str,
        content: str | bytes,
        name: str = "in.csv",
        mapping: str | None = None,
        at: datetime | None = None,
        limits: Limits | None = None,
    ) -> Balance:
        """Ingests one file with that content."""
        chart = self.file("mapping.yaml", mapping) if mapping is not None else None
        return self.load_files(table, [self.file(name, content)], chart, at, limits)

    def load_files(
        self,
        table: str,
        files: Sequence[Path],
        mapping: Path | None = None,
        at: datetime | None = None,
        limits: Limits | None = None,
    ) -> Balance:
        """Ingests files."""
        return load_files(self.path, self.engine, table, files, mapping, at, None, limits)

    def rows(self, table: str, at: datetime | None = None) -> pl.DataFrame:
        """Rows in force, as known at a moment."""
        return self.lake.scan(self.lake.pin(at), table).collect()

    def messages(self) -> list[str]:
        """Sentences of the quarantine."""
        return self.lake.quarantine()["message"].to_list()


def open_home(path: Path) -> Home:
    """The installation in that folder; made when there is none."""
    path.mkdir(parents=True, exist_ok=True)
    engine = connect(f"sqlite:///{path}/warden.db")
    upgrade(engine)
    return Home(path, engine)


def figures(balance: Balance) -> tuple[int, int, int, int, int]:
    """read, accepted, corrected, repeated, quarantined."""
    return (
        balance.read,
        balance.accepted,
        balance.corrected,
        balance.repeated,
        balance.quarantined,
    )
