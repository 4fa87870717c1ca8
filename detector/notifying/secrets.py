"""Secrets of webhooks: kept encrypted, with a key that lies outside the database."""

from __future__ import annotations

import base64
import os
import secrets
import stat
from pathlib import Path

from features.errors import WardenError

KEY_PLACE = Path("keys") / "webhooks.key"
BYTES = 32


def new_secret() -> str:
    """A secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def sealed(home: Path, secret: str) -> bytes:
    """The secret as it is kept."""
    from cryptography.fernet import Fernet

    return Fernet(_key(home)).encrypt(secret.encode())


def opened(home: Path, kept: bytes) -> str:
    """The secret of what is kept.

    Raises:
        WardenError: `unsafe_key`, `broken_key`.
    """
    from cryptography.fernet import Fernet, InvalidToken

    try:
        return Fernet(_key(home)).decrypt(kept).decode()
    except (InvalidToken, ValueError) as error:
        raise WardenError(
            "broken_key",
            f"{home / KEY_PLACE} is not the key the secrets of webhooks were kept with.",
            "Restore it from the backup, or rotate the secrets.",
            kind="integrity",
        ) from error


def _key(home: Path) -> bytes:
    path = home / KEY_PLACE
    if not path.exists():
        _make(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise WardenError(
            "unsafe_key",
            f"The key of the webhooks, {path}, can be read by others.",
            f"Run `chmod 600 {path}`, and rotate the secrets.",
            kind="integrity",
        )
    return path.read_bytes().strip()


def _make(path: Path) -> None:
    """Writes a new key beside its place and links it there, so that no half key is ever seen."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its key holds
    finally:
        draft.unlink(missing_ok=True)
