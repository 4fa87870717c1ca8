"""A folder of its own for each ingest in hand; what a killed one left is swept by the next."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def staging_area(home: Path) -> Iterator[Path]:
    """A new empty folder under ``staging/``, gone at the end."""
    root = home / "staging"
    root.mkdir(parents=True, exist_ok=True)
    _sweep(root)
    name = f"ingest-{secrets.token_hex(8)}"
    lock = FileLock(root / f"{name}.lock")
    area = root / name
    try:
        with lock:
            area.mkdir(mode=0o700)
            try:
                yield area
            finally:
                shutil.rmtree(area, ignore_errors=True)
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)


def _sweep(root: Path) -> None:
    """Removes folders whose owner is dead: its lock is free."""
    for held in root.glob("ingest-*.lock"):
        lock = FileLock(held)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        shutil.rmtree(held.with_suffix(""), ignore_errors=True)
        lock.release()
        held.unlink(missing_ok=True)
