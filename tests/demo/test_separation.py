"""Detection cannot reach the simulation or what it planted."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAY_START_IT = {"detector/cli/demo.py"}
"""Files outside the simulation that may call it: the `demo` command."""


def modules(path: Path, *, texts: bool = True) -> set[str]:
    """Every module a file imports, wherever in the file, and strings that may name one."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif texts and isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
    return names


def sources() -> list[Path]:
    """All Python files of the five packages but the simulation itself."""
    files = [p for name in ("alerts", "api", "detector", "features", "rules")
             for p in (ROOT / name).rglob("*.py")]  # fmt: skip
    return [p for p in files if not p.is_relative_to(ROOT / "detector" / "demo")]


def test_no_other_module_imports_the_simulation() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if any(name == "detector.demo" or name.startswith("detector.demo.")
               for name in modules(path))
    }  # fmt: skip
    assert found <= MAY_START_IT


def test_the_simulation_uses_nothing_of_detection() -> None:
    packages = {"alerts", "api", "detector", "features", "rules"}
    for path in (ROOT / "detector" / "demo").glob("*.py"):
        own = {n for n in modules(path, texts=False) if n.split(".")[0] in packages}
        assert all(n.startswith(("detector.demo", "features.errors")) for n in own), path.name


def test_the_check_finds_an_import_hidden_in_a_function(tmp_path: Path) -> None:
    file = tmp_path / "sly.py"
    file.write_text("def f():\n    from detector import demo\n    return demo\n", encoding="utf-8")
    assert "detector.demo" in modules(file)
