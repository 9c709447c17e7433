"""One transaction on the registry's database; the engine behind it is made once a process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from sqlalchemy import Connection, Engine

from huxin.registry.connect import engine, lost_connection_told
from huxin.settings import Settings


@contextmanager
def connection(settings: Settings) -> Iterator[Connection]:
    """A connection in one transaction: committed at the end of the block, rolled back by an exception.

    Raises HuxinError H0502 when the server goes away meanwhile, H0313 when it cannot be reached at all.
    """
    with lost_connection_told(), _engine(settings, os.getpid()).begin() as opened:
        yield opened


def forget_engine(settings: Settings) -> None:
    """Closes the pooled connections, as before the server is stopped."""
    _engine(settings, os.getpid()).dispose()


@lru_cache(maxsize=64)
def _engine(settings: Settings, process: int) -> Engine:
    """A pool must not cross a fork: hence the process number."""
    return engine(settings)
