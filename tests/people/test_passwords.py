"""What is kept of a password costs a guesser time, and an older, cheaper hash is noticed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from detector.people import passwords

PLAIN = "seven quiet lanterns at noon"


def test_an_installation_hashes_as_rfc_9106_asks_and_notices_cheaper_hashes(
    production_hasher: Callable[[], PasswordHasher], monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap = passwords.hashed(PLAIN, "ann")
    monkeypatch.setattr(passwords, "_hasher", production_hasher)
    kept = passwords.hashed(PLAIN, "ann")
    used = extract_parameters(kept)
    # the second choice of RFC 9106: 64 MiB, three passes, four lanes
    assert (used.type, used.memory_cost, used.time_cost, used.parallelism) == (Type.ID, 65536, 3, 4)
    assert (used.salt_len, used.hash_len) == (16, 32)
    assert passwords.matches(kept, PLAIN)
    assert passwords.matches(cheap, PLAIN)
    assert not passwords.matches(kept, PLAIN + "!")
    assert passwords.outdated(cheap)
    assert not passwords.outdated(kept)
