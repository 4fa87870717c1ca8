"""Verifies an export with a public key: no home, no database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts.audit_export import verify_export
from alerts.audit_verify import Fault
from detector.audit.copies import read_copies
from detector.audit.trail import fault_object
from features.errors import WardenError

if TYPE_CHECKING:
    from alerts.audit_statement import Keys


BLOCK = 1 << 16


def verify_file(path: Path, keys: Keys, checkpoints: Path | None = None) -> dict[str, Any]:
    """Whether the export is whole, and held against checkpoints of the second place if given.

    Returns:
        ``intact``, ``entries``, ``hash``, ``signed``, ``signed_at``, ``first_bad``, ``code``,
        ``why``.

    Raises:
        WardenError: `no_file`, `audit_copies_unreadable`.
    """
    copies = read_copies(checkpoints, keys) if checkpoints is not None else None

    def lines() -> Iterator[bytes]:
        with path.open("rb") as file:
            yield from file

    try:
        found = verify_export(lines, keys, copies.good if copies else (), _last_line(path))
    except OSError as error:
        raise WardenError("no_file", f"{path} cannot be read.", "Check the name.") from error
    fault = found.fault
    if fault is None and copies is not None and copies.bad:
        name, why = copies.bad[0]
        fault = Fault(found.entries + 1, "checkpoint_bad", f"{name} in {checkpoints}: {why}.")
    return {
        "intact": fault is None,
        "entries": found.entries,
        "hash": found.hash,
        "signed": found.signed,
        "signed_at": found.signed_at,
        **fault_object(fault),
    }


def _last_line(path: Path) -> bytes:
    """The closing line, found from the end: a million entries are not read once more for it."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        size = 0
        while size < end:
            size = min(end, max(BLOCK, 2 * size))
            file.seek(end - size)
            tail = file.read(size)
            start = tail.rfind(b"\n", 0, size - 1)
            if start >= 0:
                return tail[start + 1 :]
        file.seek(0)
        return file.read()
