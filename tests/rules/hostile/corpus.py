"""The attacks on file: conditions and damaged rule files, each with what must be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Attack:
    """One hostile text.

    Attributes:
        name: group and number.
        text: what is handed in.
        say: words of which the answer must hold one.
        types: whether it parses, and the type check has to refuse it.
    """

    name: str
    text: str
    say: tuple[str, ...]
    types: bool = False


def conditions() -> list[Attack]:
    """Hostile conditions."""
    return [
        Attack(f"{group['group']} {number}", _text(part), _words(group), group.get("types", False))
        for group in _read("conditions.yaml")
        for number, part in enumerate(group["texts"])
    ]


def files(good: str, name: str = "files.yaml") -> list[Attack]:
    """Hostile files, made from a good one by replacing, adding before or behind."""
    found: list[Attack] = []
    for group in _read(name):
        for number, one in enumerate(group["files"]):
            text = _changed(good, one)
            found.append(Attack(f"{group['group']} {number}", text, _words(one, group)))
    return found


def _changed(good: str, one: dict[str, Any]) -> str:
    if "whole" in one:
        return _text(one["whole"])
    text = good
    if "old" in one:
        assert text.count(one["old"]) >= 1, one
        text = text.replace(one["old"], _text(one["new"]), 1)
    return _text(one.get("before", "")) + text + _text(one.get("behind", ""))


def _words(*where: dict[str, Any]) -> tuple[str, ...]:
    say = next(w["say"] for w in where if "say" in w)
    return (say,) if isinstance(say, str) else tuple(say)


def _text(part: Any) -> str:
    """A text, or parts of which ``[text, n]`` stands n times."""
    if isinstance(part, str):
        return part
    if isinstance(part, list) and len(part) == 2 and isinstance(part[1], int):
        return _text(part[0]) * part[1]
    return "".join(_text(p) for p in part)


def _read(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(HERE / name)
    return found
