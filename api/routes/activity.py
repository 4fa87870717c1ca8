"""What you did lately, so that nothing depends on how fast an offer to undo is taken up."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from alerts.activity import Act, acts_of
from api.auth import Within
from api.deps import Actor, SystemDep, problems
from api.schemas.activity import Activity
from api.web.figures import moment
from api.web.queue_act import outcome_told
from api.web.render import render
from api.web.wording import Lang, chosen_lang, known_word, words
from detector.database import reading

router = APIRouter(tags=["alerts"])

SOME = 5
"""Alerts named of one act; the others are counted."""


@router.get("/api/v1/activity", responses=problems(401, 403, 503))
def list_acts(system: SystemDep, actor: Actor, within: Within) -> Activity:
    """Your last acts on alerts, the newest first; one on many alerts at once is one."""
    with reading(system.engine) as connection:
        found = acts_of(connection, actor, system.clock(), within)
    return Activity.model_validate({"items": found})


@router.get("/activity", include_in_schema=False)
def page_of_acts(request: Request, system: SystemDep, actor: Actor, within: Within) -> Response:
    """The same as a page, with a button for each that can be undone."""
    lang = chosen_lang(request)
    with reading(system.engine) as connection:
        found = acts_of(connection, actor, system.clock(), within)
    shown = [_shown(act, lang, actor) for act in found]
    told = outcome_told(request, lang)
    return render(request, "activity.html", place="queue", acts=shown, done=told)


def _shown(act: Act, lang: Lang, actor: str) -> dict[str, Any]:
    key = "act.reopened_by" if act.kind == "reopened" else f"act.{act.kind}"
    reason = known_word(lang, "reason", act.reason or "")
    what = words(lang).get(key, act.kind).format(who=actor, run="–", reason=reason)
    return {
        "at": moment(act.at, lang),
        "what": what,
        "alerts": act.alerts[:SOME],
        "more": len(act.alerts) - SOME,
        "tokens": [f"{one}:{version}" for one, version in act.undoable.items()],
    }
