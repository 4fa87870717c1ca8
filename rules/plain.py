"""Text as people read it: nothing unseen, no markup, no template of another language."""

from __future__ import annotations

import re
import unicodedata

PLACEHOLDER = re.compile(
    r"\{([a-z][a-z0-9_]*)(?::(pct|median|z|n|h)|\?([^{}|]*)\|([^{}|]*))?\}"
)  # fmt: skip
"""A hole of a message: a name, a part of it, or two texts for yes and no."""

_BRACE = re.compile(r"[{}]")
_FOREIGN = re.compile(r"<[A-Za-z/!?]|&#|javascript:|\{\{|\}\}|\{%|%\}|\{#|\$\{|%\(", re.IGNORECASE)
_DOUBTFUL = re.compile(
    "[^\t\n\r -~\u00b7-\u024f\u2013\u2014\u2018-\u201d\u3001-\u3011\u4e00-\u9fff\uff01-\uff5e]"
)
"""Anything but the letters and signs that fill our texts, so that few are looked up one by one."""
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Kinds of characters nobody sees: controls, direction marks, halves, private ones, line ends."""


def hidden_character(text: str) -> int | None:
    """Offset of the first character nobody sees, or None; blanks and line ends are seen."""
    for found in _DOUBTFUL.finditer(text):
        if unicodedata.category(found[0]) in HIDDEN:
            return found.start()
    return None


def plain_text(value: str) -> str:
    """The text itself.

    Raises:
        ValueError: it holds markup or the template of a language other than ours.
    """
    found = _FOREIGN.search(value)
    if found is not None:
        raise ValueError(f"`{found[0]}` is markup or a template; texts are plain")
    return value


def stray_braces(text: str) -> bool:
    """Whether braces are left that are no placeholder."""
    return _BRACE.search(PLACEHOLDER.sub("", text)) is not None
