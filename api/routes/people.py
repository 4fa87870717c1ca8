"""People: who is signed in, their keys, and the accounts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.deps import Actor, IfMatch, SystemDep, Who, etag, expected_version, problems
from api.schemas.people import (
    Ended,
    KeyReport,
    Keys,
    Me,
    NewKey,
    NewPerson,
    PasswordChange,
    People,
    PersonChange,
    PersonReport,
    Sessions,
    ShownKey,
)
from detector.database import reading, writing
from detector.people import accounts, keeping, keys
from features.errors import WardenError

router = APIRouter(prefix="/api/v1", tags=["people"])

PersonName = Annotated[str, Path(min_length=1, max_length=80)]


@router.get("/me", responses=problems(401, 503))
def read_me(who: Who) -> Me:
    """Whoever asks."""
    return Me.model_validate(
        {
            "name": who.name,
            "roles": who.roles,
            "permissions": sorted(who.may),
            "units": who.units,
            "jurisdictions": who.jurisdictions,
            "by": who.by,
        }
    )


@router.get("/me/keys", responses=problems(401, 503))
def list_keys(system: SystemDep, actor: Actor) -> Keys:
    """Keys of whoever asks."""
    with reading(system.engine) as connection:
        found = keys.keys_of(connection, actor)
    return Keys.model_validate({"items": [asdict(key) for key in found]})


@router.post("/me/keys", status_code=201, responses=problems(401, 403, 422, 503))
def new_key(system: SystemDep, who: Who, asked: NewKey) -> ShownKey:
    """Makes a key; the answer shows it this once. A key cannot make keys."""
    _by_browser(who.by)
    with writing(system.engine) as connection:
        key, text = keys.add_key(
            connection, who.name, asked.title, asked.scopes, asked.days, who.name, system.clock()
        )
    return ShownKey.model_validate(asdict(key) | {"key": text})


@router.post("/me/keys/{key_id}/revoke", responses=problems(401, 404, 503))
def revoke_key(
    system: SystemDep, actor: Actor, key_id: Annotated[str, Path(max_length=16)]
) -> KeyReport:
    """Ends one of one's own keys for good."""
    with writing(system.engine) as connection:
        mine = {key.id for key in keys.keys_of(connection, actor)}
        if key_id not in mine:
            raise WardenError("unknown_key", f"You have no key `{key_id}`.", kind="not_found")
        keys.revoke_key(connection, key_id, actor, system.clock())
        found = next(key for key in keys.keys_of(connection, actor) if key.id == key_id)
    return KeyReport.model_validate(asdict(found))


@router.get("/me/sessions", responses=problems(401, 503))
def list_sessions(system: SystemDep, actor: Actor) -> Sessions:
    """Browsers in which one is signed in."""
    with reading(system.engine) as connection:
        found = keeping.sessions_of(connection, actor, system.clock())
    return Sessions.model_validate({"items": [asdict(one) for one in found]})


@router.post("/me/sessions/end", responses=problems(401, 503))
def end_own_sessions(system: SystemDep, actor: Actor) -> Ended:
    """Ends every session of one's own, that of this request too; keys go on."""
    with writing(system.engine) as connection:
        return Ended(sessions=keeping.end_sessions(connection, actor, actor, system.clock()))


@router.post("/me/password", status_code=204, responses=problems(401, 403, 422, 429, 503))
def change_password(system: SystemDep, who: Who, asked: PasswordChange) -> Response:
    """Chooses a new password; every session ends. A key cannot."""
    _by_browser(who.by)
    keeping.change_password(system, who.name, asked.old, asked.new)
    return Response(status_code=204)


@router.get("/people", responses=problems(401, 403, 503))
def list_people(system: SystemDep) -> People:
    """Every account."""
    with reading(system.engine) as connection:
        found = accounts.accounts(connection)
    return People.model_validate({"items": [asdict(one) for one in found]})


@router.post("/people", status_code=201, responses=problems(401, 403, 409, 422, 503))
def new_person(
    response: Response, system: SystemDep, actor: Actor, asked: NewPerson
) -> PersonReport:
    """Makes an account."""
    with writing(system.engine) as connection:
        made = accounts.add(
            connection, asked.name, asked.roles, actor, system.clock(),
            password=asked.password, units=asked.units, jurisdictions=asked.jurisdictions,
        )  # fmt: skip
    response.headers["ETag"] = etag(made.version)
    return PersonReport.model_validate(asdict(made))


@router.get("/people/{name}", responses=problems(401, 403, 404, 503))
def read_person(response: Response, system: SystemDep, name: PersonName) -> PersonReport:
    """One account; its ETag is what a change must name in If-Match."""
    with reading(system.engine) as connection:
        found = accounts.account(connection, name)
    response.headers["ETag"] = etag(found.version)
    return PersonReport.model_validate(asdict(found))


@router.patch("/people/{name}", responses=problems(401, 403, 404, 409, 412, 422, 428, 503))
def change_person(
    response: Response,
    system: SystemDep,
    actor: Actor,
    name: PersonName,
    asked: PersonChange,
    if_match: IfMatch = None,
) -> PersonReport:
    """Changes roles or limits, closes or opens the account; sessions of the person end."""
    version = expected_version(if_match, "account")
    with writing(system.engine) as connection:
        found = accounts.change(
            connection, name, actor, system.clock(), expected=version,
            **asked.model_dump(exclude_none=True),
        )  # fmt: skip
    response.headers["ETag"] = etag(found.version)
    return PersonReport.model_validate(asdict(found))


def _by_browser(by: str) -> None:
    """Refuses keys: a key that leaked must not be able to make itself last."""
    if by != "session":
        raise WardenError(
            "not_permitted",
            "A key can neither make keys nor choose a password.",
            "Sign in as a person, or use the command.",
        )
