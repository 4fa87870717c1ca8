"""Keys are exchanged; what the old ones made is still read, resolved and verified."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts import audit
from alerts.audit_statement import Checkpoint, Trusted, UnsignedError, checked
from alerts.notify.tables import webhook
from detector import key_files
from detector.audit.keys import PUBLIC, public_key, signing_key, trusted
from detector.audit.offline import verify_file
from detector.audit.trail import export_trail, make_checkpoint, verify_trail
from detector.database import writing
from detector.key_rotation import listed, rotate
from detector.notifying.secrets import KEY_PLACE as HOOKS
from detector.notifying.secrets import opened as secret_of
from detector.notifying.secrets import sealed
from detector.pseudonyms import KEY_PLACE, every_key, load_pseudonyms
from detector.system import System
from features.errors import WardenError
from tests.detector.homes import NOW, opened


@pytest.fixture
def system(tmp_path: Path) -> System:
    return opened(tmp_path / "home")


def enter(system: System, what: str) -> None:
    with writing(system.engine) as connection:
        audit.record(
            connection, actor="Ann", action=what, kind="test", key="1", data={}, now=NOW
        )  # fmt: skip


def test_the_trail_signed_by_old_and_new_keys_is_whole(system: System, tmp_path: Path) -> None:
    enter(system, "before")
    make_checkpoint(system)
    export_trail(system, tmp_path / "old.jsonl", "Ann")
    done = rotate(system, "audit", "Ann")
    assert done["before"] != done["now"]
    enter(system, "after")
    assert make_checkpoint(system) is not None
    found = verify_trail(system)
    assert (found.fault, found.checkpoints) == (None, 3)
    # an export of before verifies by what is kept, and not by the new key alone
    assert verify_file(tmp_path / "old.jsonl", trusted(system.home))["intact"]
    assert not verify_file(tmp_path / "old.jsonl", public_key(system.home / PUBLIC))["intact"]
    kept = key_files.retired(system.home / PUBLIC)
    assert len(kept) == 1 and "PUBLIC" in kept[0].path.read_text()
    files = [p.name for p in (system.home / "keys" / "retired").iterdir()]
    assert files == [kept[0].path.name]  # the old private half is gone


def test_an_old_key_says_nothing_about_later(system: System) -> None:
    old = signing_key(system.home)
    rotate(system, "audit", "Ann")
    until = datetime.now(UTC) + timedelta(days=3_650)
    late = Checkpoint(1, "0" * 64, f"{until:%Y-%m-%dT%H:%M:%S.%f}Z", 1, b"")
    with pytest.raises(UnsignedError):
        checked(late.signed(old), trusted(system.home))
    assert checked(late.signed(old), [Trusted(old.public_key())]).seq == 1


def test_hashes_of_the_old_key_are_still_resolved(system: System) -> None:
    before = load_pseudonyms(system.home).of("张三")
    rotate(system, "pseudonym", "Ann")
    rotate(system, "pseudonym", "Ann")
    now = load_pseudonyms(system.home).of("张三")
    assert now != before
    assert [key.of("张三") for key in every_key(system.home)][::2] == [now, before]
    path = system.home / KEY_PLACE
    kept = [path, *(one.path for one in key_files.retired(path))]
    assert [stat.S_IMODE(p.stat().st_mode) for p in kept] == [0o600] * 3
    kept[1].chmod(0o644)
    with pytest.raises(WardenError) as refused:
        every_key(system.home)
    assert refused.value.code == "unsafe_key"


def test_secrets_of_webhooks_are_kept_with_the_new_key(system: System) -> None:
    row = {"id": "h1", "url": "https://a.example/", "kinds": [], "enabled": True, "version": 1,
           "added_by": "Ann", "added_at": NOW, "old_secret": sealed(system.home, "older"),
           "secret": sealed(system.home, "whsec_x")}  # fmt: skip
    with writing(system.engine) as connection:
        connection.execute(sa.insert(webhook).values(row))
    rotate(system, "webhooks", "Ann")
    with system.engine.connect() as connection:
        secret, older = connection.execute(sa.select(webhook.c.secret, webhook.c.old_secret)).one()
    assert secret != row["secret"]
    for one in key_files.retired(system.home / HOOKS):
        one.path.unlink()  # the new key alone is enough from now on
    assert secret_of(system.home, secret) == "whsec_x"
    assert secret_of(system.home, older) == "older"
    with pytest.raises(WardenError):
        secret_of(system.home, row["secret"])


def test_every_exchange_names_its_actor_and_is_entered(system: System) -> None:
    for name in ("pseudonym", "audit", "webhooks", "sessions"):
        rotate(system, name, "Ann")
        with pytest.raises(WardenError) as refused:
            rotate(system, name, " ")
        assert refused.value.code == "actor_required"
    with system.engine.connect() as connection:
        query = "SELECT key FROM audit_entry WHERE action = 'key.rotated' ORDER BY seq"
        told = connection.exec_driver_sql(query).scalars().all()
    assert told == ["pseudonym", "audit", "webhooks", "sessions"]
    with pytest.raises(WardenError) as refused:
        rotate(system, "elsewhere", "Ann")
    assert refused.value.code == "unknown_key"
    names = {row["name"]: row["retired"] for row in listed(system)}
    assert names == {"pseudonym": 1, "audit": 1, "webhooks": 0, "sessions": 0}
