"""Counts and times of requests by route, and /metrics, which adds up those of all worker processes.

prometheus_client decides when it is first imported whether values are shared between processes (by files in
PROMETHEUS_MULTIPROC_DIR, which `huxin serve` sets): so it is imported only where a worker makes its counters.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Iterator
from typing import Any

from apiflask import APIFlask
from flask import Response, request

from huxin.api.answers import answer
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.errors import HuxinError
from huxin.registry.gauges import Gauges, guard_gauges

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Meter:
    """One histogram of request times by route and status: routes are our own words, never the path that was sent."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Histogram

        self.registry = CollectorRegistry()
        self._times = Histogram(
            "huxin_request_seconds",
            "Time to answer a request, by route and status",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        # labels() builds its key anew each time; these few are met by every request.
        self._of: dict[tuple[str, str, int], Any] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request that was answered."""
        key = (method, route, status)
        found = self._of.get(key)
        if found is None:
            found = self._of.setdefault(key, self._times.labels(method, route, status))
        found.observe(seconds)

    def text(self, guard: Gauges | None = None) -> bytes:
        """Everything counted, and what the guard says where it is told."""
        return self._counted() + (b"" if guard is None else _guard_text(guard))

    def _counted(self) -> bytes:
        """Everything counted, over all processes where they share a directory."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        if not os.environ.get(DIRECTORY):
            return generate_latest(self.registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # the library has no types here
        return generate_latest(shared)


def register(app: APIFlask) -> None:
    """The page that a Prometheus server reads."""
    route = Route(
        "GET",
        "/metrics",
        "运行指标 · Counters for Prometheus",
        "operation",
        media="text/plain",
        errors=("H1127",),
    )
    add(app, route, metrics)


def metrics() -> Response:
    """How many enquire is the association's business: not for everybody who reaches the port."""
    if not _may_read():
        raise HuxinError("H1127")
    return answer(shell().meter.text(_guard()), content_type=_TEXT)


def _guard() -> Gauges | None:
    """None while the registry is away: the counters of requests are told all the same."""
    try:
        return guard_gauges(shell().row)
    except HuxinError:
        return None


def _guard_text(found: Gauges) -> bytes:
    """Put together at once: a gauge of the library's own would be shared between processes like a counter."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collected(found))
    return generate_latest(registry)


class _Collected:
    """What the library asks for its families."""

    def __init__(self, found: Gauges) -> None:
        self._found = found

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        alarms = GaugeMetricFamily(
            "huxin_alarms", "Alarms about enquiries that go on", labels=("kind", "state")
        )
        for kind, state, count in self._found.alarms:
            alarms.add_metric((kind, state), count)
        yield alarms
        if self._found.looked_at is not None:
            said = "Until when the guard has looked, in seconds since 1970"
            yield GaugeMetricFamily("huxin_guard_looked_at_seconds", said, self._found.looked_at)


def _may_read() -> bool:
    token = shell().config.metrics_token
    if token is not None:
        said = request.environ.get("HTTP_AUTHORIZATION", "")
        return hmac.compare_digest(said.encode("utf-8", "replace"), f"Bearer {token}".encode())
    # Behind a proxy everybody comes from this machine.
    forwarded = any(
        name in request.environ for name in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_VIA")
    )
    return not forwarded and _is_loopback(request.environ.get("REMOTE_ADDR", ""))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
