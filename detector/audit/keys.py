"""The key pair that signs checkpoints: `keys/audit.key` for its owner alone, `keys/audit.pub`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alerts.audit_chain import stamp
from alerts.audit_statement import Trusted
from detector import key_files
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

    key_files.place(private, _pem(Ed25519PrivateKey.generate()))
    # of two processes one was first; its key holds
    key_files.place(public, public_pem(signing_key(home).public_key()), 0o644)


def new_pair() -> tuple[bytes, bytes]:
    """The content of a new private and a new public file."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    return _pem(key), public_pem(key.public_key())


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
    key_files.require_private(path, "the audit trail")
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


def trusted(home: Path) -> list[Trusted]:
    """Public keys whose word counts here: the one in use, and each before it for its own time."""
    return [Trusted(signing_key(home).public_key()), *_before(home)]


def published(home: Path) -> list[Trusted]:
    """The same where the private half may be elsewhere.

    Raises:
        WardenError: `no_file`, `broken_key`.
    """
    return [Trusted(public_key(home / PUBLIC)), *_before(home)]


def _before(home: Path) -> list[Trusted]:
    kept = key_files.retired(home / PUBLIC)
    return [Trusted(public_key(one.path), stamp(one.until)) for one in kept]


def public_pem(key: Ed25519PublicKey) -> bytes:
    """A public key as it is handed out."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _pem(key: Ed25519PrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _broken(path: Path) -> WardenError:
    return WardenError(
        "broken_key",
        f"{path} is not an Ed25519 key of the audit trail.",
        "Restore it from the backup, or name the right file.",
        kind="integrity",
    )
