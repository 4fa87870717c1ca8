"""The bytes of an audit entry and the hash that ties it to the entry before.

The body of an entry is JSON with sorted keys and no blanks, in UTF-8. Its hash is SHA-256 over
the previous hash, written in hex, followed by the body. Whoever holds the lines of an export can
recompute every hash with nothing but these two sentences.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any

GENESIS = "0" * 64
"""What the first entry takes for the hash before it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is stored.

    Attributes:
        seq: 1, 2, 3 and so on without a gap.
        at: moment in UTC with microseconds, ISO 8601, exactly as it was hashed.
        actor: pseudonym of the person, see `alerts.audit_people`.
        kind, key: what the act was about.
        data: JSON text, exactly as it was hashed.
        previous: hash of the entry before, `GENESIS` for the first.
    """

    seq: int
    at: str
    actor: str
    action: str
    kind: str
    key: str
    data: str
    previous: str
    hash: str

    @property
    def body(self) -> bytes:
        """The bytes the hash is over."""
        return body_of(
            self.seq, self.at, self.actor, self.action, self.kind, self.key, self.data
        )  # fmt: skip


def body_of(seq: int, at: str, actor: str, action: str, kind: str, key: str, data: str) -> bytes:
    """The body of an entry; spelt out since a million of them are rebuilt to verify a database."""
    quote = encode_basestring
    return (
        f'{{"action":{quote(action)},"actor":{quote(actor)},"at":{quote(at)},"data":{data},'
        f'"key":{quote(key)},"kind":{quote(kind)},"seq":{seq}}}'
    ).encode()


def linked(previous: str, body: bytes) -> str:
    """The hash of an entry after the one whose hash is `previous`."""
    return hashlib.sha256(previous.encode() + body).hexdigest()


def canonical(value: Any, default: Callable[[Any], Any] | None = None) -> str:
    """JSON with sorted keys and no blanks; the one spelling a value has in the log.

    Raises:
        TypeError, ValueError: for what is no JSON, such as NaN.
    """
    return json.dumps(
        value,
        ensure_ascii=False,
        allow_nan=False,
        sort_keys=True,
        separators=(",", ":"),
        default=default,
    )


def stamp(moment: datetime) -> str:
    """A moment as entries spell it: UTC, always with microseconds, so that texts sort in time.

    Raises:
        ValueError: a moment without a time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a moment without a time zone: {moment!r}")
    spelt = moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{spelt}Z"
