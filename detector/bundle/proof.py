"""Entries of the audit trail about an alert or a case, with what proves that they stand in it.

The proof is a checkpoint signed by the installation's key over all entries from the first to the
last one about the subject: it holds the hash of the last and a mark of each. Whoever may see
everything also gets every entry between, and can follow the chain to the hash that was signed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts.audit_chain import GENESIS, stamp
from alerts.audit_people import names
from alerts.audit_statement import Checkpoint, mark
from alerts.audit_tables import audit_entry
from alerts.audit_verify import PREFIX, TAIL, hash_of
from detector.audit.keys import signing_key
from detector.audit.trail import entry_lines, state
from detector.database import reading
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.database import ReadConnection
    from detector.system import System

EXPORTED = "bundle.exported"
"""Left out of bundles: making one must not change the next."""
CHAIN = 10_000
"""Longest chain between that is handed out whole."""


@dataclass(frozen=True)
class Proof:
    """The entries and what proves them.

    Attributes:
        entries: as told in the report, oldest first.
        lines: the same as they were hashed, each with the hash before it.
        chain: every entry between; empty where that is too long.
        people: names by pseudonym, of those who acted.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    chain: list[bytes] = field(default_factory=list)
    checkpoint: bytes = b""
    people: Mapping[str, str] = field(default_factory=dict)

    def only(self, actions: Collection[str], told: Callable[[str], bool] = lambda _: True) -> Proof:
        """Without entries of other acts, and without what lies between.

        Args:
            told: of the text of an entry, whether it may be shown.
        """
        kept = [
            n for n, one in enumerate(self.entries)
            if one["action"] in actions and told(self.lines[n].decode())
        ]  # fmt: skip
        lines = [self.lines[n] for n in kept]
        return Proof([self.entries[n] for n in kept], lines, [], self.checkpoint if kept else b"")


def proof(system: System, subjects: Mapping[str, Collection[str]], created: datetime) -> Proof:
    """The proof for what a bundle is about.

    Args:
        subjects: keys by kind, as they stand in the trail.

    Raises:
        WardenError: `audit_broken` (integrity) when the trail is not whole: nothing wrong is
            signed; `audit_copies_unreadable`, and those of the keys.
    """
    found = state(system)
    if not found["intact"]:
        raise _broken(int(found["first_bad"]), str(found["why"]))
    with reading(system.engine) as connection:
        mine = _about(connection, subjects)
        return _proof(system, connection, mine, created) if mine else Proof()


def _about(connection: ReadConnection, subjects: Mapping[str, Collection[str]]) -> list[int]:
    """Numbers of the entries about some subjects, oldest first."""
    columns = audit_entry.c
    named = [
        sa.and_(columns.kind == kind, columns.key.in_(sorted(keys)))
        for kind, keys in subjects.items()
    ]
    query = sa.select(columns.seq).where(sa.or_(*named), columns.action != EXPORTED)
    return list(connection.scalars(query.order_by(columns.seq)))


def _proof(system: System, connection: ReadConnection, mine: list[int], created: datetime) -> Proof:
    since, last = mine[0] - 1, mine[-1]
    columns = audit_entry.c
    before = connection.scalar(sa.select(columns.hash).where(columns.seq == since)) or GENESIS
    wanted, marks, chain, lines = set(mine), bytearray(), [], []
    previous = before
    found = islice(entry_lines(connection, since, before), last - since)
    for seq, line in enumerate(found, since + 1):
        body, here = line[len(PREFIX) : -TAIL], hash_of(line)
        if here != hashlib.sha256(previous.encode() + body).hexdigest():
            raise _broken(seq, "It does not follow from the entry before.")
        told = b'{"previous":"%b","entry":%b,"hash":"%b"}' % (
            previous.encode(), body, here.encode(),
        )  # fmt: skip
        marks += mark(here)
        previous = here
        if last - since <= CHAIN:
            chain.append(told)
        if seq in wanted:
            lines.append(told)
    one = Checkpoint(last, previous, stamp(created), since, bytes(marks))
    return Proof(
        entries=[_shown(line) for line in lines],
        lines=lines,
        chain=chain,
        checkpoint=one.signed(signing_key(system.home)),
        people=names(connection),
    )


def _shown(line: bytes) -> dict[str, Any]:
    told = json.loads(line)
    return {**told["entry"], "hash": told["hash"]}


def _broken(entry: int, why: str) -> WardenError:
    return WardenError(
        "audit_broken",
        f"The audit trail is not whole from entry {entry} on: {why}",
        "No bundle was made. Keep the database as it is, and see `warden audit verify`.",
        kind="integrity",
    )
