"""People of the demonstration: one for each role, with one password made anew each time."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from detector.people.permissions import Role

if TYPE_CHECKING:
    from detector.system import System

PEOPLE = {
    "regulator": (Role.REGULATOR,),
    "investigator": (Role.INVESTIGATOR,),
    "author": (Role.RULE_AUTHOR,),
    "approver": (Role.RULE_APPROVER,),
    "auditor": (Role.AUDITOR,),
    "administrator": (Role.ADMINISTRATOR,),
    "reader": (Role.READER,),
}


def add_people(system: System) -> str:
    """Adds them; the password they share."""
    from detector.database import writing
    from detector.people import accounts

    password = "-".join(secrets.token_hex(2) for _ in range(4))
    with writing(system.engine) as connection:
        for name, roles in PEOPLE.items():
            accounts.add(connection, name, roles, "demo", system.clock(), password=password)
    return password
