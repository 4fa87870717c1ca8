"""Keyed hashes for what names a natural person: HMAC-SHA256, first 32 hex digits.

The key lives at ``keys/pseudonym.key`` in the home, outside the lake, readable by its owner
alone. Values that a filer has hashed already are hashed again: their key is not ours.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from pathlib import Path

import polars as pl

from features.errors import WardenError

KEY_PLACE = Path("keys") / "pseudonym.key"
KEY_BYTES = 32
HEX_DIGITS = 32


class Pseudonyms:
    """Hashes values with one key; equal values give equal hashes, in every table.

    Args:
        known: hashes made with this key before, which stay as they are.
    """

    def __init__(self, key: bytes, known: frozenset[str] = frozenset()) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._known = known
        # HMAC by its definition (RFC 2104) with the key's two pads made once: half the time of
        # `hmac.digest`, which is what a load of millions of rows spends most on
        padded = key.ljust(hashlib.sha256().block_size, b"\0")
        self._inner = bytes(byte ^ 0x36 for byte in padded)
        self._outer = bytes(byte ^ 0x5C for byte in padded)

    def of(self, value: str) -> str:
        """The hash of one value, 32 hex digits."""
        inner = hashlib.sha256(self._inner + value.encode()).digest()
        return hashlib.sha256(self._outer + inner).hexdigest()[:HEX_DIGITS]

    def series(self, values: pl.Series) -> pl.Series:
        """Hash of each value of a text column; empty stays empty. Each distinct value once."""
        unique = values.drop_nulls().unique()
        hashes = pl.Series([v if v in self._known else self.of(v) for v in unique], dtype=pl.String)
        return values.replace_strict(unique, hashes, default=None, return_dtype=pl.String)


def load_pseudonyms(home: Path, known: frozenset[str] = frozenset()) -> Pseudonyms:
    """The installation's pseudonyms; the key is made on first use.

    Args:
        known: hashes made before, which stay as they are.

    Raises:
        WardenError: ``unsafe_key`` when others may read the key file, ``broken_key`` when it does
            not hold a key.
    """
    path = home / KEY_PLACE
    if not path.exists():
        _create_key(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise WardenError(
            "unsafe_key",
            f"The key of the pseudonyms, {path}, can be read by others.",
            f"Run `chmod 600 {path}`, and find out who read it.",
            kind="integrity",
        )
    try:
        key = bytes.fromhex(path.read_text().strip())
    except ValueError as error:
        raise _broken(path) from error
    if len(key) != KEY_BYTES:
        raise _broken(path)
    return Pseudonyms(key, known)


def _create_key(path: Path) -> None:
    """Writes a new key beside its place and links it there, so that no half key is ever seen."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if not path.exists():
            os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its key holds
    finally:
        draft.unlink(missing_ok=True)


def _broken(path: Path) -> WardenError:
    return WardenError(
        "broken_key",
        f"The key of the pseudonyms, {path}, is not {KEY_BYTES} bytes in hex.",
        "Restore it from the backup: a new key would no longer recognise persons filed before.",
        kind="integrity",
    )
