"""Tables around the subject: who its members and parties are, what was filed about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from api.web.facts_view import TALLY, weight_rows
from api.web.figures import as_date, measure, moment, percent, period, plain
from api.web.queue_view import one_line_reason
from api.web.wording import Lang, known_word, one_bold, words
from detector.surroundings import Row, Surroundings

Alert = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One cell; `href` makes it a link, `num` sets it to the right."""

    text: str
    href: str = ""
    num: bool = False
    mono: bool = False


@dataclass(frozen=True)
class Table:
    """A small table with its heading; `notes` are sentences above it."""

    title: str
    columns: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()


Maker = Callable[[Alert, Surroundings, Lang], list[Table]]


def around(alert: Alert, found: Surroundings, lang: Lang) -> list[Table]:
    """The tables that belong to the kind of subject; none where nothing is filed."""
    tallies = [fact for fact in alert["facts"] if fact.get("feature") == TALLY]
    tables = [_examples(fact, alert, found, lang) for fact in tallies]
    maker = _MAKERS.get(str(alert["subject"]["kind"]))
    tables += maker(alert, found, lang) if maker else []
    return [table for table in tables if table.rows]


def subject_link(key: str) -> str:
    """The queue with everything about one subject."""
    return f"/?{urlencode({'state': 'any', 'subject': key})}"


def _heads(lang: Lang, *names: str, right: Collection[str] = ()) -> list[Cell]:
    return [Cell(words(lang)[f"around.{name}"], num=name in right) for name in names]


def _firm_cells(key: object, names: Mapping[str, tuple[str, str]], lang: Lang) -> list[Cell]:
    firm = str(key or "–")
    name = names.get(firm, (firm, firm))[lang == "zh"]
    return [Cell(name, subject_link(firm)), Cell(firm, mono=True)]


def _examples(fact: Mapping[str, Any], alert: Alert, found: Surroundings, lang: Lang) -> Table:
    keys = [str(key) for key in fact.get("examples") or ()]
    judged = {r["subject_key"]: r for r in found.judged(alert["typology"], "tender", keys)}
    rows = []
    for key in sorted(keys, key=lambda k: list(judged).index(k) if k in judged else len(judged)):
        row = judged.get(key, {})
        month = period(row["period_start"], row["period_end"], lang) if row else "–"
        p = plain(row["p_value"], 2) if row.get("p_value") is not None else "–"
        seen = _seen(row, lang) if row else "–"
        cells = [
            Cell(key, subject_link(key), mono=True),
            Cell(month),
            Cell(seen),
            Cell(p, num=True),
        ]
        rows.append(cells)
    heads = _heads(lang, "tender", "month", "seen", "p", right=("p",))
    return Table(words(lang)["tally.title"], heads, rows, _tally_notes(fact, len(rows), lang))


def _seen(row: Row, lang: Lang) -> str:
    """What was seen in one tender: the sentence of its rule, else of its model."""
    import json

    told = {"en": row.get("message_en") or "", "zh": row.get("message_zh") or ""}
    facts = json.loads(row.get("facts") or "[]")
    text, _ = one_line_reason({"message": told, "facts": facts}, lang)
    if not text and weight_rows(facts, lang):
        text = weight_rows(facts, lang)[0].title
    return str(one_bold(text).striptags()) if text else "–"


def _tally_notes(fact: Mapping[str, Any], shown: int, lang: Lang) -> list[str]:
    say, n, count = words(lang), int(fact.get("n") or 0), int(fact.get("count") or 0)
    rate, likeness = float(fact.get("threshold") or 0), float(fact.get("likeness") or 0)
    usual = measure(rate, "share", lang)
    notes = [say["tally.means"].format(count=count, n=n, rate=usual, usual=plain(n * rate, 2))]
    if fact.get("rule_hits"):
        notes.append(say["tally.rules"].format(hits=fact["rule_hits"], n=n))
    alike = say["tally.alike"].format(likeness=plain(likeness, 2)) if likeness else None
    notes.append(alike or say["tally.unlike"])
    if shown < count:
        notes.append(say["tally.some"].format(shown=shown, count=count))
    return [*notes, say["around.p_note"] + ("。" if lang == "zh" else ".")]


def _members(alert: Alert, found: Surroundings, lang: Lang) -> list[Table]:
    firms = str(alert["subject"]["key"]).split("|")
    names = found.names(firms)
    rows = [_firm_cells(firm, names, lang) for firm in firms]
    tables = [Table(words(lang)["around.members"], _heads(lang, "firm", "id"), rows)]
    known = found.features(alert["typology"], "cluster_m", alert["subject"]["key"], _start(alert))
    pairs: list[tuple[str, str | Cell]] = []
    for row in known[:1]:
        platform = str(row["platform_id"] or "")
        pairs = [
            ("platform", found.names([platform]).get(platform, (platform, platform))[lang == "zh"]),
            ("orders", measure(row["orders"], None, lang)),
            ("gross", measure(row["gross"], None, lang)),
        ]
    return [*tables, _pairs("what", pairs, lang)]


def _parties(alert: Alert, found: Surroundings, lang: Lang) -> list[Table]:
    deal = str(alert["subject"]["key"]).split("/", maxsplit=1)[0]
    parties = found.filed("deal_parties", deal_id=deal)
    names = found.names([str(p["party_id"]) for p in parties])
    rows = [
        [
            *_firm_cells(p["party_id"], names, lang),
            Cell(known_word(lang, "value", str(p["role"] or "–"))),
            Cell(_money(p["turnover_world"], p["currency"]), num=True),
        ]
        for p in parties
    ]
    heads = _heads(lang, "firm", "id", "role", "turnover", right=("turnover",))
    if not any(p["role"] for p in parties):
        heads, rows = [*heads[:2], heads[3]], [[*row[:2], row[3]] for row in rows]
    return [Table(words(lang)["around.parties"], heads, rows), _markets(alert, found, lang)]


def _markets(alert: Alert, found: Surroundings, lang: Lang) -> Table:
    known = found.features(
        alert["typology"], "deal_market", str(alert["subject"]["key"]), _start(alert)
    )
    rows = [
        [
            Cell(str(row["market_id"]), subject_link(str(row["market_id"])), mono=True),
            Cell(measure(row["combined_share"], "%", lang), num=True),
            Cell(measure(row["hhi_delta"], "points", lang), num=True),
            Cell(measure(row["hhi_post"], "points", lang), num=True),
        ]
        for row in sorted(known, key=lambda r: -(r["hhi_delta"] or 0))
    ]
    numbers = ("share", "rise", "after")
    heads = _heads(lang, "market", *numbers, right=numbers)
    return Table(words(lang)["around.markets"], heads, rows)


def _types(alert: Alert, found: Surroundings, lang: Lang) -> list[Table]:
    known = found.features(
        alert["typology"], "app_data_type", str(alert["subject"]["key"]), _start(alert)
    )
    rows = [
        [
            Cell(known_word(lang, "value", str(row["data_type"])).replace("_", " ")),
            Cell(measure(row["sessions"], None, lang), num=True),
            Cell(known_word(lang, "bool", _yes_no(row["identified"]))),
        ]
        for row in sorted(known, key=lambda r: -(r["sessions"] or 0))
        if row["uc_undeclared"] == 1
    ]
    heads = _heads(lang, "type", "sessions", "identified", right=("sessions",))
    pairs: list[tuple[str, str | Cell]] = []
    for row in known[:1]:
        names = found.names([str(row["operator_id"])])
        pairs = [
            ("operator", _firm_cells(row["operator_id"], names, lang)[0]),
            ("version", str(row["version"] or "–")),
            ("kind", str(row["app_type"] or "–").replace("_", " ")),
        ]
    return [Table(words(lang)["around.types"], heads, rows), _pairs("what", pairs, lang)]


def _incident(alert: Alert, found: Surroundings, lang: Lang) -> list[Table]:
    key = str(alert["subject"]["key"])
    pairs: list[tuple[str, str | Cell]] = []
    for row in found.filed("breach_notifications", incident_id=key)[:1]:
        names = found.names([str(row["operator_id"])])
        late = words(lang)["around.not_yet"]
        pairs = [
            ("operator", _firm_cells(row["operator_id"], names, lang)[0]),
            ("aware", moment(row["aware_at"], lang)),
            ("notified", moment(row["notified_at"], lang) if row["notified_at"] else late),
            ("users", moment(row["users_notified_at"], lang) if row["users_notified_at"] else late),
            ("persons", measure(row["persons"], None, lang)),
            ("sensitive", measure(row["sensitive_persons"], None, lang)),
        ]
    for row in found.features(alert["typology"], "incident", key, _start(alert))[:1]:
        limit = f"{measure(row['deadline_h'], 'h', lang)} ({row['jurisdiction']}"
        source = f", {row['deadline_source']})" if row["deadline_source"] else ")"
        pairs.insert(1, ("limit", limit + source))
    return [_pairs("incident", pairs, lang)]


def _bids(alert: Alert, found: Surroundings, lang: Lang) -> list[Table]:
    tender, _, lot = str(alert["subject"]["key"]).partition("/")
    wanted = {"tender_id": tender} | ({"lot_id": lot} if lot else {})
    bids = [b for b in found.filed("bids", **wanted) if b["amount"]]
    names = found.names([str(b["bidder_id"]) for b in bids])
    bids.sort(key=lambda b: b["amount"])
    rows = [
        [
            *_firm_cells(b["bidder_id"], names, lang),
            Cell(_money(b["amount"], b["currency"]), num=True),
            Cell(percent_above(b["amount"], bids[0]["amount"]), num=True),
            Cell("✓" if b["won"] else ""),
        ]
        for b in bids
    ]
    heads = _heads(lang, "firm", "id", "amount", "above", "won", right=("amount", "above"))
    return [Table(words(lang)["around.bids"], heads, rows)]


def percent_above(amount: float, lowest: float) -> str:
    """How far an amount lies above the lowest."""
    share = amount / lowest - 1
    return "–" if share == 0 else f"{plain(share * 100, 3)}\u00a0%" if lowest else percent(0)


def _firm_in_market(alert: Alert, found: Surroundings, lang: Lang) -> list[Table]:
    market, _, firm = str(alert["subject"]["key"]).partition("/")
    cells = _firm_cells(firm, found.names([firm]), lang)
    market_cell = Cell(market, subject_link(market), mono=True)
    return [_pairs("what", [("firm", cells[0]), ("market", market_cell)], lang)]


def _pairs(title: str, pairs: Sequence[tuple[str, str | Cell]], lang: Lang) -> Table:
    """A table of names and values, one a line."""
    say = words(lang)
    rows = [
        [Cell(say[f"around.{name}"]), value if isinstance(value, Cell) else Cell(value)]
        for name, value in pairs
    ]
    return Table(say[f"around.{title}"], (), rows)


def _money(amount: object, currency: object) -> str:
    if not isinstance(amount, int | float):
        return "–"
    whole = f"{amount:,.0f}" if abs(amount) >= 1000 else plain(float(amount))
    return f"{whole}\u00a0{currency}" if currency else whole


def _yes_no(value: object) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _start(alert: Alert) -> Any:
    return as_date(alert["period"]["start"])


_MAKERS: Mapping[str, Maker] = {
    "cluster": _members,
    "group": _members,
    "pair": _members,
    "deal": _parties,
    "deal_market": _parties,
    "app": _types,
    "incident": _incident,
    "tender": _bids,
    "market_firm": _firm_in_market,
}
