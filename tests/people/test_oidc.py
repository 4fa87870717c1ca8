"""Signing in through an identity provider: what it says must hold, and only once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from detector.database import reading, writing
from detector.people import accounts, oidc
from detector.people.sessions import recognised
from detector.settings import Oidc
from detector.system import System
from features.errors import WardenError
from tests.people.conftest import START, Clock
from tests.people.provider import CLIENT, Provider, running


@pytest.fixture(scope="module")
def served() -> Iterator[Provider]:
    with running(int(START.timestamp())) as provider:
        yield provider


@pytest.fixture
def provider(served: Provider) -> Provider:
    served.claims, served.forged, served.algorithm = {}, False, "ES256"
    return served


@pytest.fixture
def door(system: System, provider: Provider) -> System:
    """The installation, with the provider set."""
    given = Oidc(
        issuer=provider.issuer, client_id=CLIENT, redirect="http://127.0.0.1:1/sign-in/oidc/back",
        roles={"market-desk": ["regulator"], "audit": ["auditor"]},
    )  # fmt: skip
    return replace(system, settings=system.settings.model_copy(update={"oidc": given}))


def sent(door: System, back: str = "/") -> dict[str, str]:
    """What the browser brings back from the provider."""
    answer = httpx2.get(oidc.begin(door, back), follow_redirects=False)
    return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def refusal(door: System, state: str, code: str) -> str:
    with pytest.raises(WardenError) as caught:
        oidc.finish(door, state, code)
    assert caught.value.code == "sign_in_refused"
    return caught.value.message


def test_whom_the_provider_names_gets_the_roles_of_the_groups(
    door: System, provider: Provider
) -> None:
    brought = sent(door, "/alerts/A-1")
    token, back = oidc.finish(door, brought["state"], brought["code"])
    who = recognised(door, token)
    assert who is not None
    assert (who.name, who.roles, back) == ("mei", ("regulator",), "/alerts/A-1")
    provider.claims = {"groups": ["audit", "canteen"]}
    brought = sent(door)
    again, _ = oidc.finish(door, brought["state"], brought["code"])
    changed = recognised(door, again)
    assert changed is not None
    assert (changed.person_id, changed.roles) == (who.person_id, ("auditor",))
    assert recognised(door, token) is None, "the session with the old roles has ended"


def test_an_attempt_serves_once_and_not_for_long(
    door: System, provider: Provider, clock: Clock
) -> None:
    brought = sent(door)
    oidc.finish(door, brought["state"], brought["code"])
    assert "too old" in refusal(door, brought["state"], brought["code"])
    late = sent(door)
    clock.pass_(oidc.WAIT + timedelta(seconds=1))
    assert "too old" in refusal(door, late["state"], late["code"])
    assert "too old" in refusal(door, "made up", "x")


@pytest.mark.parametrize(
    "wrong",
    [
        {"claims": {"nonce": "another"}},
        {"claims": {"iss": "http://127.0.0.1:2"}},
        {"claims": {"aud": "another client"}},
        {"claims": {"exp": int(START.timestamp()) - 3600}},
        {"forged": True},
        {"algorithm": "HS256"},
    ],
)
def test_a_token_that_does_not_hold_opens_nothing(
    door: System, provider: Provider, wrong: dict[str, Any]
) -> None:
    for name, value in wrong.items():
        setattr(provider, name, value)
    brought = sent(door)
    assert "does not hold" in refusal(door, brought["state"], brought["code"])
    with reading(door.engine) as connection:
        assert accounts.accounts(connection) == []


def test_a_code_of_another_attempt_is_worth_nothing(door: System, provider: Provider) -> None:
    mine, theirs = sent(door), sent(door)
    assert "does not hold" in refusal(door, mine["state"], theirs["code"]), "the verifier differs"


def test_nobody_gets_in_without_a_role_or_with_a_closed_account(
    door: System, provider: Provider
) -> None:
    provider.claims = {"groups": ["canteen"]}
    brought = sent(door)
    assert "no group" in refusal(door, brought["state"], brought["code"])
    provider.claims = {}
    brought = sent(door)
    oidc.finish(door, brought["state"], brought["code"])
    with writing(door.engine) as connection:
        accounts.add(connection, "root", ["administrator"], "t", START)
        accounts.change(connection, "mei", "root", START, enabled=False)
    brought = sent(door)
    assert "closed" in refusal(door, brought["state"], brought["code"])


def test_a_name_that_is_taken_here_is_not_taken_over(door: System, provider: Provider) -> None:
    with writing(door.engine) as connection:
        accounts.add(connection, "mei", ["administrator"], "setup", START)
    brought = sent(door)
    with pytest.raises(WardenError) as caught:
        oidc.finish(door, brought["state"], brought["code"])
    assert caught.value.code == "name_taken"


def test_a_provider_that_is_away_is_said_to_be_away(door: System, system: System) -> None:
    gone = door.settings.oidc.model_copy(update={"issuer": "http://127.0.0.1:9"})  # type: ignore[union-attr]
    away = replace(door, settings=door.settings.model_copy(update={"oidc": gone}))
    for opened, code in ((away, "provider_unavailable"), (system, "no_provider")):
        with pytest.raises(WardenError) as caught:
            oidc.begin(opened, "/")
        assert caught.value.code == code
