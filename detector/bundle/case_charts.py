"""The picture of what came of an intervention: from before to after, beside the peers."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from detector.bundle.charts import INK, SOFT, WIDTH, Say, Scale, letters, picture, stroke
from detector.bundle.figures import measure

SUBJECT, RULE = "#0b57a4", "#d8dde4"
HEIGHT, LOW, HIGH = 190.0, 150.0, 44.0
BEFORE, AFTER = 210.0, WIDTH - 210.0


def slope_chart(found: Mapping[str, Any], unit: object, title: str, say: Say) -> str:
    """A ring before, a dot after, a line between; the same in grey for the peers' median."""
    own, peers = found["subject"], found["peers_median"]
    ends = [*own, *peers]
    pad = (max(ends) - min(ends)) * 0.12 or abs(own[0]) * 0.1 or 1.0
    up = Scale(min(ends) - pad, max(ends) + pad, LOW, HIGH)
    body = [
        letters(14, 14, title, INK, "start"),
        *(stroke(x, HIGH - 8, x, LOW + 8, RULE, 1) for x in (BEFORE, AFTER)),
    ]
    for values, ink, width in ((peers, SOFT, 1.5), (own, SUBJECT, 2.5)):
        y = [up.at(float(value)) for value in values]
        body.append(stroke(BEFORE, y[0], AFTER, y[1], ink, width))
        rings = ((BEFORE, y[0], "#fff"), (AFTER, y[1], ink))
        body += [
            f'<circle cx="{x}" cy="{at}" r="4.5" fill="{fill}" stroke="{ink}" stroke-width="2"/>'
            for x, at, fill in rings
        ]
    body += _labels(own, peers, up, unit, say)
    for x, word, days in (
        (BEFORE, say["slope.before"], found.get("before")),
        (AFTER, say["slope.after"], found.get("after")),
    ):
        told = f"{word} ({days[0][:7]} – {days[1][:7]})" if days else word
        body.append(letters(x, LOW + 26, told, SOFT, "middle", 10))
    return picture(HEIGHT, body, escape(title))


def _labels(own: Any, peers: Any, up: Scale, unit: object, say: Say) -> list[str]:
    """Values at the ends of both lines, kept apart where they would lie on each other."""
    told = []
    for end, x, anchor in ((0, BEFORE - 12, "end"), (1, AFTER + 12, "start")):
        a, b = up.at(float(own[end])), up.at(float(peers[end]))
        if abs(a - b) < 13:
            middle, above = (a + b) / 2, a <= b
            a, b = (middle - 7, middle + 7) if above else (middle + 7, middle - 7)
        for y, value, ink, word in (
            (a, own[end], SUBJECT, say["slope.subject"]),
            (b, peers[end], SOFT, say["slope.peers"]),
        ):
            text = measure(value, unit, say)
            told.append(letters(x, y + 4, f"{word} {text}", ink, anchor, 10))
    return told
