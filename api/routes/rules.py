"""Rules: what they say and said, where they stand, and what people decide about them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.deps import Actor, IfMatch, SystemDep, Who, etag, expected_version, problems
from api.disclosure import open_text
from api.schemas.rules import (
    RULE_ID,
    VERSION,
    Backtest,
    Comparison,
    Example,
    Examples,
    Issue,
    Issues,
    Promotion,
    Retirement,
    RollBack,
    Rule,
    RuleDetail,
    RuleList,
    RuleVersion,
    RuleVersions,
    TextDiff,
    Typed,
)
from detector import promotion
from detector.drift_reports import bunching_at, last_report
from detector.people.permissions import Permission
from detector.rule_checks import read_report
from detector.rule_views import history, rule_object, version_object
from detector.rulebook import Rulebook, rulebook, text_diff
from rules.spec import Status

if TYPE_CHECKING:
    from detector.system import System
    from rules.load import Rule as Text

router = APIRouter(prefix="/api/v1/rules", tags=["rules"])

TYPED = "typed"
RuleId = Annotated[str, Path(pattern=RULE_ID, max_length=80)]
Version = Annotated[str, Path(pattern=VERSION, max_length=64)]
CHANGES = problems(401, 403, 404, 409, 412, 422, 428, 503)


@router.get("", responses=problems(422, 503))
def list_rules(
    system: SystemDep,
    status: Annotated[list[Status], Query()] = [],  # noqa: B006  FastAPI copies defaults
    typology: Annotated[list[str], Query(max_length=20)] = [],  # noqa: B006
) -> RuleList:
    """Every rule of the installation with the status it has here."""
    book = rulebook(system)
    found = [rule_object(book, rule_id) for rule_id in book.ids()]
    kept = [
        Rule.model_validate(one)
        for one in found
        if (not status or one["status"] in tuple(status))
        and (not typology or one["typology"] in typology)
    ]
    return RuleList(items=kept)


@router.post("/lint", responses=problems(403, 422, 503))
def lint(system: SystemDep, typed: Typed) -> Issues:
    """What `warden rules lint` says of a rule as it was typed."""
    from detector.linting import of_installation
    from detector.linting import typed as findings

    found = findings(of_installation(system), typed.text, TYPED)
    return Issues(
        items=[
            Issue(
                line=i.line,
                column=i.column,
                code=i.code,
                severity=i.severity,
                message=i.message,
                hint=i.hint,
                rule=i.rule_id,
            )
            for i in found
        ]
    )


@router.post("/test", responses=problems(403, 422, 503))
def test(system: SystemDep, typed: Typed) -> Examples:
    """How the examples of a rule end, as it was typed."""
    from features.catalogue import catalogue
    from rules.cases import run_cases
    from rules.errors import RuleFilesError
    from rules.load import load_rule

    rule, issues = load_rule(typed.text, TYPED)
    if rule is None:
        raise RuleFilesError(issues)
    results = run_cases(rule, rulebook(system).library.parameters, catalogue())
    return Examples(items=[Example.model_validate(r, from_attributes=True) for r in results])


@router.get("/{rule_id}", responses=problems(404, 422, 503))
def read_rule(response: Response, system: SystemDep, who: Who, rule_id: RuleId) -> RuleDetail:
    """One rule with its history; its ETag is what a change must name in If-Match."""
    _open(system, rule_id, who)
    return _detail(response, system, rulebook(system), rule_id)


@router.get("/{rule_id}/versions", responses=problems(404, 422, 503))
def list_versions(system: SystemDep, who: Who, rule_id: RuleId) -> RuleVersions:
    """Every text of a rule, for good."""
    _open(system, rule_id, who)
    book = rulebook(system)
    book.today(rule_id)
    found = (version_object(book, rule_id, version) for version in book.versions(rule_id))
    return RuleVersions(items=[RuleVersion(**one) for one in found])


@router.get("/{rule_id}/versions/{version}", responses=problems(404, 422, 503))
def read_version(system: SystemDep, who: Who, rule_id: RuleId, version: Version) -> RuleVersion:
    """One text, as it judged."""
    _open(system, rule_id, who, version)
    return RuleVersion(**version_object(rulebook(system), rule_id, version))


@router.get("/{rule_id}/versions/{version}/diff", responses=problems(404, 422, 503))
def diff_to_today(system: SystemDep, who: Who, rule_id: RuleId, version: Version) -> TextDiff:
    """From the text an alert fired with to what counts today."""
    _open(system, rule_id, who, version)
    today = rulebook(system).today(rule_id)
    lines = text_diff(system, rule_id, version)
    return TextDiff(rule=rule_id, version=version, today=today, diff=lines)


@router.post("/{rule_id}/promote", responses=CHANGES)
def promote(
    response: Response,
    system: SystemDep,
    rule_id: RuleId,
    asked: Promotion,
    who: Who,
    if_match: IfMatch = None,
) -> RuleDetail:
    """Puts today's text into shadow with a report, or, as a second person, makes it live.

    Making it live takes `rules.approve`.
    """
    if asked.to == "active":
        who.require(Permission.RULES_APPROVE)
    number = expected_version(if_match, "rule")
    common: dict[str, Any] = {
        "note": asked.note,
        "version": asked.version,
        "expected": number,
        "content_hash": asked.content_hash,
    }
    if asked.to == "active":
        book = promotion.to_active(system, rule_id, who.name, **common)
    else:
        handed = None
        if asked.report is not None:
            handed = read_report(json.dumps(asked.report, sort_keys=True).encode())
        book = promotion.to_shadow(system, rule_id, who.name, report=handed, **common)
    return _detail(response, system, book, rule_id)


@router.post("/{rule_id}/retire", responses=CHANGES)
def retire(
    response: Response,
    system: SystemDep,
    rule_id: RuleId,
    asked: Retirement,
    actor: Actor,
    if_match: IfMatch = None,
) -> RuleDetail:
    """Takes a rule out of use; its texts, results and alerts stay."""
    number = expected_version(if_match, "rule")
    told = {"note": asked.note, "version": asked.version}
    book = promotion.retire(system, rule_id, actor, expected=number, **told)
    return _detail(response, system, book, rule_id)


@router.post("/{rule_id}/rollback", responses=CHANGES)
def roll_back(
    response: Response,
    system: SystemDep,
    rule_id: RuleId,
    asked: RollBack,
    actor: Actor,
    if_match: IfMatch = None,
) -> RuleDetail:
    """Makes the version live again that was live before."""
    number = expected_version(if_match, "rule")
    book = promotion.roll_back(system, rule_id, actor, note=asked.note, expected=number)
    return _detail(response, system, book, rule_id)


@router.post("/{rule_id}/backtest", responses=problems(403, 404, 422, 503))
def backtest(system: SystemDep, rule_id: RuleId, asked: Backtest) -> dict[str, Any]:
    """What a rule would have said about history; the answer is the report a promotion needs."""
    from detector.backtesting import backtest as look_back

    text = _text(rulebook(system), rule_id, asked.version)
    report = look_back(
        system, text, asked.start, asked.end, known_as_of=asked.known_as_of, sets=asked.set
    )
    return report.as_dict()


@router.post("/{rule_id}/diff", responses=problems(403, 404, 422, 503))
def diff(system: SystemDep, rule_id: RuleId, asked: Comparison) -> dict[str, Any]:
    """Fired by both, only by what is live, only by the other text, with examples."""
    from detector.rule_diff import diff as compare

    book = rulebook(system)
    old = _text(book, rule_id, book.today(rule_id))
    new = _text(book, asked.rule or rule_id, asked.version)
    return compare(system, old, new, asked.start, asked.end, known_as_of=asked.known_as_of)


def _text(book: Rulebook, rule_id: str, version: str | None) -> Text:
    from detector.rule_texts import stamped

    found = book.version(rule_id, version) if version else book.candidate(rule_id)
    return stamped(found, book.status(found))


def _open(system: SystemDep, rule_id: str, who: Who, version: str | None = None) -> None:
    """Refuses the text of a restricted rule, or of one that was restricted once."""
    book = rulebook(system)
    for one in [version] if version else [*book.versions(rule_id)]:
        open_text(book.version(rule_id, one), who)


def _detail(response: Response, system: System, book: Rulebook, rule_id: str) -> RuleDetail:
    shown = rule_object(book, rule_id)
    response.headers["ETag"] = etag(shown["number"])
    heaps = bunching_at(last_report(system), rule_id)
    more = {
        "versions": book.versions(rule_id),
        "history": history(book, rule_id),
        "bunching": heaps,
    }
    return RuleDetail.model_validate(shown | more)
