"""Webhooks: signed as Standard Webhooks has it, sent to the very address that was checked."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from alerts.notify.channel import NotSentError, Outgoing, UndeliverableError, UnsureError
from alerts.notify.tables import webhook
from alerts.notify.words import payload_of
from detector.database import reading
from detector.notifying.address import Target, refused, target_of
from detector.notifying.secrets import opened
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
AGENT = "marketwarden-webhook/1"


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a host, as the system knows it."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


@dataclass(frozen=True)
class Hook:
    """The channel `webhook`."""

    system: System
    resolve: Resolver = resolve

    def send(self, outgoing: Outgoing, now: datetime) -> None:
        """See `alerts.notify.channel.Channel`."""
        settings = self.system.settings.notify
        try:
            url, secrets = self._endpoint(outgoing.recipient, now)
            target = target_of(url, settings)
        except WardenError as error:
            raise NotSentError(error.code, final=True) from error
        payload = payload_of(outgoing.notices[0], settings.base_url)
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        headers = _signed(outgoing.id, now, body, secrets)
        # synchronous code cannot bound the time of a whole exchange, only that of each step
        asyncio.run(self._post(target, body, headers))

    def _endpoint(self, webhook_id: str, now: datetime) -> tuple[str, list[str]]:
        with reading(self.system.engine) as connection:
            query = sa.select(webhook).where(webhook.c.id == webhook_id, webhook.c.enabled)
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            raise UndeliverableError("the endpoint was removed")
        kept = [row["secret"]]
        if row["old_secret"] is not None and row["old_until"] > now:
            kept.append(row["old_secret"])
        return row["url"], [opened(self.system.home, one) for one in kept]

    async def _post(self, target: Target, body: str, headers: dict[str, str]) -> None:
        spoken = False

        async def trace(event: str, _info: object) -> None:
            nonlocal spoken
            # the receiver may act on the body once it begins to leave
            spoken = spoken or event.endswith("send_request_body.started")

        try:
            async with asyncio.timeout(self.system.settings.notify.seconds):
                status = await self._exchange(target, body, headers, trace)
        except (OSError, ssl.SSLError, TimeoutError, _http_error()) as error:
            why = type(error).__name__
            if spoken:
                raise UnsureError(f"no answer: {why}") from error
            raise NotSentError(f"no connection: {why}") from error
        if not 200 <= status < 300:
            raise NotSentError(f"the endpoint answered {status}", final=status == 410)

    async def _exchange(
        self,
        target: Target,
        body: str,
        headers: dict[str, str],
        trace: Callable[[str, object], Awaitable[None]],
    ) -> int:
        """The status of the answer; its body is not read, and no redirect is followed."""
        import httpx2

        settings = self.system.settings.notify
        address = await self._checked(target)
        url = httpx2.URL(target.url)
        there = url.copy_with(host=address)
        asked = headers | {"host": url.netloc.decode("ascii")}
        context = ssl.create_default_context(cafile=settings.ca_file or None)
        # a proxy would resolve the name again, so none is taken from the environment
        async with (
            httpx2.AsyncClient(verify=context, trust_env=False, follow_redirects=False) as client,
            client.stream(
                "POST",
                there,
                content=body.encode(),
                headers=asked,
                extensions={"sni_hostname": target.host, "trace": trace},
            ) as answer,
        ):
            return int(answer.status_code)

    async def _checked(self, target: Target) -> str:
        addresses = await self.resolve(target.host, target.port)
        if not addresses:
            raise NotSentError("the name has no address")
        # one bad address among good ones is how a name is turned inwards
        if any(refused(one, self.system.settings.notify) for one in addresses):
            raise NotSentError("the name leads to an address inside, which is refused")
        return addresses[0]


def _signed(message_id: str, now: datetime, body: str, secrets: Sequence[str]) -> dict[str, str]:
    from standardwebhooks import Webhook

    moment = now.replace(microsecond=0)
    signatures = [Webhook(one).sign(message_id, moment, body) for one in secrets]
    return {
        "content-type": "application/json",
        "user-agent": AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _http_error() -> type[Exception]:
    import httpx2

    return httpx2.HTTPError
