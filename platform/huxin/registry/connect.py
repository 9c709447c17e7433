"""Ways to the registry's database: its address, an engine for SQL, a connection by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import conninfo
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from huxin.errors import HuxinError
from huxin.registry import embedded
from huxin.registry.embedded_binaries import OLDEST
from huxin.settings import Settings

APPLICATION = "huxin"
APP_ROLE = "huxin_app"
CONSOLE_ROLE = "huxin_console"


def database_url(settings: Settings) -> str:
    """SQLAlchemy's address of the registry: HUXIN_DATABASE_URL, or else the embedded server, which is
    started when needed. May hold a password: not for logs.

    Raises HuxinError H0312 when the address is not PostgreSQL's, H0301 to H0311 from the embedded server.
    """
    return libpq_uri(settings).replace("postgresql://", "postgresql+psycopg://", 1)


def libpq_uri(settings: Settings) -> str:
    """libpq's address of the registry (psycopg, psql). May hold a password: not for logs."""
    if settings.database_url is not None:
        return embedded.libpq_uri(settings.database_url)
    server = embedded.ensure_started(settings)
    embedded.ensure_database(server, embedded.REGISTRY)
    return server.uri(embedded.REGISTRY)


def address_now(settings: Settings, first: str) -> str:
    """Where a server that was at `first` is now: the embedded one's socket may lie elsewhere after each start.

    For connections made again by a process that serves on; it starts nothing, that is the operator's to say.
    """
    if settings.database_url is not None:
        return first
    place = embedded.status(settings).socket_dir
    return first if place is None else conninfo.make_conninfo(first, host=str(place))


def as_role(uri: str, role: str) -> str:
    """A database's address that makes each connection begin as `role`, which its login must be allowed to be."""
    parts = conninfo.conninfo_to_dict(uri)
    options = f"{parts.get('options') or ''} -c role={role}".strip()
    return conninfo.make_conninfo(uri, options=options)


def engine(settings: Settings, role: str | None = None) -> Engine:
    """A new engine on the registry, of a role other than the login's where one is named; the caller disposes of it.

    No parameter value reaches a log or an exception. A first connection raises HuxinError H0313 when the
    server cannot be reached and H0314 when it is older than PostgreSQL 15.
    """
    uri = libpq_uri(settings) if role is None else as_role(libpq_uri(settings), role)
    made = create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(address_now(settings, uri)),
        pool_pre_ping=True,
        hide_parameters=True,
    )
    event.listen(made, "handle_error", _withhold_values)
    return made


def connect(uri: str) -> psycopg.Connection[Any]:
    """A psycopg connection. Raises HuxinError H0312, H0313 or H0314; none of them tells the password."""
    try:
        connection = psycopg.connect(uri, fallback_application_name=APPLICATION, connect_timeout=10)
    except psycopg.ProgrammingError:
        raise HuxinError("H0312") from None
    except psycopg.OperationalError as error:
        raise HuxinError("H0313", server=_place(uri), reason=_reason(error, uri)) from None
    version = connection.info.server_version // 10000
    if version < OLDEST:
        connection.close()
        raise HuxinError("H0314", version=version, oldest=OLDEST)
    return connection


@contextmanager
def locking_session(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A session (autocommit) whose advisory locks are free as soon as the block has ended. HuxinError H0313, H0314.

    Closing it frees them too, but not before the server looks: whoever tries at once would still find them held.
    """
    session = connect(libpq_uri(settings))
    try:
        session.autocommit = True
        yield session
    finally:
        with suppress(psycopg.Error):
            session.execute("SELECT pg_advisory_unlock_all()")
        session.close()


@contextmanager
def lost_connection_told() -> Iterator[None]:
    """Tells as HuxinError H0502 that the server went away, whichever layer notices it."""
    try:
        yield
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise HuxinError("H0502") from None
    except psycopg.OperationalError as error:
        if not gone(error.sqlstate):
            raise
        raise HuxinError("H0502") from None


def gone(sqlstate: str | None) -> bool:
    """Whether an error's SQLSTATE means that the connection is lost: none, class 08, a shutdown or a crash."""
    return sqlstate is None or sqlstate.startswith("08") or sqlstate in ("57P01", "57P02", "57P03")


def _place(uri: str) -> str:
    parts = conninfo.conninfo_to_dict(uri)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


def _reason(error: psycopg.Error, uri: str) -> str:
    text = " ".join(str(error).split())
    secret = conninfo.conninfo_to_dict(uri).get("password")
    return text.replace(str(secret), "***") if secret else text


def _withhold_values(context: ExceptionContext) -> None:
    """Takes the server's message out of an error, as it may quote a row; state and constraint remain."""
    original = context.original_exception
    if not isinstance(original, psycopg.Error) or original.sqlstate is None:
        return
    places = (original.diag.table_name, original.diag.column_name, original.diag.constraint_name)
    named = " ".join(place for place in places if place)
    original.args = (f"SQLSTATE {original.sqlstate} {named}".strip(),)
    if isinstance(context.sqlalchemy_exception, SQLAlchemyError):
        context.sqlalchemy_exception.args = (f"{type(original).__name__}: {original.args[0]}",)
