"""Brings the registry's schema to the newest migration, and tells where database and tables disagree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.exc import DBAPIError

from huxin.errors import HuxinError
from huxin.registry.connect import engine
from huxin.registry.tables import metadata
from huxin.settings import Settings

# Each module tables_*.py adds its tables to the metadata.
for _path in sorted(Path(__file__).parent.glob("tables_*.py")):
    import_module(f"huxin.registry.{_path.stem}")

# A migration that waits for a lock makes everybody behind it wait: better to give up and try again.
LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "15min"
# Another process may be migrating; its whole work is worth waiting for.
TURN_TIMEOUT = "20min"
# Any fixed number serves; this one spells "huxin" in ASCII.
_TURN = 0x687578696E


def config() -> Config:
    """Alembic's configuration, built here: there is no ini file."""
    made = Config()
    # Alembic interpolates "%" in its options, which a folder's name may hold.
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


def heads() -> tuple[str, ...]:
    """The newest migrations in the tree; more than one is a fault."""
    return tuple(ScriptDirectory.from_config(config()).get_heads())


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Migrates up to `revision`, each migration in its own transaction, one process at a time.

    Raises HuxinError H0315 when a lock or a turn could not be had in time, H0316 when the database is
    ahead of this program; a migration that fails leaves the schema at the one before.
    """
    with _session(settings) as connection, _in_turn(connection):
        present = _revision(connection)
        if present not in (None, *_known()):
            raise HuxinError("H0316", revision=present)
        made = config()
        made.attributes["connection"] = connection
        # Alembic commits only transactions of its own.
        connection.commit()
        command.upgrade(made, revision)


def current(settings: Settings) -> str | None:
    """The migration the database stands at; None before the first."""
    with _session(settings) as connection:
        return _revision(connection)


def check_drift(settings: Settings, declared: MetaData = metadata) -> list[str]:
    """Differences between the declared tables and the database, in words; empty when there are none.

    Compares tables, columns, types, nullability, defaults, indexes, unique constraints and primary keys.
    Staging tables and partitions are made and dropped at night: they are left out.
    """
    with _session(settings) as connection:
        partitions = _partitions(connection)

        def wanted(name: str | None, kind: str, _parents: object) -> bool:
            return kind != "table" or name is None or not _passing(name, partitions)

        options = {"compare_type": True, "compare_server_default": True, "include_name": wanted}
        context = MigrationContext.configure(connection, opts=options)
        found = [_describe(difference) for difference in compare_metadata(context, declared)]
        return found + _key_drift(connection, declared)


@contextmanager
def _session(settings: Settings) -> Iterator[Connection]:
    made = engine(settings)
    try:
        with made.connect() as connection:
            yield connection
    finally:
        made.dispose()


@contextmanager
def _in_turn(connection: Connection) -> Iterator[None]:
    """Holds the advisory lock of migrating on this connection; it ends with the connection at the latest."""
    try:
        _set(connection, lock_timeout=TURN_TIMEOUT, statement_timeout="0")
        connection.execute(text("SELECT pg_advisory_lock(:turn)"), {"turn": _TURN})
        _set(connection, lock_timeout=LOCK_TIMEOUT, statement_timeout=STATEMENT_TIMEOUT)
        # The lock and the timeouts are the session's and outlast this transaction.
        connection.commit()
        yield
    except DBAPIError as error:
        timeouts = (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled)
        if isinstance(error.orig, timeouts):
            raise HuxinError("H0315") from None
        raise


def _set(connection: Connection, **values: str) -> None:
    for name, value in values.items():
        connection.execute(text("SELECT set_config(:name, :value, false)"), {"name": name, "value": value})


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _partitions(connection: Connection) -> set[str]:
    query = text("SELECT relname FROM pg_class WHERE relispartition AND relkind IN ('r', 'p')")
    return set(connection.scalars(query))


def _passing(name: str, partitions: set[str]) -> bool:
    return name in partitions or name.startswith("staging_") or name == "alembic_version"


def _describe(difference: Any) -> str:
    """One difference as alembic gives it: a tuple that begins with its kind, or a list of such."""
    if isinstance(difference, list):
        return "; ".join(_describe(each) for each in difference)
    kind, *rest = difference
    names = (getattr(each, "name", each) for each in rest if each is not None and not isinstance(each, dict))
    return f"{kind} {' '.join(str(name) for name in names)}"


def _key_drift(connection: Connection, declared: MetaData) -> list[str]:
    """Alembic does not compare primary keys; here they are the distribution."""
    inspector = inspect(connection)
    there = set(inspector.get_table_names())
    found = []
    for table in declared.sorted_tables:
        if table.name not in there:
            continue
        wanted = [column.name for column in table.primary_key.columns]
        actual = inspector.get_pk_constraint(table.name)["constrained_columns"]
        if wanted != actual:
            found.append(f"primary_key {table.name} {','.join(wanted)} is {','.join(actual)}")
    return found
