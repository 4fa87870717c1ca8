"""Sections of the report about what was filed, decided, judged again and recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from detector.bundle.figures import moment, plain
from detector.bundle.gather import Evidence, Row
from detector.bundle.profiles import OFFICIAL, Profile
from detector.bundle.proof import Proof
from detector.bundle.wording import Lang, words

if TYPE_CHECKING:
    from detector.bundle.view import Made

Say = Mapping[str, str]
Block = dict[str, Any]
ROWS, COLUMNS = 12, 6
"""Source rows and columns printed; the files hold all."""
DIFFERENCES = 40


def record_sections(found: Evidence, made: Made, lang: Lang) -> list[tuple[str, list[Block]]]:
    """Headings with their blocks."""
    say = words(lang)
    internal = made.profile is Profile.INTERNAL
    return [
        (say["head.sources"], _sources(found, say)),
        (say["head.history" if internal else "head.history.out"], _history(found, say)),
        (say["head.replay"], _replay(found, say)),
        (say["head.audit"], audit_blocks(found.proof, say)),
        (say["head.verify"], verify_blocks(made, say)),
    ]


def history_blocks(found: Evidence, lang: Lang) -> list[Block]:
    """What happened to the alert."""
    return _history(found, words(lang))


def _sources(found: Evidence, say: Say) -> list[Block]:
    tables = found.sources.tables
    if not tables:
        return [{"kind": "para", "text": say["sources.none"]}]
    told: list[Block] = [{"kind": "note", "text": say["sources.note"]}]
    for name, one in sorted(tables.items()):
        line = say["sources.count"].format(
            table=name, n=f"{len(one.rows):,}", file=f"sources/{name}.csv"
        )
        more = [say["sources.some"].format(n=ROWS)] if len(one.rows) > ROWS else []
        more += [say["sources.left"].format(n=f"{one.left_out:,}")] if one.left_out else []
        told.append({"kind": "para", "text": "; ".join([line, *more])})
        shown = [c for c in one.columns if not c.startswith("_") and c != "recorded_at"]
        shown = _telling(shown, one.rows)
        heads = [{"text": c, "num": False} for c in shown]
        rows = [[_cell(row[c], say) for c in shown] for row in one.rows[:ROWS]]
        told.append({"kind": "table", "columns": heads, "rows": rows})
    return told


def _telling(columns: list[str], rows: list[Row]) -> list[str]:
    """Columns that tell the printed rows apart, in their order; the first ones where all do."""
    head = rows[:ROWS]
    varied = [c for c in columns if len({str(row[c]) for row in head}) > 1]
    chosen = [*varied, *(c for c in columns if c not in varied)][:COLUMNS]
    return [c for c in columns if c in chosen]


def _cell(value: object, say: Say) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return say["yes" if value else "no"]
    if isinstance(value, float):
        return plain(value, 6)
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _history(found: Evidence, say: Say) -> list[Block]:
    heads = [{"text": say[f"col.{c}"], "num": False} for c in ("when", "who", "act", "note")]
    rows = [
        [
            moment(event["at"]),
            who_did(str(event["actor"]), say),
            say.get(f"act.{event['kind']}", event["kind"]),
            _note(event, say),
        ]
        for event in found.history
    ]
    return [{"kind": "table", "columns": heads, "rows": rows}] if rows else []


def who_did(actor: str, say: Say) -> str:
    """An actor as the report names them."""
    if actor == "system":
        return say["system"]
    name, _, number = actor.partition(" ")
    return f"{say['official']} {number}" if name == OFFICIAL and number.isdigit() else actor


def _note(event: Row, say: Say) -> str:
    reason = str(event.get("reason") or "")
    parts = [say.get(f"reason.{reason}", reason), str(event.get("note") or "")]
    return say["colon"].join(part for part in parts if part) or "–"


def _replay(found: Evidence, say: Say) -> list[Block]:
    told = found.replay
    if told.get("outcome") is None:
        why = str(told.get("message") or told.get("reason"))
        return [{"kind": "para", "text": say["replay.none"].format(why=why)}]
    if told["outcome"] == "identical":
        return [{"kind": "para", "text": say["replay.identical"].format(n=told["compared"])}]
    differences = told.get("differences") or []
    text = say["replay.differs"].format(m=len(differences), n=told["compared"])
    heads = [{"text": say[f"col.{c}"], "num": False} for c in ("field", "recorded", "replayed")]
    rows = [
        [str(one["field"]), _cell(one["recorded"], say), _cell(one["replayed"], say)]
        for one in differences[:DIFFERENCES]
    ]
    return [{"kind": "para", "text": text}, {"kind": "table", "columns": heads, "rows": rows}]


def audit_blocks(proof: Proof, say: Say) -> list[Block]:
    """The entries of the audit trail."""
    entries = proof.entries
    if not entries:
        return [{"kind": "para", "text": say["audit.none"]}]
    text = say["audit.note"].format(a=entries[0]["seq"], b=entries[-1]["seq"])
    names = ("entry", "when", "person", "act", "hash")
    heads = [{"text": say[f"col.{c}"], "num": False} for c in names]
    rows = [
        [
            str(one["seq"]),
            moment(str(one["at"]).replace("Z", "+00:00")),
            proof.people.get(one["actor"], one["actor"][:12]),
            str(one["action"]),
            f"{one['hash'][:24]}…",
        ]
        for one in entries
    ]
    return [{"kind": "note", "text": text}, {"kind": "table", "columns": heads, "rows": rows}]


def verify_blocks(made: Made, say: Say) -> list[Block]:
    """How to check the bundle."""
    command = f"python verify.py BUNDLE.zip --key {made.key}"
    return [
        {"kind": "para", "text": say["verify.how"]},
        {"kind": "code", "text": command},
        {"kind": "para", "text": say["verify.key"].format(key=made.key)},
    ]
