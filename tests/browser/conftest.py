"""A Chromium and a served home of the demonstration, with one person a role."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.tables import alert
from detector.database import reading, writing
from detector.people import accounts, sessions
from detector.people.permissions import Role
from detector.system import System, open_system

sync_api = pytest.importorskip("playwright.sync_api")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOUSE = "desk"
"""Somebody who holds every role: whoever looks at every page."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The Chromium of this machine.

    No longer than a module: until it closes, its loop runs in this thread, and no other may.
    """
    fixed = Path("/usr/bin/chromium")
    path = str(fixed) if fixed.exists() else shutil.which("chromium") or shutil.which("chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def serve(app: Any) -> Iterator[str]:
    """An application on a free port of this machine, until it is no longer wanted."""
    import uvicorn

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@dataclass
class Desk:
    """A served installation and the sessions of its people."""

    system: System
    address: str
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, name: str) -> str:
        """The session of a person, opened once: a password costs a third of a second."""
        if name not in self.tokens:
            with writing(self.system.engine) as connection:
                who = accounts.account(connection, name)
                self.tokens[name] = sessions.open_session(
                    connection, who.id, who.name, self.system.clock(), "password"
                )
        return self.tokens[name]

    @cached_property
    def an_alert(self) -> str:
        """Id of an alert that waits."""
        return self._first(alert.c.id, alert.c.state == "open")

    @cached_property
    def a_firm(self) -> str:
        """Id of a firm with an alert."""
        return self._first(alert.c.subject_key, alert.c.subject_kind == "firm")

    def _first(self, column: sa.Column[str], *where: sa.ColumnElement[bool]) -> str:
        with reading(self.system.engine) as connection:
            query = sa.select(column).where(*where).order_by(alert.c.id).limit(1)
            return str(connection.execute(query).scalar_one())


@pytest.fixture(scope="module")
def desk(demonstration_home: Path) -> Iterator[Desk]:
    """The demonstration, served. Roles sign in by their own names; `desk` holds all of them."""
    from api.app import create_app

    system = open_system(demonstration_home)
    with writing(system.engine) as connection:
        accounts.add(connection, HOUSE, list(Role), "setup", system.clock())
    for address in serve(create_app(system)):
        yield Desk(system, address)
    system.engine.dispose()


OpenPage = Callable[..., Any]


@pytest.fixture
def open_page(chromium: Any, desk: Desk) -> Iterator[OpenPage]:
    """`open_page(path, role=, lang=, theme=, width=, script=)`: a page of the desk.

    The test fails when the console complains, a script fails, the content policy refuses
    something or anything is asked of another host.
    """
    contexts, complaints = [], []

    def heard(message: Any) -> None:
        # a refused answer is a state of the page, which the test looks at itself
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def opened(
        path: str,
        *,
        role: str = HOUSE,
        lang: str = "en",
        theme: str = "light",
        width: int = 1440,
        script: bool = True,
    ) -> Any:
        context = chromium.new_context(
            base_url=desk.address,
            viewport={"width": width, "height": 900},
            java_script_enabled=script,
        )
        contexts.append(context)
        cookies = {"session": desk.token(role), "lang": lang, "theme": theme}
        context.add_cookies(
            [{"name": n, "value": v, "url": desk.address} for n, v in cookies.items()]
        )
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda r: None if r.url.startswith(desk.address) else complaints.append(r.url),
        )
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def say_purpose(page: Any, firm: str, purpose: str = "review", case: str = "C-1") -> None:
    """Opens a dossier, so that its parts answer; `firm` as it stands in an address."""
    page.goto(f"/firms/{firm}/purpose")
    page.locator("[name=purpose]").fill(purpose)
    page.locator("[name=case]").fill(case)
    page.locator("main form button").click()
    page.wait_for_url("**/firms/*")


AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']});
  return found.violations.map((v) => v.id + ': ' + v.help + ' | '
    + v.nodes.slice(0, 3).map((n) => n.target + ' ' + n.html.slice(0, 120)).join(' || '));
}"""


def axe_findings(page: Any) -> list[str]:
    """What axe finds on a page, one line each."""
    script = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    page.evaluate(script)
    found: list[str] = page.evaluate(AXE)
    return found
