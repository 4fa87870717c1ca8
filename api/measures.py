"""What Prometheus reads: requests of this process, and how the installation stands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from detector.standing import Standing, standing
from detector.system import System

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measures:
    """Counters of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        names = ("method", "route", "status")
        self._requests = Counter(
            "warden_http_requests", "Requests answered.", names, registry=self.registry
        )
        self._seconds = Histogram(
            "warden_http_request_seconds", "Time to the end of an answer.", names[:2],
            buckets=SECONDS, registry=self.registry,
        )  # fmt: skip

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Notes one answer. Routes are templates: ids would make a series each."""
        told = method if method in _METHODS else "other"
        self._requests.labels(told, route, str(status)).inc()
        self._seconds.labels(told, route).observe(seconds)

    def text(self, system: System) -> bytes:
        """Everything in the text format of Prometheus, the installation as it stands now."""
        now = CollectorRegistry()
        now.register(_Installation(standing(system), system.clock()))
        return generate_latest(self.registry) + generate_latest(now)


class _Installation(Collector):
    """How an installation stands, as gauges."""

    def __init__(self, found: Standing, now: datetime) -> None:
        self._found = found
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """One family each; what is not known has no sample."""
        found = self._found
        alerts = GaugeMetricFamily("warden_alerts", "Alerts by state.", labels=["state"])
        for state, count in found.alerts.items():
            alerts.add_metric([state], count)
        yield alerts
        age = GaugeMetricFamily(
            "warden_last_run_age_seconds", "Since the last run that judged came to its end."
        )
        if found.last_run is not None:
            age.add_metric([], (self._now - found.last_run).total_seconds())
        yield age
        yield GaugeMetricFamily(
            "warden_quarantined_rows", "Rows ever put aside by ingests.", value=found.quarantined
        )
        yield GaugeMetricFamily(
            "warden_audit_entries", "Entries of the audit trail.", value=found.audit_entries
        )


class Meter:
    """ASGI layer around everything: counts answers, and adds the headers left for them."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self.app = app
        self.measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                left = scope.get("state", {}).get("answer_headers")
                if left:
                    headers = ((k.lower().encode(), v.encode()) for k, v in left.items())
                    message["headers"] = [*message["headers"], *headers]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", None) or _outside(scope["path"])
            self.measures.count(scope["method"], route, status, time.perf_counter() - began)


def _outside(path: str) -> str:
    return "/static" if path.startswith("/static/") else "none"
