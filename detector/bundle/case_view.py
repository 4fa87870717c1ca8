"""The report of a case as sections of blocks: the case, its record, then each alert in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from detector.bundle.case_charts import slope_chart
from detector.bundle.case_gather import CaseEvidence
from detector.bundle.figures import difference, measure, moment, plain
from detector.bundle.gather import Evidence, Row
from detector.bundle.profiles import Profile
from detector.bundle.view import (
    Block,
    Made,
    Report,
    Say,
    Section,
    doubt_section,
    heads,
    law_section,
    measured_sections,
    named,
    rule_blocks,
    state_of,
)
from detector.bundle.view_record import audit_blocks, history_blocks, verify_blocks, who_did
from detector.bundle.wording import Lang, in_language, words
from features.catalogue import catalogue

MOST_CHAPTERS = 40
"""Alerts told one after the other in the report; each has a report of its own as well."""
MOST_EVENTS = 200


def folder_of(alert_id: str) -> str:
    """Where the files of an alert lie in the bundle of its case."""
    return f"alerts/{alert_id}/"


def case_report(found: CaseEvidence, made: Made, lang: Lang) -> Report:
    """The report of a case that was already redacted."""
    say = words(lang)
    notes = [say["suspicion"]]
    if made.profile is not Profile.INTERNAL:
        notes.append(say[f"redacted.case.{made.profile}"])
    if found.left_out:
        notes.append(say["case.left_out"].format(n=found.left_out))
    sections = [
        Section(say["head.case"], [_what(found, made, lang)]),
        Section(say["head.parties"], _parties(found, lang)),
        Section(say["head.alerts"], _alerts(found, lang)),
        *_interventions(found, lang),
        Section(say["head.tasks"], _tasks(found, say)),
        Section(say["head.notes"], _notes(found, say)),
        Section(say["head.timeline"], _timeline(found, say)),
        *_chapters(found, lang),
        Section(say["head.rules"], _rules(found, lang)),
        Section(say["head.audit"], audit_blocks(found.proof, say)),
        Section(say["head.verify"], verify_blocks(made, say)),
    ]
    return Report(
        lang=lang,
        kind=f"{say['report.case']} · {say[f'profile.{made.profile}']}",
        title=str(found.case["title"]),
        lead=_lead(found, say),
        notes=notes,
        foot=f"{found.case['number']} · {moment(made.created)}",
        sections=[one for one in sections if one.blocks],
    )


def _lead(found: CaseEvidence, say: Say) -> str:
    return say["case.lead"].format(
        alerts=len(found.alerts), parties=len(found.parties), done=len(found.interventions)
    )


def _what(found: CaseEvidence, made: Made, lang: Lang) -> Block:
    say, case = words(lang), found.case
    outcome = case.get("outcome")
    rows = [
        (say["case"], case["number"]),
        (say["for"], say[f"profile.{made.profile}"]),
        (say["state"], say[f"case.state.{case['state']}"]),
        (say["case.outcome"], say[f"case.outcome.{outcome}"] if outcome else ""),
        (say["case.unit"], case.get("unit") or ""),
        (say["case.jurisdiction"], case.get("jurisdiction") or ""),
        (say["case.owner"], case.get("owner") or ""),
        (say["opened"], moment(case["opened_at"])),
        (say["case.updated"], moment(case["updated_at"])),
        (say["case.version"], str(case["version"])),
        (say["created"], moment(made.created)),
    ]
    return {"kind": "pairs", "rows": [list(row) for row in rows if row[1]]}


def _table(columns: Sequence[Row], rows: list[list[str]]) -> list[Block]:
    return [{"kind": "table", "columns": columns, "rows": rows}] if rows else []


def _parties(found: CaseEvidence, lang: Lang) -> list[Block]:
    say = words(lang)
    rows = [
        [named(str(one["firm"]), found.names, lang), say[f"role.{one['role']}"]]
        for one in found.parties
    ]
    return _table(heads(say, "firm", "role"), rows)


def _alerts(found: CaseEvidence, lang: Lang) -> list[Block]:
    say = words(lang)
    rows = [
        [
            str(one.alert["id"]),
            in_language(one.alert["title"], lang),
            say["to"].format(a=one.alert["period"]["start"], b=one.alert["period"]["end"]),
            say["of5"].format(n=one.alert["severity"]),
            state_of(one.alert, say),
            _again(one, say),
        ]
        for one in found.alerts
    ]
    told = _table(heads(say, "alert", "suspicion", "period", "severity", "state", "again"), rows)
    if len(found.alerts) > MOST_CHAPTERS:
        text = say["case.chapters"].format(n=MOST_CHAPTERS, m=len(found.alerts))
        told.append({"kind": "note", "text": text})
    return told or [{"kind": "para", "text": say["case.no_alerts"]}]


def _again(one: Evidence, say: Say) -> str:
    """What judging it again gave, in a word."""
    outcome = one.replay.get("outcome")
    return say["again.identical" if outcome == "identical" else
               "again.none" if outcome is None else "again.differs"]  # fmt: skip


def _interventions(found: CaseEvidence, lang: Lang) -> list[Section]:
    say = words(lang)
    told = []
    for one in found.interventions:
        amount = f"{plain(one['amount'])} {one['currency']}" if one["amount"] is not None else ""
        rows = [
            (say["case.decided_on"], one["decided_on"]),
            (say["case.amount"], amount),
            (say["case.basis"], one["legal_basis"]),
            (say["case.corrected"], _corrected(one)),
        ]
        blocks: list[Block] = [{"kind": "para", "text": str(one["text"])}]
        blocks.append({"kind": "pairs", "rows": [list(row) for row in rows if row[1]]})
        blocks += [block for target in one["targets"] for block in _target(target, say, lang)]
        title = say["head.intervention"].format(kind=say[f"intervention.{one['kind']}"],
                                                n=one["id"])  # fmt: skip
        told.append(Section(title, blocks))
    return told


def _corrected(one: Row) -> str:
    return moment(one["corrected_at"]) if one.get("corrected_at") else ""


def _target(target: Row, say: Say, lang: Lang) -> list[Block]:
    """What was to move, whether it did, and by how much more than its peers."""
    feature = catalogue().features.get(target["feature"])
    title = feature.title[lang] if feature else target["feature"]
    title = title[:1].upper() + title[1:]
    wanted = say[f"target.{target['direction']}"].format(
        feature=title, subject=target["subject_key"], day=target["by"]
    )
    found = target["follow_up"]
    if found is None:
        return [{"kind": "para", "text": wanted}, {"kind": "note", "text": say["target.not_yet"]}]
    told = say[f"verdict.{found['verdict']}"]
    if found["reason"]:
        told += say["colon"] + say.get(f"cannot.{found['reason']}", str(found["reason"]))
    blocks: list[Block] = [{"kind": "para", "text": wanted}, {"kind": "para", "text": told}]
    if found.get("subject"):
        unit = feature.unit if feature else None
        svg = slope_chart(found, unit, title, say)
        blocks.append({"kind": "chart", "svg": svg, "caption": say["chart.slope"]})
        blocks += _table(
            heads(say, "whose", "before", "after", right=("before", "after")),
            [
                [say[f"slope.{who}"], *(measure(value, unit, say) for value in found[name])]
                for who, name in (("subject", "subject"), ("peers", "peers_median"))
            ],
        )
        blocks.append({"kind": "note", "text": _effect(found, unit, say)})
    return blocks


def _effect(found: Mapping[str, Any], unit: object, say: Say) -> str:
    interval = found.get("interval")
    between = say["target.no_interval"]
    if interval:
        between = " – ".join(difference(end, unit, say) for end in interval)
    return say["target.effect"].format(
        effect=difference(found["effect"], unit, say), interval=between, n=found["n_peers"],
        before=found["n_before"], after=found["n_after"],
    )  # fmt: skip


def _tasks(found: CaseEvidence, say: Say) -> list[Block]:
    rows = [
        [
            str(one["text"]),
            str(one["assignee"] or "–"),
            str(one["due_on"] or "–"),
            moment(one["done_at"]) if one["done"] else say["no"],
        ]
        for one in found.tasks
    ]
    return _table(heads(say, "task", "who", "due", "done"), rows)


def _notes(found: CaseEvidence, say: Say) -> list[Block]:
    rows = [
        [moment(one["at"]), str(one["author"]), str(one["text"]).replace("**", "")]
        for one in found.notes
    ]
    return _table(heads(say, "when", "who", "text"), rows)


def _timeline(found: CaseEvidence, say: Say) -> list[Block]:
    rows = [
        [
            moment(event["at"]),
            str(event["alert"] or found.case["number"]),
            who_did(str(event["actor"]), say),
            _act(event, say),
            # a note stands among the notes
            "–" if event["kind"] == "noted" else str(event["note"] or "–"),
        ]
        for event in found.timeline[:MOST_EVENTS]
    ]
    told = _table(heads(say, "when", "about", "who", "act", "note"), rows)
    if len(found.timeline) > MOST_EVENTS:
        text = say["case.events"].format(n=MOST_EVENTS, m=len(found.timeline))
        told.append({"kind": "note", "text": text})
    return told


def _act(event: Row, say: Say) -> str:
    group = "case.act" if event["alert"] is None else "act"
    return say.get(f"{group}.{event['kind']}", str(event["kind"]))


def _chapters(found: CaseEvidence, lang: Lang) -> list[Section]:
    told = []
    for one in found.alerts[:MOST_CHAPTERS]:
        title = in_language(one.alert["title"], lang)
        lead: Block = {"kind": "para", "text": in_language(one.alert["message"], lang)}
        told.append(Section(f"{one.alert['id']}  {title[:1].upper()}{title[1:]}", [lead]))
        inner = [
            *measured_sections(one, lang),
            law_section(one, lang),
            doubt_section(one, lang),
            Section(words(lang)["head.history.out"], history_blocks(one, lang)),
        ]
        told += [Section(part.title, part.blocks, 3) for part in inner]
    return told


def _rules(found: CaseEvidence, lang: Lang) -> list[Block]:
    """Each rule once, with where its file lies."""
    told, seen = list[Block](), set[tuple[str, str]]()
    for one in found.alerts:
        for rule in one.rules:
            key = (rule["id"], rule["version"])
            if key not in seen:
                told += rule_blocks([rule], lang, folder_of(str(one.alert["id"])))
            seen.add(key)
    return told
