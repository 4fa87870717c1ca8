"""One judged installation for all tests of the dossier; they only read."""

from __future__ import annotations

import pytest

from detector.run import run_detection
from detector.system import System
from tests.dossier.filed import filed_home


@pytest.fixture(scope="session")
def filed(tmp_path_factory: pytest.TempPathFactory) -> System:
    """The filings of `tests.dossier.filed`, judged once."""
    system = filed_home(tmp_path_factory.mktemp("dossier") / "home")
    run_detection(system, typologies=("MON-BID-CV", "MON-DOMINANCE-CN"))
    return system
