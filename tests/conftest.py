"""Fixtures every part of the suite shares."""

from __future__ import annotations

from pathlib import Path

import pytest

# databases on both engines: `database_url`, `engine`, `postgres_url`, `sqlite_url`
pytest_plugins = ("tests.servers",)

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared_file(name: str) -> Path:
    """Path of a file beside the repository; skips the test with one clear line when absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"shared material not found beside the repository: {name}")
    return path


def shared_data(name: str) -> Path:
    """Folder of one real data set; skips the test with one clear line when absent."""
    return shared_file(f"data/{name}")
