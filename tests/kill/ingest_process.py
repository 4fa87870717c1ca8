"""The ingest of one file as the work of a process that may be killed.

Everything heavy is imported here, so that a fork server has it loaded and a kill meets the work
and not the start of Python.
"""

from __future__ import annotations

from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import detector.ingest.csv_reader
import detector.ingest.parquet_reader  # noqa: F401
from detector.database import connect
from detector.ingest.load import load_files


def ingest(
    home: Path, table: str, file: Path, at: datetime | None, out: Connection[Any, Any]
) -> None:
    """Ingests and sends the balance."""
    engine = connect(f"sqlite:///{home}/warden.db")
    balance = load_files(home, engine, table, [file], recorded_at=at)
    out.send(balance.as_dict())
