"""The tree keeps its own rules: sizes, layers, names, no traces of machines."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("alerts", "api", "detector", "features", "rules")
HOSTS = re.compile(
    "|".join(("pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "deb" + r"\.debian"))
)
MACHINE = re.compile(r"(?<![\w.])/(work|farm|root|home)/\w")


def tracked(*endings: str) -> list[Path]:
    """Files under version control (or about to be) with one of the endings."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = [ROOT / n for n in names.split("\n") if n and n.endswith(endings)]
    if not found:
        pytest.skip("not a git checkout")
    return [f for f in found if f.is_file()]


def functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions of a module."""
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_file_over_400_lines_and_no_function_over_60() -> None:
    long = []
    for path in tracked(".py"):
        text = path.read_text()
        if text.count("\n") > 400:
            long.append(f"{path.name}: {text.count(chr(10))} lines")
        for node in functions(ast.parse(text)):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > 60:
                long.append(f"{path.name}:{node.lineno} {node.name}: {size} lines")
    assert long == []


def test_every_module_class_and_public_function_says_what_it_is() -> None:
    silent = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text())
            if not ast.get_docstring(tree):
                silent.append(f"{path.relative_to(ROOT)}: module")
            for node in tree.body:
                public = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
                if public and not ast.get_docstring(node):  # type: ignore[arg-type]
                    silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")  # type: ignore[attr-defined]
    assert silent == []


def test_no_trace_of_a_machine_or_of_a_package_host() -> None:
    traces = []
    for path in tracked(
        ".py", ".md", ".toml", ".lock", ".yaml", ".html", ".css", ".js", ".json", "Makefile", "run"
    ):
        if "/static/vendor/" in str(path):
            continue
        for number, line in enumerate(path.read_text(errors="replace").split("\n"), 1):
            if HOSTS.search(line) or MACHINE.search(line):
                traces.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert traces == []


def test_no_module_shadows_the_standard_library() -> None:
    shadows = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).glob("*.py")
        if path.stem in sys.stdlib_module_names
    ]
    assert shadows == []


def test_only_yaml_and_frozen_slices_below_the_rule_library() -> None:
    strays = [
        str(p)
        for p in (ROOT / "rules" / "library").rglob("*")
        if p.is_file() and not p.name.endswith((".yaml", ".golden.json"))
    ]
    assert strays == []


def test_locks_pin_every_package_by_hash_and_name_no_host() -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (ROOT / name).read_text()
        pins = re.findall(r"^[a-z0-9].*==", text, re.M)
        blocks = [b for b in re.split(r"\n(?=[a-z0-9])", text.strip()) if b]
        assert len(pins) > 40
        assert all("--hash=sha256:" in block for block in blocks), name
        assert "://" not in text
        assert "--index-url" not in text


def test_layers_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
