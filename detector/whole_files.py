"""Files that are written whole or not at all: who reads sees the old one or the new one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.errors import WardenError


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """A draft beside a file, with its ending; it takes the file's place once the block is left.

    What the block raises leaves the file as it was, and no draft behind.
    """
    draft = path.with_name(f".{path.stem}.{secrets.token_hex(8)}.part{path.suffix}")
    try:
        yield draft
        with draft.open("rb") as handle:
            # on the disk before the name is: a crash between must not leave an empty file
            os.fsync(handle.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def replace_bytes(path: Path, content: bytes) -> None:
    """Writes a file, or replaces it."""
    with drafted(path) as draft:
        draft.write_bytes(content)


def replace_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, or replaces it."""
    replace_bytes(path, text.encode("utf-8"))


def require_folder(out: Path) -> None:
    """Raises WardenError `no_folder` where a file that is to be written has no folder to lie in."""
    if not out.parent.is_dir():
        raise WardenError(
            "no_folder", f"The folder {out.parent} does not exist.", "Create it first."
        )
