"""Secrets of webhooks: kept encrypted, with a key that lies outside the database."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

from detector import key_files
from features.errors import WardenError

KEY_PLACE = Path("keys") / "webhooks.key"
BYTES = 32


def new_secret() -> str:
    """A secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def sealed(home: Path, secret: str) -> bytes:
    """The secret as it is kept."""
    from cryptography.fernet import Fernet

    return Fernet(_key(home / KEY_PLACE)).encrypt(secret.encode())


def opened(home: Path, kept: bytes) -> str:
    """The secret of what is kept, with the key in use or one that was before it.

    Raises:
        WardenError: `unsafe_key`, `broken_key`.
    """
    from cryptography.fernet import Fernet, InvalidToken, MultiFernet

    place = home / KEY_PLACE
    try:
        keys = [_key(place), *(_key(one.path) for one in key_files.retired(place))]
        return MultiFernet([Fernet(key) for key in keys]).decrypt(kept).decode()
    except (InvalidToken, ValueError) as error:
        raise WardenError(
            "broken_key",
            f"{place} is not the key the secrets of webhooks were kept with.",
            "Restore it from the backup, or rotate the secrets.",
            kind="integrity",
        ) from error


def new_key() -> bytes:
    """The content of a new key file."""
    return base64.urlsafe_b64encode(secrets.token_bytes(BYTES)) + b"\n"


def _key(path: Path) -> bytes:
    return key_files.private(path, "the webhooks", new_key, "rotate the secrets").strip()
