"""Who asks, as far as a request goes: a person with what this session or key lets them do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from detector.people.permissions import Permission
from features.errors import WardenError


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person.

    Attributes:
        name: what stands beside acts.
        roles: of the person.
        may: what the roles grant; with a key, what its scopes leave of it.
        units: units of the authority the person works for; empty: no limit.
        jurisdictions: whose cases the person may see; empty: no limit.
        by: a browser's session or a program's key, with its id.
    """

    person_id: str
    name: str
    roles: tuple[str, ...]
    may: frozenset[Permission]
    units: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    by: Literal["session", "key"]
    by_id: str

    def require(self, permission: Permission) -> None:
        """Raises WardenError `not_permitted` without the permission."""
        if permission not in self.may:
            raise WardenError(
                "not_permitted",
                f"{self.name} may not do this: it needs `{permission}`.",
                "Ask whoever keeps the accounts for a role that has it.",
            )
