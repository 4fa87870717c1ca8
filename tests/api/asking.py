"""A request that changes something, and whom and what it is sent to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.testclient import TestClient

from detector.system import System
from tests.signed import bearer

ANN, BEN = bearer("Ann"), bearer("Ben")
Route = tuple[str, str]
"""Method and path, as the application spells it."""


@dataclass(frozen=True)
class Desk:
    """An installation with alerts and rules, and a client for Ann."""

    system: System
    door: TestClient

    @property
    def alert(self) -> dict[str, Any]:
        """The first alert of the queue."""
        found: dict[str, Any] = self.door.get("/api/v1/alerts?limit=1").json()["items"][0]
        return found

    def tag(self, path: str) -> dict[str, str]:
        """What a change of it must name."""
        return {"If-Match": self.door.get(path).headers["ETag"]}


@dataclass(frozen=True)
class Ask:
    """A request whose parts are filled in."""

    path: str
    json: Any = None
    form: Mapping[str, str] | None = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Make = Callable[[Desk], Ask]
"""Brings about what must be there first, and gives the request."""
