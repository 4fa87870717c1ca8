"""Which suspicion is which: one alert per (typology, subject, period), whatever rule found it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import date

ID_LENGTH = 10
"""Characters of a short id; 50 bits, so a clash among a million alerts has odds of 1 to 2,000."""


def fingerprint(typology: str, subject_kind: str, subject_key: str, period_start: date) -> str:
    """SHA-256 of the identity, in hex.

    Rules, models and their versions are left out: a new version of a rule attaches to the open
    alert instead of raising a second one. Parts are length-prefixed, so no two identities share
    a text.
    """
    parts = (typology, subject_kind, subject_key, period_start.isoformat())
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()


def short_id(print_: str, taken: Mapping[str, str], length: int = ID_LENGTH) -> str:
    """A readable id for a fingerprint, lengthened until no other fingerprint holds it.

    Args:
        print_: hex fingerprint.
        taken: fingerprints by id already given out.
        length: characters to start with.
    """
    letters = base64.b32encode(bytes.fromhex(print_)).decode().rstrip("=")
    for end in range(length, len(letters) + 1):
        candidate = f"A-{letters[:end]}"
        if taken.get(candidate, print_) == print_:
            return candidate
    raise ValueError(f"two fingerprints share the id A-{letters}")
