"""The quick parser of YAML and the careful one: what the first takes, the second takes alike."""

from __future__ import annotations

import random
import sys
import unicodedata
from pathlib import Path

import pytest

from rules import reader
from rules.plain import HIDDEN, hidden_character
from rules.reader import Document, read_yaml

ROOT = Path(__file__).parents[2] / "rules"
SHIPPED = sorted(ROOT.rglob("*.yaml"))
PIECES = [
    *"\t\n :-#|>'\"[]{},&*!%@`?\\~=<é漢", "---\n", "...\n", ": ", "- ", " # ", "|\n", ">-\n", "? ",
    "!!str ", "%YAML 1.1\n", "''", "\\x", "\r\n", "\u00a0", "\u2028",
]  # fmt: skip


def by(text: str, *, pure: bool) -> tuple[Document, bool]:
    """What one parser makes of a text, and whether it found nothing wrong."""
    document = Document("x.yaml", widths=tuple(map(len, text.split("\n"))))
    return document, not reader._built(document, text, pure=pure)


def damaged(text: str, chance: random.Random) -> str:
    """Some lines of a file with one to three faults put in."""
    lines = text.split("\n")
    start = chance.randrange(len(lines))
    text = "\n".join(lines[start : start + chance.randint(1, 15)])
    for _ in range(chance.randint(1, 3)):
        at, kind = chance.randrange(len(text) + 1), chance.random()
        if kind < 0.6:
            text = text[:at] + chance.choice(PIECES) + text[at:]
        elif kind < 0.8:
            text = text[:at] + text[at + chance.randint(1, 3) :]
        else:
            other = chance.randrange(len(text) + 1)
            text = text[:at] + text[other : other + 20] + text[at:]
    return text


def test_shipped_files_read_alike_to_the_last_place() -> None:
    assert len(SHIPPED) > 200
    for path in SHIPPED:
        text = path.read_text(encoding="utf-8")
        quick, fine = by(text, pure=False)
        careful, also = by(text, pure=True)
        assert fine and also and quick == careful, path


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_are_never_read_otherwise_than_by_the_careful_parser(seed: int) -> None:
    chance = random.Random(seed)
    texts = [path.read_text(encoding="utf-8") for path in SHIPPED]
    taken = refused = 0
    for _ in range(1500):
        text = damaged(chance.choice(texts), chance)
        if list(reader._unreadable(text, "x")) or len(text) > reader.MAX_BYTES:
            continue
        quick, issues = read_yaml(text, "x.yaml")
        careful, fine = by(text, pure=True)
        assert fine == (not issues), text
        if fine:
            assert quick.data == careful.data, text
            assert (quick.blocks, quick.folded) == (careful.blocks, careful.folded), text
        taken, refused = taken + fine, refused + (not fine)
    assert taken > 100 and refused > 100


@pytest.mark.parametrize("text", ["a: |#\n  b", "|\n# ", "|\n...\n", "g\tk: {a: 1}", "a: >#\n  b"])
def test_disputed_spellings_are_left_to_the_careful_parser(text: str) -> None:
    quick, fine = by(text, pure=False)
    careful, also = by(text, pure=True)
    assert (quick.data, fine) != (careful.data, also)
    document, issues = read_yaml(text, "x.yaml")
    assert (document.data, not issues) == (careful.data, also)


def test_every_character_nobody_sees_is_found_and_no_other() -> None:
    wrong = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if (hidden_character(char := chr(code)) == 0)
        != (char not in " \t\n\r" and unicodedata.category(char) in HIDDEN)
    ]
    assert wrong == []
