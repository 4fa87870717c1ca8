"""One judged installation for all tests of the dossier; they only read."""

from __future__ import annotations

import pytest

from detector.system import System
from tests.dossier.filed import judged


@pytest.fixture(scope="session")
def filed(tmp_path_factory: pytest.TempPathFactory) -> System:
    """The filings of `tests.dossier.filed`, judged once."""
    return judged(tmp_path_factory)
