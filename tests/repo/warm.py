"""`warden` without the wait: a server that has imported the libraries forks a process a command.

The pages run two hundred commands, and each would spend a second of work on importing the same
libraries. Only libraries are imported beforehand: every command imports our own modules anew, so
one that imports too little, or in a circle, still fails. Arguments, folder, environment, input,
output and exit code are the command's own, as is the process.
"""

from __future__ import annotations

import gc
import importlib
import marshal
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LIBRARIES = (
    "alembic.command",
    "alembic.ddl.postgresql",
    "argon2",
    "cryptography.x509",
    "dataframely",
    "deltalake",
    "filelock",
    "narwhals",
    "numpy",
    "polars",
    "psycopg",
    "pyarrow.parquet",
    "pydantic_settings",
    "rich.console",
    "rich.table",
    "ruamel.yaml",
    "rustworkx",
    "scipy.special",
    "scipy.stats",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "sqlglot",
    "structlog",
    "typer.rich_utils",
)
COLD = ("serve",)
"""Commands that are sent signals start as they do elsewhere."""
LOST = 70
"""Exit code of a command whose process vanished."""

CLIENT = """\
#!{python} -IS
import marshal, os, socket, sys
if {cold} & set(sys.argv[1:]):
    os.execv({program!r}, sys.argv)
with socket.socket(socket.AF_UNIX) as line:
    line.connect({door!r})
    asked = marshal.dumps((sys.argv[1:], os.getcwd(), dict(os.environ)))
    socket.send_fds(line, [b"."], [0, 1, 2])
    line.sendall(asked)
    line.shutdown(socket.SHUT_WR)
    code = line.recv(9)
sys.exit(int(code or {lost}))
"""


@contextmanager
def warm_warden(surroundings: dict[str, str]) -> Iterator[Path]:
    """A folder for the path, in which `warden` is the quick one.

    Args:
        surroundings: the environment in which the libraries are imported.
    """
    with tempfile.TemporaryDirectory(prefix="warm-") as name:
        folder = Path(name)
        door = folder / "door"
        _write_client(folder / "warden", door)
        server = subprocess.Popen(
            # without its own folder in the path of modules, as an installed command
            [sys.executable, "-P", __file__, str(door)],
            env=surroundings,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            while not door.exists():
                assert server.poll() is None, "the server of commands did not start"
                time.sleep(0.05)
            yield folder
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _write_client(file: Path, door: Path) -> None:
    text = CLIENT.format(
        python=sys.executable, cold=set(COLD), door=str(door), lost=LOST,
        program=str(Path(sys.executable).parent / "warden"),
    )  # fmt: skip
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)


def serve(door: str) -> None:
    """Forks for every command that comes; returns in the processes of commands only."""
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.bind(f"{door}.new")
        waiting.listen()
        Path(f"{door}.new").rename(door)
        running: set[int] = set()
        while True:
            line = waiting.accept()[0]
            running -= {one for one in running if os.waitpid(one, os.WNOHANG)[0]}
            started = os.fork()
            if not started:
                break
            running.add(started)
            line.close()
    _become_command(line)


def _become_command(line: socket.socket) -> None:
    """Takes on what the client sent with its files; a process beside it tells the exit code."""
    files = socket.recv_fds(line, 1, 3)[1]
    arguments, folder, environment = marshal.loads(line.makefile("rb").read())
    command = os.fork()
    if command:
        code = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
        line.sendall(str(code % 256).encode())
        os._exit(0)
    line.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["warden", *arguments]


if __name__ == "__main__":
    serve(sys.argv[1])
    from detector.cli.main import main

    main()
