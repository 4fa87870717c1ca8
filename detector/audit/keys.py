"""The key pair that signs checkpoints: `keys/audit.key` for its owner alone, `keys/audit.pub`."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import WardenError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

PRIVATE = Path("keys") / "audit.key"
PUBLIC = Path("keys") / "audit.pub"


def make_keys(home: Path) -> None:
    """Makes the pair where there is none; harmless when repeated or done by two at once.

    Raises:
        WardenError: `lost_key` when only the public half is there.
    """
    private, public = home / PRIVATE, home / PUBLIC
    if private.exists() and public.exists():
        return
    if public.exists() and not private.exists():
        raise WardenError(
            "lost_key",
            f"The key of the audit trail, {private}, is gone; its public half is still there.",
            "Restore it from the backup. To begin with a new key, keep the old public one under "
            "another name for the checkpoints it signed.",
            kind="integrity",
        )
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = Ed25519PrivateKey.generate()
    text = new.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _place(private, text, 0o600)
    # of two processes one was first; its key holds
    kept = signing_key(home).public_key()
    _place(public, kept.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)


def signing_key(home: Path) -> Ed25519PrivateKey:
    """The private key of the installation.

    Raises:
        WardenError: `unsafe_key` when others may read it, `broken_key` when it is none.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = home / PRIVATE
    if not path.exists():
        make_keys(home)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise WardenError(
            "unsafe_key",
            f"The key of the audit trail, {path}, can be read by others.",
            f"Run `chmod 600 {path}`, and find out who read it.",
            kind="integrity",
        )
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except ValueError as error:
        raise _broken(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _broken(path)
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The public key of a PEM file, here or of another installation.

    Raises:
        WardenError: `no_file`, `broken_key`.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise WardenError(
            "no_file", f"{path} cannot be read.", "Name the file with --key."
        ) from error
    except ValueError as error:
        raise _broken(path) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _broken(path)
    return key


def _place(path: Path, content: bytes, mode: int) -> None:
    """Writes a file beside its place and links it there, so that no half key is ever seen."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        draft.unlink(missing_ok=True)


def _broken(path: Path) -> WardenError:
    return WardenError(
        "broken_key",
        f"{path} is not an Ed25519 key of the audit trail.",
        "Restore it from the backup, or name the right file.",
        kind="integrity",
    )
