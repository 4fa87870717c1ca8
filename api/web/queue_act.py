"""What is done from the queue: which alerts are meant, with what, and how it is told afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request

from alerts.bulk import MOST, BulkAction, Done, Order
from alerts.inbox import QueueFilter
from alerts.limits import Limits
from api.deps import expected_version
from api.web.wording import Lang, sayer, words
from features.errors import WardenError

ASKED = ("close", "escalate", "comment", "assign", "label")
"""Acts that take more than a press of a button."""
UNDOABLE = frozenset(get_args(BulkAction)) - {"comment", "undo"}
ACTS = "/activity"
LAST = "act."
"""Parameters of the address that tell what was done begin with it."""


@dataclass(frozen=True)
class Asked:
    """A form sent from the queue.

    Attributes:
        picked: version that was seen, by id of the alert.
        fields: of a repeated field the last.
    """

    picked: Mapping[str, int]
    fields: Mapping[str, str]

    @property
    def action(self) -> str:
        """What is to be done; empty where the form does not say."""
        return self.fields.get("action", "")

    def order(self, within: Limits) -> Order:
        """The same for the alerts.

        Raises:
            WardenError: `unknown_action`.
        """
        action = self.action
        if action not in get_args(BulkAction):
            raise WardenError("unknown_action", f"There is no action {action[:40]!r}.")
        return Order(
            wanted=QueueFilter(within=within),
            action=cast(BulkAction, action),
            expected=len(self.picked),
            reason=self.fields.get("reason") or None,
            note=self.fields.get("note"),
            to=self.fields.get("to") or None,
            label=self.fields.get("label"),
        )


def asked_of(pairs: Sequence[tuple[str, str]]) -> Asked:
    """Reads a form; an alert is named as `ID:VERSION`.

    Raises:
        WardenError: `stale_version` for a version that none can have, `too_many`.
    """
    tokens = [value for name, value in pairs if name == "alert"]
    if len(tokens) > MOST:
        raise WardenError("too_many", f"At most {MOST:,} alerts are changed at once.")
    picked = {}
    for token in tokens:
        alert_id, _, version = token.rpartition(":")
        picked[alert_id] = expected_version(version)
    return Asked(picked, {name: value.strip() for name, value in pairs if name != "alert"})


def back_of(fields: Mapping[str, str]) -> str:
    """The page somebody came from: a queue of ours, or their acts; nothing else."""
    back = fields.get("back", "/")
    return back if back in ("/", ACTS) or back.startswith("/?") else "/"


def here(request: Request) -> str:
    """The address of the queue as it is asked for, without what it tells of an act."""
    kept = [(k, v) for k, v in request.query_params.multi_items() if not k.startswith(LAST)]
    return f"/?{urlencode(kept)}" if kept else "/"


def told(done: Done, action: str, lang: Lang) -> list[Markup]:
    """What became of an act, a sentence each."""
    say = sayer(lang)
    found = []
    if changed := len(done.changed) - len(done.pending):
        found.append(say(f"queue.done.{action}", n=_alerts(changed, done.changed, lang)))
    if done.pending:
        found.append(say("queue.done.pending", n=_alerts(len(done.pending), done.pending, lang)))
    if done.skipped:
        codes = sorted({one.code for one in done.skipped})
        why = "; ".join(why_not(code, lang) for code in codes)
        found.append(say("queue.done.skipped", n=len(done.skipped), why=why))
    return found


def _alerts(n: int, ids: Sequence[str], lang: Lang) -> Markup:
    """One alert by its id, several by their number."""
    return Markup("{}").format(ids[0]) if n == 1 else sayer(lang)("queue.alerts", n=f"{n:,}")


def why_not(code: str, lang: Lang) -> str:
    """Why something was refused, in a few words."""
    return words(lang).get(f"queue.why.{code}", words(lang)["queue.why.other"])


def undo_tokens(done: Done, action: str, versions: Mapping[str, int]) -> list[str]:
    """What an undoing names; nothing for what cannot be undone."""
    if action not in UNDOABLE:
        return []
    return [f"{one}:{versions[one]}" for one in done.changed if one in versions]


def told_address(back: str, done: Done, action: str) -> str:
    """Where the browser goes on after an act: the queue, with what was done in the address."""
    counts = {"pending": len(done.pending), "skipped": len(done.skipped)}
    counts["changed"] = len(done.changed) - len(done.pending)
    said: dict[str, Any] = {f"{LAST}{k}": v for k, v in counts.items() if v}
    joint = "&" if "?" in back else "?"
    return f"{back}{joint}{urlencode({f'{LAST}done': action} | said)}"


def outcome_told(request: Request, lang: Lang) -> list[Markup]:
    """What an act before this page did, from the address; figures only, so nothing is trusted."""
    asked, say = request.query_params, sayer(lang)
    action = asked.get(f"{LAST}done", "")
    refused = words(lang).get(f"refused.{asked.get(f'{LAST}refused')}")
    if refused:
        return [say("queue.refused.plain"), Markup("{}").format(refused)]
    if action in ("kept", "dropped"):
        return [say(f"queue.view.done.{action}")]
    if action not in get_args(BulkAction):
        return []

    def n(name: str) -> int:
        text = asked.get(f"{LAST}{name}", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0

    found = []
    if n("changed"):
        found.append(say(f"queue.done.{action}", n=_counted(n("changed"), lang)))
    if n("pending"):
        found.append(say("queue.done.pending", n=_counted(n("pending"), lang)))
    if n("skipped"):
        found.append(say("queue.done.skipped", n=n("skipped"), why=say("queue.why.see")))
    return found


def _counted(n: int, lang: Lang) -> Markup:
    say = sayer(lang)
    return say("queue.alerts", n=n) if n > 1 else say("queue.alert")
