"""Labels: short words people give alerts to find them together again."""

from __future__ import annotations

import re
from collections.abc import Collection

import sqlalchemy as sa

from alerts.changing import Hand, changed, held
from alerts.connections import WriteConnection
from alerts.model import Alert, EventKind
from alerts.tables import alert_label
from features.errors import WardenError

LONGEST = 40
MOST = 20
_LABEL = re.compile(r"\w(?:[\w .\-/]*\w)?")


def label(
    connection: WriteConnection,
    alert_id: str,
    hand: Hand,
    add: Collection[str] = (),
    remove: Collection[str] = (),
) -> Alert:
    """Adds and removes labels; a label added twice is there once.

    Raises:
        WardenError: `bad_label`, `too_many_labels`, `actor_required`, `alert_not_found`, and as
            conflicts `stale_version`, `labels_unchanged`.
    """
    wanted, unwanted = {word(one) for one in add}, {word(one) for one in remove}
    alert = held(connection, alert_id, hand)
    labels = (set(alert.labels) | wanted) - unwanted
    if labels == set(alert.labels):
        raise WardenError(
            "labels_unchanged", f"Alert {alert_id} has these labels already.", kind="conflict"
        )
    if len(labels) > MOST:
        raise WardenError("too_many_labels", f"An alert has at most {MOST} labels.")
    after = changed(connection, alert, hand, EventKind.LABELLED, labels=tuple(sorted(labels)))
    keep(connection, after)
    return after


def word(text: str) -> str:
    """A label as it is kept: lower case, one space between words.

    Raises:
        WardenError: `bad_label`.
    """
    plain = " ".join(text.split()).casefold()
    if len(plain) > LONGEST or not _LABEL.fullmatch(plain):
        raise WardenError(
            "bad_label",
            f"{text[:LONGEST]!r} is no label.",
            f"A label is 1 to {LONGEST} letters and digits, with spaces, dots, dashes between.",
        )
    return plain


def keep(connection: WriteConnection, alert: Alert) -> None:
    """Writes the labels of an alert where alerts are found by them."""
    connection.execute(sa.delete(alert_label).where(alert_label.c.alert_id == alert.id))
    if alert.labels:
        rows = [{"alert_id": alert.id, "label": one} for one in alert.labels]
        connection.execute(sa.insert(alert_label), rows)
