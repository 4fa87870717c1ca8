"""The catalogue of rules as its page shows it: filtered by the address, grouped by family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from api.web.figures import plain
from api.web.queue_view import typology_title
from api.web.wording import Lang, sayer
from detector.rule_drafts import Draft
from detector.rule_figures import AllFigures, Figures
from detector.rule_records import RELEASE
from detector.rule_views import rule_object
from detector.rulebook import Rulebook
from features.vocabulary import TYPOLOGIES
from rules.load import Rule
from rules.spec import Status

STATES = ("active", "shadow", "draft", "retired")
TABS = ("", *STATES, "any")
"""Without a state what judges is shown; every rule only when asked for."""
USED = ("active", "shadow")
LONGEST = 200


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    q: str = ""
    state: str = ""
    typology: str = ""
    severity: str = ""

    @property
    def set(self) -> bool:
        return bool(self.q or self.typology or self.severity)

    def address(self, **changes: str) -> str:
        """The page with some of it changed."""
        fields = {name: getattr(self, name) for name in ("q", "state", "typology", "severity")}
        kept = {name: value for name, value in (fields | changes).items() if value}
        return f"/rules?{urlencode(kept)}" if kept else "/rules"


def asked_of(query: Mapping[str, str]) -> Asked:
    """Reads an address; what means nothing is passed over."""
    given = {name: query.get(name, "").strip()[:LONGEST] for name in Asked.__dataclass_fields__}
    if given["state"] not in TABS:
        given["state"] = ""
    if given["typology"] not in TYPOLOGIES:
        given["typology"] = ""
    if given["severity"] not in ("1", "2", "3", "4", "5"):
        given["severity"] = ""
    return Asked(**given)


def rules_list(
    book: Rulebook, drafts: Mapping[str, Draft], figures: AllFigures, asked: Asked, lang: Lang
) -> dict[str, Any]:
    """Everything `rules.html` shows."""
    rows = [_row(book, drafts, figures, rule_id, lang) for rule_id in book.ids()]
    rows += [_faulty(draft) for name, draft in drafts.items() if name not in set(book.ids())]
    found = [row for row in rows if _fits(row, asked)]
    counts = {tab: sum(_under(row, tab) for row in found) for tab in TABS}
    shown = [row for row in found if _under(row, asked.state)]
    return {
        "asked": asked,
        "groups": _grouped(shown),
        "counts": counts,
        "tabs": TABS,
        "typologies": _typologies(rows, lang),
    }


def _under(row: Mapping[str, Any], tab: str) -> bool:
    """Whether a rule stands under a tab; a draft in the making stands under drafts, too."""
    if tab == "any":
        return True
    if tab == "draft" and row["drafted"]:
        return True
    return row["state"] in USED if tab == "" else row["state"] == tab


def _grouped(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    families = dict.fromkeys(t.family for t in TYPOLOGIES.values())
    order = {state: at for at, state in enumerate(STATES)}
    groups = []
    for family in [*families, ""]:
        mine = [row for row in rows if row["family"] == family]
        mine.sort(key=lambda row: (order[row["state"]], row["typology"], row["id"]))
        if mine:
            groups.append({"family": family, "rows": mine})
    return groups


def _typologies(rows: Sequence[Mapping[str, Any]], lang: Lang) -> list[tuple[str, str]]:
    used = {row["typology"] for row in rows}
    return [(name, typology_title(name, lang)) for name in TYPOLOGIES if name in used]


def _fits(row: Mapping[str, Any], asked: Asked) -> bool:
    words = asked.q.casefold().split()
    return (
        all(word in row["search"] for word in words)
        and asked.typology in ("", row["typology"])
        and asked.severity in ("", str(row["severity"]))
    )


def _row(
    book: Rulebook,
    drafts: Mapping[str, Draft],
    figures: AllFigures,
    rule_id: str,
    lang: Lang,
) -> dict[str, Any]:
    told = rule_object(book, rule_id)
    shown = _shown_text(book, rule_id, told)
    mine = figures.of(rule_id, told["version"])
    spec = shown.spec
    open_limits = spec.disclosure == "public"
    text = f"{rule_id} {spec.title.en} {spec.title.zh} {spec.typology}"
    if open_limits:
        text += f" {spec.condition} {' '.join(spec.parameters)}"
    return {
        "id": rule_id,
        "title": spec.title.zh if lang == "zh" else spec.title.en,
        "typology": spec.typology,
        "typology_title": typology_title(spec.typology, lang),
        "family": TYPOLOGIES[spec.typology].family,
        "state": told["status"],
        "beside": told["shadow"] is not None and told["live"] is not None,
        "drafted": rule_id in drafts and unproposed(book, drafts[rule_id]),
        "version": told["version"],
        "severity": spec.severity,
        "lane": spec.lane.value,
        **figures_shown(mine, spec.max_flag_rate, lang),
        "changed": _changed(book, rule_id),
        "search": text.casefold(),
    }


def _shown_text(book: Rulebook, rule_id: str, told: Mapping[str, Any]) -> Rule:
    if told["live"] is not None:
        return book.version(rule_id, told["version"])
    return book.candidate(rule_id)


def unproposed(book: Rulebook, draft: Draft) -> bool:
    """Whether a draft is something nobody has decided about yet."""
    known = [one.content_hash for (name, _), one in book.kept.items() if name == draft.rule_id]
    return draft.content_hash not in known


def _faulty(draft: Draft) -> dict[str, Any]:
    """A draft that cannot be read as a rule yet."""
    nothing = figures_shown(Figures(), None, "en")
    return {
        "id": draft.rule_id, "title": draft.rule_id, "typology": "", "typology_title": "",
        "family": "", "state": Status.DRAFT.value, "beside": False, "drafted": True,
        "version": "", "severity": 0, "lane": "", **nothing,
        "changed": {"at": draft.saved_at, "by": draft.saved_by},
        "search": draft.rule_id,
    }  # fmt: skip


def _changed(book: Rulebook, rule_id: str) -> dict[str, Any]:
    """When something was last decided about it, and by whom; else the day its text names."""
    own = [event for event in book.events.get(rule_id, ()) if event.actor != RELEASE]
    if own:
        return {"at": own[-1].at, "by": own[-1].actor}
    day = book.candidate(rule_id).spec.modified
    return {"at": datetime(day.year, day.month, day.day), "by": ""}


def figures_shown(mine: Figures, cap: float | None, lang: Lang) -> dict[str, Any]:
    """Alerts, noise against its cap, and precision, in words."""
    say, fired = sayer(lang), mine.fired
    over = cap is not None and fired.value is not None and fired.value > cap
    noise = share(fired.value) if fired.n else ""
    return {
        "alerts": mine.alerts,
        "noise": noise,
        "noise_of": f"{fired.n:,}" if fired.n else "",
        "cap": share(cap) if cap is not None else "",
        "over": over,
        "precision": _precision(mine, say),
        "few": mine.precision is not None and mine.few,
    }


def _precision(mine: Figures, say: Any) -> str:
    found = mine.precision
    if found is None:
        return ""
    if mine.few:
        return str(say("rules.precision.few", k=found["k"], n=found["n"]))
    low, high = share(found["low"]), share(found["high"])
    return str(say("rules.precision.of", p=share(found["value"]), low=low, high=high, n=found["n"]))


def share(value: float | None) -> str:
    """A share as percent."""
    return "–" if value is None else f"{plain(100 * value, 2)}\u00a0%"
