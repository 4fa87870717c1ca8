"""The single-letter keys of the desk: one table for the script, the overlay `?` and the help page.

An act is known by its name. A page offers it by a control with `data-act="NAME"`, or listens for
the event `desk:NAME` on the document; the key a person presses for it may be another one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from features.errors import WardenError


@dataclass(frozen=True)
class Key:
    """One act and the key it has unless a person chose another.

    Attributes:
        act: its name; the phrase is `key.NAME`.
        key: as a keyboard event names it; `Shift+j` comes as `J`.
        group: under which heading of the overlay it stands; the phrase is `keys.group.GROUP`.
        fixed: whether it cannot be given another key.
    """

    act: str
    key: str
    group: str
    fixed: bool = False


KEYS = (
    Key("next", "j", "move"),
    Key("previous", "k", "move"),
    Key("open", "Enter", "move", fixed=True),
    Key("back", "Escape", "move", fixed=True),
    Key("select", "x", "move"),
    Key("extend", "J", "move"),
    Key("extend_up", "K", "move"),
    Key("search", "/", "find"),
    Key("filters", "f", "find"),
    Key("views", "v", "find"),
    Key("news", ".", "find"),
    Key("acknowledge", "a", "decide"),
    Key("escalate", "e", "decide"),
    Key("close", "d", "decide"),
    Key("comment", "c", "decide"),
    Key("tuning", "t", "decide"),
    Key("replay", "r", "decide"),
    Key("note", "n", "decide"),
    Key("undo", "u", "decide"),
    Key("go", "g", "go"),
    Key("help", "?", "go"),
)
GROUPS = ("move", "find", "decide", "go")
GO: Mapping[str, str] = {
    "queue": "q",
    "cases": "s",
    "firms": "f",
    "rules": "r",
    "cockpit": "c",
    "jobs": "j",
    "tables": "d",
    "audit": "a",
    "people": "p",
    "approvals": "w",
}
"""The letter after `g` that goes to a place of the top bar."""
Group = tuple[str, list[tuple[str, list[str]]]]
"""A heading of the overlay with its acts, each with the keys to press."""
_SHOWN = {"Escape": "Esc", "J": "Shift j", "K": "Shift k"}


COOKIE = "keymap"
"""Where a browser keeps the keys a person chose, as `act=key&act=key`."""
LONGEST = 600


def chosen_keys(text: str | None) -> dict[str, str]:
    """The keys a browser kept; whatever is no choice we know is left out."""
    if not text or len(text) > LONGEST:
        return {}
    wanted = {act: key for act, key in parse_qsl(text) if _may_choose(act, key)}
    try:
        return checked_keys(wanted)
    except WardenError:
        return {}


def kept_keys(chosen: Mapping[str, str]) -> str:
    """The same as a browser keeps it."""
    return urlencode(chosen)


def checked_keys(wanted: Mapping[str, str]) -> dict[str, str]:
    """Keys chosen by act, those that are ours anyway left out.

    Raises:
        WardenError: `bad_key` for what is no single letter, digit or sign; `key_taken` where two
            acts would have one key.
    """
    for act, key in wanted.items():
        if not _may_choose(act, key):
            raise WardenError(
                "bad_key", f"{key[:20]!r} cannot be the key of {act[:20]!r}.", "Give one letter."
            )
    pressed = keys_of(wanted)
    for act, key in wanted.items():
        other = next((a for a, k in pressed.items() if k == key and a != act), None)
        if other is not None:
            raise WardenError("key_taken", f"{key!r} is the key of {other!r} already.")
    usual = keys_of()
    return {act: key for act, key in wanted.items() if key != usual[act]}


def _may_choose(act: str, key: str) -> bool:
    able = {one.act for one in KEYS if not one.fixed}
    return act in able and len(key) == 1 and key.isprintable() and not key.isspace()


def keys_of(chosen: Mapping[str, str] | None = None) -> dict[str, str]:
    """The key of every act, with those a person chose in place of ours."""
    return {one.act: (chosen or {}).get(one.act, one.key) for one in KEYS}


def keymap(chosen: Mapping[str, str] | None = None) -> str:
    """What the script reads: the act by key, as JSON."""
    return json.dumps({key: act for act, key in keys_of(chosen).items() if key})


def shown_key(key: str) -> list[str]:
    """The keys to press one after the other, as they are printed on them."""
    return _SHOWN.get(key, key).split()


def groups(chosen: Mapping[str, str] | None = None) -> list[Group]:
    """For the overlay: the acts under their headings, in order."""
    pressed = keys_of(chosen)
    return [
        (group, [(k.act, shown_key(pressed[k.act])) for k in KEYS if k.group == group])
        for group in GROUPS
    ]
