"""Endpoints of webhooks: added, given new secrets, removed, tested; each an audited act."""

from __future__ import annotations

import secrets as random
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts import audit
from alerts.notify import outbox
from alerts.notify.kinds import Kind
from alerts.notify.tables import delivery, message, notice, webhook
from alerts.store import storable
from detector.database import ReadConnection, WriteConnection, reading, writing
from detector.notifying import queue
from detector.notifying.address import target_of
from detector.notifying.secrets import new_secret, sealed
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System

OVERLAP = timedelta(days=7)
"""How long the secret before a rotation still signs too."""
MOST = 50
Row = dict[str, Any]
_W = webhook.c


def webhooks(connection: ReadConnection) -> list[Row]:
    """Every endpoint, the oldest first; no secret is ever shown again."""
    query = sa.select(webhook).where(_W.enabled).order_by(_W.added_at, _W.id)
    return [_shown(row) for row in connection.execute(query).mappings()]


def add(system: System, url: str, kinds: Collection[str], actor: str) -> tuple[Row, str]:
    """Adds an endpoint; the secret is told this once.

    Args:
        kinds: what it is told; empty: everything.

    Raises:
        WardenError: `bad_webhook_url`, `webhook_host_refused`, `unknown_notice`,
            `too_many_webhooks` (conflict), `actor_required`.
    """
    target_of(url, system.settings.notify)
    wanted = sorted(kinds_of(kinds))
    secret, now = new_secret(), system.clock()
    row: Row = {"id": random.token_hex(8), "url": url, "kinds": wanted, "enabled": True,
                "version": 1, "added_by": actor, "added_at": now}  # fmt: skip
    with writing(system.engine) as connection:
        kept = sa.select(sa.func.count()).select_from(webhook).where(_W.enabled)
        if (connection.scalar(kept) or 0) >= MOST:
            raise WardenError(
                "too_many_webhooks",
                f"There are {MOST} endpoints already.",
                "Remove one first.",
                "conflict",
            )
        _audit(connection, actor, "webhook.added", row, now)
        # the first secret makes the key file, which a rollback would leave behind
        audit.append(connection)
        row["secret"] = sealed(system.home, secret)
        connection.execute(sa.insert(webhook).values(row))
        return _shown(_found(connection, row["id"])), secret


def rotate(
    system: System, webhook_id: str, actor: str, expected: int | None = None
) -> tuple[Row, str]:
    """Gives an endpoint a new secret; for a week messages carry a signature by the old one too.

    Raises:
        WardenError: `unknown_webhook`, `stale_version` (conflict), `actor_required`.
    """
    secret, now = new_secret(), system.clock()
    with writing(system.engine) as connection:
        row = _found(connection, webhook_id, expected)
        values = {"secret": sealed(system.home, secret), "old_secret": row["secret"],
                  "old_until": now + OVERLAP, "version": row["version"] + 1}  # fmt: skip
        connection.execute(sa.update(webhook).where(_W.id == webhook_id).values(values))
        _audit(connection, actor, "webhook.rotated", {**row, **values}, now)
        return _shown({**row, **values}), secret


def remove(system: System, webhook_id: str, actor: str, expected: int | None = None) -> None:
    """Ends an endpoint; what waits for it is not sent any more.

    Raises:
        WardenError: `unknown_webhook`, `stale_version` (conflict), `actor_required`.
    """
    now = system.clock()
    with writing(system.engine) as connection:
        row = _found(connection, webhook_id, expected)
        values = {"enabled": False, "version": row["version"] + 1, "old_secret": None,
                  "secret": b""}  # fmt: skip
        connection.execute(sa.update(webhook).where(_W.id == webhook_id).values(values))
        _audit(connection, actor, "webhook.removed", {**row, **values}, now)


def try_out(system: System, webhook_id: str, actor: str) -> str:
    """Makes a message for one endpoint that says nothing but that it is a test; its id.

    Raises:
        WardenError: `unknown_webhook`, `actor_required`.
    """
    now, message_id = system.clock(), f"msg_{random.token_hex(16)}"
    with writing(system.engine) as connection:
        row = _found(connection, webhook_id)
        mark = f"test:{message_id}"
        told = outbox.row_of(mark, Kind.TEST, "webhook", webhook_id, actor=actor, at=now)
        made = sa.insert(notice).values(**told, planned_at=now).returning(notice.c.id)
        notice_id = connection.execute(made).scalar_one()
        connection.execute(
            sa.insert(message).values(
                id=message_id, channel="webhook", recipient=webhook_id, state="waiting",
                made_at=now, due_at=now, attempts=0, doubts=0,
            )
        )  # fmt: skip
        connection.execute(
            sa.insert(delivery).values(
                notice_id=notice_id, channel="webhook", recipient=webhook_id,
                message_id=message_id,
            )
        )  # fmt: skip
        _audit(connection, actor, "webhook.tested", row, now)
    return message_id


def revive(system: System, message_id: str, actor: str) -> None:
    """Tries a message again that was given up.

    Raises:
        WardenError: `not_given_up` (conflict), `actor_required`.
    """
    now = system.clock()
    with writing(system.engine) as connection:
        known = storable(message_id) and queue.again(connection, message_id, now)
        if not known:
            raise WardenError(
                "not_given_up",
                "There is no such message, or it was not given up.",
                "See `warden notify list --state dead`.",
                "conflict",
            )
        audit.record(
            connection, actor=actor, action="notice.retried", kind="notice", key=message_id,
            data={}, now=now,
        )  # fmt: skip


def kinds_of(names: Collection[str]) -> list[Kind]:
    """Kinds by name.

    Raises:
        WardenError: `unknown_notice`.
    """
    known = [one for one in Kind if one is not Kind.TEST]
    for name in names:
        if name not in known:
            raise WardenError(
                "unknown_notice", f"Nothing is told as `{name}`.", f"Kinds: {', '.join(known)}."
            )
    return [Kind(name) for name in set(names)]


def state_of(system: System, message_id: str) -> Row:
    """What became of a message: state and error."""
    query = sa.select(message.c.id, message.c.state, message.c.error)
    with reading(system.engine) as connection:
        row = connection.execute(query.where(message.c.id == message_id)).mappings().one()
    return dict(row)


def _found(
    connection: ReadConnection | WriteConnection, webhook_id: str, expected: int | None = None
) -> Row:
    query = sa.select(webhook).where(_W.id == webhook_id, _W.enabled).with_for_update()
    row = connection.execute(query).mappings().one_or_none() if storable(webhook_id) else None
    if row is None:
        raise WardenError(
            "unknown_webhook", "There is no such endpoint.", "List them first.", "not_found"
        )
    if expected is not None and row["version"] != expected:
        raise WardenError(
            "stale_version", "The endpoint was changed meanwhile.", "Read it again.", "conflict"
        )
    return dict(row)


def _shown(row: Mapping[Any, Any]) -> Row:
    names = ("id", "url", "kinds", "version", "old_until", "added_by", "added_at")
    return {name: row[name] for name in names}


def _audit(connection: WriteConnection, actor: str, action: str, row: Row, now: datetime) -> None:
    # the path of an address may hold a token, so the entry has its hash only
    data = {"url": audit.digest(row["url"]), "kinds": row["kinds"], "version": row["version"]}
    audit.record(
        connection, actor=actor, action=action, kind="webhook", key=row["id"], data=data, now=now
    )
