"""Global vendor lists of the IAB Transparency & Consent Framework into `vendor_declarations`.

The list is one JSON document of version 2 or 3 of its specification
(github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework). Flexible and
special purposes have no canonical column and are kept out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from alerts.model import SYSTEM
from detector.ingest.archives import members
from detector.ingest.converted import ConvertedReader, RowSink
from detector.ingest.documents import KEPT, Item, read_items
from detector.ingest.faults import LineFault, file_error
from detector.ingest.limits import Limits
from detector.ingest.load import Balance, load_files
from detector.ingest.ocds_rows import text
from detector.ingest.readers import Origin
from detector.ingest.sources import Progress
from detector.ingest.staging import staging_area
from features.contracts import contract

TABLE = "vendor_declarations"
FRAMEWORK = "iab-tcf-2"
SOURCE = "TCF"
_COLUMNS = {
    "name": "name",
    "purposes": "purposes",
    "legIntPurposes": "legitimate_interests",
    "features": "features",
    "specialFeatures": "special_features",
    "cookieMaxAgeSeconds": "cookie_max_age_s",
    "deletedDate": "deleted_on",
}


def load_tcf(
    home: Path,
    engine: Engine,
    files: Sequence[Path],
    recorded_at: datetime | None = None,
    progress: Progress | None = None,
    limits: Limits | None = None,
    actor: str = SYSTEM,
) -> Balance:
    """Takes vendor lists in, each a vintage of its own.

    Raises:
        WardenError: ``not_a_vendor_list``, and those of `load_files`, `members`, `read_items`.
    """
    bounds = limits or Limits()
    with staging_area(home) as area:
        sink = RowSink(area / TABLE, contract(TABLE))
        for path in members(files, area, bounds):
            _convert(path, bounds, sink)
        names = tuple(path.name for path in files)
        parts = sink.write(area / f"{names[0]}.{TABLE}")
        origin = Origin(names, ConvertedReader)
        return load_files(
            home, engine, TABLE, parts, None, recorded_at, progress, bounds, origin, actor
        )


def _convert(path: Path, limits: Limits, sink: RowSink) -> None:
    head = _head(path, limits)
    for item in read_items(path, limits, ("vendors",)):
        if isinstance(item, LineFault):
            sink.fault(item, path.name)
        elif isinstance(item.value, dict):
            sink.add(_row(item, head), path.name, item.line)
        else:
            filed = json.dumps(item.value, ensure_ascii=False)[:KEPT]
            says = f"vendor `{item.name}` is not an object"
            sink.fault(LineFault(item.line, "not_a_vendor", says, filed), path.name)


def _head(path: Path, limits: Limits) -> dict[str, Any]:
    """The list without its vendors: version and date."""
    found = [i for i in read_items(path, limits, ()) if isinstance(i, Item)]
    head = found[0].value if len(found) == 1 else None
    if isinstance(head, dict) and isinstance(head.get("vendors"), dict):
        version = head.get("vendorListVersion")
        if isinstance(version, int) and not isinstance(version, bool):
            return {name: value for name, value in head.items() if name != "vendors"}
    raise file_error(
        path,
        "not_a_vendor_list",
        "it has no `vendors` object with a `vendorListVersion` beside it.",
        "Send the vendor list of the framework, version 2 or later, as it is published.",
    )


def _row(item: Item, head: dict[str, Any]) -> dict[str, str | None]:
    vendor = item.value
    return {
        "framework": FRAMEWORK,
        "vintage": text(head["vendorListVersion"]),
        "vendor_id": text(vendor.get("id")) or item.name or None,
        **{column: text(vendor.get(name)) for name, column in _COLUMNS.items()},
        "filed_on": text(head.get("lastUpdated")),
        "source": SOURCE,
    }
