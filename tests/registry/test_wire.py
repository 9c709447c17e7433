"""Rows of binary COPY: whatever Arrow holds is what PostgreSQL reads, by the compiled loops and by the plain ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date
from types import ModuleType
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from huxin.registry import wire, wire_kernel, wire_plain
from huxin.registry.bulk import Bulk, bulk
from huxin.settings import Settings

LOOPS = (wire_kernel, wire_plain)
# Each of Arrow's types: PostgreSQL's, and what may stand there.
TYPES: dict[str, tuple[pa.DataType, str, st.SearchStrategy[Any]]] = {
    "yes": (pa.bool_(), "boolean", st.booleans()),
    "small": (pa.int16(), "smallint", st.integers(-(2**15), 2**15 - 1)),
    "middle": (pa.int32(), "integer", st.integers(-(2**31), 2**31 - 1)),
    "big": (pa.int64(), "bigint", st.integers(-(2**63), 2**63 - 1)),
    "on_day": (pa.date32(), "date", st.dates()),
    "at": (
        pa.timestamp("us", tz="UTC"),
        "timestamptz",
        st.datetimes(timezones=st.just(UTC)),
    ),
    "id": (pa.binary(16), "uuid", st.binary(min_size=16, max_size=16)),
    "said": (
        pa.string(),
        "text",
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40),
    ),
    "long": (pa.large_string(), "text", st.sampled_from(["", "a", "互信", "😀\x7f\\N\t", "x" * 9_000])),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, np.ndarray[Any, Any]]:
    """A table of every type, in one to three pieces cut out of longer ones, and an order of its rows."""
    pieces = []
    for _ in range(draw(st.integers(1, 3))):
        rows = draw(st.integers(0, 12))
        columns = {}
        for name, (kind, _, values) in TYPES.items():
            hole = draw(st.booleans())
            cells = draw(st.lists(st.none() | values if hole else values, min_size=rows, max_size=rows))
            columns[name] = pa.array(cells, kind)
        start = draw(st.integers(0, rows))
        pieces.append(pa.table(columns).slice(start, draw(st.integers(0, rows))))
    table = pa.concat_tables(pieces)
    return table, np.array(draw(st.permutations(range(table.num_rows))), np.int64)


@pytest.fixture(params=LOOPS, ids=["compiled", "plain"])
def loops(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module: ModuleType = request.param
    monkeypatch.setattr(wire, "_loops", lambda: module)
    return module


@pytest.fixture
def session(settings: Settings) -> Iterator[Bulk]:
    columns = ", ".join(f'"{name}" {kind}' for name, (_, kind, _) in TYPES.items())
    with bulk(settings) as opened:
        opened.run(f"CREATE TEMPORARY TABLE sent (n serial, {columns})")
        yield opened


def encoded(table: pa.Table, order: np.ndarray[Any, Any] | None = None) -> bytes:
    return b"".join(part.tobytes() for part in wire.encode(table, order))


def read_back(session: Bulk) -> list[tuple[Any, ...]]:
    """What lies in `sent`, by the driver's own reading."""
    names = ", ".join(f'"{name}"' for name in TYPES)
    return session.rows(f"SELECT {names} FROM sent ORDER BY n")


def expected(table: pa.Table, order: np.ndarray[Any, Any]) -> list[tuple[Any, ...]]:
    rows = [
        tuple(UUID(bytes=cell) if isinstance(cell, bytes) else cell for cell in row.values())
        for row in table.to_pylist()
    ]
    return [rows[place] for place in order]


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(drawn=tables())
def test_what_is_sent_is_what_is_read(session: Bulk, loops: ModuleType, drawn: tuple[pa.Table, Any]) -> None:
    table, order = drawn
    session.run("TRUNCATE sent")
    parts = wire.Encoded(tuple(table.column_names), wire.encode(table, order))
    assert session.copy("sent", parts) == table.num_rows
    assert read_back(session) == expected(table, order)


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(drawn=tables())
def test_both_ways_make_the_same_bytes(monkeypatch: pytest.MonkeyPatch, drawn: tuple[pa.Table, Any]) -> None:
    made = []
    for module in LOOPS:
        monkeypatch.setattr(wire, "_loops", lambda module=module: module)
        made.append(encoded(*drawn))
    assert made[0] == made[1]


def test_many_rows_come_in_parts_that_make_one_whole(session: Bulk, loops: ModuleType) -> None:
    count = 3 * wire._ROWS + 7
    numbers = np.random.default_rng(1).permutation(count)
    table = pa.table(
        {
            "big": pa.array(numbers, mask=numbers % 7 == 0),
            "said": pa.array([f"n{number}" * (number % 5) for number in numbers]),
        }
    )
    order = np.argsort(numbers)
    parts = list(wire.encode(table, order))
    assert len(parts) == 4
    assert session.copy("sent", wire.Encoded(("big", "said"), parts)) == count
    found = session.rows("SELECT big, said FROM sent ORDER BY n")
    assert found == [(None if n % 7 == 0 else n, f"n{n}" * (n % 5)) for n in range(count)]


@pytest.mark.parametrize("expected_rows", [0, 1, 9_000, 50_000])
def test_tables_that_come_one_after_another_are_sent_in_one_order(
    loops: ModuleType, expected_rows: int
) -> None:
    """However many were expected, and whatever the length of their rows."""
    chance = np.random.default_rng(3)
    tables = [
        pa.table(
            {
                "big": pa.array(chance.permutation(count)),
                "said": pa.array(["é" * (count % 900)] * count, pa.string()),
            }
        )
        for count in (1, 0, 5_000, 700, 3_000)
    ]
    whole = pa.concat_tables(tables)
    order = chance.permutation(whole.num_rows)
    rows = wire.Rows(expected_rows)
    for table in tables:
        rows.add(table)
    made = b"".join(part.tobytes() for part in rows.ordered(order))
    assert made == encoded(whole.take(pa.array(order)))
    assert made == encoded(whole, order)


def test_extremes(session: Bulk, loops: ModuleType) -> None:
    table = pa.table(
        {
            "small": pa.array([-(2**15), 2**15 - 1, -1, 0], pa.int16()),
            "middle": pa.array([-(2**31), 2**31 - 1, -1, 0], pa.int32()),
            "big": pa.array([-(2**63), 2**63 - 1, -1, 0]),
            "on_day": pa.array([date.min, date.max, date(1999, 12, 31), date(2000, 1, 1)]),
            "said": pa.array(["", "互信", "a\\b\"'\t\r\n", "é" * 100_000]),
        }
    )
    session.copy("sent", table)
    found = session.rows("SELECT small, middle, big, on_day, said FROM sent ORDER BY n")
    assert found == [tuple(row.values()) for row in table.to_pylist()]


def test_no_rows_are_no_bytes(session: Bulk, loops: ModuleType) -> None:
    table = pa.table({"big": pa.array([], pa.int64()), "said": pa.array([], pa.string())})
    assert encoded(table) == b""
    assert session.copy("sent", table) == 0


def test_a_type_that_cannot_be_sent_is_no_guess() -> None:
    for column in (
        pa.array([1.5]),
        pa.array([1], pa.uint32()),
        pa.array([b"x"]),
        pa.array([b"x" * 8], pa.binary(8)),
    ):
        with pytest.raises(TypeError):
            encoded(pa.table({"x": column}))


def test_records_are_read_at_once(session: Bulk) -> None:
    session.run(
        "INSERT INTO sent (yes, small, middle, big, id) SELECT n % 2 = 0, -n, n, n * 10000000000, "
        "lpad(to_hex(n), 32, '0')::uuid FROM generate_series(1, 1000) n"
    )
    columns = {"id": "uuid", "yes": "bool", "small": "int2", "middle": "int4", "big": "int8"}
    found = session.table("SELECT * FROM sent ORDER BY n DESC", columns)
    assert found.column_names == list(columns)
    first = {"id": (1000).to_bytes(16), "yes": True, "small": -1000, "middle": 1000, "big": 10**13}
    assert sorted(found.to_pylist(), key=lambda row: -row["big"])[0] == first
    assert session.table("SELECT * FROM sent WHERE n < 0", columns).num_rows == 0


def test_a_record_with_a_null_is_no_record(session: Bulk) -> None:
    session.run("INSERT INTO sent (small) VALUES (1), (NULL)")
    with pytest.raises(ValueError, match="null"):
        session.table("SELECT small FROM sent", {"small": "int2"})


WITHOUT = """
import sys
sys.modules["numba"] = None
from huxin.registry import wire
assert not wire.prepare()
import pyarrow as pa
assert b"".join(p.tobytes() for p in wire.encode(pa.table({"n": pa.array([-2], pa.int16())}))).hex() == (
    "0001" "00000002" "fffe")
"""


def test_without_numba_the_plain_way_serves() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)
