"""The report as HTML and as PDF."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import typst
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from detector.bundle.fonts import MONO, Choice, choose
from detector.bundle.view import Report
from detector.bundle.wording import HTML_LANG, words

FOLDER = str(files("detector.bundle"))


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def html(report: Report) -> bytes:
    """The report as a page of its own; needs no network and no script."""
    page = _templates().get_template("report.html")
    return page.render(report=report, html_lang=HTML_LANG[report.lang]).encode()


def pdf(report: Report, created: datetime) -> tuple[bytes, Choice]:
    """The report as PDF, and what it was printed with."""
    told = asdict(report)
    choice = choose(_all_text(told))
    if choice.missing:
        note = words(report.lang)["missing"]
        # without any Chinese font the note itself could not be read
        readable = choice.missing.isdisjoint(note)
        told["notes"] = [*told["notes"], note if readable else words("en")["missing"]]
        told = _shown(told, choice)
    told["made"] = list(created.timetuple()[:6])
    told["page"] = choice.shown(words(report.lang)["page"])
    families = [font.family for font in choice.fonts] or [MONO]
    made = typst.compile(
        FOLDER + "/report.typ",
        root=FOLDER,
        font_paths=sorted({str(font.path.parent) for font in choice.fonts}),
        ignore_system_fonts=True,
        sys_inputs={
            "report": json.dumps(told, ensure_ascii=False),
            "fonts": json.dumps([*families, MONO]),
        },
        timestamp=int(created.timestamp()),
    )
    return made, choice


def _all_text(value: Any) -> str:
    """Every text in plain data, one after the other."""
    if isinstance(value, dict):
        return "".join(map(_all_text, value.values()))
    if isinstance(value, list | tuple):
        return "".join(map(_all_text, value))
    return value if isinstance(value, str) else ""


def _shown(value: Any, choice: Choice) -> Any:
    if isinstance(value, dict):
        return {key: _shown(part, choice) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(part, choice) for part in value]
    return choice.shown(value) if isinstance(value, str) else value
