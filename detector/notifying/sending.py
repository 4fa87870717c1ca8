"""Plans what is to be told and sends what is due."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from alerts.notify.channel import Channel, NotSentError, Outgoing, UndeliverableError, UnsureError
from detector.notifying import queue
from detector.notifying.hook import Hook
from detector.notifying.mail import Mail
from detector.notifying.planning import plan

if TYPE_CHECKING:
    from detector.system import System

BUDGET_S = 45.0
"""Real seconds one round may take; what is left waits for the next."""

log = structlog.get_logger(__name__)


def notify(
    system: System, worker: str, channels: Mapping[str, Channel] | None = None
) -> dict[str, int]:
    """One round: how many notices were planned, and how many messages ended how."""
    ways = channels or {"email": Mail(system), "webhook": Hook(system)}
    counts = Counter(planned=plan(system), taken_back=queue.reap(system.engine, system.clock))
    end = time.monotonic() + BUDGET_S
    while time.monotonic() < end:
        mine = queue.take(system.engine, worker, system.clock)
        if mine is None:
            break
        counts[deliver(system, ways[mine.channel], mine)] += 1
    return dict(counts)


def deliver(system: System, channel: Channel, mine: Outgoing) -> str:
    """Sends one message that was taken and writes down how that ended; the word for it."""
    engine, clock = system.engine, system.clock
    try:
        channel.send(mine, clock())
    except UndeliverableError as error:
        queue.cancel(engine, mine, str(error))
        return "cancelled"
    except NotSentError as error:
        log.warning("not sent", message=mine.id, channel=mine.channel, error=str(error))
        queue.refuse(engine, mine, error, clock)
        return "refused"
    except UnsureError as error:
        log.warning("not confirmed", message=mine.id, channel=mine.channel, error=str(error))
        queue.doubt(engine, mine, str(error), clock)
        return "unsure"
    return "sent" if queue.confirm(engine, mine, clock) else "lost"
