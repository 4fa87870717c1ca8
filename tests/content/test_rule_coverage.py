"""The page that holds the rules against the catalogue names every rule and every typology."""

from __future__ import annotations

import re
from pathlib import Path

from features.vocabulary import TYPOLOGIES
from rules.ruleset import load_library

PAGE = Path(__file__).parents[2] / "docs/explanation/rules-against-the-catalogue.md"


def test_each_rule_stands_at_its_typology_and_none_is_left_out() -> None:
    rows = [line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    told = {
        cells[1].strip(): re.findall(r"`([^`]+)`", cells[3]) for cells in rows if len(cells) > 4
    }
    rules = load_library().rules
    for typology in TYPOLOGIES:
        assert told[typology] == sorted(r.id for r in rules if r.spec.typology == typology)


def test_every_typology_has_a_rule() -> None:
    assert {rule.spec.typology for rule in load_library()} == set(TYPOLOGIES)
