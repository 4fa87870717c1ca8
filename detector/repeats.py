"""Answers kept for a day, so that a change sent twice under one key is made once.

A claim is written before the change is tried. A process that dies between the two leaves it
without an answer: nobody can tell whether the change was made, so it is not made again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from detector.database import WriteConnection
from detector.leases import insert_into
from detector.tables import kept_answer
from features.errors import WardenError

KEPT = timedelta(hours=24)
LONGEST_KEY = 128

State = Literal["running", "kept", "withheld"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, whole."""

    status: int
    headers: Mapping[str, str]
    body: str


def claim(
    connection: WriteConnection, person_id: str, key: str, mark: str, now: datetime
) -> Answer | None:
    """Takes the key for a change; the answer of the same change where it was made already.

    Args:
        mark: hash of everything that makes the change this one.

    Raises:
        WardenError: `bad_idempotency_key`; `idempotency_mismatch` where the key stands for another
            change; `in_progress` where this one has no answer yet; `answer_withheld` where it was
            made, and its answer is shown once only.
    """
    if not (1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise WardenError(
            "bad_idempotency_key",
            f"An idempotency key has 1 to {LONGEST_KEY} printable ASCII characters.",
            "A random UUID is a good one.",
        )
    connection.execute(sa.delete(kept_answer).where(kept_answer.c.at <= now - KEPT))
    row = {"person_id": person_id, "key": key, "mark": mark, "state": "running", "at": now}
    statement = insert_into(connection, kept_answer).values(row).on_conflict_do_nothing()
    if connection.execute(statement.returning(kept_answer.c.key)).first() is not None:
        return None
    query = sa.select(kept_answer).where(_mine(person_id, key))
    return _answered(connection.execute(query).mappings().one(), mark)


def _answered(row: sa.RowMapping, mark: str) -> Answer:
    if row["mark"] != mark:
        raise WardenError(
            "idempotency_mismatch",
            "This idempotency key was used for another request.",
            "Take a new key for every change; repeat one only with the same request.",
        )
    if row["state"] == "running":
        raise WardenError(
            "in_progress",
            "The first request with this idempotency key has no answer yet.",
            "Wait and repeat it. If the server was stopped meanwhile, look whether the change was"
            " made, and if not, send it with a new key.",
            kind="conflict",
        )
    if row["state"] == "withheld":
        raise WardenError(
            "answer_withheld",
            "The change was made; its answer holds a secret, is shown once and was not kept.",
            "If it was lost, revoke what was made and make another.",
            kind="conflict",
        )
    return Answer(row["status"], row["headers"], row["body"])


def keep(connection: WriteConnection, person_id: str, key: str, answer: Answer | None) -> None:
    """Keeps the answer of a claim; None: only that the change was made."""
    values: dict[str, object] = {"state": "withheld"}
    if answer is not None:
        values = {
            "state": "kept", "status": answer.status, "headers": dict(answer.headers),
            "body": answer.body,
        }  # fmt: skip
    connection.execute(sa.update(kept_answer).where(_mine(person_id, key)).values(values))


def release(connection: WriteConnection, person_id: str, key: str) -> None:
    """Gives a claim back: nothing was changed, so the request may be tried again."""
    connection.execute(sa.delete(kept_answer).where(_mine(person_id, key)))


def _mine(person_id: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(kept_answer.c.person_id == person_id, kept_answer.c.key == key)
