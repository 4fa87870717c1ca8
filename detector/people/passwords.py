"""Passwords: argon2id, with the library's parameters (RFC 9106, low memory)."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from features.errors import WardenError

SHORTEST, LONGEST = 12, 200


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher().hash("a password that nobody has")


def hashed(password: str, name: str) -> str:
    """What is kept of a password.

    Raises:
        WardenError: `weak_password`.
    """
    plain = password.strip()
    if not SHORTEST <= len(plain) <= LONGEST or plain.casefold() in (name * 4).casefold():
        raise WardenError(
            "weak_password",
            f"A password has {SHORTEST} to {LONGEST} characters and is not the name.",
            "Four or five words that do not belong together are easy to keep.",
        )
    return _hasher().hash(plain)


def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password; as slow for somebody who does not exist."""
    try:
        right = _hasher().verify(kept or _nobody(), password.strip()[:LONGEST])
    except VerificationError:
        return False
    return right and kept is not None


def outdated(kept: str) -> bool:
    """Whether it was hashed with weaker parameters than today's."""
    return _hasher().check_needs_rehash(kept)
