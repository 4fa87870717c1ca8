"""Daily dumps of the DSA Transparency Database into `statements_of_reasons`.

The dumps are CSV files in zip files, list fields as JSON inside the CSV. The headings are those of
the Commission's own export (github.com/digital-services-act/transparency-database); the rows go
through the ordinary CSV reader, so that line numbers are those of the dump.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from alerts.model import SYSTEM
from detector.ingest.archives import members
from detector.ingest.limits import Limits
from detector.ingest.load import Balance, load_files
from detector.ingest.readers import Origin, open_reader
from detector.ingest.sources import Progress
from detector.ingest.staging import staging_area

TABLE = "statements_of_reasons"

MAPPING = """\
rename:
  uuid: sor_uuid
  platform_name: platform_id
  end_date_visibility_restriction: end_date
constants:
  source: DSA
"""
"""`platform_uid` of the dump is the platform's number of the statement, not of the platform."""


def load_dsa(
    home: Path,
    engine: Engine,
    files: Sequence[Path],
    recorded_at: datetime | None = None,
    progress: Progress | None = None,
    limits: Limits | None = None,
    actor: str = SYSTEM,
) -> Balance:
    """Takes daily dumps in, as zip files or as the CSV files in them (`.gz` too).

    Raises:
        WardenError: those of `load_files` and `members`; nothing was taken in.
    """
    bounds = limits or Limits()
    with staging_area(home) as area:
        mapping = area / "dsa.yaml"
        mapping.write_text(MAPPING, encoding="utf-8")
        sources = members(files, area, bounds)
        origin = Origin(tuple(path.name for path in files), open_reader)
        return load_files(
            home, engine, TABLE, sources, mapping, recorded_at, progress, bounds, origin, actor
        )
