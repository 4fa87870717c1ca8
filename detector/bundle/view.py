"""The report as sections of blocks, in one language; HTML and PDF are two prints of it.

Blocks: `para` (text), `note` (text), `pairs` (rows of label and value), `table` (columns, rows),
`list` (items), `code` (text), `chart` (svg, caption).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from detector.bundle import charts
from detector.bundle.figures import is_rank, limit, measure, moment, plain, span
from detector.bundle.gather import Evidence, Row
from detector.bundle.profiles import Profile
from detector.bundle.view_record import record_sections
from detector.bundle.wording import Lang, in_language, titled, words

Say = Mapping[str, str]
Block = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """One part of the report."""

    title: str
    blocks: list[Block] = field(default_factory=list)
    level: int = 2


@dataclass(frozen=True)
class Report:
    """The report in one language."""

    lang: Lang
    kind: str
    title: str
    lead: str
    notes: Sequence[str]
    foot: str
    sections: Sequence[Section]


@dataclass(frozen=True)
class Made:
    """How and for whom a bundle is made."""

    profile: Profile
    created: str
    key: str


def report(found: Evidence, made: Made, lang: Lang) -> Report:
    """The report of some evidence that was already redacted."""
    say = words(lang)
    notes = [say["suspicion"]]
    if made.profile is not Profile.INTERNAL:
        notes.append(say[f"redacted.{made.profile}"])
    title = in_language(found.alert["title"], lang)
    sections = [
        Section(say["head.what"], [_what(found, made, lang)]),
        *measured_sections(found, lang),
        Section(say["head.rules"], rule_blocks(found.rules, lang)),
        law_section(found, lang),
        doubt_section(found, lang),
        *(Section(head, blocks) for head, blocks in record_sections(found, made, lang)),
    ]
    return Report(
        lang=lang,
        kind=f"{say['report']} · {say[f'profile.{made.profile}']}",
        title=title[:1].upper() + title[1:],
        lead=in_language(found.alert["message"], lang),
        notes=notes,
        foot=f"{found.alert['id']} · {moment(made.created)}",
        sections=[one for one in sections if one.blocks],
    )


def measured_sections(found: Evidence, lang: Lang) -> list[Section]:
    """What was measured, and what a model weighed where one did."""
    say = words(lang)
    told = [Section(say["head.measured"], _measured(found, lang))]
    if found.weights:
        told.append(Section(say["head.weights"], _weighed(found, lang)))
    return told


def _what(found: Evidence, made: Made, lang: Lang) -> Block:
    say, alert = words(lang), found.alert
    kind = str(alert["subject"]["kind"])
    firms = [named(firm, found.sources.names, lang) for firm in found.sources.concerned]
    period = say["to"].format(a=alert["period"]["start"], b=alert["period"]["end"])
    suspicion = alert.get("suspicion")
    rows = [
        (say["alert"], alert["id"]),
        (say["for"], say[f"profile.{made.profile}"]),
        (say["subject"], f"{say.get(f'kind.{kind}', kind)} {alert['subject']['key']}"),
        (say["firms"], "; ".join(firms)),
        (say["period"], period),
        (say["typology"], alert["typology"]),
        (say["lane"], say[f"lane.{alert['lane']}"]),
        (say["severity"], say["of5"].format(n=alert["severity"])),
        (say["suspicion.score"], "" if suspicion is None else plain(suspicion, 3)),
        (say["models"], ", ".join(f"{m['id']} {m['version']}" for m in alert["models"])),
        (say["state"], state_of(alert, say)),
        (say["opened"], moment(alert["opened_at"])),
        (say["run"], alert["run_id"]),
        (say["snapshot"], alert["snapshot_id"] or ""),
        (say["created"], moment(made.created)),
    ]
    return {"kind": "pairs", "rows": [list(row) for row in rows if row[1]]}


def named(firm: str, names: Mapping[str, Mapping[str, str]], lang: Lang) -> str:
    """A firm by its name, with its id."""
    return f"{names[firm][lang]} ({firm})" if firm in names else firm


def state_of(alert: Row, say: Say) -> str:
    """Where the work on an alert stands, and why it ended."""
    state = say.get(f"state.{alert['state']}", alert["state"])
    why = alert.get("close_reason")
    return f"{state}{say['colon']}{say.get(f'reason.{why}', why)}" if why else str(state)


def _measured(found: Evidence, lang: Lang) -> list[Block]:
    say = words(lang)
    columns = heads(say, "figure", "value", "limit", "interval", "n", "peers", "median", "met",
                     right=("value", "limit", "interval", "n", "peers", "median"))  # fmt: skip
    rows = [_comparison(one, say, lang) for one in found.features]
    if not rows:
        return []
    told: list[Block] = [{"kind": "table", "columns": columns, "rows": rows}]
    drawn = _drawable(found.features)
    if drawn:
        names = [titled(one, lang) for one in drawn]
        svg = charts.peers_chart(drawn, names, say)
        told.append({"kind": "chart", "svg": svg, "caption": say["chart.peers"]})
    over_time = [
        (name, of) for name, of in sorted(found.series.items())
        if sum(isinstance(p["value"], int | float) for p in of["points"]) > 2
    ]  # fmt: skip
    for number, (name, of) in enumerate(over_time[:4]):
        caption = say["chart.time"] if number == 0 else ""
        title = titled({"feature": name, "title": of["title"]}, lang)
        svg = charts.line_chart(of, title, say)
        told.append({"kind": "chart", "svg": svg, "caption": caption})
    return [*told, {"kind": "note", "text": say["measured.note"]}]


def _drawable(rows: Sequence[Row]) -> list[Row]:
    """Figures with a value and a band, each once; of a rank the figure behind it."""
    told: dict[str, Row] = {}
    for row in rows:
        name, value = str(row.get("feature")), row.get("value")
        rank = bool(row.get("expression")) and row.get("expression") != name
        if rank:
            value = row.get("actual")
        if row["band"] and isinstance(value, int | float) and not isinstance(value, bool):
            one = {**row, "value": value, "expression": name}
            told.setdefault(name, one | ({"threshold": None} if rank else {}))
    return list(told.values())


def _comparison(row: Row, say: Say, lang: Lang) -> list[str]:
    unit = "0-1" if is_rank(row) else row.get("unit")
    value, band = row.get("value"), row["band"]
    own = row.get("expression") in (None, "", row.get("feature"))
    shown = measure(value, unit, say)
    if value is None:
        reason = str(row.get("reason") or "missing_input")
        shown = say["why"].format(why=say.get(f"why.{reason}", reason))
    interval = row["interval"]
    return [
        titled(row, lang),
        shown,
        limit(row, say),
        span(interval[0], interval[1], unit, say) if interval else "–",
        plain(row["n"]) if isinstance(row.get("n"), int | float) else "–",
        span(band["p05"], band["p95"], row.get("unit"), say) if band and own else "–",
        measure(band["median"], row.get("unit"), say) if band and own else "–",
        say["yes" if row.get("holds", True) and value is not None else "no"],
    ]


def _weighed(found: Evidence, lang: Lang) -> list[Block]:
    say = words(lang)
    rows = sorted(found.weights, key=lambda one: -float(one.get("share") or 0))
    names = [titled(one, lang) for one in rows]
    columns = heads(say, "figure", "value", "median", "z", "share",
                     right=("value", "median", "z", "share"))  # fmt: skip
    cells = [
        [
            name,
            measure(one.get("value"), one.get("unit"), say),
            measure(one.get("peer_median"), one.get("unit"), say),
            measure(one.get("z"), None, say),
            measure(one.get("share"), "share", say),
        ]
        for one, name in zip(rows, names, strict=True)
    ]
    picture = charts.weights_chart(rows, names, say)
    return [
        {"kind": "table", "columns": columns, "rows": cells},
        {"kind": "chart", "svg": picture, "caption": say["chart.weights"]},
    ]


def rule_blocks(rules: Sequence[Row], lang: Lang, folder: str = "") -> list[Block]:
    """Rules with their texts; `folder` is where their files lie in the bundle."""
    say, told = words(lang), list[Block]()
    for rule in rules:
        name = say["rule.line"].format(id=rule["id"], version=rule["version"])
        told.append({"kind": "para", "text": f"{in_language(rule['title'], lang)} ({name})"})
        if rule["content_hash"]:
            told.append({"kind": "pairs", "rows": [[say["rule.hash"], rule["content_hash"]]]})
        if rule["version_today"] and rule["version_today"] != rule["version"]:
            text = say["rule.today"].format(version=rule["version_today"])
            told.append({"kind": "note", "text": text})
        if rule["text"]:
            text, _, examples = rule["text"].partition("\ntests:")
            told.append({"kind": "code", "text": text})
            if examples:
                file = f"{folder}rules/{rule['id']}@{rule['version']}.yaml"
                told.append({"kind": "note", "text": say["rule.tests"].format(file=file)})
        else:
            why = "restricted.rule" if rule["restricted"] else "rule.notext"
            told.append({"kind": "note", "text": say[why]})
    return told or [{"kind": "para", "text": say["rule.none"]}]


def law_section(found: Evidence, lang: Lang) -> Section:
    """The provisions as in force on the last day of the period."""
    say = words(lang)
    day = found.alert["period"]["end"]
    rows = [
        [
            str(one.get("jurisdiction") or "–"),
            _provision(one, say),
            _since(one, say),
            say["law.in" if one["in_force"] else "law.out"],
        ]
        for one in found.law
    ]
    columns = heads(say, "where", "law", "since", "then")
    blocks: list[Block] = [{"kind": "table", "columns": columns, "rows": rows}] if rows else []
    return Section(say["head.law"].format(day=day), blocks)


def _provision(one: Row, say: Say) -> str:
    name = str(one.get("instrument") or "")
    article, note = str(one.get("article") or ""), str(one.get("note") or "")
    kind, _, number = article.rpartition(" ")
    if kind in ("section", "paragraphs"):
        article = say[f"law.{kind}"].format(n=number)
    elif article[:1].isdigit():
        article = say["law.article"].format(n=article)
    told = f"{say.get(f'instrument.{name}', name)} {article}".strip()
    return f"{told} ({say.get(f'note.{note}', note)})" if note else told


def _since(one: Row, say: Say) -> str:
    first, last = one.get("in_force_from"), one.get("in_force_to")
    if first and last:
        return say["to"].format(a=first, b=last)
    return say["since"].format(a=first) if first else "–"


def doubt_section(found: Evidence, lang: Lang) -> Section:
    """Innocent explanations, and what could not be checked."""
    say, blocks = words(lang), list[Block]()
    innocent = [in_language(one, lang) for one in found.alert["innocent_explanations"]]
    if innocent:
        blocks.append({"kind": "para", "text": say["innocent"]})
        blocks.append({"kind": "list", "items": innocent})
    unchecked = [_unchecked(one, say, lang) for one in found.alert["not_checked"]]
    if unchecked:
        blocks.append({"kind": "para", "text": say["unchecked"]})
        blocks.append({"kind": "list", "items": unchecked})
    return Section(say["head.doubt"], blocks)


def _unchecked(one: Row, say: Say, lang: Lang) -> str:
    if "rule" not in one:
        return in_language(one, lang)
    why = str(one.get("reason") or "missing_input")
    return f"{str(one['rule']).replace('@', ' ')}{say['colon']}{say.get(f'why.{why}', why)}"


def heads(say: Say, *names: str, right: Sequence[str] = ()) -> list[Row]:
    """Columns of a table; those named in `right` hold numbers."""
    return [{"text": say[f"col.{name}"], "num": name in right} for name in names]
