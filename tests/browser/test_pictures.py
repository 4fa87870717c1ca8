"""The pictures of README and documentation, taken of the demonstration.

They are kept where `WARDEN_PICTURES` names a folder (`make pictures`). Every picture that a page
shows is one that is taken here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.conftest import Desk, OpenPage

ROOT = Path(__file__).resolve().parents[2]
PICTURES = {
    "queue": "/?lane=screen",
    "alert": "/alerts/{alert}?whole=1",
}
"""Name of a picture and what it shows."""


@pytest.mark.browser
@pytest.mark.parametrize("name", sorted(PICTURES))
def test_take(desk: Desk, open_page: OpenPage, name: str, tmp_path: Path) -> None:
    asked = os.environ.get("WARDEN_PICTURES")
    folder = ROOT / asked if asked else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    page = open_page(PICTURES[name].format(alert=desk.an_alert))
    page.wait_for_timeout(500)
    page.screenshot(path=folder / f"{name}.png")
    assert (folder / f"{name}.png").stat().st_size > 10_000


def test_every_picture_shown_is_one_that_is_taken() -> None:
    shown = set()
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for found in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / found).is_file(), (page, found)
            shown.add(Path(found).stem)
    assert shown
    assert shown <= set(PICTURES)
