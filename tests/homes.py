"""The home the demonstration makes: made once for all workers of a run, copied for whoever asks.

Where an installation with alerts in both lanes, filings, models and people is all a test needs,
`demonstration_home` is the cheap way to have one of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from detector.database import writing
from detector.people import accounts
from detector.people.demonstration import PEOPLE
from detector.system import open_system

DEMO = "warden demo --small --no-serve --top 1"
"""The command that makes it; `Demonstration.printed` is what it prints."""
PASSWORD = "seven quiet lanterns at noon"
"""Of everybody in a copy that `demonstration_home` gives; the names are those of `PEOPLE`."""
_SECONDS = 300


def demonstrated(folders: pytest.TempPathFactory) -> Path:
    """The folder in which the command was run, with what it `printed`; to be left as it is."""
    return _made(folders) / "as-made"


def demonstration_home(folders: pytest.TempPathFactory) -> Path:
    """A copy of the demonstration's home, free to be changed; everybody signs in with `PASSWORD`.

    The home is `warden-home/demo` in a folder of its own, as the command leaves it.
    """
    folder = folders.mktemp("demonstration")
    shutil.copytree(_made(folders) / "with-password", folder, dirs_exist_ok=True)
    return folder / "warden-home" / "demo"


@pytest.fixture(scope="module", name="demonstration_home")
def _demonstration_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy for a module; a test that needs one of its own calls the function."""
    return demonstration_home(tmp_path_factory)


def _made(folders: pytest.TempPathFactory) -> Path:
    """Where both states lie; whoever comes first makes them, the others wait."""
    base = folders.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / "the-demonstration"
    with FileLock(base / "the-demonstration.lock"):
        if not folder.exists():
            making = base / "the-demonstration-unfinished"
            shutil.rmtree(making, ignore_errors=True)
            _run(making / "as-made")
            shutil.copytree(making / "as-made", making / "with-password")
            _set_passwords(making / "with-password" / "warden-home" / "demo")
            making.rename(folder)
    return folder


def _run(folder: Path) -> None:
    folder.mkdir(parents=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WARDEN_")}
    surroundings = kept | {"NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "warden"), *DEMO.split()[1:]],
        cwd=folder,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_SECONDS,
    )
    printed = done.stdout.decode(errors="replace")
    assert done.returncode == 0, printed[-3000:]
    (folder / "printed").write_text(printed, encoding="utf-8")


def _set_passwords(home: Path) -> None:
    system = open_system(home)
    with writing(system.engine) as connection:
        for name in PEOPLE:
            accounts.set_password(connection, name, PASSWORD, "tests", system.clock())
    system.engine.dispose()
