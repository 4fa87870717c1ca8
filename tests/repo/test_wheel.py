"""The wheel holds the packages whole, nothing else, and works away from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("alerts", "api", "detector", "features", "rules")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this checkout, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files in a folder of their own."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def package_files() -> set[str]:
    """Files of the packages under version control, or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *PACKAGES]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = {name for name in listed.split("\n") if name and (ROOT / name).is_file()}
    if not found:
        pytest.skip("not a git checkout")
    return found


def test_the_wheel_holds_exactly_the_files_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        members = {n for n in archive.namelist() if ".dist-info/" not in n}
    expected = package_files()
    assert sorted(expected - members) == []
    assert sorted(members - expected) == []
    for ending in (".yaml", ".html", ".css", ".js", ".svg", ".mako", "py.typed", "schema.json"):
        assert any(name.endswith(ending) for name in members), ending
    assert {f"{package}/py.typed" for package in PACKAGES} <= members


def test_the_wheel_carries_licence_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = [n for n in archive.namelist() if ".dist-info/" in n]
        (points,) = (n for n in about if n.endswith("entry_points.txt"))
        assert "warden = detector.cli.main:main" in archive.read(points).decode()
    assert any(name.endswith("licenses/LICENSE") for name in about)


def run(unpacked: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Python with the unpacked wheel before everything else, away from the repository."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WARDEN_")}
    return subprocess.run(
        [sys.executable, *words],
        cwd=unpacked,
        env=kept | {"PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_the_unpacked_wheel_that_runs(unpacked: Path) -> None:
    code = f"import {', '.join(PACKAGES)}\nprint({', '.join(f'{p}.__file__' for p in PACKAGES)})"
    done = run(unpacked, "-c", code)
    assert done.stdout.count(str(unpacked)) == len(PACKAGES), done.stdout + done.stderr


@pytest.mark.parametrize("words", [("--help",), ("rules", "lint"), ("rules", "test")])
def test_commands_run_from_the_wheel(unpacked: Path, words: tuple[str, ...]) -> None:
    done = run(unpacked, "-m", "detector", *words)
    assert done.returncode == 0, done.stdout + done.stderr


def test_migrations_and_pages_work_from_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from fastapi.testclient import TestClient\n"
        "from api.app import create_app\nfrom detector.system import open_system\n"
        "door = TestClient(create_app(open_system(Path(sys.argv[1]), create=True)),"
        " base_url='http://127.0.0.1')\n"
        "page = door.get('/sign-in')\nassert page.status_code == 200, page.text\n"
        "style = door.get('/static/desk.css')\nassert style.status_code == 200\n"
    )
    done = run(unpacked, "-c", code, str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
