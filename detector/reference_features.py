"""The pages of the reference that explain every feature: one a family, and an index."""

from __future__ import annotations

from collections.abc import Iterable

from detector.markdown import table
from features.catalogue import Feature, catalogue
from features.explained import Worked, examples, formulas, shown
from features.typologies import TYPOLOGIES, Typology
from features.vocabulary import GRAINS, Reason

FAMILIES: dict[str, tuple[str, str]] = {
    "MON-STR": ("structure", "Market structure and mergers"),
    "MON-BID": ("tenders", "Bids of one tender"),
    "MON-BID-MARKET": ("tender-markets", "Bidders and buyers over many tenders"),
    "MON-PRICE": ("prices", "Prices and pricing tools"),
    "MON-CONDUCT": ("conduct", "Conduct of one firm"),
    "TRX": ("trade", "Trade, reviews, awards and payments"),
    "PRIV": ("privacy", "Personal data"),
    "DATA": ("filings", "Filings about themselves"),
}
"""File and title of a page by family of typologies, in the order of the index."""

SUSPICIOUS = {"high": "high values", "low": "low values", "none": "no: context"}

REASONS: dict[Reason, str] = {
    Reason.TOO_FEW: "fewer observations than the formula needs",
    Reason.ZERO_DENOMINATOR: "the formula would divide by zero",
    Reason.CONSTANT: "the values do not vary, so nothing can be said about their shape",
    Reason.CONSTANT_PEERS: "the peers do not vary",
    Reason.MISSING_INPUT: "a figure was not filed, or contradicts itself",
    Reason.NOT_APPLICABLE: "the question does not arise for this subject",
    Reason.CENSORED: "not known yet: the case is open on the day of the judgement",
    Reason.LOSING_TIED: "all losing bids are equal",
}

NOTATION = (
    "b1 <= ... <= bn are the valid bids of a tender, one an economic bidder; s are shares in per"
    " cent; sd and var have n - 1 in the denominator; med is the median, MAD the median absolute"
    " deviation; `[x]` is 1 where x holds and 0 where not; `|A|` counts a set, `A \\ B` takes B"
    " out of A; `N(x)` counts where x holds; `P(X >= x)` is an exact tail; `d` is the difference"
    " to the step before; ln is the natural logarithm."
)

INTRO = (
    "A feature is one number (or a word, or yes and no as 1 and 0) about a subject in a period,"
    " or null with a reason; never a guess, never zero in its place. Rules and models read"
    " nothing else. `warden features show NAME` prints one of them.",
    "**Suspicious** names the tail that speaks against the subject; a model never reads context."
    " **Least n** is the sample below which the number should not be relied on; the sample itself"
    " stands beside every value as `NAME__n`, the reason of a null as `NAME__reason`.",
)


def feature_pages() -> dict[str, str]:
    """Text by page name: the index and `features/<family>` for every family."""
    pages = {"features": index_page()}
    for family, (name, _) in FAMILIES.items():
        pages[f"features/{name}"] = family_page(family)
    return pages


def of_family(family: str) -> list[Typology]:
    """Typologies of a family, in the order of the catalogue."""
    return [t for t in TYPOLOGIES.values() if t.family == family]


def index_page() -> str:
    """What a feature is, how to read the pages, and where each feature stands."""
    counts = {t: len(catalogue().of_typology(t)) for t in TYPOLOGIES}
    pages = [
        (f"[{title}](features/{name}.md)", sum(counts[t.id] for t in of_family(family)))
        for family, (name, title) in FAMILIES.items()
    ]
    parts = ["# Features", *INTRO, table(("page", "features"), pages)]
    parts += ["## Reasons for a null", table(("reason", "meaning"), reasons(Reason))]
    parts += ["## Notation of the formulas", NOTATION, "## Every feature by typology"]
    for family, (name, title) in FAMILIES.items():
        rows = [
            (
                f"[{t.id}](features/{name}.md#{t.id.lower()})",
                t.title["en"],
                " · ".join(
                    f"[`{f.name}`](features/{name}.md#{f.name.lower()})"
                    for f in catalogue().of_typology(t.id)
                ),
            )
            for t in of_family(family)
        ]
        parts += [f"### {title}", table(("typology", "suspicion", "features"), rows)]
    return "\n\n".join(parts)


def reasons(found: Iterable[Reason]) -> list[tuple[str, str]]:
    """Rows of code and meaning."""
    return [(f"`{r.value}`", REASONS[r]) for r in found]


def family_page(family: str) -> str:
    """Every feature of a family: formula, meaning, facts, example."""
    _, title = FAMILIES[family]
    parts = [
        f"# {title}",
        "[All features](../features.md), with the notation of the formulas and what the reasons"
        " for a null mean.",
    ]
    for typology in of_family(family):
        parts.append(f"## {typology.id}\n\n{typology.title['en']} · {typology.title['zh']}")
        parts += [entry(f) for f in catalogue().of_typology(typology.id)]
    return "\n\n".join(parts)


def entry(f: Feature) -> str:
    """One feature as a reader meets it: name, formula, meaning, facts, examples."""
    null = dict.fromkeys(f"`{reason.value}`" for _, reason in f.fn().checks)
    grain = GRAINS[f.grain]
    facts = (
        ("unit", "about", "suspicious", "least n", "null when"),
        (
            f.unit,
            f"{grain.subject_kind.replace('_', ' ')} (`{f.grain}`)",
            SUSPICIOUS[f.direction],
            f.min_n,
            ", ".join(null) or "`missing_input`",
        ),
    )
    parts = [f"### `{f.name}`", f"{f.title['en']} · {f.title['zh']}"]
    if f.name in formulas():
        parts.append(f"```text\n{formulas()[f.name]}\n```")
    parts += [" ".join(f.doc.split()), table(facts[0], [facts[1]])]
    parts.append("\n".join(f"- {line}" for line in (*told(examples().get(f.name, ())), *origin(f))))
    return "\n\n".join(parts)


def told(worked: Iterable[Worked]) -> list[str]:
    """Examples in words: what was filed, and what comes out."""
    return [f"Example: {one.given.rstrip('.')} → **{shown(one.value)}**" for one in worked]


def origin(f: Feature) -> list[str]:
    """What a feature reads, and where formula and direction come from."""
    lines = [f"Reads {', '.join(f'`{column}`' for column in f.inputs)}"]
    if f.peer_adjusted:
        lines.append("Means something only beside peers")
    if f.uses_as_of:
        lines.append("Depends on the day of the judgement")
    if f.retrospective:
        lines.append("Tells what later filings did to a period")
    return [*lines, f"Source: {f.source}"]
