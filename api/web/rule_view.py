"""One rule as its page shows it: text, law, facts, decisions, tests, versions, exceptions."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from api.web.figures import measure, moment
from api.web.queue_view import typology_title
from api.web.rules_list import figures_shown
from api.web.wording import Lang, in_language, known_word, one_bold, sayer
from detector.promotion import same_person
from detector.rule_records import RELEASE, RuleAct, RuleEvent
from detector.rule_states import Text, proposers, rolled_back
from detector.rule_texts import text_of
from detector.rule_views import version_object
from features.catalogue import Feature, catalogue
from features.vocabulary import GRAINS
from rules.nodes import Column, Peer, Prev, walk

if TYPE_CHECKING:
    from detector.people.principal import Principal
    from detector.rule_figures import AllFigures
    from detector.rulebook import Rulebook
    from rules.cases import CaseResult
    from rules.load import Rule
    from rules.parameters import ParameterBook
    from rules.spec import LegalBasis


def head_of(book: Rulebook, rule: Rule, figures: AllFigures, lang: Lang) -> dict[str, Any]:
    """Names, state and figures of the version shown."""
    spec, now = rule.spec, book.standing(rule.id)
    return {
        "id": rule.id,
        "title": spec.title.zh if lang == "zh" else spec.title.en,
        "version": rule.version,
        "hash": rule.content_hash,
        "state": book.status(rule).value,
        "number": now.number,
        "live": now.live.version if now.live else None,
        "shadow": now.shadow.version if now.shadow else None,
        "severity": spec.severity,
        "lane": spec.lane.value,
        "typology": spec.typology,
        "typology_title": typology_title(spec.typology, lang),
        "grain": spec.grain,
        "kind": known_word(lang, "kind", GRAINS[spec.grain].subject_kind),
        "owner": spec.owner,
        "restricted": spec.disclosure == "restricted",
        "message": one_bold(spec.message.zh if lang == "zh" else spec.message.en),
        "harm": spec.harm.zh if lang == "zh" else spec.harm.en,
        **figures_shown(figures.of(rule.id, rule.version), spec.max_flag_rate, lang),
    }


def body_of(rule: Rule, parameters: ParameterBook, lang: Lang) -> dict[str, Any]:
    """What the text says, taken apart."""
    spec = rule.spec
    return {
        "lines": numbered(rule.text),
        "says": spoken(rule),
        "laws": [law_card(one, lang) for one in spec.legal_basis],
        "innocent": [in_language(one.model_dump(), lang) for one in spec.innocent_explanations],
        "triage": [in_language(one.model_dump(), lang) for one in spec.triage],
        "limits": spec.limits,
        "facts": facts_of(rule, lang),
        "parameters": parameters_of(rule, parameters, lang),
        "on_missing": spec.on_missing,
    }


def numbered(text: str) -> list[tuple[int, str]]:
    """Lines of a text with their numbers."""
    return list(enumerate(text.splitlines(), 1))


def spoken(rule: Rule) -> list[tuple[str, list[tuple[int, str]]]]:
    """Scope and condition in plain English: (which, lines with their depth)."""
    from rules.spoken import outline

    titles = {f.name: f.title["en"] for f in catalogue().of_grain(rule.spec.grain)}
    trees = [("scope", rule.scope), ("condition", rule.condition)]
    return [
        (name, [_step(line) for line in outline(tree, titles)])
        for name, tree in trees
        if tree is not None
    ]


def _step(line: str) -> tuple[int, str]:
    bare = line.lstrip()
    return (len(line) - len(bare)) // 2, bare.removeprefix("- ").replace("`", "")


def law_card(law: LegalBasis, lang: Lang) -> dict[str, str]:
    """A provision: where, what, which article; since when."""
    name = known_word(lang, "instrument", law.instrument)
    first, last, say = law.in_force_from, law.in_force_to, sayer(lang)
    held = {"first": first.isoformat(), "last": last.isoformat()} if last else {}
    force = say("law.between", **held) if held else say("law.since", day=first.isoformat())
    article = say("law.article", n=law.article) if law.article[:1].isdigit() else law.article
    return {
        "name": f"{law.jurisdiction} {name} {article}",
        "force": str(force),
        "note": known_word(lang, "note", law.note) if law.note else "",
    }


def features_of(rule: Rule) -> list[Feature]:
    """Features the rule reads, in the order it names them."""
    named: dict[str, None] = {}
    for _, tree in rule.trees():
        for node in walk(tree):
            if isinstance(node, Column):
                named[node.name] = None
            elif isinstance(node, Peer | Prev):
                named[node.feature] = None
    known = {f.name: f for f in catalogue().of_grain(rule.spec.grain)}
    return [known[name] for name in named if name in known]


def facts_of(rule: Rule, lang: Lang) -> list[dict[str, Any]]:
    """Features the rule judges: what each is, its unit, and from how many cases it counts."""
    least = rule.spec.min_support
    return [
        {
            "code": f.name,
            "title": f.title.get(lang) or f.title["en"],
            "unit": known_word(lang, "unit", f.unit),
            "direction": f.direction,
            "min_n": least.get(f.name) or least.get("n") or f.min_n or "",
            "doc": f.doc,
        }
        for f in features_of(rule)
    ]


def parameters_of(rule: Rule, book: ParameterBook, lang: Lang) -> list[dict[str, Any]]:
    """Limits with their unit, class, source and whether somebody has read it."""
    found: list[dict[str, Any]] = []
    for name, spec in rule.spec.parameters.items():
        if spec.table is None:
            value = measure(spec.value, spec.unit, lang)
            kind = spec.class_.value if spec.class_ else ""
            found.append(_limit(name, value, kind, spec.source or "", spec.verified is True, ""))
            continue
        table = book.table(spec.table)
        for row in table.rows:
            if spec.jurisdiction and row.jurisdiction not in (None, spec.jurisdiction):
                continue
            until = f" – {row.valid_to}" if row.valid_to else " –"
            where = f"{row.jurisdiction}, " if row.jurisdiction else ""
            value = measure(row.value, table.unit, lang)
            held = f"{where}{row.valid_from}{until}"
            found.append(_limit(name, value, row.class_.value, row.source, row.verified, held))
    return found


def _limit(
    name: str, value: str, kind: str, source: str, verified: bool, held: str
) -> dict[str, Any]:
    return {
        "name": name, "value": value, "class": kind, "source": source, "verified": verified,
        "held": held,
    }  # fmt: skip


def versions_of(book: Rulebook, rule_id: str, lang: Lang) -> list[dict[str, Any]]:
    """Every text, newest first, with who proposed and who approved it."""
    rows = []
    for version in reversed(book.versions(rule_id)):
        told = version_object(book, rule_id, version)
        text = Text(version, told["content_hash"])
        events = book.events.get(rule_id, ())
        rows.append(
            {
                "version": version,
                "hash": told["content_hash"],
                "state": told["status"],
                "source": told["source"],
                "first_seen": moment(told["first_seen"], lang) if told["first_seen"] else "",
                "wrote": sorted(proposers(events, text)),
                "approved": sorted(_approvers(events, text)),
            }
        )
    return rows


def _approvers(events: Sequence[RuleEvent], text: Text) -> set[str]:
    return {
        e.actor
        for e in events
        if e.kind is RuleAct.APPROVED and Text(e.version, e.content_hash) == text
    }


def diff_lines(old: str, new: str) -> list[tuple[str, str, str, str]]:
    """From one text to another: (sign, old line number, new line number, line); "@" is a gap."""
    a, b = old.splitlines(), new.splitlines()
    found: list[tuple[str, str, str, str]] = []
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    for at, group in enumerate(matcher.get_grouped_opcodes(3)):
        if at:
            found.append(("@", "", "", "…"))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                found += [(" ", str(i + 1), str(j1 + i - i1 + 1), a[i]) for i in range(i1, i2)]
                continue
            found += [("−", str(i + 1), "", a[i]) for i in range(i1, i2)]
            found += [("+", "", str(j + 1), b[j]) for j in range(j1, j2)]
    return found


def acts_of(events: Sequence[RuleEvent], lang: Lang) -> list[dict[str, Any]]:
    """What was decided, newest first."""
    say = sayer(lang)
    return [
        {
            "at": moment(event.at, lang),
            "iso": event.at.isoformat(),
            "what": say(
                f"studio.act.{event.kind.value}", version=event.version,
                who=say("studio.release") if event.actor == RELEASE else event.actor,
            ),
            "note": event.note or "",
        }
        for event in reversed(events)
    ]  # fmt: skip


def possible(book: Rulebook, rule: Rule, who: Principal) -> dict[str, Any]:
    """What the person may do with the rule now, and why not where that is worth saying."""
    now = book.standing(rule.id)
    shadow = book.version(rule.id, now.shadow.version) if now.shadow else None
    mine = shadow is not None and any(
        same_person(who.name, one)
        for one in proposers(book.events.get(rule.id, ()), text_of(shadow))
    )
    earlier = rolled_back(now)
    return {
        "write": "rules.write" in who.may,
        "approve": shadow is not None and "rules.approve" in who.may,
        "own_proposal": mine,
        "retire": "rules.write" in who.may and bool(now.live or now.shadow),
        "back_to": earlier.live.version if earlier and earlier.live else None,
        "shadow_hash": shadow.content_hash if shadow else "",
    }


def cases_of(rule: Rule, parameters: ParameterBook, digest: str) -> tuple[CaseResult, ...]:
    """How the examples of a rule end; the same text is run once."""
    return _results(_Key(rule, parameters, digest))


class _Key:
    """What examples depend on: the text and the parameter tables."""

    def __init__(self, rule: Rule, parameters: ParameterBook, digest: str) -> None:
        self.rule, self.parameters = rule, parameters
        self.key = (rule.id, rule.content_hash, rule.path, digest)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.key == self.key


@lru_cache(maxsize=256)
def _results(key: _Key) -> tuple[CaseResult, ...]:
    from rules.cases import run_cases

    return tuple(run_cases(key.rule, key.parameters, catalogue()))


def case_rows(results: Sequence[CaseResult], lang: Lang) -> list[dict[str, Any]]:
    """Examples with what was expected and what came."""
    return [
        {
            "name": one.name,
            "level": one.level,
            "expected": known_word(lang, "outcome", one.expected),
            "got": known_word(lang, "outcome", one.outcome),
            "reason": known_word(lang, "why", one.reason) if one.reason else "",
            "passed": one.passed,
            "detail": one.detail,
        }
        for one in results
    ]


def exception_rows(found: Sequence[Mapping[str, Any]], lang: Lang) -> list[dict[str, Any]]:
    """Exceptions, newest first."""
    return [
        {
            **one,
            "kind": known_word(lang, "kind", one["subject"]["kind"] or ""),
            "key": one["subject"]["key"] or "",
            "added": moment(one["added_at"], lang),
        }
        for one in reversed(found)
    ]
