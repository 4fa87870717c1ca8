"""Every test here has a home of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.homes import Home, open_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A new installation."""
    return open_home(tmp_path / "home")
