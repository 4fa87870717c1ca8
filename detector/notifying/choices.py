"""What each person wants to hear of, and where to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts import audit
from alerts.notify.kinds import CHOSEN, Mode
from alerts.notify.tables import choice
from detector.database import ReadConnection, writing
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person has chosen; version 0 where nothing was so far.

    Attributes:
        kinds: when to tell of each kind, all of them named.
    """

    email: str | None
    language: str
    kinds: Mapping[str, str]
    least_severity: int
    digest_hour: int
    version: int = 0


NOTHING = Choice(None, "en", {kind.value: mode.value for kind, mode in CHOSEN.items()}, 1, 6)


def choice_of(connection: ReadConnection, person_id: str) -> Choice:
    """What the person has chosen, or what holds until then."""
    row = (
        connection.execute(sa.select(choice).where(choice.c.person_id == person_id))
        .mappings()
        .one_or_none()
    )
    if row is None:
        return NOTHING
    kinds = {**NOTHING.kinds, **row["kinds"]}
    same = ("email", "language", "least_severity", "digest_hour", "version")
    return Choice(kinds=kinds, **{name: row[name] for name in same})


def choose(system: System, person_id: str, actor: str, wanted: Choice, expected: int) -> Choice:
    """Keeps what a person has chosen.

    Args:
        wanted: its version is not looked at.
        expected: the version the person was looking at.

    Raises:
        WardenError: `bad_address`, `address_refused`, `unknown_notice`, `stale_version`.
    """
    _check(wanted, system.settings.notify.email_domains)
    now = system.clock()
    with writing(system.engine) as connection:
        held = sa.select(choice.c.version).where(choice.c.person_id == person_id)
        before = connection.scalar(held.with_for_update()) or 0
        if before != expected:
            raise WardenError(
                "stale_version", "Your choice was changed meanwhile.", "Read it again.", "conflict"
            )
        after = replace(wanted, version=before + 1)
        values: dict[str, Any] = {
            name: getattr(after, name)
            for name in ("email", "language", "least_severity", "digest_hour", "version")
        }
        values |= {"kinds": dict(after.kinds), "changed_at": now}
        if before:
            change = sa.update(choice).where(choice.c.person_id == person_id)
            connection.execute(change.values(values))
        else:
            connection.execute(sa.insert(choice).values(person_id=person_id, **values))
        # the address is the person's own affair; that there is one is not
        told = values | {"email": after.email is not None}
        del told["changed_at"]
        audit.record(
            connection, actor=actor, action="notices.chosen", kind="person", key=person_id,
            data=told, now=now,
        )  # fmt: skip
        return replace(after, kinds={**NOTHING.kinds, **after.kinds})


def _check(wanted: Choice, domains: list[str]) -> None:
    for kind, mode in wanted.kinds.items():
        if kind not in NOTHING.kinds or mode not in list(Mode):
            raise WardenError(
                "unknown_notice",
                f"Nothing is told as `{kind}`, or not `{mode}`.",
                f"Kinds: {', '.join(NOTHING.kinds)}; each {', '.join(Mode)}.",
            )
    if wanted.email is None:
        return
    found = _ADDRESS.fullmatch(wanted.email)
    if found is None or len(wanted.email) > 254:
        raise WardenError("bad_address", "This is no e-mail address: name@host.")
    if domains and found[1].lower() not in {one.lower() for one in domains}:
        raise WardenError(
            "address_refused",
            f"Notices do not go to {found[1]}.",
            f"Use an address of {', '.join(domains)}.",
        )
