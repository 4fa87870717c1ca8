"""Corrected rows sent again: only what changed, read as the batch was, under the lines filed."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from alerts import audit
from detector.database import writing
from detector.export import FORMULA_START
from detector.filings import Batch, one_batch
from detector.ingest.corrected import FILED_IN, FILED_LINE, ROW, CorrectedReader
from detector.ingest.load import Balance, load_files
from detector.ingest.mapping import Mapping as FileMapping
from detector.ingest.mapping import kept_place, load_mapping
from detector.ingest.readers import Origin
from detector.ingest.staging import staging_area
from detector.lake_tables import quarantine_retry
from detector.quarantine import MARKS, Place, Rejected, rejected_rows
from features.contracts import contract
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System

Corrections = Mapping[Place, Mapping[str, str]]
"""By file and line, the values to put in place by column."""
NAMES = ("encoding", "delimiter", "rename", "constants")
"""Parts of a mapping that a row in canonical columns has behind it."""
MOST_CELL = 1 << 20


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of corrected rows.

    Attributes:
        sent: rows that differ from what was filed. unchanged: rows handed in as they were.
        refused: sent rows that are quarantined again.
    """

    balance: Balance
    sent: int
    unchanged: int
    refused: int


def retry(
    system: System,
    batch_id: str,
    wanted: Corrections,
    actor: str,
    *,
    settled_too: bool = False,
) -> Retried:
    """Sends the rows that were changed again, as a batch of their own; the originals stay.

    Args:
        settled_too: `wanted` names rows that were sent again before, too; they count as unchanged.

    Raises:
        WardenError: `batch_not_found`, `nothing_corrected`, `unknown_correction` (a row that does
            not wait, or a column nobody filed), `value_cut`, `mapping_gone`, and those of
            `load_files`.
    """
    with writing(system.engine) as connection:
        filed = one_batch(connection, batch_id)
    lines = {line for _, line in wanted}
    found = rejected_rows(system.home, system.engine, batch_id, lines=lines)
    rows = {one.place: one for one in found}
    changed = {
        place: _corrected(rows.get(place), place, new)
        for place, new in wanted.items()
        if not (settled_too and place in rows and not rows[place].waits)
    }
    sent = {place: row for place, row in changed.items() if row is not None}
    if not sent:
        raise WardenError(
            "nothing_corrected",
            "No value differs from what was filed, so nothing was sent again.",
            "Correct a value first, then send the rows again.",
        )
    with writing(system.engine) as connection:
        # before anything is written: an act that cannot be entered is not done
        audit.record(
            connection, actor=actor, action="quarantine.corrected", kind="batch", key=batch_id,
            data={"rows": len(sent), "lines": [line for _, line in sorted(sent)][:100]},
            now=system.clock(),
        )  # fmt: skip
    balance = _load(system, filed, sent, rows, actor)
    refused = {
        one.place for one in rejected_rows(system.home, system.engine, balance.batch_id)
    } & set(sent)
    _note(system, filed, sent, refused, balance, actor)
    return Retried(balance, len(sent), len(wanted) - len(sent), len(refused))


def corrections_in(path: Path, table: str) -> Corrections:
    """Corrections out of a download of rejected rows that was worked on.

    Raises:
        WardenError: `not_a_download` for a file without the two columns that say which row is
            meant.
    """
    known = {c.name for c in contract(table).columns if c.derived_from is None}
    found: dict[Place, dict[str, str]] = {}
    csv.field_size_limit(MOST_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            # a spreadsheet saves with the separator of its country
            head = file.readline()
            file.seek(0)
            reader = csv.DictReader(
                file, delimiter=";" if head.count(";") > head.count(",") else ","
            )
            if not set(MARKS[:2]) <= set(reader.fieldnames or ()):
                raise _not_ours(f"it lacks the column `{MARKS[0]}` or `{MARKS[1]}`")
            for row in reader:
                place = (_armed(row[MARKS[0]]), int(_armed(row[MARKS[1]])))
                found[place] = {
                    k: _armed(v) for k, v in row.items() if k in known and v is not None
                }
    except (UnicodeDecodeError, csv.Error, ValueError, TypeError, AttributeError) as error:
        raise _not_ours("it cannot be read as CSV in UTF-8") from error
    return found


def _not_ours(why: str) -> WardenError:
    return WardenError(
        "not_a_download",
        f"The file is no download of rejected rows: {why}.",
        "Download the rejected rows, correct them, and save as CSV (UTF-8) with all columns.",
    )


def _armed(text: str | None) -> str:
    """A cell without the apostrophe a download put before what looks like a formula."""
    plain = (text or "").strip()
    return plain[1:] if plain[:1] == "'" and re.search(FORMULA_START, plain[1:]) else plain


def _corrected(
    one: Rejected | None, place: Place, new: Mapping[str, str]
) -> dict[str, str | None] | None:
    """The whole row with the new values, None where nothing differs."""
    known = (
        {c.name for c in contract(one.table).columns if c.derived_from is None} if one else set()
    )
    if one is None or not one.waits or not set(new) <= known:
        raise WardenError(
            "unknown_correction",
            f"Line {place[1]} of {place[0]} does not wait for a correction of these columns.",
            "Look at the quarantine again: somebody may have corrected it meanwhile.",
            "conflict",
        )
    before = dict(one.row or {})
    after = before | {name: value.strip() or None for name, value in new.items()}
    if all((before.get(name) or None) == after[name] for name in after):
        return None
    if kept := [name for name in before if one.cut(name) and before[name] == after[name]]:
        raise WardenError(
            "value_cut",
            f"Line {place[1]}: only the beginning of `{kept[0]}` is kept here.",
            "Correct the line in the file it came from and file that again.",
        )
    return {name: value for name, value in after.items() if name in known}


def _load(
    system: System,
    filed: Batch,
    sent: Mapping[Place, Mapping[str, str | None]],
    rows: Mapping[Place, Rejected],
    actor: str,
) -> Balance:
    """The rows through the same door as every filing."""
    persons = contract(filed.table).persons
    hashed = {str((rows[place].row or {}).get(name)) for place in sent for name in persons}
    told = [
        {"batch": filed.batch_id, FILED_IN: place[0], FILED_LINE: place[1], ROW: dict(row)}
        for place, row in sorted(sent.items())
    ]
    with staging_area(system.home) as area:
        path = area / "corrected.jsonl"
        path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in told), "utf-8")
        names = tuple(dict.fromkeys(place[0] for place in sorted(sent)))
        return load_files(
            home=system.home,
            engine=system.engine,
            table=filed.table,
            files=[path],
            mapping=_mapping(system.home, filed, area),
            recorded_at=system.clock(),
            origin=Origin(names, CorrectedReader, hashed=frozenset(hashed)),
            actor=actor,
        )


def _mapping(home: Path, filed: Batch, area: Path) -> Path | None:
    """The mapping the batch was read by, without what only concerned its columns."""
    if filed.mapping_hash is None:
        return None
    place = kept_place(home, filed.mapping_hash)
    if not place.exists():
        raise WardenError(
            "mapping_gone",
            "The mapping this batch was read by is not kept, so its rows cannot be read again.",
            "File the corrected rows as a new file, with the mapping.",
        )
    whole: FileMapping = load_mapping(place, contract(filed.table)).mapping
    kept = whole.model_dump(exclude_defaults=True, exclude=set(NAMES))
    if not kept:
        return None
    path = area / "mapping.yaml"
    path.write_text(json.dumps(kept, ensure_ascii=False), "utf-8")
    return path


def _note(
    system: System,
    filed: Batch,
    sent: Mapping[Place, object],
    refused: set[Place],
    balance: Balance,
    actor: str,
) -> None:
    with writing(system.engine) as connection:
        # two people may have sent the same row: whoever was first is kept
        r = quarantine_retry.c
        known = connection.execute(
            sa.select(r.source_file, r.line).where(r.batch_id == filed.batch_id)
        )
        before = {(row[0], row[1]) for row in known}
        new = [
            {
                "batch_id": filed.batch_id, "source_file": place[0], "line": place[1],
                "retry_batch_id": balance.batch_id, "refused": place in refused,
                "actor": actor, "at": system.clock(),
            }
            for place in sorted(sent)
            if place not in before
        ]  # fmt: skip
        if new:
            connection.execute(sa.insert(quarantine_retry), new)
