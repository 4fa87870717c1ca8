"""How the tests read a page: its files, its commands with what they print, its links."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
DATABASE = "postgresql+psycopg://warden:secret@localhost/warden"
"""The database the pages name; the test puts one of its own in its place."""

_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```[ \t]*$", re.M | re.S)
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.M)
_EXIT = re.compile(r"# exit (\d+)\s*$")


@dataclass
class Command:
    """A line after `$ `, the exit code it states, and the lines shown below it."""

    text: str
    shown: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0, or what a trailing `# exit 3` says."""
        stated = _EXIT.search(self.text)
        return int(stated[1]) if stated else 0

    @property
    def only_checked(self) -> bool:
        """Not run here: it would build the environment this test runs in."""
        return self.text.startswith(("make ", ". .venv/bin/activate"))


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """The path inside the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """The whole file."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def files(self) -> dict[str, str]:
        """Files the reader is told to write, by name."""
        found = {}
        for _, words, body in _BLOCK.findall(self.text):
            named = re.search(r"\bfile=(\S+)", words)
            if named:
                assert named[1] not in found, f"{self.name} writes {named[1]} twice"
                found[named[1]] = body
        return found

    @cached_property
    def commands(self) -> list[Command]:
        """Commands of all console blocks, in order."""
        found: list[Command] = []
        for kind, _, body in _BLOCK.findall(self.text):
            if kind != "console":
                continue
            for line in body.splitlines():
                if found and found[-1].text.endswith("\\"):
                    found[-1].text = f"{found[-1].text[:-1].rstrip()} {line.strip()}"
                elif line.startswith("$ "):
                    found.append(Command(line[2:].strip()))
                else:
                    assert found, f"{self.name}: output before any command"
                    found[-1].shown.append(line)
        return found

    @cached_property
    def links(self) -> list[str]:
        """Targets of links that stay inside the repository."""
        plain = _BLOCK.sub("", self.text)
        return [t for t in _LINK.findall(plain) if not re.match(r"[a-z]+:", t)]

    @cached_property
    def anchors(self) -> set[str]:
        """What `#` may name in this page."""
        plain = _BLOCK.sub("", self.text)
        return {anchor(heading) for heading in _HEADING.findall(plain)}


def anchor(heading: str) -> str:
    """The anchor a heading gets: lower case, hyphens for blanks, no punctuation."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


def pages() -> list[Page]:
    """The README, the notes for contributors and every page below `docs/`."""
    tops = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    return [Page(path) for path in [*tops, *sorted((ROOT / "docs").rglob("*.md"))]]


def missing_lines(shown: list[str], printed: str) -> list[str]:
    """Lines the page shows that the command did not print in that order; `...` is anything."""
    lines = iter([" ".join(line.split()) for line in printed.splitlines()])
    absent = []
    for text in shown:
        wanted = " ".join(text.split())
        if wanted in ("", "..."):
            continue
        pattern = ".*".join(re.escape(part) for part in re.split(r" ?\.\.\. ?", wanted))
        if not any(re.fullmatch(pattern, line) for line in lines):
            absent.append(text)
            lines = iter([])
    return absent
