"""One detection in a process of its own, to be killed."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import detector.judging
import detector.models.fit
import detector.models.score
import detector.run
import rules.evaluate
import rules.ruleset
from tests.detector.homes import opened

PRELOADED = (
    detector.judging,
    detector.models.fit,
    detector.models.score,
    rules.evaluate,
    rules.ruleset,
)


def detect(home: Path, there: Connection[Any, Any]) -> None:
    """Judges what is new and says so when it is published."""
    there.send("at work")
    summary = detector.run.run_detection(opened(home))
    there.send(summary.counts)
