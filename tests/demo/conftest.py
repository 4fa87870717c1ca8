"""The simulated market, made once for all tests of this folder."""

from __future__ import annotations

import pytest

from detector.demo.world import Size
from tests.demo.reading import Written, written


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A twentieth of the demonstration."""
    return written(tmp_path_factory.mktemp("small"), Size.small())


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The market of the demonstration."""
    return written(tmp_path_factory.mktemp("full"), Size.full())


@pytest.fixture(params=["small", "full"])
def market(request: pytest.FixtureRequest) -> Written:
    """Both sizes in turn."""
    found: Written = request.getfixturevalue(request.param)
    return found
