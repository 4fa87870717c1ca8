"""People for tests at the door: enrolled with roles, known by a key made from their name."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from detector.database import writing
from detector.people import accounts
from detector.people.permissions import Role, granted
from detector.people.tables import api_key
from detector.system import System
from features.errors import WardenError

ALL = tuple(Role)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def _parts(name: str) -> tuple[str, str]:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return digest[:16], digest[16:]


def bearer(name: str) -> dict[str, str]:
    """Headers of a request by somebody enrolled."""
    mark, secret = _parts(name)
    return {"Authorization": f"Bearer mw_{mark}_{secret}"}


def enroll(
    system: System,
    name: str,
    roles: Collection[Role] = ALL,
    *,
    units: Collection[str] = (),
    jurisdictions: Collection[str] = (),
) -> dict[str, str]:
    """Gives a person an account and a key for everything the roles grant; headers of the key."""
    mark, secret = _parts(name)
    row = {
        "id": mark,
        "hash": hashlib.sha256(secret.encode()).hexdigest(),
        "title": "tests",
        "scopes": [str(one) for one in granted(roles)],
        "added_at": LONG_AGO,
        "expires_at": LONG_AGO + timedelta(days=36_500),
    }
    try:
        with writing(system.engine) as connection:
            known = accounts.add(
                connection, name, roles, "tests", LONG_AGO, units=units,
                jurisdictions=jurisdictions,
            )  # fmt: skip
            connection.execute(sa.insert(api_key), {**row, "person_id": known.id})
    except WardenError as error:
        if error.code != "name_taken":
            raise
    return bearer(name)
