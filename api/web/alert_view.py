"""An alert as its page shows it: evidence, doubts, rules and law, rank, record, acts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from alerts.lifecycle import allowed_actions
from alerts.model import SYSTEM, EventKind, State
from api.web.chance_view import chance_lines
from api.web.facts_view import FactRow, fact_rows, silent_rules
from api.web.figures import as_date, as_moment, below_one, moment, plain, short_run
from api.web.likelihood_view import Step, learned_line, likelihood_steps
from api.web.queue_view import QueueRow, queue_row
from api.web.wording import Lang, in_language, known_word, sayer, words
from detector.markdown import safe_html
from features.parameters.procurement_limits import EU_MEMBERS


@dataclass(frozen=True)
class Law:
    """One provision: its name, the note of the rule's author, since when it is in force."""

    name: str
    text: str
    force: str


@dataclass(frozen=True)
class Act:
    """One event of the alert's history."""

    at: str
    iso: str
    what: Markup
    note: str | Markup


@dataclass(frozen=True)
class AlertView:
    """Everything the alert page shows, in one language."""

    id: str
    href: str
    version: int
    row: QueueRow
    subject: str
    subject_kind: str
    subject_key: str
    typology: str
    title: str
    title_lang: str
    opened_at: str
    updated_at: str
    suspicion: str
    blind: bool
    steps: Sequence[Step]
    learned: str
    p: str
    chance: Sequence[str]
    run_id: str
    snapshot_id: str
    facts: Sequence[FactRow]
    judged: int
    silent: Sequence[str]
    has_legal_fact: bool
    not_checked: Sequence[str]
    rules: Sequence[Mapping[str, str]]
    models: Sequence[Mapping[str, str]]
    laws: Sequence[Law]
    other_laws: Sequence[Law]
    acts: Sequence[Act]
    possible: frozenset[str]


def alert_view(
    alert: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    lang: Lang,
) -> AlertView:
    """The page's view of one alert object and its events, oldest first."""
    here, elsewhere = laws_of(alert["legal_basis"], alert.get("jurisdictions") or ())
    title, title_lang = in_language(alert["title"], lang)
    facts = fact_rows(alert["facts"], lang, alert["rules"])
    row = queue_row(alert, lang)
    return AlertView(
        id=row.id,
        href=f"/alerts/{quote(row.id, safe='')}",
        version=int(alert["version"]),
        row=row,
        subject=row.subject,
        subject_kind=str(alert["subject"]["kind"]),
        subject_key=str(alert["subject"]["key"]),
        typology=str(alert["typology"]),
        title=title[:1].upper() + title[1:],
        title_lang=title_lang,
        opened_at=moment(alert["opened_at"], lang),
        updated_at=moment(alert["updated_at"], lang),
        suspicion=below_one(alert["suspicion"]),
        blind=bool(alert["blind"]),
        steps=likelihood_steps(alert, lang),
        learned=learned_line(alert, lang),
        p=_two_digits(alert["p_value"]),
        chance=chance_lines(alert, lang),
        run_id=str(alert["run_id"]),
        snapshot_id=str(alert["snapshot_id"] or "–"),
        facts=facts,
        judged=sum(not fact.why for fact in facts),
        silent=silent_rules(alert["facts"], lang),
        has_legal_fact=any(fact.source == "LEGAL" for fact in facts),
        not_checked=[_not_checked(one, lang) for one in alert["not_checked"]],
        rules=[_named(rule, lang) for rule in alert["rules"]],
        models=[_named(model, lang) for model in alert["models"]],
        laws=[_law(one, lang) for one in here],
        other_laws=[_law(one, lang) for one in elsewhere],
        acts=[_act(event, lang) for event in reversed(events)],
        possible=frozenset(allowed_actions(State(row.state))),
    )


def _two_digits(value: object) -> str:
    return plain(float(value), 2) if isinstance(value, int | float) else ""


def _named(one: Mapping[str, Any], lang: Lang) -> Mapping[str, str]:
    title = in_language(one.get("title"), lang)[0]
    return {"id": str(one.get("id")), "version": str(one.get("version")), "title": title}


def _not_checked(one: Mapping[str, Any], lang: Lang) -> str:
    if "rule" not in one:
        return in_language(one, lang)[0]
    rule = str(one["rule"]).replace("@", " ")
    why = known_word(lang, "why", str(one.get("reason") or "missing_input"))
    return f"{rule}{words(lang)['colon']}{why}"


def laws_of(
    laws: Sequence[Mapping[str, Any]], places: Collection[str]
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Provisions that hold at any of the places, and the others; all hold where none is known.

    The law of a union or country holds in its parts, that of a part in the part alone.
    """
    if not places:
        return list(laws), []
    where = {*places, *("EU" for place in places if place in EU_MEMBERS)}
    here = [law for law in laws if _holds(str(law.get("jurisdiction") or ""), *where)]
    if not here:
        return list(laws), []
    return here, [law for law in laws if law not in here]


def _holds(law: str, *places: str) -> bool:
    return not law or any(place == law or place.startswith(f"{law}-") for place in places)


def _law(one: Mapping[str, Any], lang: Lang) -> Law:
    named = dict(one, instrument=known_word(lang, "instrument", str(one.get("instrument") or "")))
    article = str(one.get("article") or "")
    named["article"] = _article(article, lang)
    parts = [str(named[k]) for k in ("jurisdiction", "instrument", "article") if named.get(k)]
    first, last = as_date(one.get("in_force_from")), as_date(one.get("in_force_to"))
    say = sayer(lang)
    force = str(say("law.since", day=first.isoformat())) if first else ""
    if first and last:
        force = str(say("law.between", first=first.isoformat(), last=last.isoformat()))
    return Law(" ".join(parts), known_word(lang, "note", str(one.get("note") or "")), force)


def _article(article: str, lang: Lang) -> str:
    """An article as it is cited, sections and paragraphs named in the language."""
    if not article or article.startswith("art"):
        return article
    kind, _, number = article.rpartition(" ")
    if kind in ("section", "paragraphs"):
        return str(sayer(lang)(f"law.{kind}", n=number))
    return (
        str(sayer(lang)("law.article", n=article))
        if article[:1].isdigit()
        else known_word(lang, "note", article)
    )


def _act(event: Mapping[str, Any], lang: Lang) -> Act:
    at = as_moment(event["at"])
    return Act(
        at=moment(at, lang),
        iso=at.isoformat() if at else "",
        what=act_sentence(event, lang),
        note=_note(event),
    )


def _note(event: Mapping[str, Any]) -> str | Markup:
    """What was written; a comment is Markdown, and cleaned."""
    text = str(event["note"] or "")
    return Markup(safe_html(text)) if event["kind"] == EventKind.COMMENTED and text else text  # noqa: S704


def act_sentence(event: Mapping[str, Any], lang: Lang) -> Markup:
    """What happened, by whom, as one sentence."""
    kind, actor = str(event["kind"]), str(event["actor"])
    # one kind of event, two stories: a run that found something graver, or a person's decision
    by_person = kind == EventKind.REOPENED and actor != SYSTEM
    key = "act.reopened_by" if by_person else f"act.{kind}"
    reason = known_word(lang, "reason", str(event["reason"] or ""))
    run = str(event["run_id"] or "–")
    who = words(lang)["act.system"] if actor == SYSTEM else actor
    return sayer(lang)(key, who=who, run=short_run(run), reason=reason)
