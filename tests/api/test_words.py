"""Both catalogues hold every phrase the pages use, with the same values, and nothing more."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from alerts.model import CloseReason, EventKind, State
from api.known import OUTCOMES
from api.web.wording import LANGS, words
from features.vocabulary import GRAINS, Lane, Reason
from rules.ruleset import load_library

ROOT = Path(str(files("api")))
GROUPS = {
    "state": [s.value for s in State],
    "reason": [r.value for r in CloseReason],
    "act": [k.value for k in EventKind],
    "why": [r.value for r in Reason],
    "lane": [lane.value for lane in Lane],
    "outcome": list(OUTCOMES),
    "severity": ["1", "2", "3", "4", "5"],
    "kind": sorted({g.subject_kind for g in GRAINS.values()}),
}
BUILT = {
    "act.",
    "gone.",
    "chip.",
    "class.",
    "done.",
    "error.",
    "kind.",
    "lane.",
    "outcome.",
    "part.",
}
BUILT |= {"reason.", "severity.", "state.", "theme.", "keys.", "unit.", "view.", "why.", "bool."}
BUILT |= {
    "audit.bad.",
    "key.",
    "audit.filter.",
    "role.",
    "attribute.",
    "around.",
    "queue.do.",
    "queue.ask.",
    "queue.note.",
    "queue.send.",
    "queue.done.",
    "queue.why.",
    "queue.refused.",
    "queue.view.done.",
    "filter.",
    "expression.",
    "instrument.",
    "nav.",
    "help.outcome.",
    "help.lane.",
    "profile.done.",
    "known_now.",
    "family.",
    "bundle.",
    "doubt.",
    "decide.",
    "rules.state.",
    "studio.",
    "rules.family.",
    "note.",
    "refused.",
    "replay.",
    "value.",
}
FIRMS = "role sector size table register figure of refused done filter search purpose stake markets"
FIRMS += " measures coverage network similar part empty side event mark length link unit"
BUILT |= {f"firms.{group}." for group in FIRMS.split()}
CASES = "act bundle cannot caution direction do done events field filter kind outcome"
CASES += " refused role state task verdict view receive"
BUILT |= {f"cases.{group}." for group in CASES.split()}
BUILT |= {"data.name.", "data.kind.", "data.look.", "data.mapped_by.", "data.done."}
BUILT |= {"data.refused.", "fault.", "slot.", "people.refused.", "people.done."}
BUILT |= {"people.secret.", "notices.refused.", "notices.done.", "notices.is.", "notices.tells."}
BUILT |= {f"approvals.{g}." for g in ("kind", "stage", "about", "done", "refused")}
BUILT |= {"models.is.", "models.kind.", "models.drifts.", "models.act."}
BUILT |= {"job.state.", "job.means.", "job.next.", "job.done.", "job.stage.", "job.mark."}


def used() -> set[str]:
    """Keys written out in templates and code."""
    sources = [*ROOT.rglob("*.html"), *ROOT.rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    said = re.findall(r"""say\(\s*["']([a-z_0-9.]+)["']\s*[,)]""", text)
    picked = re.findall(r"""(?:words\(lang\)|say)\[["']([a-z_.]+)["']\]""", text)
    return {*said, *picked, *(f"law.{kind}" for kind in ("article", "paragraphs", "section"))}


def test_every_phrase_used_exists() -> None:
    for lang in LANGS:
        assert used() <= set(words(lang)), lang


def test_the_catalogues_have_the_same_phrases_with_the_same_values() -> None:
    en, zh = words("en"), words("zh")
    assert set(en) == set(zh)
    for key in en:
        assert sorted(set(re.findall(r"{(\w+)}", en[key]))) == sorted(
            set(re.findall(r"{(\w+)}", zh[key]))
        ), key
        assert zh[key].strip() or not en[key].strip()


def test_no_phrase_lies_unused() -> None:
    written = {k for k in words("en") if not any(k.startswith(b) for b in BUILT)}
    assert not written - used()


def test_every_table_around_a_subject_has_its_words() -> None:
    source = (ROOT / "web" / "around.py").read_text(encoding="utf-8")
    written = {k.removeprefix("around.") for k in words("en") if k.startswith("around.")}
    assert not {k for k in written if not re.search(rf'["."]{k}"', source)}


def test_every_statute_of_the_rules_has_a_chinese_name() -> None:
    rules = load_library().rules
    named = {b.instrument for r in rules for b in r.spec.legal_basis}
    notes = {b.note for r in rules for b in r.spec.legal_basis if b.note}
    missing = [n for n in named if f"instrument.{n}" not in words("zh")]
    assert not missing + [n for n in notes if f"note.{n}" not in words("zh")]


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_every_code_has_a_word(group: str) -> None:
    missing = [c for c in GROUPS[group] if f"{group}.{c}" not in words("en")]
    assert not missing


def test_chinese_is_chinese() -> None:
    latin = {"product", "facts.n"} | {k for k in words("zh") if k.startswith("class.")}
    for key, text in words("zh").items():
        assert key in latin or re.search(r"[\u4e00-\u9fff：]", text), key


def test_nobody_is_called_guilty() -> None:
    banned = re.compile(r"violation|offend|guilty|caught|违法|please|oops|!", re.IGNORECASE)
    for lang in LANGS:
        assert not [k for k, text in words(lang).items() if banned.search(text)]
