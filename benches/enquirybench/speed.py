"""The race: a bare hello, enquiries over HTTP, and the same statements by pgbench, in turns on one machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from time import monotonic, sleep

import psycopg

from enquirybench import pgbench, statements
from enquirybench.access import ISSUER, MemberKey, access_tokens, register_keys
from enquirybench.client import Target, load
from enquirybench.figures import Load, percentile, ratio
from enquirybench.home import Filled
from enquirybench.people import Sample
from enquirybench.questions import Questions
from enquirybench.serving import free_port, served

MANY = 8
_HELLO = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_HELLO_NAME, _HTTP_NAME, _SQL_NAME = "bare hello", "enquiries over HTTP", "their statements by pgbench"
_STRIDE = 7919  # each measurement begins elsewhere among the people
_MEMBERS = 64  # who ask: with fewer the policy's quota of a minute would be reached
_DRAIN = 30.0


@dataclass(frozen=True)
class Stand:
    """Servers that run: the API's and the hello's port, whose tokens ask, about whom."""

    source: Filled
    chosen: Sample = field(repr=False)
    keys: list[MemberKey] = field(repr=False)
    api: int
    hello: int

    def ask(self, clients: int, seconds: float, start: int = 0) -> Load:
        """Enquiries over HTTP. SystemExit when even one was not answered with 200."""
        questions = Questions(self.chosen, access_tokens(self.api, self.keys), clients, start)
        return _whole(load(Target(self.api), questions, clients, seconds))

    def greet(self, clients: int, seconds: float) -> Load:
        """The bare hello by the same clients."""
        return _whole(load(Target(self.hello), lambda _: repeat(_HELLO), clients, seconds))


@contextmanager
def stand(source: Filled, chosen: Sample) -> Iterator[Stand]:
    """`huxin serve`, with the audit sequencer and all else it runs, and the hello, in processes of their own."""
    api, hello = free_port(), free_port()
    env = server_environment(source)
    keys = register_keys(source, _MEMBERS)
    with (
        served([sys.executable, "-m", "huxin", "serve", "--port", str(api)], api, env),
        served([sys.executable, "-m", "enquirybench.hello", str(hello)], hello, {}),
    ):
        yield Stand(source, chosen, keys, api, hello)


def server_environment(source: Filled) -> dict[str, str]:
    """What leads a server to the filled database."""
    assert source.settings.database_url is not None
    return {
        "HUXIN_HOME": str(source.settings.home),
        "HUXIN_DATABASE_URL": source.settings.database_url,
        "HUXIN_PUBLIC_URL": ISSUER,
    }


def race(at: Stand, seconds: float, rounds: int) -> dict[str, float]:
    """Each round runs all of them, eight clients and then one; ratios are those of the middle round."""
    runs: dict[str, list[Load]] = {}
    for number in range(rounds):
        print(f"\nround {number + 1} of {rounds}, {seconds:g} s each", flush=True)
        for clients in (MANY, 1):
            for name, found in _turn(at, clients, seconds, number):
                runs.setdefault(f"{name}/{clients}", []).append(found)
                print(found.line(name), flush=True)
                drained(at.source)
    return _figures(runs)


def _turn(at: Stand, clients: int, seconds: float, number: int) -> Iterator[tuple[str, Load]]:
    """One measurement of each, one after another."""
    yield _HELLO_NAME, at.greet(clients, seconds)
    yield _HTTP_NAME, at.ask(clients, seconds, (number * 2 + (clients == 1)) * _STRIDE)
    yield _SQL_NAME, _by_pgbench(at, clients, seconds)


def _figures(runs: dict[str, list[Load]]) -> dict[str, float]:
    def rates(name: str) -> list[float]:
        return [run.rate for run in runs[f"{name}/{MANY}"]]

    hello, mine, theirs = rates(_HELLO_NAME), rates(_HTTP_NAME), rates(_SQL_NAME)
    alone, pg_alone = runs[f"{_HTTP_NAME}/1"], runs[f"{_SQL_NAME}/1"]
    return {
        "hello_ratio": ratio(mine, hello),
        "sql_ratio": ratio(mine, theirs),
        "p50_ratio": ratio([run.p50 for run in alone], [run.p50 for run in pg_alone]),
        "p99_p50_ratio": ratio([run.p99 for run in alone], [run.p50 for run in alone]),
        "enquiries_per_s": percentile(mine, 50),
        "hello_per_s": percentile(hello, 50),
        "pgbench_per_s": percentile(theirs, 50),
        "p50_ms": percentile([run.p50 for run in alone], 50) * 1e3,
        "p99_ms": percentile([run.p99 for run in alone], 50) * 1e3,
    }


def _by_pgbench(at: Stand, clients: int, seconds: float) -> Load:
    sizes = statements.measured_sizes(at.source) or statements.Sizes()
    values = statements.variables(at.source, len(at.chosen.people), sizes)
    return _whole(pgbench.run(at.source.uri, statements.ENQUIRY, clients, seconds, values))


def drained(source: Filled) -> None:
    """Waits until the sequencer has taken what is in the outbox, so that one run's rows do not slow the next."""
    until = monotonic() + _DRAIN
    with psycopg.connect(source.uri, autocommit=True) as connection:
        while connection.execute("SELECT EXISTS (SELECT FROM outbox)").fetchone() == (True,):
            if monotonic() > until:
                raise SystemExit(
                    "the sequencer does not keep up: the outbox is not empty after half a minute"
                )
            sleep(0.2)


def _whole(run: Load) -> Load:
    if run.failures:
        told = ", ".join(f"{count} x {name}" for name, count in sorted(run.failures.items()))
        raise SystemExit(f"not every request was answered: {told} (and {len(run.times)} good ones)")
    return run
