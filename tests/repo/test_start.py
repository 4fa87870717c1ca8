"""The command line starts fast and imports nothing heavy to say what it can do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from detector.system import open_system

HEAVY = ("polars", "pyod", "sklearn", "scipy", "sqlalchemy", "deltalake", "fastapi", "narwhals")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from detector.cli.main import app\n"
        "try:\n    app(args=['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("HEAVY []")


def test_opening_an_installation_waits_for_no_lake_and_no_migration(tmp_path: Path) -> None:
    open_system(tmp_path, create=True).engine.dispose()
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from detector.system import open_system\n"
        f"system = open_system(Path({str(tmp_path)!r}))\n"
        "assert not {'polars', 'deltalake', 'alembic'} & set(sys.modules)\n"
        "assert system.lake.tables() == ()\n"
        "assert 'deltalake' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_command_explains_itself() -> None:
    from typer.main import get_command

    from detector.cli.main import app

    def silent(command: object, path: str) -> list[str]:
        children = getattr(command, "commands", {})
        missing = [] if getattr(command, "help", None) else [path]
        return missing + [m for n, c in children.items() for m in silent(c, f"{path} {n}")]

    assert silent(get_command(app), "warden") == []


def run(*words: str, home: str) -> subprocess.CompletedProcess[str]:
    """One invocation of the command line."""
    command = [sys.executable, "-m", "detector", "--home", home, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_exit_codes(tmp_path: object) -> None:
    home = str(tmp_path)
    assert run("init", home=f"{home}/h").returncode == 0
    assert run("init", home=f"{home}/h").returncode == 0
    assert run("frobnicate", home=home).returncode == 2
    wrong = run("detect", "--from", "yesterday", home=f"{home}/h")
    assert wrong.returncode == 2
    assert "2026-03-31" in wrong.stderr
    missing = run("detect", home=f"{home}/nowhere")
    assert missing.returncode == 1
    assert "warden init" in missing.stderr
    assert run("ingest", "no_such_table", __file__, home=f"{home}/h").returncode == 2
