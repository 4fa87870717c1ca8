"""Accounts, sessions and keys: who is recognised, for how long, and what it lets them do."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from alerts.audit_tables import audit_entry
from detector.database import reading, writing
from detector.people import accounts, keys, sessions
from detector.people.passwords import hashed, matches
from detector.people.permissions import GRANTS, Permission, Role, granted
from detector.people.principal import Principal
from detector.people.tables import api_key, person, session
from detector.system import System
from features.errors import WardenError
from tests.people.conftest import Clock

GOOD = "correct horse battery staple"


def add(system: System, name: str = "ann", roles: tuple[str, ...] = ("regulator",)) -> None:
    with writing(system.engine) as connection:
        accounts.add(connection, name, roles, "setup", system.clock(), password=GOOD)


def entries(system: System) -> list[str]:
    with reading(system.engine) as connection:
        return list(connection.scalars(sa.select(audit_entry.c.action).order_by("seq")))


def test_nobody_holds_everything_and_every_permission_is_somebodys() -> None:
    assert all(granted([role]) < set(Permission) for role in Role)
    assert granted(list(Role)) == set(Permission)
    assert set(GRANTS) == set(Role)
    assert Permission.RULES_APPROVE not in granted([Role.RULE_AUTHOR])
    assert Permission.ALERTS_READ not in granted([Role.ADMINISTRATOR])


def test_who_knows_the_password_is_recognised(system: System) -> None:
    add(system)
    token = sessions.sign_in(system, "ann", GOOD)
    who = sessions.recognised(system, token)
    assert isinstance(who, Principal)
    assert (who.name, who.by, who.may) == ("ann", "session", GRANTS[Role.REGULATOR])
    assert sessions.recognised(system, token + "x") is None
    with reading(system.engine) as connection:
        both = sa.select(person, session).join_from(session, person)
        kept = connection.execute(both).mappings().one()
    assert token not in str(dict(kept)), "a copy of the table opens no session"
    assert GOOD not in str(dict(kept))


@pytest.mark.parametrize("name,password", [("ann", "wrong horse battery"), ("bob", GOOD)])
def test_a_wrong_name_and_a_wrong_password_sound_alike(
    system: System, name: str, password: str
) -> None:
    add(system)
    with pytest.raises(WardenError) as caught:
        sessions.sign_in(system, name, password)
    assert caught.value.code == "sign_in_refused"
    assert name not in caught.value.message


def test_guessing_is_slowed_and_noted(system: System, clock: Clock) -> None:
    add(system)
    for _ in range(sessions.TRIES):
        with pytest.raises(WardenError):
            sessions.sign_in(system, "ann", "not the password")
    with pytest.raises(WardenError):
        sessions.sign_in(system, "ann", GOOD)
    assert entries(system).count("session.refused") == sessions.TRIES
    clock.pass_(sessions.LOCKED)
    assert sessions.sign_in(system, "ann", GOOD)


def test_a_session_ends_by_sitting_idle_by_age_and_by_leaving(system: System, clock: Clock) -> None:
    add(system)
    idle = sessions.sign_in(system, "ann", GOOD)
    clock.pass_(sessions.IDLE)
    assert sessions.recognised(system, idle) is None
    busy = sessions.sign_in(system, "ann", GOOD)
    for _ in range(12):
        clock.pass_(timedelta(minutes=59))
        assert sessions.recognised(system, busy)
    clock.pass_(timedelta(minutes=12))
    assert sessions.recognised(system, busy) is None, "twelve hours after it was opened"
    left = sessions.sign_in(system, "ann", GOOD)
    sessions.sign_out(system, left)
    assert sessions.recognised(system, left) is None


def test_a_changed_account_holds_at_once(system: System) -> None:
    add(system)
    add(system, "root", ("administrator",))
    token = sessions.sign_in(system, "ann", GOOD)
    with writing(system.engine) as connection:
        accounts.change(connection, "ann", "root", system.clock(), roles=["reader"])
    assert sessions.recognised(system, token) is None
    token = sessions.sign_in(system, "ann", GOOD)
    with writing(system.engine) as connection:
        _, text = keys.add_key(
            connection, "ann", "a script", ["alerts.read"], 30, "ann", system.clock()
        )
        accounts.change(connection, "ann", "root", system.clock(), enabled=False)
    assert sessions.recognised(system, token) is None
    assert keys.holder(system, text) is None
    with pytest.raises(WardenError):
        sessions.sign_in(system, "ann", GOOD)


def test_the_last_administrator_stays(system: System) -> None:
    add(system, "root", ("administrator",))
    for change in ({"roles": ["reader"]}, {"enabled": False}):
        with pytest.raises(WardenError) as caught, writing(system.engine) as connection:
            accounts.change(connection, "root", "root", system.clock(), **change)  # type: ignore[arg-type]
        assert caught.value.code == "last_administrator"
    with reading(system.engine) as connection:
        assert accounts.account(connection, "root").enabled


def test_a_key_does_what_its_scopes_leave_of_the_roles(system: System, clock: Clock) -> None:
    add(system)
    with writing(system.engine) as connection:
        key, text = keys.add_key(
            connection, "ann", "a script", ["alerts.read", "cases.read"], 30, "ann", system.clock()
        )
        kept = connection.execute(sa.select(api_key)).mappings().one()
    assert text.split("_", 2)[2] not in str(dict(kept)), "shown once, kept as a hash"
    who = keys.holder(system, text)
    assert who is not None
    assert who.may == {Permission.ALERTS_READ, Permission.CASES_READ}
    with pytest.raises(WardenError):
        who.require(Permission.ALERTS_DECIDE)
    assert keys.holder(system, text[:-1] + ("a" if text[-1] != "a" else "b")) is None
    for odd in ("", "mw", "mw__", f"mw_{key.id}_", "Bearer x", "mw_" + "0" * 16 + "_x"):
        assert keys.holder(system, odd) is None
    clock.pass_(timedelta(days=30))
    assert keys.holder(system, text) is None, "past its last day"


def test_a_key_is_never_wider_than_its_person_and_can_be_revoked(system: System) -> None:
    add(system, "rea", ("reader",))
    for scopes in (["alerts.decide"], [], ["alerts.read", "people.manage"]):
        with pytest.raises(WardenError) as caught, writing(system.engine) as connection:
            keys.add_key(connection, "rea", "x", scopes, 30, "rea", system.clock())
        assert caught.value.code == "scope_too_wide"
    with writing(system.engine) as connection:
        key, text = keys.add_key(connection, "rea", "x", ["alerts.read"], 30, "rea", system.clock())
    assert keys.holder(system, text)
    with writing(system.engine) as connection:
        keys.revoke_key(connection, key.id, "rea", system.clock())
    assert keys.holder(system, text) is None


@pytest.mark.parametrize("weak", ["short", "Market Desk One", " " * 40, "x" * 201])
def test_weak_passwords_are_refused(weak: str) -> None:
    name = "market desk one"
    with pytest.raises(WardenError) as caught:
        hashed(weak, name)
    assert caught.value.code == "weak_password"
    assert not matches(None, weak)


def test_names_are_given_once(system: System) -> None:
    add(system)
    with pytest.raises(WardenError) as caught:
        add(system)
    assert caught.value.code == "name_taken"
    for name in ("", " ", "a\nb", "x" * 81):
        with pytest.raises(WardenError):
            add(system, name)
    assert entries(system) == ["person.added"]
