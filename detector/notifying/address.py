"""Which addresses a webhook may go to. The name is resolved once, and what was checked is what is
connected to: a name that answers differently the second time gains nothing."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from detector.notifying.settings import Notify
from features.errors import WardenError

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
LONGEST = 500
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook goes, once its address is allowed."""

    url: str
    secure: bool
    host: str
    port: int


def target_of(url: str, settings: Notify) -> Target:
    """Reads the address of an endpoint.

    Raises:
        WardenError: `bad_webhook_url`, `webhook_host_refused`.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:  # also what `idna` raises
        parts, host, port = urlsplit(""), "", 0
    schemes = ("https", "http") if settings.allow_http else ("https",)
    printable = url.isascii() and url.isprintable() and " " not in url and len(url) <= LONGEST
    if not printable or parts.scheme not in schemes or not host or parts.username is not None:
        raise WardenError(
            "bad_webhook_url",
            "The address of a webhook is https://host/path, without a name or password in it.",
            "For a host without TLS set notify.allow_http.",
        )
    usual = port == (443 if parts.scheme == "https" else 80)
    named = {f"{host}:{port}", host} if usual else {f"{host}:{port}"}
    if named.isdisjoint(one.lower() for one in settings.hosts):
        raise WardenError(
            "webhook_host_refused",
            f"Webhooks may not go to {host}:{port}.",
            "Add it to notify.hosts in the settings.",
        )
    return Target(url, parts.scheme == "https", host, port)


def refused(address: str, settings: Notify) -> bool:
    """Whether an address lies inside: private, link-local, loopback or otherwise not public."""
    ip = _meant(ipaddress.ip_address(address.partition("%")[0]))
    if any(ip in network for network in settings.networks):
        return False
    return not ip.is_global or ip.is_multicast or ip.is_reserved


def _meant(ip: Ip) -> Ip:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or ip
    return ip
