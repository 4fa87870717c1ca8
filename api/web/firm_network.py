"""The network of a firm: the links as a table, and the same as a drawing with fixed places."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from api.web.figures import plain
from api.web.firms_view import both_names
from api.web.wording import Lang, known_word, sayer

Row = dict[str, Any]
FEW, SOME, MANY = 12, 40, 100
"""Organisations shown: on the first page of a dossier, and by choice."""
WIDTH, HEIGHT = 760, 520
RINGS = {1: (200, 130), 2: (330, 218)}
"""Half axes of the ellipses on which the first and the second step stand."""
ALONE = (290, 185)
"""Of the first step where there is no second."""
HUBS = 3
"""Of many organisations so many keep their names: those with the most links."""
TURNS = 48
"""Ways the outer ring may be turned."""


def network_view(told: Mapping[str, Any], firm_id: str, kind: str | None, lang: Lang) -> Row:
    """Links with names, the heaviest of a kind first, and where each organisation is drawn.

    Args:
        kind: only links of this kind, with the organisations they join.
    """
    nodes = {node["firm_id"]: both_names(node, lang) | _of(node) for node in told["nodes"]}
    edges = [edge for edge in told["edges"] if kind in (None, edge["kind"])]
    if kind is not None:
        near = {edge[end] for edge in edges for end in ("a", "b")}
        nodes = {key: node for key, node in nodes.items() if key in near or key == firm_id}
    rows = [_edge(edge, nodes, lang) for edge in edges]
    return {
        "edges": rows,
        "nodes": list(nodes.values()),
        "shown": sum(node["step"] > 0 for node in nodes.values()),
        "first": told["found"][0],
        "second": told["found"][1],
        "kinds": [(k, known_word(lang, "firms.link", k), n) for k, n in told["kinds"].items()],
        "kind": kind,
        "reason": told["reason"] and known_word(lang, "firms.empty", told["reason"]),
        "spec": json.dumps(_drawing(list(nodes.values()), edges, firm_id, lang)),
    }


def _of(node: Mapping[str, Any]) -> Row:
    return {"step": node["step"], "open": node["open_alerts"], "country": node["country"] or ""}


def _edge(edge: Mapping[str, Any], nodes: Mapping[str, Row], lang: Lang) -> Row:
    since, until = edge["since"], edge["until"]
    return {
        "a": nodes[edge["a"]],
        "b": nodes[edge["b"]],
        "directed": edge["directed"],
        "kind": known_word(lang, "firms.link", edge["kind"]),
        "weight": _weight(edge, lang),
        "since": since.isoformat() if since else "–",
        "until": until.isoformat() if until else "",
        "detail": edge["detail"] or "",
    }


def _weight(edge: Mapping[str, Any], lang: Lang) -> str:
    value, unit = edge["weight"], edge["unit"] or ""
    if value is None or edge["kind"] in ("same_group", "acquires"):
        return ""
    if unit == "% of the capital":
        return f"{plain(value)}\u00a0%"
    if unit.isupper():  # money: the currency stands before
        return f"{unit}\u00a0{plain(value, 4)}"
    return f"{plain(value)}\u00a0{known_word(lang, 'firms.unit', unit)}"


def _drawing(nodes: Sequence[Row], edges: Sequence[Mapping[str, Any]], own: str, lang: Lang) -> Row:
    places = placed([(n["firm_id"], n["step"]) for n in nodes], [(e["a"], e["b"]) for e in edges])
    say, several = sayer(lang), len(nodes) > 2 * FEW
    links = Counter(edge[end] for edge in edges for end in ("a", "b"))
    hubs = {key for key, _ in sorted(links.items(), key=lambda item: (-item[1], item[0]))[:HUBS]}
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "many": several,
        "label": str(say("firms.network.label", n=len(nodes), m=len(edges))),
        "nodes": [
            {
                "id": node["firm_id"],
                "name": node["name"]
                if not several or node["open"] or not node["step"] or node["firm_id"] in hubs
                else "",
                "subject": node["firm_id"] == own or node["step"] == 0,
                "alerts": node["open"] > 0,
                "href": node["href"],
                "x": places[node["firm_id"]][0],
                "y": places[node["firm_id"]][1],
            }
            for node in nodes
        ],
        "edges": [
            {"a": edge["a"], "b": edge["b"], "kind": edge["kind"], "directed": edge["directed"]}
            for edge in edges
        ],
    }


def placed(
    nodes: Sequence[tuple[str, int]], edges: Sequence[tuple[str, str]]
) -> dict[str, tuple[int, int]]:
    """Where each organisation is drawn: by step on ellipses, the second beside whom it knows.

    The same links always give the same places; nothing moves between two looks.

    Args:
        nodes: id and step of each; those of step 0 stand in the middle.

    Returns:
        Pixels from the left and the top of a drawing of `WIDTH` by `HEIGHT`.
    """
    first = [key for key, step in nodes if step == 1]
    second = [key for key, step in nodes if step == 2]
    middle = [key for key, step in nodes if step == 0]
    parents = _parents(first, second, edges)
    children: dict[str, list[str]] = {key: [] for key in first}
    for key in second:
        children.setdefault(parents.get(key, ""), []).append(key)
    inner = {key: (at + 0.5) / len(first) for at, key in enumerate(first)}
    ordered = [kid for parent in (*first, "") for kid in children.get(parent, ())]
    turn = _best_turn(ordered, parents, inner)
    ring = RINGS[1] if ordered else ALONE
    places = {key: _on_ring(ring, part) for key, part in inner.items()}
    for at, kid in enumerate(ordered):
        places[kid] = _on_ring(RINGS[2], at / len(ordered) + turn)
    for at, key in enumerate(middle):
        places[key] = (WIDTH // 2, HEIGHT // 2 - 14 + 44 * at)
    return places


def _parents(
    first: Sequence[str], second: Sequence[str], edges: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """The first of the first step each of the second is linked to."""
    near, far = set(first), set(second)
    found: dict[str, str] = {}
    for a, b in edges:
        for inner, outer in ((a, b), (b, a)):
            if inner in near and outer in far:
                found.setdefault(outer, inner)
    return found


def _best_turn(
    ordered: Sequence[str], parents: Mapping[str, str], inner: Mapping[str, float]
) -> float:
    """How far the outer ring is turned so that its members stand nearest to whom they know."""

    def apart(turn: float) -> float:
        gaps = (
            abs((at / len(ordered) + turn - inner[parents[kid]] + 0.5) % 1 - 0.5)
            for at, kid in enumerate(ordered)
            if kid in parents
        )
        return sum(gaps)

    return min((step / TURNS for step in range(TURNS)), key=apart)


def _on_ring(ring: tuple[int, int], turn: float) -> tuple[int, int]:
    across, down = ring
    angle = 2 * math.pi * turn - math.pi / 2
    return (
        round(WIDTH / 2 + across * math.cos(angle)),
        round(HEIGHT / 2 - 14 + down * math.sin(angle)),
    )


def _level(level: str, lang: Lang) -> str:
    """The stratum the peers are of, in words."""
    say = sayer(lang)
    if level == "all":
        return str(say("firms.similar.all"))
    parts = [part.partition("=")[::2] for part in level.split("; ")]
    told = [known_word(lang, f"firms.{name}", value) for name, value in parts]
    return ("、" if lang == "zh" else ", ").join(told)


def similar_view(told: Mapping[str, Any], lang: Lang) -> Row:
    """Similar firms with what made them so, and how many were compared."""
    found = told["similar"]
    if not found:
        return {"rows": [], "reason": known_word(lang, "firms.empty", told["reason"])}
    rows = [
        both_names(one, lang)
        | {
            "distance": f"{one['distance']:.2f}",
            "shared": one["shared"],
            "open": one["open_alerts"],
        }
        for one in found["peers"]
    ]
    used = [f["title"][lang] for f in found["features"] if f["compared"]]
    return {
        "rows": rows,
        "used": used,
        "level": _level(found["level"], lang),
        "candidates": found["candidates"],
        "enough": found["enough"],
        "reason": None,
    }
