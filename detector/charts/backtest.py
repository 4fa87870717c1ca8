"""The picture of a backtest: firings by period as bars, flag rate below them, its cap as a line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from detector.charts.timeline import Step, steps
from features.errors import WardenError

WIDTH, LEFT, RIGHT = 760, 56, 16
BARS = (84, 150)
"""Top and height of the panel of bars."""
RATES = (284, 84)
"""Top and height of the panel of rates."""
HEIGHT = 406


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: `ticks` are (y, text) of its grid lines."""

    top: int
    height: int
    ticks: list[tuple[float, str]]
    highest: float

    def y(self, value: float) -> float:
        return round(self.top + self.height * (1 - value / self.highest), 2)


@dataclass(frozen=True, slots=True)
class Mark:
    """One step of time in the picture; lengths in pixels."""

    x: float
    width: float
    middle: float
    step: Step
    bar_y: float
    bar_height: float
    rate_y: float | None
    tick: str

    @property
    def tip(self) -> str:
        """What a pointer resting on it is told."""
        rate = "none judged" if self.step.rate is None else percent(self.step.rate)
        return f"{self.step.label}: {self.step.fired:,} fired of {self.step.judged:,} ({rate})"


@cache
def templates() -> Environment:
    """The templates; every value is escaped and a name not given is an error."""
    return Environment(
        loader=FileSystemLoader(str(files("detector.charts"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write_plot(reports: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Writes one report as ``.svg``, or any number as a page ``.html``.

    Raises:
        WardenError: `unknown_ending`; `one_picture` for several reports in one SVG.
    """
    if path.suffix not in (".svg", ".html"):
        raise WardenError("unknown_ending", f"{path.name} is no picture.", "Use .svg or .html.")
    if path.suffix == ".svg" and len(reports) != 1:
        raise WardenError("one_picture", "An SVG shows one rule.", "Write several to an .html.")
    text = svg(reports[0]) if path.suffix == ".svg" else page(reports)
    path.write_text(text, encoding="utf-8")


def svg(report: Mapping[str, Any]) -> str:
    """The picture of one report."""
    return templates().get_template("backtest.svg").render(**_shown(report))


def page(reports: Sequence[Mapping[str, Any]]) -> str:
    """A page of its own with the pictures and the figures behind them; needs no network."""
    shown = [{"report": one, "picture": svg(one), **_shown(one)} for one in reports]
    return templates().get_template("backtest.html").render(shown=shown, percent=percent)


def _shown(report: Mapping[str, Any]) -> dict[str, Any]:
    unit, found = steps(report["by_period"])
    cap, rates = report["max_flag_rate"], [s.rate or 0.0 for s in found]
    bars = _panel(*BARS, max([s.fired for s in found], default=0), whole=True)
    share = _panel(*RATES, max([*rates, (cap or 0.0)]), whole=False)
    return {
        "report": report,
        "unit": unit,
        "marks": _marks(found, bars, share),
        "line": _line(found, share),
        "bars": bars,
        "rates": share,
        "cap_y": None if cap is None else share.y(cap),
        "summary": summary(report),
        "width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT,
        "percent": percent,
    }  # fmt: skip


def _marks(found: Sequence[Step], bars: Panel, share: Panel) -> list[Mark]:
    each = (WIDTH - LEFT - RIGHT) / max(len(found), 1)
    width = min(each * 0.78, 40.0)
    every = max(1, math.ceil(len(found) * 58 / (WIDTH - LEFT - RIGHT)))
    marks = []
    for number, step in enumerate(found):
        middle = LEFT + each * (number + 0.5)
        y = bars.y(step.fired)
        marks.append(
            Mark(
                x=round(middle - width / 2, 2),
                width=round(width, 2),
                middle=round(middle, 2),
                step=step,
                bar_y=y,
                bar_height=round(bars.top + bars.height - y, 2),
                rate_y=None if step.rate is None else share.y(step.rate),
                tick=step.label if number % every == 0 else "",
            )
        )
    return marks


def _line(found: Sequence[Step], share: Panel) -> list[str]:
    """Points of the line of rates, broken where nothing could be judged."""
    each = (WIDTH - LEFT - RIGHT) / max(len(found), 1)
    lines: list[list[str]] = [[]]
    for number, step in enumerate(found):
        if step.rate is None:
            lines.append([])
        else:
            lines[-1].append(f"{LEFT + each * (number + 0.5):.2f},{share.y(step.rate)}")
    return [" ".join(points) for points in lines if len(points) > 1]


def _panel(top: int, height: int, highest: float, *, whole: bool) -> Panel:
    """A panel whose highest grid line is a round number at or above the highest value."""
    step = nice(highest / 4 or 0.25, whole=whole)
    lines = max(1, math.ceil(round(highest / step, 9)))
    panel = Panel(top, height, [], lines * step)
    for number in range(lines + 1):
        value = number * step
        panel.ticks.append((panel.y(value), f"{value:,.0f}" if whole else percent(value)))
    return panel


def nice(value: float, *, whole: bool = False) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten; for counts at least 1 and no halves."""
    if whole and value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    for factor in (1, 2, 5) if whole else (1, 2, 2.5, 5):
        if factor * power >= value * (1 - 1e-9):
            return factor * power
    return 10 * power


def percent(share: float | None) -> str:
    """A share for people: three digits at most."""
    return "–" if share is None else f"{100 * share:.3g}%"


def summary(report: Mapping[str, Any]) -> str:
    """The figures in one line."""
    rate, outcomes = report["flag_rate"], report["outcomes"]
    text = f"{outcomes['fired']:,} fired of {rate['n']:,} judged"
    if rate["n"]:
        spread = f"{percent(rate['low'])} to {percent(rate['high'])}"
        text += f": {percent(rate['value'])} (95% interval {spread})"
    if report["max_flag_rate"] is not None:
        kept = {True: ", kept", False: ", not kept", None: ""}[report["max_flag_rate_kept"]]
        text += f"; cap {percent(report['max_flag_rate'])}{kept}"
    return text
