"""One transaction on the registry's database; the engine behind it is made once a process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

from sqlalchemy import Connection, Engine, text

from huxin.registry.connect import APP_ROLE, CONSOLE_ROLE, engine, lost_connection_told
from huxin.settings import Settings


@contextmanager
def connection(settings: Settings) -> Iterator[Connection]:
    """A connection in one transaction: committed at the end of the block, rolled back by an exception.

    Raises HuxinError H0502 when the server goes away meanwhile, H0313 when it cannot be reached at all.
    """
    with lost_connection_told(), _engine_of(settings, None).begin() as opened:
        yield opened


@contextmanager
def member_connection(settings: Settings, member_id: int) -> Iterator[Connection]:
    """A transaction of the role huxin_app that sees one member's rows, and no other's, of the member group.

    For reading submissions, findings and quarantine over HTTP; nothing else can be read in it. Errors as `connection`.
    """
    with lost_connection_told(), _engine_of(settings, APP_ROLE).begin() as opened:
        opened.execute(text("SELECT set_config('huxin.member', :member, true)"), {"member": str(member_id)})
        yield opened


@contextmanager
def console_connection(settings: Settings, member_id: int | None = None) -> Iterator[Connection]:
    """A transaction of the role huxin_console: people, acts and what pages show, but no loan, token or answer.

    Of submissions, findings and quarantine it sees one member's rows, or all for None: an operator's. Errors as
    `connection`.
    """
    name, value = ("huxin.operator", "yes") if member_id is None else ("huxin.member", str(member_id))
    with lost_connection_told(), _engine_of(settings, CONSOLE_ROLE).begin() as opened:
        opened.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
        yield opened


def forget_engine(settings: Settings) -> None:
    """Closes the pooled connections, as before the server is stopped."""
    for role in (None, APP_ROLE, CONSOLE_ROLE):
        _engine_of(settings, role).dispose()


def _engine_of(settings: Settings, role: str | None) -> Engine:
    """One engine a database: a clock that was set and moves on is no reason for another pool."""
    return _engine(replace(settings, fixed_now=None), os.getpid(), role)


@lru_cache(maxsize=64)
def _engine(settings: Settings, process: int, role: str | None) -> Engine:
    """A pool must not cross a fork: hence the process number."""
    return engine(settings, role)
