"""Files dropped into `inbox/<table>/` of the home: loaded, then moved to where they can be found.

Loading the same bytes twice changes nothing, so a run that died between loading and moving is
simply done again.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import date
from pathlib import Path

import structlog

from detector.jobs import JobSystem
from features.errors import WardenError

log = structlog.get_logger(__name__)

ENDINGS = (".csv", ".jsonl", ".parquet")
DONE, FAULTY = "done", "faulty"
SETTLED_S = 5.0
"""A file written to more recently than this may still be growing; the next slot takes it."""
BALANCE = ("read", "accepted", "corrected", "repeated", "quarantined")


def load_folder(system: JobSystem) -> dict[str, int]:
    """Loads every settled file; returns counts of files, faulty files and the balance of rows.

    A faulty file goes to `faulty/` with a sentence beside it and stops no other. A fault of the
    machine (disk, database) is raised: it says nothing about the file, which stays.
    """
    counts: Counter[str] = Counter(dict.fromkeys(("files", "faulty", "waiting", *BALANCE), 0))
    inbox = system.home / "inbox"
    today = system.clock().date()
    for folder in sorted(p for p in inbox.glob("*") if p.is_dir() and p.name not in (DONE, FAULTY)):
        for file in sorted(p for p in folder.iterdir() if _loadable(p)):
            if not _settled(file):
                counts["waiting"] += 1
                continue
            counts["files"] += 1
            counts.update(_load(system, inbox, folder.name, file, today))
    return dict(counts)


def _loadable(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return path.is_file() and not name.startswith(".") and name.endswith(ENDINGS)


def _settled(path: Path) -> bool:
    # the file system's clock, not the installation's: it is compared with a file's own time
    return abs(time.time() - path.stat().st_mtime) >= SETTLED_S


def _load(system: JobSystem, inbox: Path, table: str, file: Path, today: date) -> dict[str, int]:
    from detector.ingest.load import load_files

    try:
        balance = load_files(home=system.home, engine=system.engine, table=table, files=[file])
    except WardenError as error:
        if error.kind not in ("invalid", "not_found"):
            raise
        aside = _move(file, inbox / FAULTY / table)
        aside.with_name(aside.name + ".error.txt").write_text(f"{error.code}: {error}\n")
        log.warning("faulty file", table=table, file=file.name, code=error.code)
        return {"faulty": 1}
    _move(file, inbox / DONE / table / today.isoformat())
    return {name: getattr(balance, name) for name in BALANCE}


def _move(file: Path, folder: Path) -> Path:
    """Moves without overwriting an earlier file of the same name."""
    folder.mkdir(parents=True, exist_ok=True)
    target, n = folder / file.name, 0
    while target.exists():
        n += 1
        target = folder / f"{n}-{file.name}"
    return file.rename(target)
