"""Files dropped into `inbox/<table>/` of the home: loaded, then moved to where they can be found.

Loading the same bytes twice changes nothing, so a run that died between loading and moving is
simply done again. A `mapping.yaml` in the folder applies to every file in it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import structlog

from detector.jobs import JobSystem
from features.errors import WardenError

log = structlog.get_logger(__name__)

ENDINGS = (".csv", ".jsonl", ".parquet")
DONE, FAULTY, MAPPING = "done", "faulty", "mapping.yaml"
SETTLED_S = 5.0
"""A file written to more recently than this may still be growing; the next slot takes it."""
BALANCE = ("read", "accepted", "corrected", "repeated", "quarantined")


def load_folder(system: JobSystem) -> dict[str, int]:
    """Loads every settled file; returns counts of files, faulty files and the balance of rows.

    A faulty file goes to `faulty/` with a sentence beside it. Any other fault says nothing about
    the file, which stays; the remaining files are loaded before it is raised, unless the database
    itself is away.
    """
    counts: Counter[str] = Counter(dict.fromkeys(("files", "faulty", "waiting", *BALANCE), 0))
    faults: list[Exception] = []
    for file in _dropped(system.home / "inbox"):
        if not _settled(file):
            counts["waiting"] += 1
            continue
        counts["files"] += 1
        try:
            counts.update(_load(system, file))
        except Exception as error:
            if isinstance(error, WardenError) and error.kind == "unavailable":
                raise
            log.warning("file left in the inbox", file=file.name, error=str(error))
            faults.append(error)
    if faults:
        raise faults[0]
    return dict(counts)


def _dropped(inbox: Path) -> Iterator[Path]:
    for folder in sorted(inbox.glob("*")):
        if folder.is_dir() and folder.name not in (DONE, FAULTY):
            yield from sorted(path for path in folder.iterdir() if _loadable(path))


def _loadable(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return path.is_file() and not name.startswith(".") and name.endswith(ENDINGS)


def _settled(path: Path) -> bool:
    # the file system's clock, not the installation's: it is compared with a file's own time
    return abs(time.time() - path.stat().st_mtime) >= SETTLED_S


def _load(system: JobSystem, file: Path) -> dict[str, int]:
    from detector.ingest.load import load_files

    table, inbox, now = file.parent.name, file.parents[1], system.clock()
    mapping = file.parent / MAPPING
    try:
        balance = load_files(
            home=system.home,
            engine=system.engine,
            table=table,
            files=[file],
            mapping=mapping if mapping.exists() else None,
            recorded_at=now,
        )
    except WardenError as error:
        if error.kind not in ("invalid", "not_found"):
            raise
        aside = _move(file, inbox / FAULTY / table)
        aside.with_name(f"{aside.name}.error.txt").write_text(f"{error.code}: {error}\n")
        log.warning("faulty file", table=table, file=file.name, code=error.code)
        return {"faulty": 1}
    _move(file, inbox / DONE / table / now.date().isoformat())
    return {name: getattr(balance, name) for name in BALANCE}


def _move(file: Path, folder: Path) -> Path:
    """Moves without overwriting an earlier file of the same name."""
    folder.mkdir(parents=True, exist_ok=True)
    target, n = folder / file.name, 0
    while target.exists():
        n += 1
        target = folder / f"{n}-{file.name}"
    return file.rename(target)
