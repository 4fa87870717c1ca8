"""Files of fitted posterior curves: plain JSON named by its hash, and which one is in force."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alerts.weights import Curve, curve_from
from detector.whole_files import replace_text
from features.errors import WardenError


def save(home: Path, learnt: Mapping[str, Any]) -> str:
    """Keeps what was learnt (`detector.models.posterior.Learnt`) under its hash; returns that."""
    text = json.dumps(learnt, sort_keys=True, indent=1)
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    _write(folder(home) / f"{mark}.json", text)
    return mark


def put_in_force(home: Path, mark: str | None) -> None:
    """From the next run on alerts are ranked by this curve; by the additive form when None.

    Raises:
        WardenError: `unknown_posterior`.
    """
    pointer = folder(home) / "current"
    if mark is None:
        pointer.unlink(missing_ok=True)
        return
    load(home, mark)
    _write(pointer, mark)


def in_force(home: Path) -> Curve | None:
    """The curve alerts are ranked by, None when it is the additive form."""
    pointer = folder(home) / "current"
    if not pointer.exists():
        return None
    return load(home, pointer.read_text().strip())


def load(home: Path, mark: str) -> Curve:
    """A kept curve.

    Raises:
        WardenError: `unknown_posterior`; `posterior_changed` when the file is not what was kept.
    """
    path = folder(home) / f"{mark}.json"
    if not (mark.isalnum() and path.exists()):
        raise WardenError(
            "unknown_posterior", f"There is no fitted curve {mark}.", kind="not_found"
        )
    text = path.read_text()
    if hashlib.sha256(text.encode()).hexdigest()[:16] != mark:
        raise WardenError(
            "posterior_changed",
            f"The fitted curve {mark} is not what was kept: its hash differs.",
            "Fit anew with `warden reviews fit`.",
            kind="integrity",
        )
    return curve_from(json.loads(text)["curve"])


def folder(home: Path) -> Path:
    """Where curves lie."""
    return home / "models" / "posterior"


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, text)
