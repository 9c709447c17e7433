"""One database of the embedded server put in another's place, under whoever is connected to it."""

from __future__ import annotations

import psycopg
from psycopg.sql import SQL, Identifier

from huxin.registry.embedded import Server, ensure_database

_LEAVE = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = ANY (%s)"


def fresh_database(server: Server, name: str) -> None:
    """An empty database of that name; what had the name is dropped."""
    with _admin(server) as admin:
        _drop(admin, name)
    ensure_database(server, name)


def put_in_place(server: Server, name: str, of: str) -> None:
    """Gives database `name` the name `of`, and drops the one that had it.

    Whoever was connected loses the connection and finds the new one under the old name: both renamings are one
    transaction, and in between nobody can connect.
    """
    old = f"{of}_before"
    ensure_database(server, of)
    with _admin(server) as admin:
        _drop(admin, old)
        # Even a superuser is kept out by this; a pool would be back before the renaming otherwise.
        admin.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(Identifier(of)))
        try:
            admin.execute(_LEAVE, ([of, name],))
            with admin.transaction():
                admin.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(of), Identifier(old)))
                admin.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(name), Identifier(of)))
        except psycopg.Error:
            admin.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(Identifier(of)))
            raise
        _drop(admin, old)


def _admin(server: Server) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.uri("postgres"), autocommit=True)


def _drop(admin: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    admin.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
