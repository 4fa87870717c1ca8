"""Markdown: the little that generated pages need, and what people write in comments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; bars and line ends inside cells are made harmless."""

    def line(cells: Sequence[object]) -> str:
        shown = (str(c).replace("|", "\\|").replace("\n", " ").strip() for c in cells)
        return "| " + " | ".join(shown) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *(line(r) for r in rows)])


TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol",
    "p", "pre", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # HTML inside is text, and a picture would tell another host who reads
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def safe_html(text: str) -> str:
    """What a person wrote in Markdown, as HTML that is safe to show.

    Cleaned after rendering (nh3), so that not even a mistake of the renderer lets a script, a
    style, a picture or an address other than http, https and mailto through.
    """
    import nh3

    return nh3.clean(
        _parser().render(text),
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
