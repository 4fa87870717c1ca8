"""The second place of the audit trail: signed checkpoints, one file each, never written over."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.audit_statement import Checkpoint, UnsignedError, checked
from features.errors import WardenError

if TYPE_CHECKING:
    from alerts.audit_statement import Keys
    from detector.system import System

DEFAULT = Path("audit")
PATTERN = "checkpoint-*.json"


@dataclass(frozen=True, slots=True)
class Copies:
    """What lies in the second place.

    Attributes:
        files: how many checkpoints there are.
        good: those of the key, in their order.
        digest: of the newest one's line, for the next to name.
        bad: what is wrong, as (file, why).
    """

    files: int
    good: Sequence[Checkpoint]
    digest: str | None
    bad: Sequence[tuple[str, str]]


def folder(system: System) -> Path:
    """The second place: `audit_copy_dir`, seen from the home."""
    return system.home / (system.settings.audit_copy_dir or DEFAULT)


def read_copies(place: Path, keys: Keys, *, newest: bool = False) -> Copies:
    """Every checkpoint of a folder, checked; empty where there is none.

    Args:
        newest: read only the last one; there may be thousands.

    Raises:
        WardenError: `audit_copies_unreadable` when the folder cannot be read.
    """
    good: list[Checkpoint] = []
    bad: list[tuple[str, str]] = []
    digest: str | None = None
    with _reported(place):
        files = sorted(place.glob(PATTERN))
        for path in files[-1:] if newest else files:
            line = path.read_bytes()
            try:
                one = checked(line, keys)
            except UnsignedError as error:
                bad.append((path.name, str(error)))
                continue
            if one.previous != digest and not newest:
                bad.append((path.name, "the checkpoint before it is missing or another one"))
            digest = sha256(line).hexdigest()
            good.append(one)
    return Copies(len(files), good, digest, bad)


def write_copy(place: Path, one: Checkpoint, line: bytes) -> Path:
    """Adds the file of a checkpoint; nothing that lies there is touched.

    Raises:
        WardenError: `audit_copies_unwritable`; `audit_broken` when one of this number is there.
    """
    path = place / f"checkpoint-{one.seq:012}.json"
    with _reported(place, writing=True):
        place.mkdir(parents=True, exist_ok=True)
        draft = place / f".{path.name}.{os.getpid()}"
        try:
            with draft.open("wb") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                raise WardenError(
                    "audit_broken",
                    f"{path.name} is there already: entry {one.seq} was signed before.",
                    "Run `warden audit verify`.",
                    kind="integrity",
                )
            # not a link: the second place may be a disk that knows none
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    return path


@contextmanager
def _reported(place: Path, *, writing: bool = False) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WardenError(
            "audit_copies_unwritable" if writing else "audit_copies_unreadable",
            f"The second place of the audit trail, {place}, cannot be "
            f"{'written' if writing else 'read'}: {error.strerror}.",
            "Mount it, or set `audit_copy_dir` to a folder that is there.",
            kind="unavailable",
        ) from error
