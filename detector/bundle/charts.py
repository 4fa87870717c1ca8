"""Pictures of the report as SVG: where a value lies among its peers, what a model weighed, how a
figure went over time. Drawn by hand: they are few and simple, and must look the same for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from detector.bundle.figures import measure, plain

WIDTH, LEFT, RIGHT = 640, 200, 96
INK, SOFT, BAND, BOX, MARK, LIMIT = (
    "#1c2430", "#5b6675", "#dfe5ec", "#b4c1d0", "#b3261e", "#1c2430",
)  # fmt: skip
FONT = "font-family=\"'Warden Sans SC','Noto Sans SC','PingFang SC','Microsoft YaHei',sans-serif\""
Say = Mapping[str, str]


@dataclass(frozen=True)
class Scale:
    """Places values between two ends on pixels between two others."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value; outside values stand at the edge."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.start + (self.end - self.start) * min(1.0, max(0.0, share)), 2)


def peers_chart(rows: Sequence[Mapping[str, Any]], titles: Sequence[str], say: Say) -> str:
    """One strip a figure: nine in ten peers, the middle half, the median, the limit, the value."""
    body = []
    for number, (row, title) in enumerate(zip(rows, titles, strict=True)):
        body += _strip(row, title, 14 + 40 * number, say)
    top = 14 + 40 * len(rows)
    return picture(top + 30, [*body, *_legend(top + 14, say)], say["chart.peers"])


def _strip(row: Mapping[str, Any], title: str, top: float, say: Say) -> list[str]:
    band, value = row["band"], float(row["value"])
    threshold: Any = row.get("threshold")
    limit = float(threshold) if _number(threshold) else None
    ends = [band["p05"], band["p95"], value, *([limit] if limit is not None else [])]
    pad = (max(ends) - min(ends)) * 0.06 or abs(value) * 0.1 or 1.0
    scale = Scale(min(ends) - pad, max(ends) + pad, LEFT, WIDTH - RIGHT)
    x = {name: scale.at(band[name]) for name in ("p05", "q25", "median", "q75", "p95")}
    here, middle = scale.at(value), top + 10
    unit = row.get("unit")
    told = [
        letters(LEFT - 10, middle + 4, _short(title), INK, "end"),
        stroke(LEFT, middle, WIDTH - RIGHT, middle, BAND, 1),
        _box(x["p05"], middle - 5, x["p95"] - x["p05"], 10, BAND),
        _box(x["q25"], middle - 5, x["q75"] - x["q25"], 10, BOX),
        stroke(x["median"], middle - 7, x["median"], middle + 7, SOFT, 1.5),
    ]
    if limit is not None:
        at = scale.at(limit)
        told.append(stroke(at, middle - 10, at, middle + 10, LIMIT, 1.2, dashed=True))
    told.append(f'<circle cx="{here}" cy="{middle}" r="4.5" fill="{MARK}"/>')
    told.append(letters(WIDTH - RIGHT + 10, middle + 4, measure(value, unit, say), MARK, "start"))
    return told


def _legend(top: float, say: Say) -> list[str]:
    told, x = list[str](), float(LEFT)
    for name, width in (("p90", 16), ("half", 16), ("median", 2), ("limit", 2), ("value", 9)):
        if name == "value":
            told.append(f'<circle cx="{x + 4.5}" cy="{top - 4}" r="4.5" fill="{MARK}"/>')
        elif name == "limit":
            told.append(stroke(x + 1, top - 10, x + 1, top + 2, LIMIT, 1.2, dashed=True))
        elif name == "median":
            told.append(stroke(x + 1, top - 10, x + 1, top + 2, SOFT, 1.5))
        else:
            told.append(_box(x, top - 9, width, 10, BAND if name == "p90" else BOX))
        word = say[f"legend.{name}"]
        told.append(letters(x + width + 5, top, word, SOFT, "start", 10))
        x += width + 17 + sum(10 if ord(c) > 0x2E7F else 5.6 for c in word)
    return told


def weights_chart(rows: Sequence[Mapping[str, Any]], titles: Sequence[str], say: Say) -> str:
    """A bar a feature: its share in what the model found."""
    body, scale = [], Scale(0, 1, 0, WIDTH - LEFT - RIGHT)
    for number, (row, title) in enumerate(zip(rows, titles, strict=True)):
        top, share = 10 + 24 * number, float(row["share"] or 0)
        body.append(letters(LEFT - 10, top + 11, _short(title), INK, "end"))
        body.append(_box(LEFT, top + 1, WIDTH - LEFT - RIGHT, 12, "#f1f4f7"))
        body.append(_box(LEFT, top + 1, scale.at(share), 12, BOX))
        told = f"{plain(share * 100, 2)}\u00a0%"
        body.append(letters(WIDTH - RIGHT + 10, top + 11, told, INK, "start"))
    return picture(14 + 24 * len(rows), body, say["chart.weights"])


def line_chart(of: Mapping[str, Any], title: str, say: Say) -> str:
    """One figure over the periods of the subject, with the band of its peers now."""
    points = [p for p in of["points"] if _number(p["value"])][-24:]
    band = of["band"]
    values = [float(p["value"]) for p in points]
    ends = values + ([band["p05"], band["p95"]] if band else [])
    pad = (max(ends) - min(ends)) * 0.08 or 1.0
    up = Scale(min(ends) - pad, max(ends) + pad, 128, 24)
    along = Scale(0, max(1, len(points) - 1), 96, WIDTH - 40)
    body = [letters(14, 14, title, INK, "start")]
    if band:
        top, low = up.at(band["p95"]), up.at(band["p05"])
        body.append(_box(96, top, WIDTH - 136, round(low - top, 2), BAND))
        middle = up.at(band["median"])
        body.append(stroke(96, middle, WIDTH - 40, middle, SOFT, 1, dashed=True))
    for value in (max(values), min(values)):
        told = measure(value, of["unit"], say)
        body.append(letters(90, up.at(value) + 4, told, SOFT, "end", 10))
    places = [f"{along.at(n)},{up.at(v)}" for n, v in enumerate(values)]
    body.append(
        f'<polyline points="{" ".join(places)}" fill="none" stroke="{INK}" stroke-width="1.5"/>'
    )
    x, y = places[-1].split(",")
    body.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{MARK}"/>')
    for n, anchor in ((0, "start"), (len(points) - 1, "end")):
        body.append(letters(along.at(n), 148, str(points[n]["start"])[:7], SOFT, anchor, 10))
    return picture(156, body, title)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(title: str) -> str:
    """A title that fits left of a strip."""
    room, told = 30.0, ""
    for letter in title:
        room -= 2 if ord(letter) > 0x2E7F else 1
        if room < 1:
            return f"{told.rstrip()}…"
        told += letter
    return told


def picture(height: float, body: Sequence[str], label: str) -> str:
    """A drawing as SVG, with the sentence a screen reader says for it."""
    inside = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(label)}" {FONT}>\n{inside}\n</svg>\n'
    )


def letters(x: float, y: float, text: str, fill: str, anchor: str, size: int = 11) -> str:
    """A text at a place, `anchor` saying which end of it stands there."""
    told = escape(text)
    return (
        f'<text x="{round(x, 2)}" y="{round(y, 2)}" font-size="{size}" fill="{fill}" '
        f'text-anchor="{anchor}">{told}</text>'
    )


def _box(x: float, y: float, width: float, height: float, fill: str) -> str:
    wide = max(round(width, 2), 0.5)
    return f'<rect x="{x}" y="{y}" width="{wide}" height="{height}" rx="1.5" fill="{fill}"/>'


def stroke(
    x1: float, y1: float, x2: float, y2: float, ink: str, width: float, *, dashed: bool = False
) -> str:
    """A straight line."""
    dashes = ' stroke-dasharray="3 2"' if dashed else ""
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{ink}" '
        f'stroke-width="{width}"{dashes}/>'
    )
