"""Who is told of a notice, and when. Pure: people and endpoints are handed in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.limits import Limits
from alerts.notify.kinds import BY_SEVERITY, CHOSEN, NEEDS, Kind, Mode, Notice


@dataclass(frozen=True, slots=True)
class Listener:
    """A person who may be told, with an address.

    Attributes:
        may: permissions by name.
        limits: what the person may see of the alerts.
        kinds: when to tell of each kind; what is not named is as usual.
    """

    person_id: str
    name: str
    may: Collection[str]
    limits: Limits
    kinds: Mapping[str, str]
    least_severity: int
    digest_hour: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A program that is told; `kinds` empty: of everything."""

    id: str
    kinds: Collection[str]


def listeners_of(notice: Notice, listeners: Iterable[Listener]) -> list[tuple[Listener, Mode]]:
    """The people who are told by e-mail, and whether at once or in the digest of the day."""
    found = [(one, _mode(notice, one)) for one in listeners]
    return [(one, mode) for one, mode in found if mode is not Mode.OFF]


def endpoints_of(notice: Notice, endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """The endpoints that are told; a test is told to the one it is about."""
    if notice.kind is Kind.TEST:
        return [one for one in endpoints if one.id == notice.key]
    if _hidden(notice):
        return []
    return [one for one in endpoints if not one.kinds or notice.kind in one.kinds]


def next_digest(now: datetime, hour: int) -> datetime:
    """The next time of the digest strictly after `now`; the hour is of UTC."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def _mode(notice: Notice, listener: Listener) -> Mode:
    need = NEEDS.get(notice.kind)
    if need is None or need not in listener.may or _hidden(notice):
        return Mode.OFF
    # nobody needs to be told of what they did themselves
    if listener.name == notice.actor or notice.person not in (None, listener.name):
        return Mode.OFF
    if notice.typology is not None and not _sees(listener.limits, notice.typology, notice.reach):
        return Mode.OFF
    if notice.kind in BY_SEVERITY and (notice.severity or 0) < listener.least_severity:
        return Mode.OFF
    return Mode(listener.kinds.get(notice.kind, CHOSEN[notice.kind]))


def _sees(limits: Limits, typology: str, reach: Collection[str]) -> bool:
    return limits.allow(typology) and limits.reach(reach)


def _hidden(notice: Notice) -> bool:
    """What is drawn for blind review opens silently: its decoys were opened by runs before."""
    return notice.blind and notice.kind is Kind.ALERT_OPENED
