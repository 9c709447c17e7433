"""Who holds a submission: nobody else, and nobody at all as soon as the step has ended, however it ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from huxin.errors import HuxinError
from huxin.registry import embedded
from huxin.registry.alone import alone, at_once, unattended
from huxin.registry.key_acts import alone_at
from huxin.registry.worklist import bell
from huxin.settings import Settings


@pytest.fixture
def settings(server: embedded.Server, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database_url=server.uri("postgres"))


def test_whoever_comes_next_finds_it_free(settings: Settings) -> None:
    """And not a moment later: a server that was only hung up on gives its locks back when it looks."""
    ids = [uuid4(), uuid4()]
    for _ in range(100):
        with alone(settings, ids):
            pass
        with at_once(settings, ids):
            pass
        with suppress(ZeroDivisionError), alone_at(settings, "entry") as free:
            assert free
            raise ZeroDivisionError
        with bell(settings) as one:
            assert one.alone()


def test_it_is_held_until_then(settings: Settings) -> None:
    one, two = uuid4(), uuid4()
    with alone(settings, [one]):
        with unattended(settings, [one, two]) as free:
            assert free == [two]
        with pytest.raises(HuxinError, match="H1407"), at_once(settings, [one, two]):
            pass
    begun, ended = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        with alone(settings, [one]):
            ended.set()

    with at_once(settings, [one]):
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert begun.wait(60)
        assert not ended.wait(0.3)
    waiting.join(60)
    assert ended.is_set()


@pytest.mark.parametrize("hold", [alone, at_once])
def test_a_server_that_went_away_meanwhile_hides_nothing(
    settings: Settings, server: embedded.Server, hold: Callable[..., AbstractContextManager[None]]
) -> None:
    with pytest.raises(ZeroDivisionError), hold(settings, [uuid4()]):
        with psycopg.connect(server.uri("postgres"), autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        raise ZeroDivisionError
