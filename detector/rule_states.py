"""Where a rule stands, as what was decided about it adds up. Pure: events in, state out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from detector.rule_records import RELEASE, RuleAct, RuleEvent


@dataclass(frozen=True, slots=True)
class Text:
    """A version of a rule and the hash of its text."""

    version: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Use:
    """What was in use for a while.

    Attributes:
        live: what raised alerts, if anything.
        retired: whether the rule was taken out of use.
        overlay: fields of the overlay that were approved with the live version.
    """

    live: Text | None = None
    retired: bool = False
    overlay: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a rule stands.

    Attributes:
        use: what is in use now.
        past: what was in use before, oldest first.
        shadow: what is evaluated beside it, apart.
        shadowed_at: since when.
        governed: whether a person of this installation ever decided about it; then the status
            in its file does not count.
        number: of the last event; a decision names the one it was made on.
    """

    use: Use = Use()
    past: tuple[Use, ...] = ()
    shadow: Text | None = None
    shadowed_at: datetime | None = None
    governed: bool = False
    number: int = 0

    @property
    def live(self) -> Text | None:
        return self.use.live


def standing(events: Iterable[RuleEvent]) -> Standing:
    """The state after all the events of one rule, oldest first."""
    now = Standing()
    for event in events:
        now = replace(
            _after(now, event),
            governed=now.governed or event.actor != RELEASE,
            number=max(event.id, now.number),
        )
    return now


def _after(now: Standing, event: RuleEvent) -> Standing:
    text = Text(event.version, event.content_hash)
    match event.kind:
        case RuleAct.SHADOWED:
            use = Use() if now.live == text else replace(now.use, retired=False)
            return replace(_used(now, use), shadow=text, shadowed_at=event.at)
        case RuleAct.ACTIVATED:
            use = Use(text, overlay=event.data.get("overlay"))
            return _alone(_used(now, use))
        case RuleAct.RETIRED if now.shadow == text and now.live not in (None, text):
            return replace(now, shadow=None, shadowed_at=None)
        case RuleAct.RETIRED:
            return replace(_used(now, Use(retired=True)), shadow=None, shadowed_at=None)
        case RuleAct.ROLLED_BACK:
            return _alone(rolled_back(now) or now)
        case _:
            return now


def rolled_back(now: Standing) -> Standing | None:
    """The state with what was last live before what is; None when nothing was."""
    for at in range(len(now.past) - 1, -1, -1):
        if now.past[at].live not in (None, now.live):
            return replace(now, use=now.past[at], past=now.past[:at])
    return None


def _used(now: Standing, use: Use) -> Standing:
    if now.use == use:
        return now
    return replace(now, use=use, past=(*now.past, now.use))


def _alone(now: Standing) -> Standing:
    """What is live is not its own shadow."""
    return now if now.shadow != now.live else replace(now, shadow=None, shadowed_at=None)


def proposers(events: Iterable[RuleEvent], text: Text) -> set[str]:
    """Persons who ever proposed this text or put it into shadow."""
    kinds = (RuleAct.PROPOSED, RuleAct.SHADOWED)
    return {
        e.actor
        for e in events
        if e.kind in kinds and Text(e.version, e.content_hash) == text and e.actor != RELEASE
    }


def by_rule(events: Sequence[RuleEvent]) -> dict[str, Standing]:
    """The state of every rule anything was decided about."""
    grouped: dict[str, list[RuleEvent]] = {}
    for event in events:
        grouped.setdefault(event.rule_id, []).append(event)
    return {rule_id: standing(mine) for rule_id, mine in grouped.items()}
