"""Keyed hashes for what names a natural person: HMAC-SHA256, first 32 hex digits.

The key lives at ``keys/pseudonym.key`` in the home, outside the lake, readable by its owner
alone. Values that a filer has hashed already are hashed again: their key is not ours.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import polars as pl

from detector import key_files
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
    return Pseudonyms(_key(home / KEY_PLACE), known)


def every_key(home: Path) -> list[Pseudonyms]:
    """The key in use, then those it took the place of: what was filed before carries theirs.

    Raises:
        WardenError: as `load_pseudonyms`.
    """
    current = home / KEY_PLACE
    before = [_key(one.path) for one in key_files.retired(current)]
    return [load_pseudonyms(home), *map(Pseudonyms, before)]


def new_key() -> bytes:
    """The content of a new key file."""
    return f"{secrets.token_hex(KEY_BYTES)}\n".encode()


def _key(path: Path) -> bytes:
    text = key_files.private(path, "the pseudonyms", new_key)
    try:
        key = bytes.fromhex(text.decode().strip())
    except ValueError as error:
        raise _broken(path) from error
    if len(key) != KEY_BYTES:
        raise _broken(path)
    return key


def _broken(path: Path) -> WardenError:
    return WardenError(
        "broken_key",
        f"The key of the pseudonyms, {path}, is not {KEY_BYTES} bytes in hex.",
        "Restore it from the backup: a new key would no longer recognise persons filed before.",
        kind="integrity",
    )
