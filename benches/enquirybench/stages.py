"""Where an enquiry's time goes: the application called in this process, its steps timed one inside the other."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice
from time import perf_counter, thread_time
from typing import Any
from unittest import mock

from enquirybench.access import access_tokens
from enquirybench.questions import Questions
from enquirybench.speed import Stand
from huxin.api.app import create_app
from huxin.api.shell import Config

# (step, module, name in it): the names as their callers look them up.
STEPS = (
    ("auth: token and standing", "huxin.api.caller", "identify"),
    ("shape: body to values", "huxin.api.routes", "read_json"),
    ("keys: canonical, half, token", "huxin.enquiry.subject_keys", "Keys.of"),
    ("keys: digest of the request", "huxin.enquiry.subject_keys", "RegistryKeys.by_digest"),
    ("keys: handle of the subject", "huxin.enquiry.subject_keys", "RegistryKeys.handle"),
    ("gather: first statement", "huxin.enquiry.lots", "gather_all"),
    ("gather: of one by itself", "huxin.registry.gathering", "gather"),
    ("decide: facts from JSON", "huxin.decision", "Facts.from_json"),
    ("decide: flags and answer", "huxin.enquiry.answering", "decide"),
    ("promise: canonical, record", "huxin.enquiry.drafting", "unsigned"),
    ("promise: signature", "huxin.enquiry.answering", "sign_promise"),
    ("seal: facts and answer", "huxin.enquiry.drafting", "sealed"),
    ("record: second statement, durable", "huxin.enquiry.lots", "record_new"),
    ("record: of one by itself", "huxin.registry.enquiries", "record"),
    ("respond: headers", "huxin.api.enquiries", "_headers"),
    ("respond: response object", "huxin.api.enquiries", "answer"),
)
REST = "rest: Flask's routing and dispatch, the desk's own lines"


@dataclass
class Clock:
    """Seconds by step, what runs within a step's own steps left out: wall and this thread's processor time."""

    wall: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _since: tuple[float, float] = (0.0, 0.0)

    def enter(self, step: str) -> None:
        """From now on time is this step's."""
        self._charge()
        self._open.append(step)

    def leave(self) -> None:
        """From now on time is that of the step around."""
        self._charge()
        self._open.pop()

    def _charge(self) -> None:
        now = perf_counter(), thread_time()
        if self._open:
            step = self._open[-1]
            self.wall[step] = self.wall.get(step, 0.0) + now[0] - self._since[0]
            self.processor[step] = self.processor.get(step, 0.0) + now[1] - self._since[1]
        self._since = now


def time_stages(at: Stand, requests: int = 2_000, warm: int = 200) -> dict[str, float]:
    """Calls the application for so many enquiries, one after another, and prints where the time went."""
    todo = Questions(at.chosen, access_tokens(at.api, at.keys), 1, start=17)(0)
    environs = [_environ(request) for request in islice(todo, requests + warm)]
    clock = Clock()
    app: Any = create_app(at.source.settings, Config())
    with _timed(clock):
        for environ in environs[:warm]:
            _call(app, environ)
        clock.wall.clear()
        clock.processor.clear()
        for environ in environs[warm:]:
            clock.enter(REST)
            _call(app, environ)
            clock.leave()
    _print(clock, requests)
    return {"stages_ms": sum(clock.wall.values()) / requests * 1e3}


def _call(app: Any, environ: dict[str, Any]) -> None:
    told: list[str] = []
    body = b"".join(app(environ, lambda status, headers, fault=None: told.append(status)))
    if not told[0].startswith("200"):
        raise SystemExit(f"{told[0]} {body[:300].decode(errors='replace')}")


def _environ(request: bytes) -> dict[str, Any]:
    """What a server makes of a request."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    method, path, _ = lines[0].split(" ")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for line in lines[1:]:
        name, _, value = line.partition(": ")
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ


@contextmanager
def _timed(clock: Clock) -> Iterator[None]:
    """Each step's function with the clock around it, until the end of the block."""
    with ExitStack() as stack:
        for step, module, name in STEPS:
            *outer, last = name.split(".")
            place: Any = import_module(module)
            for part in outer:
                place = getattr(place, part)
            kept = place.__dict__[last]
            made = _watched(clock, step, kept.__func__ if isinstance(kept, classmethod) else kept)
            whole = classmethod(made) if isinstance(kept, classmethod) else made
            stack.enter_context(mock.patch.object(place, last, whole))
        yield


def _watched(clock: Clock, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def watched(*args: Any, **values: Any) -> Any:
        clock.enter(step)
        try:
            return function(*args, **values)
        finally:
            clock.leave()

    return watched


def _print(clock: Clock, requests: int) -> None:
    total, busy = sum(clock.wall.values()), sum(clock.processor.values())
    print(f"\nwhere one enquiry's time goes, in one process without a web server ({requests:,} enquiries)")
    print(f"  {'':<58}{'wall':>10}{'of it':>8}{'processor':>12}")
    for step in (*(name for name, _, _ in STEPS), REST):
        wall, processor = clock.wall.get(step, 0.0), clock.processor.get(step, 0.0)
        print(f"  {step:<58}{_us(wall, requests)}{wall / total:>8.0%}{_us(processor, requests):>12}")
    print(f"  {'together':<58}{_us(total, requests)}{'':>8}{_us(busy, requests):>12}", flush=True)


def _us(seconds: float, requests: int) -> str:
    return f"{seconds / requests * 1e6:>7.0f} us"
