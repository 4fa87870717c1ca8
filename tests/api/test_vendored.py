"""Scripts of others are the files that were pinned, each with its licence."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

VENDOR = Path(str(files("api.web").joinpath("static", "vendor")))


def test_every_vendored_script_is_the_pinned_one() -> None:
    pins = json.loads((VENDOR / "pins.json").read_text(encoding="utf-8"))
    assert set(pins) == {path.name for path in VENDOR.glob("*.js")}
    for name, pin in pins.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == pin["sha256"], name
        assert (VENDOR / f"{name.split('.')[0]}.LICENSE").stat().st_size > 100, name
