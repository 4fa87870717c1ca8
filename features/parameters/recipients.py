"""Whose host it is, and what the host is for: organisations behind domains.

Compiled from general knowledge of public hosts and not checked against a register: unverified.
A domain without a row is *unresolved*, a class of its own, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Use = Literal["ads", "analytics", "attribution", "crash", "cloud", "cdn", "consent", "social"]

TRACKING: frozenset[str] = frozenset({"ads", "analytics", "attribution", "social"})
"""Uses that follow a person; crash reports, hosting and consent tools are exempt."""

PROCESSORS: frozenset[str] = frozenset({"cloud", "cdn", "crash"})
"""Uses in which a host named in the declaration acts for the operator."""

SOURCE = "own compilation of public hosts, 2026"


@dataclass(frozen=True, slots=True)
class Host:
    """One domain with all below it.

    Attributes:
        domain: a host belongs to it when it is the domain or ends in ``.domain``.
        valid_to: last day the organisation owned it; None while it does.
    """

    domain: str
    organisation: str
    use: Use
    verified: bool = False
    source: str = SOURCE
    valid_from: date = date(2015, 1, 1)
    valid_to: date | None = None


# fmt: off
_TABLE: dict[Use, dict[str, tuple[str, ...]]] = {
    "ads": {
        "google": ("doubleclick.net", "googlesyndication.com", "googleadservices.com",
                   "admob.com"),
        "unity": ("unityads.unity3d.com", "ironsrc.com", "ironsrc.mobi", "supersonicads.com"),
        "applovin": ("applovin.com", "applvn.com"),
        "vungle": ("vungle.com",),
        "inmobi": ("inmobi.com",),
        "mintegral": ("mintegral.com", "rayjump.com"),
        "digitalturbine": ("inner-active.mobi", "fyber.com"),
        "criteo": ("criteo.com", "criteo.net"),
        "smaato": ("smaato.net",),
        "pubmatic": ("pubmatic.com",),
        "magnite": ("rubiconproject.com",),
        "xandr": ("adnxs.com",),
        "amazon": ("amazon-adsystem.com",),
        "chartboost": ("chartboost.com",),
        "taboola": ("taboola.com",),
        "outbrain": ("outbrain.com",),
        "bytedance": ("pangle.io", "pangolin-sdk-toutiao.com"),
        "bidmachine": ("bidmachine.io",),
        "liftoff": ("liftoff.io",),
        "moloco": ("moloco.com",),
        "tapjoy": ("tapjoy.com",),
        "yandex": ("adfox.ru", "an.yandex.ru"),
    },
    "analytics": {
        "google": ("google-analytics.com", "app-measurement.com", "googletagmanager.com"),
        "amplitude": ("amplitude.com",),
        "mixpanel": ("mixpanel.com",),
        "segment": ("segment.io", "segment.com"),
        "flurry": ("flurry.com",),
        "comscore": ("scorecardresearch.com",),
        "umeng": ("umeng.com", "umengcloud.com"),
        "braze": ("braze.com", "appboy.com"),
        "onesignal": ("onesignal.com",),
    },
    "attribution": {
        "adjust": ("adjust.com", "adjust.io"),
        "appsflyer": ("appsflyer.com", "appsflyersdk.com"),
        "branch": ("branch.io",),
        "kochava": ("kochava.com",),
        "singular": ("singular.net",),
    },
    "social": {
        "meta": ("graph.facebook.com", "facebook.com", "facebook.net"),
        "x": ("ads-twitter.com",),
        "snap": ("sc-static.net",),
        "tiktok": ("analytics.tiktok.com",),
    },
    "crash": {
        "google": ("crashlyticsreports-pa.googleapis.com", "crashlytics.com"),
        "sentry": ("sentry.io",),
        "bugsnag": ("bugsnag.com",),
    },
    "cloud": {"amazon": ("amazonaws.com",), "microsoft": ("azure.com", "windows.net"),
              "alibaba": ("aliyuncs.com",)},
    "cdn": {"amazon": ("cloudfront.net",), "akamai": ("akamaized.net", "akamaihd.net"),
            "fastly": ("fastly.net",), "cloudflare": ("cloudflare.com",)},
    "consent": {"onetrust": ("onetrust.com", "cookielaw.org"), "didomi": ("privacy-center.org",),
                "usercentrics": ("usercentrics.eu",)},
}
# fmt: on

HOSTS: tuple[Host, ...] = tuple(
    Host(domain, organisation, use)
    for use, owners in _TABLE.items()
    for organisation, domains in owners.items()
    for domain in domains
)
"""Every host known."""
