"""What is sent and read by us in binary is what PostgreSQL means by it; a lost or refused call leaves no trace."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registry_world import Desk

from huxin.errors import HuxinError
from huxin.registry.connect import libpq_uri
from huxin.registry.live import Live
from huxin.registry.statement import (
    BOOL,
    BYTES,
    DAY,
    ID,
    INT2,
    INT2S,
    INT4,
    INT8,
    MOMENT,
    TEXT,
    UUIDS,
    Kind,
    Statement,
    calling,
)

_QUIET = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# The first hours of all at +08:00 are by UTC of a year that Python has not.
_SECOND_DAY = datetime.fromisoformat("0001-01-02")
SOME_IDS = st.binary(min_size=16, max_size=16).map(lambda raw: UUID(bytes=raw))
VALUES: tuple[tuple[Kind, st.SearchStrategy[Any]], ...] = (
    (BOOL, st.booleans()),
    (INT2, st.integers(-(2**15), 2**15 - 1)),
    (INT4, st.integers(-(2**31), 2**31 - 1)),
    (INT8, st.integers(-(2**63), 2**63 - 1)),
    (TEXT, st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    (BYTES, st.binary()),
    (ID, SOME_IDS),
    (DAY, st.dates()),
    (MOMENT, st.datetimes(_SECOND_DAY, timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]))),
)


def echo(kind: Kind) -> Statement:
    """The value itself, and the text that PostgreSQL writes for it."""
    made = calling("echo", (kind,), (("value", kind), ("said", TEXT)))
    text = f"SELECT v.value, v.value::text FROM (SELECT $1::{kind.name} AS value) v".encode()
    return Statement(b"echo " + kind.name.encode(), text, made.takes, made.gives, made.formats)


@pytest.mark.parametrize(("kind", "values"), VALUES, ids=[kind.name for kind, _ in VALUES])
def test_a_value_goes_and_comes_as_it_is(desk: Desk, kind: Kind, values: st.SearchStrategy[Any]) -> None:
    with psycopg.connect(libpq_uri(desk.settings)) as plain:
        plain.execute("SET timezone = 'UTC'")

        @_QUIET
        @given(st.one_of(st.none(), values))
        def check(value: Any) -> None:
            told = desk.live.call(echo(kind), (value,))
            wanted = plain.execute(f"SELECT %s::{kind.name}, %s::{kind.name}::text", (value, value))
            assert told == wanted.fetchone()
            assert told is not None and told[0] == value

        check()


@_QUIET
@given(st.lists(SOME_IDS, max_size=4), st.lists(st.integers(-(2**15), 2**15 - 1), max_size=4))
def test_arrays_arrive_whole(desk: Desk, ids: list[UUID], numbers: list[int]) -> None:
    both = calling("echo", (UUIDS, INT2S), (("ids", TEXT), ("numbers", TEXT)))
    text = b"SELECT $1::uuid[]::text, $2::int2[]::text"
    statement = Statement(b"arrays", text, both.takes, both.gives, both.formats)
    told = desk.live.call(statement, ([each.bytes for each in ids], numbers))
    assert told == (
        "{" + ",".join(map(str, ids)) + "}",
        "{" + ",".join(map(str, numbers)) + "}",
    )


def test_no_row_is_none_and_the_numbers_of_values_agree(desk: Desk) -> None:
    fetching = calling("enquiry_fetch", (INT4, ID), (("id", ID),))
    assert desk.live.call(fetching, (1, uuid4())) is None
    with pytest.raises(ValueError, match="zip"):
        desk.live.call(fetching, (1,))
    assert desk.live.call(fetching, (1, uuid4())) is None


def test_what_the_server_refuses_tells_its_state_and_no_value(desk: Desk) -> None:
    statement = Statement(b"refused", b"SELECT 1 / length($1::text)", (str.encode,), (bytes,), (1,))
    with pytest.raises(HuxinError) as caught:
        desk.live.call(statement, ("",))
    assert (caught.value.code, caught.value.facts["sqlstate"]) == ("H0501", "22012")
    assert desk.live.call(statement, ("x",)) == (b"\0\0\0\1",)  # the line is as good as before


def test_a_lost_line_is_replaced_in_the_same_call(desk: Desk) -> None:
    pid = Statement(b"pid", b"SELECT pg_backend_pid()", (), (INT4.read,), ())
    before = desk.live.call(pid, ())
    with psycopg.connect(libpq_uri(desk.settings), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 60000)", before)
    after = desk.live.call(pid, ())
    assert before is not None and after is not None and before != after


def test_where_the_server_ended_all_everything_is_opened_anew_and_nothing_is_warned_of(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the sandbox is made anew: no connection that is closed comes back to a pool that is open."""
    pid = Statement(b"pid", b"SELECT pg_backend_pid()", (), (INT4.read,), ())
    ways: tuple[Callable[[], tuple[object, ...] | None], ...] = (
        lambda: desk.live.call(pid, ()),
        lambda: desk.live.call_in_lot(pid, ()),
        lambda: desk.live.row("SELECT pg_backend_pid()", ()),
    )
    with caplog.at_level(logging.WARNING, "psycopg.pool"):
        for first in ways:
            before = {way() for way in ways}
            with psycopg.connect(libpq_uri(desk.settings), autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
            assert before.isdisjoint({way() for way in (first, *ways)})
    assert caplog.messages == []


def test_one_that_was_at_work_while_all_was_left_ends_its_call_and_is_closed(desk: Desk) -> None:
    waits = Statement(b"waits", b"SELECT 7, pg_advisory_xact_lock_shared(6)", (), (INT4.read,), ())
    with ThreadPoolExecutor(1) as threads, psycopg.connect(libpq_uri(desk.settings)) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(6)")
        told, opened = threads.submit(desk.live.call, waits, ()), desk.live._now()
        while (
            holder.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").rowcount == 0
        ):
            assert not told.done()
        desk.live._leave(opened)
        holder.rollback()
        assert told.result(120) == (7,)
    assert not opened.lines._own()
    assert desk.live._now() is not opened


def test_threads_take_a_line_each(desk: Desk) -> None:
    """Each is held up until all six are at it, however long they take to come."""
    pid = Statement(
        b"waits", b"SELECT pg_backend_pid(), pg_advisory_xact_lock_shared(6)", (), (INT4.read,), ()
    )
    standing = """
        SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
    with ThreadPoolExecutor(6) as threads, psycopg.connect(libpq_uri(desk.settings)) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(6)")
        told = [threads.submit(desk.live.call, pid, ()) for _ in range(6)]
        while desk.run(standing) != [(6,)]:
            assert not any(each.done() for each in told)
        holder.rollback()
        assert len({each.result(120) for each in told}) == 6


def test_a_fork_makes_lines_of_its_own(desk: Desk) -> None:
    pid = Statement(b"pid", b"SELECT pg_backend_pid()", (), (INT4.read,), ())
    before = desk.live.call(pid, ())
    reader, writer = os.pipe()
    child = os.fork()
    if not child:  # nothing of pytest may run here
        try:
            os.write(writer, str(desk.live.call(pid, ()) not in (before, None)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 10) == b"True"
    assert desk.live.call(pid, ()) == before


def test_moments_are_those_of_the_calendar() -> None:
    assert MOMENT.send(datetime(2000, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))) == bytes(8)
    assert DAY.read(DAY.send(date(1999, 12, 31))) == date(1999, 12, 31)


def test_closing_warns_of_nothing(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    """What is closed on purpose is no lost connection, and people see warnings on their terminals."""
    pid = Statement(b"pid", b"SELECT pg_backend_pid()", (), (INT4.read,), ())
    before = live.call(pid, ())
    live.close()
    assert [each.getMessage() for each in caplog.records if each.name.startswith("psycopg")] == []
    assert live.call(pid, ()) != before
