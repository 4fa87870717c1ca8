"""The little Markdown that generated pages need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; bars and line ends inside cells are made harmless."""

    def line(cells: Sequence[object]) -> str:
        shown = (str(c).replace("|", "\\|").replace("\n", " ").strip() for c in cells)
        return "| " + " | ".join(shown) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *(line(r) for r in rows)])
