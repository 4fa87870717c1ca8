"""An alert judged again: by what its run recorded, and beside that by what is filed today.

The answer is `identical`, or every figure that is not, with the likeliest cause. Nothing is
changed by it: a replay writes its own record and an entry in the audit trail.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from alerts.inbox import get_alert
from alerts.model import kept_back
from detector.database import reading
from detector.false_alarms import FAMILIES
from detector.replay_case import Case, Replay, said_last
from detector.replay_judgement import Again, Asked, Past, judged_again, past_of
from detector.replay_pins import read_pins, sealed_manifest
from detector.replay_ranking import drawn_grain
from detector.results import Results
from features.errors import WardenError
from features.reach import Months

if TYPE_CHECKING:
    from detector.lake import Snapshot
    from detector.system import System

KEPT = 6
"""Judgements kept by one `Replayer`."""

_Key = tuple[str, str, tuple[str, ...], Months, str]


@dataclass
class Replayer:
    """Replays alerts of one installation; judgements that several share are made once.

    What is recorded is read and checked once, so take a new one for a new question.
    """

    system: System
    _pasts: dict[tuple[str, str], Past] = field(default_factory=dict)
    _made: OrderedDict[_Key, Again] = field(default_factory=OrderedDict)

    def replay(self, alert_id: str, *, as_known_now: bool = True) -> Replay:
        """Judges one alert again; writes nothing.

        Raises:
            WardenError: `alert_not_found`; `not_pinned` for an alert of a run that kept nothing to
                judge by.
        """
        with reading(self.system.engine) as connection:
            alert, events = get_alert(connection, alert_id)
            seen = replace(alert, blind=False)
            said = said_last(alert, events)
            drawn = drawn_grain(connection, alert.id, said)
        case = Case(self, seen, events, said, drawn)
        try:
            found = case.replayed(as_known_now=as_known_now)
        except WardenError as error:
            if error.kind == "unavailable" or error.code == "not_pinned":
                raise
            found = case.broken(error)
        return replace(found, blind=kept_back(alert))

    def past(self, run_key: str, typology: str) -> Past:
        """What a run judged a typology by."""
        key = (run_key, FAMILIES.get(typology, typology))
        if key not in self._pasts:
            results = Results(self.system.home)
            with reading(self.system.engine) as connection:
                manifest = sealed_manifest(connection, results, run_key)
            pins = read_pins(results, manifest)
            self._pasts[key] = past_of(self.system, manifest, pins, typology)
        return self._pasts[key]

    def again(
        self, past: Past, asked: Asked, snapshot: Snapshot, known_at: datetime | None = None
    ) -> Again:
        """The judgement of an alert's group, made once for all alerts of it."""
        family = FAMILIES.get(asked.typology, asked.typology)
        key = (past.manifest.run_id, family, asked.grains, asked.months, snapshot.id)
        if key not in self._made:
            self._made[key] = judged_again(self.system, past, asked, snapshot, known_at)
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]


def replay(system: System, alert_id: str, *, as_known_now: bool = True) -> Replay:
    """Judges one alert again by what its run recorded; writes nothing.

    Raises:
        WardenError: `alert_not_found`, `not_pinned`.
    """
    return Replayer(system).replay(alert_id, as_known_now=as_known_now)
