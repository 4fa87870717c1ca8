"""The golden cases of shared material: found by typology, and compared with what came out."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import pytest

from features.catalogue import catalogue
from tests.conftest import SHARED, shared_file

Case = dict[str, Any]


def golden_cases(typologies: Collection[str]) -> list[Any]:
    """Parameters of a test, one a case; none where the shared file is absent."""
    path = SHARED / "golden.json"
    found = json.loads(path.read_text()) if path.exists() else []
    return [
        pytest.param(c, id=f"{c['feature']}-{k}")
        for k, c in enumerate(found)
        if c["typology"] in typologies
    ]


def all_have_cases_and_features(typologies: Collection[str]) -> None:
    """Fails when a typology has no golden case or no feature; skips without the shared file."""
    shared_file("golden.json")
    assert {c.values[0]["typology"] for c in golden_cases(typologies)} == set(typologies)
    assert set(typologies) <= {f.typology for f in catalogue().features.values()}


def agrees(actual: Any, case: Case) -> None:
    """Numbers within the tolerance of the case, everything else equal."""
    expected = case["expected"]
    first = expected[0] if isinstance(expected, list) and expected else expected
    if isinstance(first, float | int) and not isinstance(first, bool):
        assert actual == pytest.approx(expected, abs=case["tolerance"], rel=0)
    else:
        assert actual == expected
