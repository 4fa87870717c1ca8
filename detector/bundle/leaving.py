"""Handing a finished file out: the second person's word and the entry come before the bytes."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alerts import audit
from detector import second_person
from detector.bundle.proof import EXPORTED
from detector.database import writing
from detector.second_person import Outgoing

if TYPE_CHECKING:
    from detector.system import System


def leave(
    system: System,
    made: bytes,
    out: Outgoing,
    about: str,
    actor: str,
    approval: int | None,
    now: datetime,
) -> bytes:
    """The bytes, once it is entered as `bundle.exported`, with their hash, that they leave.

    Args:
        out: what leaves, measured; its options say for whom and in which form.
        about: `alert` or `case`.

    Raises:
        WardenError: what `detector.second_person.admit` says; `actor_required`,
            `audit_unavailable`, and then nothing may be handed out.
    """
    told: dict[str, Any] = {
        name: out.options[name] for name in ("profile", "form", "languages", "party")
    }
    told["sha256"] = hashlib.sha256(made).hexdigest()
    with writing(system.engine) as connection:
        told |= second_person.admit(connection, system, out, actor, approval)
        audit.record(
            connection, actor=actor, action=EXPORTED, kind=about, key=out.key, data=told, now=now
        )
    return made
