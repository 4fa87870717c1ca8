"""E-mail to a real server: who is told, once, and never a word of the matter."""

from __future__ import annotations

import base64
import multiprocessing
import os
import signal as signals
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts import lifecycle
from alerts.notify.kinds import CHOSEN, Kind, Notice
from alerts.notify.tables import delivery, notice
from alerts.notify.words import MOST_LINES, payload_of
from alerts.tables import alert
from detector import ledger
from detector.database import connect, writing
from detector.notifying import choices, planning, queue
from detector.notifying.mail import Mail
from detector.notifying.sending import notify
from detector.people import accounts
from detector.people.permissions import Role
from detector.tables import run as run_table
from features.errors import WardenError
from tests.alerts.samples import NOW
from tests.notify.conftest import ANN, BEN, Desk

FIRM, TITLE, AMOUNT = "Dunmere Paving", "possible bids too close", "48,250,000"


def told(desk: Desk) -> list[str]:
    """Everything that left by mail, subjects and texts."""
    return [f"{one['subject']}\n{one.get_content()}" for one in desk.mail.letters]


def test_a_new_alert_is_told_once_with_tls_and_a_login(desk: Desk) -> None:
    desk.listens(ANN)
    desk.found("F1")
    assert notify(desk.system, "w")["sent"] == 1
    assert notify(desk.system, "w").get("sent", 0) == 0
    (letter,) = desk.mail.letters
    (row,) = desk.rows(alert)
    assert letter["to"] == "ann@example.org"
    assert letter["subject"] == f"Marketwarden: Alert opened: {row.id}"
    assert f"https://warden.example.org/alerts/{row.id}" in letter.get_content().split()
    assert letter["message-id"] == f"<{desk.rows()[0].id}@example.org>"
    assert desk.mail.secure == [True]
    login = base64.b64decode(desk.mail.logins[0].split()[-1])
    assert login == b"\0warden\0open sesame"
    # a restart plans nothing anew, and the same event noted again stays one
    desk.found("F1", run_id="run-2")
    notify(desk.system, "other")
    assert len(desk.mail.letters) == 1


def test_no_word_of_an_alert_is_in_any_message(desk: Desk) -> None:
    desk.listens(ANN, kinds={kind.value: "immediate" for kind in CHOSEN})
    desk.listens("李伟", email="li@example.org", language="zh",
                 kinds={kind.value: "immediate" for kind in CHOSEN})  # fmt: skip
    fact = {"feature": "award_amount", "value": AMOUNT, "op": ">", "threshold": 1, "n": 5}
    desk.found(
        FIRM,
        title={"en": TITLE, "zh": "涉嫌报价"},
        facts=(fact,),
        message={"en": AMOUNT, "zh": AMOUNT},
    )
    (row,) = desk.rows(alert)
    with writing(desk.system.engine) as connection:
        lifecycle.decide(
            connection, row.id, "Inspector Quill", "close", "explained", FIRM, row.version, NOW
        )
    with writing(desk.system.engine) as connection:
        now = desk.rows(alert)[0]
        if now.state == "closed":
            lifecycle.decide(
                connection, row.id, "Inspector Quill", "reopen", None, FIRM, now.version, NOW
            )
    notify(desk.system, "w")
    said = "\n".join([*told(desk), *(one.as_string() for one in desk.mail.letters)])
    said += "".join(f"{payload_of(_notice(desk), 'https://w')}")
    assert said.count(row.id) >= 4
    unsaid = [FIRM, TITLE, "涉嫌", AMOUNT, "Quill", row.typology, "award_amount", "Ann", "李伟"]
    addressed = said.replace("ann@example.org", "")
    assert [word for word in unsaid if word in addressed] == []


def _notice(desk: Desk) -> Notice:
    (row, *_) = desk.rows(notice)
    return Notice(row.id, Kind(row.kind), row.about, row.key, row.actor, row.person, row.at)


def test_what_happens_at_once_is_one_letter_and_long_ones_are_cut(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # many transactions of a long run of alerts still fill one letter
    monkeypatch.setattr(planning, "CHUNK", 10)
    desk.listens(ANN)
    desk.found(*(f"F{n}" for n in range(MOST_LINES + 5)))
    notify(desk.system, "w")
    (letter,) = desk.mail.letters
    assert letter["subject"] == "Marketwarden: 55 notices"
    assert letter.get_content().count("/alerts/") == MOST_LINES
    assert "and 5 more" in letter.get_content()
    # within the same minute, but the letter has left
    desk.found("G1", "G2", run_id="run-2")
    notify(desk.system, "w")
    assert [one["subject"] for one in desk.mail.letters[1:]] == ["Marketwarden: 2 notices"]


def test_the_digest_goes_out_once_a_day_at_its_hour(either: Desk) -> None:
    either.listens(ANN, kinds={}, digest_hour=9)
    either.found("F1")
    notify(either.system, "w")
    either.later(minutes=30)
    either.found("F2", run_id="run-2")
    notify(either.system, "w")
    assert either.mail.letters == []
    either.later(minutes=31)
    notify(either.system, "w")
    (letter,) = either.mail.letters
    assert letter["subject"] == "Marketwarden: 2 notices"
    either.found("F3", run_id="run-3")
    notify(either.system, "w")
    either.later(hours=22)
    notify(either.system, "w")
    assert len(either.mail.letters) == 1
    either.later(hours=2)
    notify(either.system, "w")
    assert len(either.mail.letters) == 2


def test_limits_severity_and_roles_choose_who_is_told(desk: Desk) -> None:
    units = {"bidding": ["MON-BID-*"], "privacy": ["PRIV-*"]}
    settings = desk.system.settings.model_copy(update={"units": units})
    desk.system = replace(desk.system, settings=settings)
    desk.listens(ANN, units=["bidding"])
    desk.listens(BEN, units=["privacy"])
    desk.listens("Cleo", least_severity=4)
    desk.listens("Dan", role=Role.ADMINISTRATOR)
    desk.listens("Eve", kinds={"alert.opened": "off"})
    desk.found("F1", severity=3)
    notify(desk.system, "w")
    assert [one["to"] for one in desk.mail.letters] == ["ann@example.org"]
    # nobody else is written down as told, and nothing is kept of what nobody hears of
    assert len(desk.rows(delivery)) == 1


def test_a_failed_job_is_told_to_who_keeps_the_machine(either: Desk) -> None:
    either.listens(ANN)
    either.listens("Root", role=Role.ADMINISTRATOR)
    clock = either.system.clock
    mine = ledger.begin_manual(either.system.engine, "detect", worker="w", clock=clock)
    with writing(either.system.engine) as connection:
        ledger.fail(connection, mine, "the disk of Dunmere Paving is full", now=clock())
    assert [row.state for row in either.rows(run_table)] == ["failed"]
    for _ in range(3):
        notify(either.system, "w")
    (letter,) = either.mail.letters
    assert (letter["to"], mine.run_id in letter["subject"]) == ("root@example.org", True)
    assert "Dunmere" not in letter.as_string()


def test_who_left_or_took_the_address_away_is_not_told(desk: Desk) -> None:
    ann = desk.listens(ANN)
    desk.listens(BEN)
    desk.found("F1")
    desk.mail.mood = "450 later"
    notify(desk.system, "w")
    assert desk.states() == ["waiting", "waiting"]
    choices.choose(desk.system, ann, ANN, replace(choices.NOTHING, email=None), 1)
    with writing(desk.system.engine) as connection:
        accounts.change(connection, BEN, "tests", NOW, enabled=False)
    desk.mail.mood, desk.mail.letters = "250 taken", []
    desk.later(minutes=2)
    notify(desk.system, "w")
    assert desk.mail.letters == []
    assert desk.states() == ["cancelled", "cancelled"]


def test_refusals_wait_longer_each_time_and_end_with_the_dead(desk: Desk) -> None:
    desk.listens(ANN)
    desk.found("F1")
    desk.mail.mood = "rcpt 450 busy"
    waits = []
    while (row := (desk.rows() or [None])[0]) is None or row.due_at:
        if row is not None:
            waits.append((row.due_at - desk.now[0]) / timedelta(minutes=1))
            desk.now[0] = row.due_at
        notify(desk.system, "w")
    assert waits == [1, 5, 15, 60, 240, 480, 960]
    assert (row.state, row.attempts, row.doubts) == ("dead", 8, 0)
    assert "450" in row.error
    desk.mail.mood = "250 taken"
    with writing(desk.system.engine) as connection:
        assert queue.again(connection, row.id, desk.now[0])
    notify(desk.system, "w")
    assert [one["message-id"] for one in desk.mail.letters] == [f"<{row.id}@example.org>"]


@pytest.mark.parametrize("mood", ["550 no such person", "rcpt 550 no such person"])
def test_the_last_word_of_the_server_is_not_asked_for_again(desk: Desk, mood: str) -> None:
    desk.listens(ANN)
    desk.found("F1")
    desk.mail.mood = mood
    notify(desk.system, "w")
    assert desk.states() == ["dead"]


def test_without_a_word_of_the_server_it_is_sent_once_more_and_no_more(desk: Desk) -> None:
    desk.listens(ANN)
    desk.found("F1")
    desk.mail.mood = "silent"
    notify(desk.system, "w")
    assert desk.states() == ["unsure"]
    for _ in range(5):
        desk.later(days=1)
        notify(desk.system, "w")
    assert len(desk.mail.letters) == 2
    assert len({one["message-id"] for one in desk.mail.letters}) == 1
    (row,) = desk.rows()
    assert (row.state, row.doubts, row.due_at) == ("unsure", 2, None)


def test_a_server_without_our_certificate_gets_no_login(desk: Desk) -> None:
    desk.listens(ANN)
    desk.found("F1")
    smtp = desk.system.settings.notify.smtp
    assert smtp is not None
    strict = desk.system.settings.notify.model_copy(
        update={"smtp": smtp.model_copy(update={"ca_file": ""})}
    )
    desk.system = replace(
        desk.system, settings=desk.system.settings.model_copy(update={"notify": strict})
    )
    notify(desk.system, "w")
    assert (desk.mail.logins, desk.mail.letters, desk.states()) == ([], [], ["waiting"])


def _die_before_confirming(desk: Desk, url: str) -> None:
    """A worker that sends and is killed before it writes that down."""
    system = replace(desk.system, engine=connect(url))

    class Dying(Mail):
        def send(self, outgoing: Any, now: Any) -> None:
            super().send(outgoing, now)
            os.kill(os.getpid(), signals.SIGKILL)

    notify(system, "dying", {"email": Dying(system)})


def test_a_worker_killed_between_sending_and_confirming_repeats_at_most_once(either: Desk) -> None:
    either.listens(ANN)
    either.found("F1")
    url = either.system.engine.url.render_as_string(hide_password=False)
    either.system.engine.dispose()
    fork = multiprocessing.get_context("fork")
    for round_ in (1, 2):
        worker = fork.Process(target=_die_before_confirming, args=(either, url))
        worker.start()
        worker.join(30)
        assert worker.exitcode == -signals.SIGKILL
        assert len(either.mail.letters) == round_
        # nobody else takes it while the lease holds
        assert notify(either.system, "other").get("sent", 0) == 0
        assert either.states() == ["sending"]
        either.later(minutes=4)
        if round_ == 1:
            assert queue.reap(either.system.engine, either.system.clock) == 1
            assert either.states() == ["unsure"]
    for _ in range(3):
        notify(either.system, "other")
        either.later(hours=1)
    assert len(either.mail.letters) == 2
    assert len({one["message-id"] for one in either.mail.letters}) == 1
    assert [(row.state, row.doubts) for row in either.rows()] == [("unsure", 2)]


def test_two_workers_share_the_work_and_nobody_is_told_twice(either: Desk) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for n in range(12):
        either.listens(f"P{n}")
    either.found("F1")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda w: notify(either.system, f"w{w}").get("sent", 0), range(4)))
    assert sum(done) == 12
    assert len({one["to"] for one in either.mail.letters}) == len(either.mail.letters) == 12
    assert either.states() == ["sent"] * 12


def test_a_worker_that_comes_back_too_late_changes_nothing(desk: Desk) -> None:
    desk.listens(ANN)
    desk.found("F1")
    notify(desk.system, "planner", {"email": Refusing()})
    desk.later(minutes=2)
    late = queue.take(desk.system.engine, "late", desk.system.clock)
    assert late is not None
    assert queue.take(desk.system.engine, "fast", desk.system.clock) is None
    desk.later(minutes=4)
    queue.reap(desk.system.engine, desk.system.clock)
    fast = queue.take(desk.system.engine, "fast", desk.system.clock)
    assert fast is not None and fast.id == late.id and fast.doubts == 1
    assert not queue.confirm(desk.system.engine, late, desk.system.clock)
    assert queue.confirm(desk.system.engine, fast, desk.system.clock)


class Refusing:
    """Nobody there."""

    def send(self, outgoing: Any, now: Any) -> None:
        from alerts.notify.channel import NotSentError

        raise NotSentError("nobody there")


@pytest.mark.parametrize(
    "email", ["ann", "ann@example.org\nBcc: x@y", "a b@example.org", "ann@elsewhere.org", "a@b@c"]
)
def test_an_address_that_is_none_or_elsewhere_is_refused(desk: Desk, email: str) -> None:
    limited = desk.system.settings.notify.model_copy(update={"email_domains": ["example.org"]})
    system = replace(
        desk.system, settings=desk.system.settings.model_copy(update={"notify": limited})
    )
    with pytest.raises(WardenError) as refused:
        choices.choose(system, "p", ANN, replace(choices.NOTHING, email=email), 0)
    assert refused.value.code in ("bad_address", "address_refused")


def test_what_rolls_back_is_not_told(desk: Desk) -> None:
    desk.listens(ANN)
    desk.found("F1")
    notify(desk.system, "w")
    (row,) = desk.rows(alert)
    before = len(desk.rows(notice))
    with pytest.raises(RuntimeError), writing(desk.system.engine) as connection:
        lifecycle.decide(connection, row.id, BEN, "close", "explained", "why", row.version, NOW)
        lifecycle.decide(connection, row.id, BEN, "reopen", None, "why", row.version + 1, NOW)
        raise RuntimeError
    assert len(desk.rows(notice)) == before
