"""What is written at the desk, for programs: drafts, the words a condition may use, studies."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.deps import Actor, IfMatch, SystemDep, Who, etag, expected_version, problems
from api.disclosure import open_text
from api.schemas.rule_desk import DraftText, DraftWritten, Move, Moved, StudyAsked, StudyTold, Words
from api.schemas.rules import RULE_ID, VERSION
from detector.people.principal import Principal
from detector.rule_drafts import Draft, discard_draft, draft_of, save_draft
from detector.rule_studies import Study, study_id
from detector.rule_words import words_of
from detector.rulebook import rulebook
from detector.system import System
from features.errors import WardenError
from rules.load import Rule

router = APIRouter(prefix="/api/v1/rules", tags=["rules"])

RuleId = Annotated[str, Path(pattern=RULE_ID, max_length=80)]
Version = Annotated[str | None, Query(pattern=VERSION, max_length=64)]
CHANGES = problems(401, 403, 404, 409, 412, 422, 428, 503)


@router.get("/words", responses=problems(404, 422, 503))
def list_words(grain: Annotated[str, Query(max_length=40)]) -> Words:
    """What a condition of a grain may name: features, attributes, functions and their meaning."""
    return Words.model_validate({"items": words_of(grain)})


@router.get("/{rule_id}/draft", responses=problems(404, 422, 503))
def read_draft(response: Response, system: SystemDep, rule_id: RuleId, who: Who) -> DraftText:
    """The text somebody is writing; its ETag is what a change must name in If-Match."""
    draft = draft_of(system, rule_id)
    if draft is None:
        raise WardenError("unknown_draft", f"Nobody is writing on {rule_id}.", kind="not_found")
    if draft.rule is not None:
        open_text(draft.rule, who)
    return _told(response, draft)


@router.put("/{rule_id}/draft", responses=CHANGES)
def write_draft(
    response: Response,
    system: SystemDep,
    rule_id: RuleId,
    written: DraftWritten,
    actor: Actor,
    if_match: IfMatch = None,
) -> DraftText:
    """Keeps a text, faults and all; the first one names the ETag "0"."""
    revision = expected_version(if_match, "draft")
    return _told(response, save_draft(system, rule_id, written.text, actor, revision))


@router.delete("/{rule_id}/draft", status_code=204, responses=CHANGES)
def drop_draft(
    system: SystemDep, rule_id: RuleId, actor: Actor, if_match: IfMatch = None
) -> Response:
    """Throws the draft away; versions stay."""
    discard_draft(system, rule_id, actor, expected_version(if_match, "draft"))
    return Response(status_code=204)


@router.post("/{rule_id}/study", status_code=202, responses=CHANGES)
def start_study(
    request: Request, system: SystemDep, rule_id: RuleId, asked: StudyAsked, who: Who
) -> StudyTold:
    """Asks history about a version, or the draft, in the background; read the same address."""
    rule = _text(system, rule_id, asked.version, who)
    return _study(request.app.state.studies.start(rule, who.name))


@router.get("/{rule_id}/study", responses=problems(404, 422, 503))
def read_study(
    request: Request, system: SystemDep, rule_id: RuleId, who: Who, version: Version = None
) -> StudyTold:
    """Where the study of a version, or the draft, stands; its report once it is done."""
    rule = _text(system, rule_id, version, who)
    found = request.app.state.studies.of(study_id(rule))
    if found is None:
        raise WardenError(
            "not_studied", "History was not asked about this text yet.", "Start a study.",
            "not_found",
        )  # fmt: skip
    return _study(found)


@router.post("/{rule_id}/study/move", responses=problems(403, 404, 409, 422, 503))
def move_limits(
    request: Request, system: SystemDep, rule_id: RuleId, asked: Move, who: Who
) -> Moved:
    """What other limits of a studied text would do: who enters, who leaves, and a curve."""
    rule = _text(system, rule_id, asked.version, who)
    found = request.app.state.studies.moved(rule, asked.limits, asked.along)
    return Moved.model_validate(found)


def _text(system: System, rule_id: str, version: str | None, who: Principal) -> Rule:
    """A version by its number; else the draft, else what may be promoted."""
    book = rulebook(system)
    if version is not None:
        rule = book.version(rule_id, version)
    else:
        rule = book.drafts.get(rule_id) or book.candidate(rule_id)
    open_text(rule, who)
    return rule


def _study(found: Study) -> StudyTold:
    return StudyTold.model_validate(found.as_dict())


def _told(response: Response, draft: Draft) -> DraftText:
    response.headers["ETag"] = etag(draft.revision)
    shown: dict[str, Any] = {name: getattr(draft, name) for name in DraftText.model_fields}
    return DraftText.model_validate(shown)
