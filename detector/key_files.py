"""Private keys as files: made once, for their owner's eyes alone, exchanged without a gap.

A key that was exchanged is kept below `keys/retired`, named by the moment it was taken out of use,
so that what was made with it can still be read and verified.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from features.errors import WardenError

RETIRED = "retired"
_MOMENT = "%Y%m%dT%H%M%S%fZ"


class Retired(NamedTuple):
    """A key taken out of use."""

    path: Path
    until: datetime


def place(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Writes a key beside its place and links it there, so that no half key is ever seen.

    Where a key is already there, it stays: of two processes one was first, and its key holds.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = _drafted(path, content, mode)
    try:
        if not path.exists():
            os.link(draft, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        draft.unlink(missing_ok=True)


def private(path: Path, what: str, make: Callable[[], bytes], then: str = "") -> bytes:
    """The content of a private key, made on first use.

    Args:
        what: whose key it is, for messages: "the pseudonyms".
        then: what to do besides, where others may have read it.

    Raises:
        WardenError: `unsafe_key` (integrity) when others may read it.
    """
    if not path.exists():
        place(path, make())
    require_private(path, what, then)
    return path.read_bytes()


def require_private(path: Path, what: str, then: str = "") -> None:
    """Raises WardenError `unsafe_key` (integrity) when others may read a key."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise WardenError(
            "unsafe_key",
            f"The key of {what}, {path}, can be read by others.",
            f"Run `chmod 600 {path}`, and {then or 'find out who read it'}.",
            kind="integrity",
        )


def exchange(path: Path, content: bytes, now: datetime, mode: int = 0o600) -> Path | None:
    """Puts another key into the place of one, which is kept; at no moment is there none.

    Returns:
        Where the old one is kept, None where there was none.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept: Path | None = None
    if path.exists():
        folder = path.parent / RETIRED
        folder.mkdir(mode=0o700, exist_ok=True)
        kept = _named(folder, path, now)
        while kept.exists():
            now += timedelta(microseconds=1)
            kept = _named(folder, path, now)
        os.link(path, kept)
    draft = _drafted(path, content, mode)
    draft.replace(path)
    return kept


def retired(path: Path) -> list[Retired]:
    """The keys that were in this place before, the newest first."""
    pattern = re.compile(rf"{re.escape(path.stem)}-(\d{{8}}T\d{{12}}Z){re.escape(path.suffix)}")
    folder = path.parent / RETIRED
    found = []
    for one in sorted(folder.iterdir(), reverse=True) if folder.is_dir() else ():
        named = pattern.fullmatch(one.name)
        if named:
            moment = datetime.strptime(named[1], _MOMENT).replace(tzinfo=UTC)
            found.append(Retired(one, moment))
    return found


def _named(folder: Path, path: Path, moment: datetime) -> Path:
    return folder / f"{path.stem}-{moment.astimezone(UTC):{_MOMENT}}{path.suffix}"


def _drafted(path: Path, content: bytes, mode: int) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft
