"""Which characters can be printed: by the font that is shipped, by one of the machine, or not.

The shipped font holds Latin, Greek, Cyrillic and the Chinese characters of GB 2312. Names may hold
rarer ones; for those a font of the machine is looked for, and what none holds is written as its
code, so that no reader is ever shown an empty box.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import typst

SHIPPED = Path(str(files("detector.bundle").joinpath("fonts", "warden-sans-sc.otf")))
MONO = "DejaVu Sans Mono"
"""Comes with typst."""
LATIN = 0x17F
"""Last character every font of typst's own holds."""


@dataclass(frozen=True)
class Font:
    """A font in a file.

    Attributes:
        shipped: whether it is part of this software; else it was found on the machine.
    """

    family: str
    path: Path
    index: int
    shipped: bool

    def as_dict(self) -> dict[str, object]:
        """What the manifest says of it; never where on the machine it lies."""
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        place = "shipped" if self.shipped else "machine"
        return {"family": self.family, "from": place, "file": self.path.name, "sha256": digest}


@dataclass(frozen=True)
class Choice:
    """Fonts that print a text, and the characters none of them holds."""

    fonts: tuple[Font, ...]
    missing: frozenset[str]

    def shown(self, text: str) -> str:
        """The text with what cannot be printed written as codes."""
        if self.missing.isdisjoint(text):
            return text
        return "".join(f"[U+{ord(c):04X}]" if c in self.missing else c for c in text)


def choose(text: str) -> Choice:
    """The fonts for a text: the shipped one, and of the machine's as few as it takes."""
    wanted = {c for c in text if not c.isspace() and c.isprintable()}
    odd = frozenset(c for c in text if not c.isprintable() and not c.isspace())
    chosen: list[Font] = []
    for font in _fonts():
        if chosen and not wanted:
            break
        held = {c for c in wanted if ord(c) in coverage(font.path, font.index)}
        # a font for one stray symbol is taken like one for a name: both must be readable
        if held:
            chosen.append(font)
            wanted -= held
    # fonts that come with typst hold Latin letters, and are used where there is no other
    left = {c for c in wanted if ord(c) > LATIN}
    return Choice(tuple(chosen), frozenset(left) | odd)


def _fonts() -> Iterator[Font]:
    """The shipped font, then upright ones of the machine by name, Chinese ones first."""
    if SHIPPED.exists():
        yield Font("Warden Sans SC", SHIPPED, 0, shipped=True)
    yield from _of_machine()


@cache
def _of_machine() -> tuple[Font, ...]:
    found = typst.Fonts(include_system_fonts=True, include_embedded_fonts=False).fonts()
    upright = {
        one.family: Font(one.family, Path(one.path), one.index, shipped=False)
        for one in found
        if one.path and one.style == "normal" and one.weight == 400
    }
    return tuple(sorted(upright.values(), key=lambda f: (_rank(f.family), f.family)))


def _rank(family: str) -> int:
    """Simplified Chinese first, other Chinese, then the rest."""
    name = family.lower()
    if name.endswith(" sc") or any(word in name for word in ("yahei", "simsun", "wenquan")):
        return 0
    return 1 if "cjk" in name or "pingfang" in name else 2


@cache
def coverage(path: Path, index: int = 0) -> frozenset[int]:
    """Code points a font file has glyphs for (OpenType `cmap`, formats 4 and 12)."""
    data = path.read_bytes()
    start = struct.unpack_from(">I", data, 12 + 4 * index)[0] if data[:4] == b"ttcf" else 0
    for entry in range(struct.unpack_from(">H", data, start + 4)[0]):
        tag, _, table, _ = struct.unpack_from(">4sIII", data, start + 12 + 16 * entry)
        if tag == b"cmap":
            return _of_cmap(data, table)
    return frozenset()


def _of_cmap(data: bytes, table: int) -> frozenset[int]:
    found: set[int] = set()
    for entry in range(struct.unpack_from(">H", data, table + 2)[0]):
        platform, _, offset = struct.unpack_from(">HHI", data, table + 4 + 8 * entry)
        form = struct.unpack_from(">H", data, table + offset)[0]
        if platform in (0, 3) and form == 12:
            groups = struct.unpack_from(">I", data, table + offset + 12)[0]
            for group in range(groups):
                place = table + offset + 16 + 12 * group
                first, last = struct.unpack_from(">II", data, place)
                found.update(range(first, last + 1))
        elif platform in (0, 3) and form == 4:
            count = struct.unpack_from(">H", data, table + offset + 6)[0] // 2
            ends = struct.unpack_from(f">{count}H", data, table + offset + 14)
            starts = struct.unpack_from(f">{count}H", data, table + offset + 16 + 2 * count)
            for first, last in zip(starts, ends, strict=True):
                found.update(range(first, last + 1))
    return frozenset(found - {0xFFFF})
