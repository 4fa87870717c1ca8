"""All golden cases: each collected exactly once, each in at the tables and out at a feature."""

from __future__ import annotations

import ast
import importlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from features.catalogue import catalogue
from tests.conftest import shared_file

HERE = Path(__file__).parent
CASES = 192
STATISTICS = 17
"""Cases about statistics of no subject: public functions of `detector.inference`, no features."""
RANGES = {"hhi_bounds": ("hhi_low", "hhi_high")}
"""A case that names a range; a feature is one number, so each end of it is one."""


def modules() -> list[ModuleType]:
    """Every other module of this folder."""
    names = sorted(p.stem for p in HERE.glob("test_*.py") if p.stem != Path(__file__).stem)
    return [importlib.import_module(f"tests.golden.{name}") for name in names]


def collected(module: ModuleType) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and case of every parameter pytest makes a test of; marked ones may be skipped."""
    for name, test in vars(module).items():
        if not name.startswith("test_"):
            continue
        for mark in getattr(test, "pytestmark", []):
            assert mark.name == "parametrize", f"{module.__name__}.{name} may not run"
            assert mark.args[0] == "case"
            for given in mark.args[1]:
                assert not given.marks, f"{module.__name__}[{given.id}] may not run"
                yield str(given.id), given.values[0]


def test_every_case_is_run_by_exactly_one_adapter() -> None:
    filed = json.loads(shared_file("golden.json").read_text())
    runs = [(name, case, module) for module in modules() for name, case in collected(module)]
    expected = {f"{case['feature']}-{k}": case for k, case in enumerate(filed)}
    assert len(expected) == CASES
    assert Counter(name for name, _, _ in runs) == Counter(list(expected))
    for name, case, module in runs:
        assert case == expected[name]
        by = "feature" if case["typology"] == "STAT" else "typology"
        assert case[by] in module.ADAPTERS, f"{name} has no adapter"


def test_every_case_is_of_a_feature_or_a_shared_statistic() -> None:
    filed = json.loads(shared_file("golden.json").read_text())
    known = catalogue().features
    statistics = [case for case in filed if case["typology"] == "STAT"]
    assert len(statistics) == STATISTICS
    assert not {case["feature"] for case in statistics} & set(known)
    for case in filed:
        if case["typology"] == "STAT":
            continue
        for name in RANGES.get(case["feature"], (case["feature"],)):
            assert known[name].typology == case["typology"]


def test_no_adapter_reaches_past_the_tables() -> None:
    """Adapters file tables and read features: none imports what computes a feature."""
    for module in modules():
        tree = ast.parse(Path(str(module.__file__)).read_text())
        names = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        names += [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
        inner = ("features.library", "features.operators", "features.timeseries", "features.robust")
        assert not [n for n in names if n.startswith(inner)]
