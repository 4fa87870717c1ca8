"""Who is behind a pseudonym: answered for one question, by two persons, once.

A pseudonym is a keyed hash and cannot be turned back: no installation holds the names. What can be
told is which of some candidates it stands for, from a file an authority holds or a person named by
a witness. The candidates are hashed at once and never kept: the request holds the hash of their
list alone, and whoever asked brings the same list again once it is approved.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from alerts import approvals
from alerts.approvals import Approval, Asked, Kind
from detector.database import writing
from detector.pseudonyms import HEX_DIGITS, every_key
from detector.second_person import valid
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System

MOST = 1_000
"""Candidates of one question."""
LONGEST = 500
_PSEUDONYM = re.compile(rf"[0-9a-f]{{{HEX_DIGITS}}}")


def ask(
    system: System,
    pseudonym: str,
    candidates: Sequence[str],
    purpose: str,
    case: str,
    actor: str,
) -> Approval:
    """Asks a second person whether it may be told which candidate a pseudonym stands for.

    Args:
        candidates: as they were filed: an identity number, a name; letter for letter.

    Raises:
        WardenError: `bad_pseudonym`, `bad_candidates`, `actor_required`, `purpose_required`,
            `audit_unavailable`.
    """
    about = _about(system, pseudonym, candidates)
    asked = Asked(Kind.REIDENTIFICATION, about, purpose, case)
    with writing(system.engine) as connection:
        return approvals.ask(connection, asked, actor, system.clock(), valid(system))


def resolve(
    system: System, number: int, pseudonym: str, candidates: Sequence[str], actor: str
) -> dict[str, Any]:
    """The answer, once another person has approved the question; the request is used by it.

    Returns:
        ``pseudonym``, and ``match``: the candidate it stands for, or null where it is none of them.

    Raises:
        WardenError: as `ask`, and those of `alerts.approvals.use`; then nothing is told.
    """
    about = _about(system, pseudonym, candidates)
    found = _matching(system, pseudonym, candidates)
    with writing(system.engine) as connection:
        kind = Kind.REIDENTIFICATION
        approvals.use(connection, number, kind, about, actor, system.clock())
    return {"pseudonym": pseudonym, "match": found}


def _matching(system: System, pseudonym: str, candidates: Sequence[str]) -> str | None:
    # what was filed before a key was exchanged carries hashes of the old one
    for key in every_key(system.home):
        for one in candidates:
            if key.of(one) == pseudonym:
                return one
    return None


def _about(system: System, pseudonym: str, candidates: Sequence[str]) -> dict[str, Any]:
    if not _PSEUDONYM.fullmatch(pseudonym):
        raise WardenError(
            "bad_pseudonym",
            f"A pseudonym is {HEX_DIGITS} digits of 0 to 9 and a to f.",
            "Copy it from the filed row.",
        )
    fine = 1 <= len(candidates) <= MOST and all(1 <= len(c) <= LONGEST for c in candidates)
    if not fine or len(set(candidates)) != len(candidates):
        raise WardenError(
            "bad_candidates",
            f"A question names 1 to {MOST:,} candidates, each once, of up to {LONGEST} characters.",
        )
    # keyed, so that nobody who reads the request can try names against it
    key = next(iter(every_key(system.home)))
    marks = json.dumps(sorted(key.of(one) for one in candidates)).encode()
    return {
        "pseudonym": pseudonym,
        "candidates": len(candidates),
        "digest": hashlib.sha256(marks).hexdigest(),
    }
