"""An alert says what its q-value means, in both languages, and whether the budget bears it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import client_of, make_system
from tests.api.market import signal

FIRM = ("F-1", "North Asphalt", "北方沥青")


def page_of(folder: Path, lang: str, **given: Any) -> str:
    """The page of the only alert, tags and spare blanks left out."""
    folder.mkdir()
    found = signal("MON-BID-CV", ("close bids", "接近"), FIRM, **given)
    reader = client_of(
        make_system(folder / "home", [found]), Accept="text/html", actor="Reviewer 3"
    )
    link = re.search(r'data-href="(/alerts/[^"]+)"', reader.get("/").text)
    assert link is not None
    text = reader.get(link[1], headers={"Accept-Language": lang}).text
    return " ".join(re.sub("<[^>]+>", " ", text).split())


@pytest.mark.parametrize(
    ("lang", "said", "inside", "outside"),
    [
        ("en", "q = 0.031: of findings at least as strong as this one, about 3.1 in 100 are",
         "Inside the long-run budget", "Outside the long-run budget"),
        ("zh", "q = 0.031：计入同批检验的全部对象和指标后",
         "在长期误报预算之内", "超出长期误报预算"),
    ],
)  # fmt: skip
def test_the_page_says_what_q_means(
    tmp_path: Path, lang: str, said: str, inside: str, outside: str
) -> None:
    given = {"p_value": 0.0004, "q_value": 0.031}
    budget = {"grain": "firm_y", "level": 0.044}
    page = page_of(tmp_path / "in", lang, **given, budget={**budget, "inside": True})
    assert said in page
    assert inside in page
    assert "0.044" in page
    page = page_of(tmp_path / "out", lang, **given, budget={**budget, "inside": False})
    assert outside in page
    page = page_of(tmp_path / "none", lang, **given)
    assert said in page
    assert inside not in page
    assert outside not in page


def test_a_fact_against_a_limit_has_no_chance(tmp_path: Path) -> None:
    page = page_of(tmp_path / "legal", "en", lane="legal", p_value=0.01, q_value=None)
    assert "Could it be chance?" not in page


def test_the_api_gives_q_and_budget(tmp_path: Path) -> None:
    budget = {"grain": "firm_y", "level": 0.044, "inside": True}
    found = signal("MON-BID-CV", ("close bids", "接近"), FIRM, q_value=0.03, budget=budget)
    client = client_of(make_system(tmp_path / "home", [found]), actor="Reviewer 3")
    item = client.get("/api/v1/alerts").json()["items"][0]
    assert (item["q_value"], item["budget"]) == (0.03, budget)
