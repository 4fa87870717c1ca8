"""When work falls due: cron text, slots between two moments, what to do about those missed.

Pure: no clock, no database. Schedules are in UTC, so a change to summer time moves nothing.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

from apscheduler.triggers.cron import CronTrigger

from features.errors import WardenError

CatchUp = Literal["each", "latest"]
SLOT_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = re.compile(r"(?P<first>\*|[0-7])(-(?P<last>[0-7]))?(/(?P<step>[1-7]))?")
FURTHEST_BACK = timedelta(days=366 * 8)
"""Looks past one missing 29 February (2100) before giving up on a schedule."""


def slot_text(moment: datetime) -> str:
    """The name of a slot; sorts as the moments do."""
    return moment.astimezone(UTC).strftime(SLOT_FORMAT)


def slot_time(slot: str) -> datetime:
    """The moment of a slot's name, aware, in UTC."""
    return datetime.strptime(slot, SLOT_FORMAT).replace(tzinfo=UTC)


def cron(text: str) -> CronTrigger:
    """The trigger of a five-field cron text, with cron's own weekday numbers (0 and 7 = Sunday).

    Raises:
        WardenError: `bad_schedule` for what cannot be read or never falls due.
    """
    try:
        minute, hour, day, month, weekday = text.split()
        trigger = CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=_weekdays(weekday),
            timezone=UTC,
        )  # fmt: skip
    except ValueError as error:
        raise _bad_schedule(text, str(error)) from error
    if trigger.get_next_fire_time(None, datetime(2024, 1, 1, tzinfo=UTC)) is None:
        raise _bad_schedule(text, "it never falls due")
    return trigger


def _bad_schedule(text: str, why: str) -> WardenError:
    return WardenError(
        "bad_schedule",
        f"The schedule `{text}` cannot be used: {why}.",
        "Write five fields, minute hour day month weekday, for example `30 2 * * *`; or `off`.",
    )


def _weekdays(text: str) -> str:
    """Names for numbers: APScheduler counts from Monday, cron from Sunday."""
    if not re.search(r"\d", text):
        return text
    days: set[str] = set()
    for part in text.split(","):
        match = _DAY.fullmatch(part)
        if match is None:
            raise ValueError(f"`{part}` is no weekday; use 0 to 7 or names, not both")
        if match["first"] == "*":
            first, last = 0, 6
        else:
            first = int(match["first"])
            last = int(match["last"] or first)
        if first > last:
            raise ValueError(f"the weekdays `{part}` run backwards")
        days |= {WEEKDAYS[day] for day in range(first, last + 1, int(match["step"] or 1))}
    return ",".join(sorted(days))


def slots_between(trigger: CronTrigger, after: datetime, until: datetime) -> list[datetime]:
    """Every moment due in (after, until]; empty when the clock was set back before `after`."""
    due: list[datetime] = []
    moment = trigger.get_next_fire_time(None, after + timedelta(microseconds=1))
    while moment is not None and moment <= until:
        due.append(moment)
        moment = trigger.get_next_fire_time(None, moment + timedelta(microseconds=1))
    return due


def latest_slot(trigger: CronTrigger, now: datetime) -> datetime | None:
    """The last moment due at or before `now`; None when there is none in eight years."""
    window = timedelta(hours=1)
    while window <= 2 * FURTHEST_BACK:
        due = slots_between(trigger, now - window, now)
        if due:
            return due[-1]
        window *= 2
    return None


def next_slot(trigger: CronTrigger, now: datetime) -> datetime:
    """The first moment due after `now`."""
    moment = trigger.get_next_fire_time(None, now + timedelta(microseconds=1))
    if moment is None:
        raise _bad_schedule(str(trigger), "it never falls due")
    due: datetime = moment.astimezone(UTC)
    return due


def decide(
    due: list[datetime], policy: CatchUp, grace: timedelta | None, now: datetime
) -> list[tuple[datetime, str | None]]:
    """What becomes of each due slot: None to run it, or the reason why it is skipped.

    Args:
        policy: `each` runs every slot, `latest` only the last, which covers those before it.
        grace: how late a slot may start; None is any time.
    """
    decided: list[tuple[datetime, str | None]] = []
    for moment in due:
        if grace is not None and now - moment > grace:
            why = f"late by {now - moment}, more than the {grace} allowed"
        elif policy == "latest" and moment != due[-1]:
            why = f"coalesced into {slot_text(due[-1])}"
        else:
            why = None
        decided.append((moment, why))
    return decided
