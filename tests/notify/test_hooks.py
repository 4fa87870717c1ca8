"""Webhooks to a real receiver: signed, to the address that was checked, and nowhere else."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from alerts.audit_tables import audit_entry
from alerts.notify.tables import webhook
from alerts.tables import alert
from detector.notifying import endpoints
from detector.notifying.address import refused, target_of
from detector.notifying.hook import Hook
from detector.notifying.sending import notify
from detector.notifying.settings import Notify
from features.errors import WardenError
from tests.notify.conftest import ANN, Desk
from tests.notify.servers import Receiver, certificate, running


class Names:
    """A name server of our own: what it answers each time it is asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers) or [["127.0.0.1"]], 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def url_of(desk: Desk, path: str = "/warden") -> str:
    return f"http://hooks.example.org:{desk.hooks.server_address[1]}{path}"


def send(desk: Desk, names: Names | None = None) -> dict[str, int]:
    return notify(desk.system, "w", {"webhook": Hook(desk.system, names or Names())})


def verified(secret: str, got: tuple[str, dict[str, str], bytes], now: Any) -> Any:
    """What the library of the receiver says, with its clock set to ours."""
    _, headers, body = got
    assert abs(int(headers["webhook-timestamp"]) - now.timestamp()) < 60
    signatures = headers["webhook-signature"].split()
    expected = Webhook(secret).sign(headers["webhook-id"], now, body.decode())
    if expected not in signatures:
        raise WebhookVerificationError("no signature matches")
    return json.loads(body)


def with_settings(desk: Desk, **changes: Any) -> None:
    given = desk.system.settings.notify.model_copy(update=changes)
    settings = desk.system.settings.model_copy(update={"notify": given})
    desk.system = replace(desk.system, settings=settings)


def test_an_alert_is_told_once_signed_and_without_the_matter(desk: Desk) -> None:
    row, secret = endpoints.add(desk.system, url_of(desk), ["alert.opened"], ANN)
    desk.found("Dunmere Paving", title={"en": "possible bids", "zh": "涉嫌"})
    assert send(desk)["sent"] == 1
    send(desk)
    (got,) = desk.hooks.got
    (found,) = desk.rows(alert)
    said = verified(secret, got, desk.now[0])
    assert said == {
        "type": "alert.opened",
        "timestamp": "2026-11-23T08:00:00+00:00",
        "data": {"id": found.id, "link": f"https://warden.example.org/alerts/{found.id}"},
    }
    assert got[1]["host"] == f"hooks.example.org:{desk.hooks.server_address[1]}"
    assert got[1]["webhook-id"] == desk.rows()[0].id
    with pytest.raises(WebhookVerificationError):
        verified("whsec_" + "A" * 44, got, desk.now[0])
    # kept only in a form the database alone cannot open, and never shown again
    kept = desk.rows(webhook)[0]
    assert secret.encode() not in kept.secret and "secret" not in row


def test_only_the_kinds_asked_for(desk: Desk) -> None:
    endpoints.add(desk.system, url_of(desk), ["job.failed"], ANN)
    desk.found("F1")
    assert "sent" not in send(desk)
    assert desk.hooks.got == []


def test_after_a_rotation_both_secrets_hold_for_a_week(desk: Desk) -> None:
    row, first = endpoints.add(desk.system, url_of(desk), [], ANN)
    _, second = endpoints.rotate(desk.system, row["id"], ANN)
    endpoints.try_out(desk.system, row["id"], ANN)
    send(desk)
    for secret in (first, second):
        assert verified(secret, desk.hooks.got[-1], desk.now[0])["type"] == "webhook.test"
    desk.later(days=7, seconds=1)
    endpoints.try_out(desk.system, row["id"], ANN)
    send(desk)
    assert verified(second, desk.hooks.got[-1], desk.now[0])
    with pytest.raises(WebhookVerificationError):
        verified(first, desk.hooks.got[-1], desk.now[0])


def test_what_is_removed_is_told_nothing_more_and_every_act_is_entered(desk: Desk) -> None:
    row, secret = endpoints.add(desk.system, url_of(desk, "/token-in-the-path"), [], ANN)
    desk.found("F1")
    desk.hooks.answer = 503
    send(desk)
    endpoints.rotate(desk.system, row["id"], ANN, 1)
    with pytest.raises(WardenError, match="changed meanwhile"):
        endpoints.remove(desk.system, row["id"], ANN, 1)
    endpoints.remove(desk.system, row["id"], ANN, 2)
    desk.later(hours=1)
    assert send(desk)["cancelled"] == 1
    assert len(desk.hooks.got) == 1
    entries = [one for one in desk.rows(audit_entry) if one.kind == "webhook"]
    acts = [one.action for one in entries]
    assert acts == ["webhook.added", "webhook.rotated", "webhook.removed"]
    told = "".join(str(tuple(one)) for one in entries)
    assert "token" not in told and secret not in told


@pytest.mark.parametrize(("answer", "state"), [(500, "waiting"), (302, "waiting"), (410, "dead")])
def test_only_a_yes_is_one_and_redirects_are_not_followed(
    desk: Desk, answer: int, state: str
) -> None:
    row, _ = endpoints.add(desk.system, url_of(desk), [], ANN)
    endpoints.try_out(desk.system, row["id"], ANN)
    desk.hooks.answer = answer
    send(desk)
    assert [path for path, _, _ in desk.hooks.got] == ["/warden"]
    assert desk.states() == [state]
    desk.hooks.answer = 200
    desk.later(hours=1)
    send(desk)
    sent = [headers["webhook-id"] for _, headers, _ in desk.hooks.got]
    assert sent == [sent[0]] * (1 if state == "dead" else 2)


def test_no_answer_may_have_been_one_so_it_is_sent_once_more(desk: Desk) -> None:
    row, _ = endpoints.add(desk.system, url_of(desk), [], ANN)
    endpoints.try_out(desk.system, row["id"], ANN)
    desk.hooks.answer = "silent"
    for _ in range(4):
        send(desk)
        desk.later(days=1)
    assert len(desk.hooks.got) == 2
    assert len({headers["webhook-id"] for _, headers, _ in desk.hooks.got}) == 1
    assert desk.states() == ["unsure"]


def test_a_receiver_that_drips_is_left_after_its_time(desk: Desk) -> None:
    with_settings(desk, seconds=0.4)
    end = threading.Event()

    def drip() -> None:
        there, _ = slow.accept()
        with there:
            there.recv(65_536)
            while not end.wait(0.1):
                there.send(b"H")

    with socket.create_server(("127.0.0.1", 0)) as slow:
        port = slow.getsockname()[1]
        with_settings(desk, hosts=[f"hooks.example.org:{port}"])
        thread = threading.Thread(target=drip)
        thread.start()
        row, _ = endpoints.add(desk.system, f"http://hooks.example.org:{port}/", [], ANN)
        endpoints.try_out(desk.system, row["id"], ANN)
        assert send(desk)["unsure"] == 1
        end.set()
        thread.join()


def test_the_name_is_asked_once_and_what_was_checked_is_connected_to(desk: Desk) -> None:
    # the second answer would lead to another address of this machine, where nobody listens
    names = Names(["127.0.0.1"], ["127.9.9.9"])
    row, _ = endpoints.add(desk.system, url_of(desk), [], ANN)
    endpoints.try_out(desk.system, row["id"], ANN)
    assert send(desk, names)["sent"] == 1
    assert names.asked == 1


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"], []])
def test_a_name_that_leads_inside_is_not_connected_to(desk: Desk, answer: list[str]) -> None:
    with_settings(desk, networks=[])
    row, _ = endpoints.add(desk.system, url_of(desk), [], ANN)
    endpoints.try_out(desk.system, row["id"], ANN)
    send(desk, Names(answer))
    assert (desk.hooks.got, desk.states()) == ([], ["waiting"])


def test_tls_is_held_to_the_name_and_not_to_the_address(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a proxy of the environment would resolve the name a second time
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    pem = certificate(tmp_path, "hooks.example.org")
    with running(Receiver(pem)) as secure:
        port = secure.server_address[1]
        hosts = [f"{name}.example.org:{port}" for name in ("hooks", "other")]
        with_settings(desk, hosts=hosts, ca_file=str(pem), allow_http=False)
        for name in ("hooks", "other"):
            row, _ = endpoints.add(desk.system, f"https://{name}.example.org:{port}/", [], ANN)
            endpoints.try_out(desk.system, row["id"], ANN)
        told = send(desk)
        assert (told["sent"], told["refused"]) == (1, 1)
        assert set(secure.names) == {"hooks.example.org", "other.example.org"}
        assert [headers["host"] for _, headers, _ in secure.got] == [hosts[0]]


INSIDE = [
    "10.1.2.3", "192.168.0.9", "172.16.0.1", "127.0.0.1", "169.254.169.254", "0.0.0.0",
    "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "fe80::1%eth0", "fc00::1", "ff02::1",
    "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:0a00:0001::", "::",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_refused(address: str) -> None:
    assert refused(address, Notify())


def test_addresses_outside_and_those_allowed_are_not() -> None:
    assert not refused("93.184.216.34", Notify())
    assert not refused("2606:2800:220:1::1", Notify())
    assert not refused("::ffff:93.184.216.34", Notify())
    inside = Notify.model_validate({"networks": ["10.1.0.0/16"]})
    assert not refused("10.1.2.3", inside)
    assert refused("10.2.2.3", inside)


BAD = {
    "ftp://hooks.example.org/": "bad_webhook_url",
    "http://hooks.example.org/": "bad_webhook_url",
    "https://ann:pw@hooks.example.org/": "bad_webhook_url",
    "https://hooks.example.org/a b": "bad_webhook_url",
    "https://hooks.example.org:99999/": "bad_webhook_url",
    "https:///path": "bad_webhook_url",
    "https://hooks.example.org@evil.example/": "bad_webhook_url",
    "https://hooks.example.org.evil.example/": "webhook_host_refused",
    "https://evil.example/?hooks.example.org": "webhook_host_refused",
    "https://hooks.example.org:8443/": "webhook_host_refused",
    "https://127.0.0.1/": "webhook_host_refused",
}


@pytest.mark.parametrize(("url", "code"), BAD.items())
def test_other_places_are_refused(url: str, code: str) -> None:
    with pytest.raises(WardenError) as error:
        target_of(url, Notify(hosts=["hooks.example.org"]))
    assert error.value.code == code


def test_the_host_may_be_written_in_any_case() -> None:
    target = target_of("https://HOOKS.example.org./x", Notify(hosts=["Hooks.Example.org"]))
    assert (target.host, target.port, target.secure) == ("hooks.example.org", 443, True)
