"""The keys of an installation: which there are, and how each is exchanged for a new one.

What was made with an old key stays readable: hashes are resolved, checkpoints and files verified,
and secrets read with it; new ones are made with the new key alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts import audit
from alerts.audit_statement import fingerprint
from alerts.changing import require_actor
from alerts.notify.tables import webhook
from detector import key_files, pseudonyms
from detector.audit import keys as audit_keys
from detector.audit.trail import make_checkpoint
from detector.database import writing
from detector.notifying import secrets as hooks
from detector.people.tables import session, sign_in_attempt
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.database import WriteConnection
    from detector.system import System

PSEUDONYM, AUDIT, WEBHOOKS, SESSIONS = "pseudonym", "audit", "webhooks", "sessions"
PLACES: Mapping[str, Path] = {
    PSEUDONYM: pseudonyms.KEY_PLACE,
    AUDIT: audit_keys.PUBLIC,
    WEBHOOKS: hooks.KEY_PLACE,
}
"""Files by name; sessions have no key: each is a random secret of its own."""
USES: Mapping[str, str] = {
    PSEUDONYM: "hashes what names natural persons at ingest",
    AUDIT: "signs checkpoints, exports, bundles and hand-overs",
    WEBHOOKS: "keeps the secrets of webhooks",
    SESSIONS: "whoever is signed in by a browser",
}


def listed(system: System) -> list[dict[str, Any]]:
    """Every key: `name`, `use`, `mark` (never the key), `since`, and `retired`, how many before."""
    rows = []
    for name, use in USES.items():
        path = system.home / PLACES[name] if name in PLACES else None
        before = key_files.retired(path) if path else []
        rows.append(
            {
                "name": name,
                "use": use,
                "mark": _mark(name, path) if path else None,
                "since": before[0].until.isoformat() if before else None,
                "retired": len(before),
            }
        )
    return rows


def rotate(system: System, name: str, actor: str) -> dict[str, Any]:
    """Exchanges a key for a new one, with an entry in the audit trail.

    Returns:
        ``name``, ``before`` and ``now``: marks of the keys; of `sessions`, ``ended``: how many.

    Raises:
        WardenError: `unknown_key`, `actor_required`, `audit_broken`, `audit_unavailable`,
            `unsafe_key`, `broken_key`.
    """
    require_actor(actor)
    exchange = _EXCHANGES.get(name)
    if exchange is None:
        raise WardenError(
            "unknown_key", f"There is no key {name}.", f"Keys: {', '.join(USES)}.", "not_found"
        )
    if name == AUDIT:
        # everything so far gets the word of the key that goes
        make_checkpoint(system)
    now = system.clock()
    path = system.home / PLACES[name] if name in PLACES else None
    with writing(system.engine) as connection:
        before = _mark(name, path) if path else None
        if path:
            audit.record(
                connection, actor=actor, action="key.rotated", kind="key", key=name,
                data={"before": before}, now=now,
            )  # fmt: skip
            # an exchange of files cannot be taken back: its entry must stand first
            audit.append(connection)
        ended = exchange(system, connection, actor, now)
    if path is None:
        return {"name": name, "ended": ended}
    return {"name": name, "before": before, "now": _mark(name, path)}


def _pseudonym(system: System, _connection: WriteConnection, _actor: str, now: datetime) -> int:
    path = system.home / pseudonyms.KEY_PLACE
    pseudonyms.load_pseudonyms(system.home)
    key_files.exchange(path, pseudonyms.new_key(), now)
    return 0


def _audit(system: System, _connection: WriteConnection, _actor: str, now: datetime) -> int:
    # of a key that is gone its public half is enough: it has nothing more to sign
    private, public = audit_keys.new_pair()
    kept = key_files.exchange(system.home / audit_keys.PRIVATE, private, now)
    key_files.exchange(system.home / audit_keys.PUBLIC, public, now, 0o644)
    if kept is not None:
        kept.unlink()
    return 0


def _webhooks(system: System, connection: WriteConnection, _actor: str, now: datetime) -> int:
    path, columns = system.home / hooks.KEY_PLACE, webhook.c
    query = sa.select(columns.id, columns.secret, columns.old_secret).with_for_update()
    rows = connection.execute(query).all()
    told = {
        row.id: [hooks.opened(system.home, one) if one else None for one in row[1:]] for row in rows
    }
    if path.exists():
        key_files.exchange(path, hooks.new_key(), now)
    for webhook_id, (secret, old) in told.items():
        kept = hooks.sealed(system.home, secret) if secret else b""
        values = {"secret": kept, "old_secret": hooks.sealed(system.home, old) if old else None}
        connection.execute(sa.update(webhook).where(columns.id == webhook_id).values(values))
    return len(rows)


def _sessions(_system: System, connection: WriteConnection, actor: str, now: datetime) -> int:
    ended = connection.execute(sa.delete(session)).rowcount
    connection.execute(sa.delete(sign_in_attempt))
    audit.record(
        connection, actor=actor, action="key.rotated", kind="key", key=SESSIONS,
        data={"ended": ended}, now=now,
    )  # fmt: skip
    return int(ended)


_EXCHANGES: Mapping[str, Callable[[System, WriteConnection, str, datetime], int]] = {
    PSEUDONYM: _pseudonym, AUDIT: _audit, WEBHOOKS: _webhooks, SESSIONS: _sessions,
}  # fmt: skip


def _mark(name: str, path: Path) -> str | None:
    """What tells two keys apart and nothing more; None before a key is made."""
    if not path.exists():
        return None
    if name == AUDIT:
        return fingerprint(audit_keys.public_key(path))
    key_files.require_private(path, name)
    return hashlib.sha256(b"mark of a key\n" + path.read_bytes()).hexdigest()[:16]
