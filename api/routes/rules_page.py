"""The catalogue of rules."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.deps import SystemDep
from api.web.render import render
from api.web.rules_list import asked_of, rules_list
from api.web.wording import chosen_lang
from detector.database import reading
from detector.rule_drafts import kept_drafts
from detector.rule_figures import rule_figures
from detector.rulebook import rulebook

router = APIRouter(include_in_schema=False, default_response_class=Response)


@router.get("/rules")
def catalogue_of_rules(request: Request, system: SystemDep) -> Response:
    """Every rule with what it did and how its alerts ended."""
    lang, asked = chosen_lang(request), asked_of(request.query_params)
    with reading(system.engine) as connection:
        drafts = kept_drafts(connection)
    shown = rules_list(rulebook(system), drafts, rule_figures(system), asked, lang)
    return render(request, "rules.html", place="rules", **shown)
