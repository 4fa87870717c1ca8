"""Fixtures every part of the suite shares."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# databases on both engines: `database_url`, `engine`, `postgres_url`, `sqlite_url`;
# a home with a judged market and people: `demonstration_home`
pytest_plugins = ("tests.servers", "tests.homes")

LONG = (
    "tests/conformance/test_features_on_spark.py",
    "tests/repo/test_docs.py",
    "tests/browser/test_every_page.py",
    "tests/kill/",
    "tests/browser/",
    "tests/detector/",
    "tests/repo/",
    "tests/features/test_world_",
    "tests/real/",
    "tests/ledger/",
)
"""Where the minutes go: begun first, so that at the end no worker waits for the other."""

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the long modules first; otherwise the order stays."""

    def turn(item: pytest.Item) -> int:
        return next((n for n, start in enumerate(LONG) if item.nodeid.startswith(start)), len(LONG))

    items.sort(key=turn)


@pytest.fixture(scope="session", autouse=True)
def production_hasher() -> Iterator[Callable[[], PasswordHasher]]:
    """Makes passwords cheap to hash in this process; gives what hashes them in an installation.

    A hash is meant to be slow, and the tests sign in hundreds of times.
    """
    from argon2 import PasswordHasher

    from detector.people import passwords

    production = passwords._hasher
    cheap = cache(lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "_hasher", cheap)
        yield production


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns a skip into a failure for the markers named in WARDEN_TEST_REQUIRE (as CI does)."""
    report = yield
    required = {m for m in os.environ.get("WARDEN_TEST_REQUIRE", "").split(",") if m}
    if report.skipped and required & {mark.name for mark in item.iter_markers()}:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and must not be here: {report.longrepr}"
    return report
