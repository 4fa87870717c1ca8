"""Filings handed in over the door: kept aside, looked at, then taken in or thrown away.

Each lies in a folder of its own under `uploads/` of the home until somebody confirms it; nothing
of it is in the lake before. What nobody confirms is swept after two days.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Mapping as MappingOf
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import sqlalchemy as sa

from alerts import audit
from detector.attached import plain_name
from detector.database import reading, writing
from detector.ingest.load import Balance, load_files
from detector.ingest.mapping import LoadedMapping, kept_place, load_mapping
from detector.ingest.preview import Preview, columns_of, likely_names, likely_table, preview
from detector.ingest.readers import ENDINGS
from detector.ingest.staging import staging_area
from detector.lake_tables import batch
from detector.whole_files import replace_text
from features.contracts import TableContract, contract
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System

KEPT_FOR = timedelta(days=2)
CHUNK = 1 << 20
OFFERED = 5
"""The last mappings of a table that are tried on a new file."""
_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A filing that waits to be confirmed.

    Attributes:
        mapped_by: where its mapping comes from: `earlier` filing, `names` alike, a `person`, none.
        version: counts its changes.
    """

    id: str
    table: str
    name: str
    size: int
    sha256: str
    by: str
    at: datetime
    version: int
    mapped_by: str


def receive(system: System, table: str, name: str, file: BinaryIO, actor: str) -> Upload:
    """Takes a file aside; nothing of it is in the lake yet.

    Args:
        table: canonical table; empty to tell it from the columns.

    Raises:
        WardenError: `too_large`, `bad_file_name`, `unknown_file_type`, `unknown_table`,
            `table_not_told`, and the faults of a whole file.
    """
    plain = _name(name)
    sweep(system)
    upload_id = secrets.token_hex(8)
    folder = _folder(system, upload_id)
    (folder / "file").mkdir(parents=True, mode=0o700)
    try:
        path = folder / "file" / plain
        size, digest = _copy(file, path, system.settings.upload_bytes)
        with staging_area(system.home) as area:
            names = columns_of(path, area)
        told = contract(table or _told(likely_table(names), names)).name
        now = system.clock()
        one = Upload(upload_id, told, plain, size, digest, actor, now, 1, "")
        one = _first_mapping(system, one, names)
        _write(system, one)
        with writing(system.engine) as connection:
            audit.record(
                connection, actor=actor, action="filing.received", kind="filing", key=upload_id,
                data={"table": told, "bytes": size, "sha256": digest}, now=now,
            )  # fmt: skip
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return one


def get_upload(system: System, upload_id: str) -> Upload:
    """One filing that waits; raises WardenError `upload_not_found`."""
    place = _folder(system, upload_id) / "upload.json"
    try:
        kept = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WardenError(
            "upload_not_found",
            "There is no filing waiting under this address: it was taken in, thrown away, or swept "
            "after two days.",
            "Hand it in again.",
            "not_found",
        ) from error
    return Upload(**kept | {"at": datetime.fromisoformat(kept["at"])})


def uploads(system: System) -> list[Upload]:
    """Every filing that waits, the newest first."""
    found = []
    for place in (system.home / "uploads").glob("*/upload.json"):
        try:
            found.append(get_upload(system, place.parent.name))
        except WardenError:
            continue  # taken in meanwhile
    return sorted(found, key=lambda one: one.at, reverse=True)


def mapping_of(system: System, one: Upload) -> LoadedMapping:
    """The mapping of a filing that waits; the empty one where it has none."""
    place = _mapping_place(system, one.id)
    return load_mapping(place if place.exists() else None, contract(one.table))


def look(system: System, one: Upload) -> Preview:
    """The beginning of a filing as it would be read; raises WardenError for a whole-file fault."""
    path = _folder(system, one.id) / "file" / one.name
    with staging_area(system.home) as area:
        return preview(path, contract(one.table), mapping_of(system, one).mapping, area)


def columns(system: System, one: Upload) -> tuple[str, ...]:
    """Names of the columns of a filing that waits, in its order."""
    path = _folder(system, one.id) / "file" / one.name
    with staging_area(system.home) as area:
        return columns_of(path, area, contract(one.table), mapping_of(system, one).mapping)


def change(
    system: System,
    upload_id: str,
    mapping: MappingOf[str, Any],
    table: str,
    version: int,
    actor: str,
) -> Upload:
    """Puts another mapping, and perhaps another table, in place.

    Raises:
        WardenError: `stale_version`, `bad_mapping`, `unknown_table`.
    """
    one = get_upload(system, upload_id)
    if version != one.version:
        raise _stale()
    wanted = contract(table)
    changed = replace(one, table=wanted.name, version=one.version + 1, mapped_by="person")
    with writing(system.engine) as connection:
        audit.record(
            connection, actor=actor, action="filing.mapped", kind="filing", key=upload_id,
            data={"table": wanted.name, "mapping": audit.digest(json.dumps(mapping))},
            now=system.clock(),
        )  # fmt: skip
        # what is laid down is not taken back when the trail cannot be written
        audit.append(connection)
        _put_mapping(system, upload_id, {k: v for k, v in mapping.items() if v}, wanted)
        _write(system, changed)
    return changed


def confirm(system: System, upload_id: str, actor: str, expected: int | None = None) -> Balance:
    """Takes a filing in and clears its folder; on a fault it stays as it was.

    Args:
        expected: version of the filing that was looked at.

    Raises:
        WardenError: `upload_not_found`, `stale_version`, and those of `load_files`.
    """
    one = get_upload(system, upload_id)
    if expected is not None and expected != one.version:
        raise _stale()
    loaded = mapping_of(system, one)
    with writing(system.engine) as connection:
        # before anything is written: an act that cannot be entered is not done
        audit.record(
            connection, actor=actor, action="filing.confirmed", kind="filing", key=upload_id,
            data={"table": one.table, "sha256": one.sha256, "mapping": loaded.digest or None},
            now=system.clock(),
        )  # fmt: skip
    folder = _folder(system, upload_id)
    balance = load_files(
        home=system.home,
        engine=system.engine,
        table=one.table,
        files=[folder / "file" / one.name],
        mapping=_mapping_place(system, upload_id) if loaded.digest else None,
        recorded_at=system.clock(),
        actor=actor,
    )
    shutil.rmtree(folder, ignore_errors=True)
    return balance


def _stale() -> WardenError:
    return WardenError(
        "stale_version", "Somebody changed the mapping of this filing meanwhile.",
        "Look at it again.", "conflict",
    )  # fmt: skip


def discard(system: System, upload_id: str, actor: str) -> None:
    """Throws a filing away that nobody took in; raises WardenError `upload_not_found`."""
    one = get_upload(system, upload_id)
    with writing(system.engine) as connection:
        audit.record(
            connection, actor=actor, action="filing.discarded", kind="filing", key=upload_id,
            data={"table": one.table, "sha256": one.sha256}, now=system.clock(),
        )  # fmt: skip
    shutil.rmtree(_folder(system, upload_id), ignore_errors=True)


def sweep(system: System) -> None:
    """Removes what nobody confirmed in time."""
    for one in uploads(system):
        if system.clock() - one.at > KEPT_FOR:
            shutil.rmtree(_folder(system, one.id), ignore_errors=True)


def _name(name: str) -> str:
    plain = plain_name(name)
    if not plain.lower().removesuffix(".gz").endswith(ENDINGS):
        raise WardenError(
            "unknown_file_type",
            f"{plain}: files of this ending are not read; known are {', '.join(ENDINGS)}, "
            "each also as .gz.",
            "Save it as CSV, or give it its right ending.",
        )
    return plain


def _copy(file: BinaryIO, path: Path, most: int) -> tuple[int, str]:
    """Streams a file to its place; raises WardenError `too_large`."""
    total, size = hashlib.sha256(), 0
    with path.open("xb") as target:
        while data := file.read(CHUNK):
            size += len(data)
            if size > most:
                raise WardenError("too_large", f"The file is over {most:,} bytes.")
            total.update(data)
            target.write(data)
    return size, total.hexdigest()


def _told(table: str | None, names: tuple[str, ...]) -> str:
    if table is None:
        shown = ", ".join(names[:8]) or "none"
        raise WardenError(
            "table_not_told",
            f"The columns ({shown}) do not tell which table this is.",
            "Choose the table.",
        )
    return table


def _first_mapping(system: System, one: Upload, names: tuple[str, ...]) -> Upload:
    """The mapping of the last filing of this table that fits the columns, else names alike."""
    wanted = contract(one.table)
    for digest in _used(system, one.table):
        place = kept_place(system.home, digest)
        if not place.exists():
            continue
        earlier = load_mapping(place, wanted)
        if earlier.mapping.rename and set(earlier.mapping.rename) <= set(names):
            _mapping_place(system, one.id).write_bytes(earlier.raw)
            return replace(one, mapped_by="earlier")
    alike = likely_names(names, wanted)
    if not alike:
        return one
    _put_mapping(system, one.id, {"rename": alike}, wanted)
    return replace(one, mapped_by="names")


def _used(system: System, table: str) -> list[str]:
    b = batch.c
    query = (
        sa.select(b.mapping_hash, sa.func.max(b.sequence))
        .where(b.table_name == table, b.mapping_hash.is_not(None))
        .group_by(b.mapping_hash)
        .order_by(sa.func.max(b.sequence).desc())
        .limit(OFFERED)
    )
    with reading(system.engine) as connection:
        return [row[0] for row in connection.execute(query)]


def _put_mapping(
    system: System, upload_id: str, mapping: MappingOf[str, Any], wanted: TableContract
) -> None:
    place = _mapping_place(system, upload_id)
    if not mapping:
        place.unlink(missing_ok=True)
        return
    draft = place.with_name("draft.yaml")
    draft.write_text(json.dumps(mapping, ensure_ascii=False, indent=2), "utf-8")
    try:
        load_mapping(draft, wanted)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)


def _write(system: System, one: Upload) -> None:
    told = asdict(one) | {"at": one.at.isoformat()}
    replace_text(_folder(system, one.id) / "upload.json", json.dumps(told, ensure_ascii=False))


def _mapping_place(system: System, upload_id: str) -> Path:
    return _folder(system, upload_id) / "mapping.yaml"


def _folder(system: System, upload_id: str) -> Path:
    if not _ID.fullmatch(upload_id):
        raise WardenError(
            "upload_not_found", "There is no filing waiting under this address.",
            "Hand it in again.", "not_found",
        )  # fmt: skip
    return system.home / "uploads" / upload_id
