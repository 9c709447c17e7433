"""The bench's home: one server and one set of keys, a filled database a size, kept; and a copy of it for a run."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter

import psycopg

from enquirybench.filler import Book, fill
from enquirybench.past import add_past
from enquirybench.roster import add_members
from huxin.registry import embedded, migrate
from huxin.registry.session import forget_engine
from huxin.settings import SHANGHAI, Settings
from huxin_privacy import keyring

MEMBERS = 1_000
RUN = "bench_run"
_FILLING = "bench_filling"
_STALE_DAYS = 14  # past enquiries must lie in the windows that are counted
_SOURCES = Path(__file__).parents[1]


@dataclass(frozen=True)
class Filled:
    """A database with a book in it, and settings that lead to it."""

    settings: Settings
    book: Book
    uri: str


@contextmanager
def running_home(root: Path) -> Iterator[Settings]:
    """A home below `root` with keys and a running embedded server, which is stopped at the end."""
    settings = Settings(home=root / "enquiry")
    settings.keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(
                "another run of this bench is at work here (or name another HUXIN_BENCH_DIR)"
            ) from None
        with _served(settings):
            yield settings


@contextmanager
def _served(settings: Settings) -> Iterator[None]:
    for zone in keyring.ZONES:
        if not keyring.keyring_path(settings.keys_dir, zone).exists():
            keyring.create(settings.keys_dir, zone)
    try:
        embedded.ensure_started(settings)
        yield
    finally:
        forget_engine(settings)
        embedded.stop(settings)


def filled(home: Settings, loans: int) -> Filled:
    """The kept database of so many loans; made when there is none, or by other sources, or long ago."""
    name, wanted = f"bench_{loans}", _sources()
    with _admin(home) as server:
        kept = server.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (name,)
        ).fetchone()
    as_of = _kept_day(kept[0] if kept else None, wanted)
    if as_of is None:
        as_of = datetime.now(UTC).astimezone(SHANGHAI).date() - timedelta(days=1)
        _make(home, name, Book(loans, min(MEMBERS, max(2, loans // 100)), as_of), wanted)
    found = _of_database(home, name, Book(loans, min(MEMBERS, max(2, loans // 100)), as_of))
    migrate.upgrade(found.settings)  # it may be older than the newest migration
    forget_engine(found.settings)
    return found


@contextmanager
def copied(home: Settings, source: Filled, name: str = RUN) -> Iterator[Filled]:
    """A copy of a kept database, to be written to; dropped afterwards. Its members reported yesterday."""
    kept = psycopg.conninfo.conninfo_to_dict(source.uri)["dbname"]
    forget_engine(source.settings)
    _drop(home, name)
    with _admin(home) as server:
        _leave(server, str(kept))
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{kept}" STRATEGY FILE_COPY')
    made = _of_database(home, name, source.book)
    try:
        _report_yesterday(made)
        yield made
    finally:
        forget_engine(made.settings)
        _drop(home, name)


@contextmanager
def reused(source: Filled) -> Iterator[Filled]:
    """A kept database itself, where a copy would cost too much: its members reported yesterday.

    What a run adds stays: some thousands of enquiries among millions.
    """
    _report_yesterday(source)
    try:
        yield source
    finally:
        forget_engine(source.settings)


def execute(uri: str, *statements: str) -> None:
    """Runs statements one by one, each in its own transaction."""
    with psycopg.connect(uri, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def size_of(uri: str) -> int:
    """Bytes of the database on disk."""
    with psycopg.connect(uri) as connection:
        found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(found[0]) if found else 0


def _make(home: Settings, name: str, book: Book, sources: str) -> None:
    print(
        f"filling {book.loans:,} loans of {book.subjects:,} subjects at {book.members} members ...",
        flush=True,
    )
    began = perf_counter()
    for older in (name, _FILLING):
        _drop(home, older)
    embedded.ensure_database(embedded.ensure_started(home), _FILLING)
    made = _of_database(home, _FILLING, book)
    migrate.upgrade(made.settings)
    members = add_members(made.uri, book)
    fill(made.settings, book, members)
    add_past(made.uri, book, members)
    execute(made.uri, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")
    gib = size_of(made.uri) / 2**30
    forget_engine(made.settings)
    with _admin(home) as server:
        _leave(server, _FILLING)
        server.execute(f'ALTER DATABASE "{_FILLING}" RENAME TO "{name}"')
        server.execute(f"COMMENT ON DATABASE \"{name}\" IS '{sources} {book.as_of.isoformat()}'")
    print(f"  filled in {perf_counter() - began:.0f} s, {gib:.1f} GiB", flush=True)


def _kept_day(note: object, wanted: str) -> date | None:
    """The day of a kept book that these sources made lately, or None."""
    sources, _, day = str(note or "").partition(" ")
    if sources != wanted or not day:
        return None
    as_of = date.fromisoformat(day)
    age = datetime.now(UTC).astimezone(SHANGHAI).date() - as_of
    return as_of if timedelta(0) < age <= timedelta(days=_STALE_DAYS) else None


def _report_yesterday(made: Filled) -> None:
    yesterday = datetime.now(UTC).astimezone(SHANGHAI).date() - timedelta(days=1)
    with psycopg.connect(made.uri) as connection:
        connection.execute("UPDATE member SET as_of_date = %s", (yesterday,))


def _of_database(home: Settings, name: str, book: Book) -> Filled:
    server = embedded.ensure_started(home)
    return Filled(replace(home, database_url=server.url(name)), book, server.uri(name))


def _drop(home: Settings, name: str) -> None:
    with _admin(home) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _leave(server: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Ends what is still connected: a database in use can be neither renamed nor copied."""
    server.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (name,))


def _admin(home: Settings) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(embedded.ensure_started(home).uri("postgres"), autocommit=True)


def _sources() -> str:
    """Short digest of what decides the rows of a filled database. Its tables follow by migration."""
    mine = [_SOURCES / "generate.py", *(_SOURCES / "benchdata").glob("*.py")]
    mine += [Path(__file__).with_name(name) for name in ("filler.py", "past.py", "roster.py")]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sorted(mine))).hexdigest()[:10]
