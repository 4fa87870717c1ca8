"""What may be chosen in each filter of the queue, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from alerts.model import State
from api.web.queue_filters import AGE, ANY_STATE, DUE, NOBODY, WORK
from api.web.queue_view import typology_title
from api.web.wording import Lang, sayer
from features.vocabulary import TYPOLOGIES, Lane

Options = list[tuple[str, str]]
"""Values of the address with the words for them."""


def options(lang: Lang, people: Iterable[str]) -> dict[str, Options]:
    """The choices by name of the template's variable.

    Args:
        people: whose alerts may be asked for.
    """
    say = sayer(lang)
    above = [(str(n), say("filter.and_above", word=say(f"severity.{n}"))) for n in (4, 3, 2)]
    everything = (ANY_STATE, say("view.all"))
    return {
        "state_options": [*((s.value, say(f"state.{s.value}")) for s in State), everything],
        "lane_options": [(one.value, say(f"lane.{one.value}")) for one in Lane],
        "severity_options": [("5", say("severity.5")), *above],
        "typologies": _typologies(lang),
        "owner_options": [(NOBODY, say("owner.none")), *((one, one) for one in people)],
        "due_options": [(one, say(f"filter.due.{one}")) for one in DUE],
        "age_options": [(one, say(f"filter.age.{one}")) for one in AGE],
        "work_options": [(one, say(f"filter.work.{one}")) for one in WORK],
    }


def _typologies(lang: Lang) -> Options:
    listed = ((one, typology_title(one, lang)) for one in TYPOLOGIES)
    return sorted(listed, key=lambda one: one[1])
