"""The bench's reference: `loan` goes out in the order of its key and comes back, and nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from nightbench.home import write_log_ahead
from nightbench.reference import measure_copy

from huxin.registry import embedded
from huxin.settings import Settings


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    settings = Settings(home=tmp_path / "home")
    server = embedded.ensure_started(settings)
    try:
        embedded.ensure_database(server, embedded.REGISTRY)
        with psycopg.connect(server.uri(), autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE loan (subject_id uuid, member_id integer, loan_no text, balance bigint,"
                " PRIMARY KEY (subject_id, member_id, loan_no))"
            )
            connection.execute(
                "INSERT INTO loan SELECT gen_random_uuid(), 1, 'L' || n, n FROM generate_series(1, 5000) AS n"
            )
        yield server.uri()
    finally:
        embedded.stop(settings)


def test_rows_are_copied_in_the_order_of_the_key(uri: str, tmp_path: Path) -> None:
    measured = measure_copy(uri, tmp_path, runs=2)
    lines = (tmp_path / "loan.text").read_text(encoding="utf-8").splitlines()
    assert measured.rows == len(lines) == 5_000
    assert lines == sorted(lines)
    assert {form: len(runs) for form, runs in measured.runs.items()} == {"text": 2, "binary": 2}
    assert min(run for runs in measured.runs.values() for run in runs) > 0


def test_nothing_is_left_and_loan_is_untouched(uri: str, tmp_path: Path) -> None:
    measure_copy(uri, tmp_path, runs=1)
    with psycopg.connect(uri) as connection:
        assert connection.execute("SELECT count(*) FROM loan").fetchone() == (5_000,)
        assert connection.execute("SELECT to_regclass('bench_loan')").fetchone() == (None,)


def test_the_servers_log_is_as_long_as_it_stays(uri: str) -> None:
    write_log_ahead(uri)
    with psycopg.connect(uri) as connection:
        made = connection.execute(
            "SELECT count(*) * pg_size_bytes(current_setting('wal_segment_size')),"
            " pg_size_bytes(current_setting('min_wal_size')) FROM pg_ls_waldir()"
        ).fetchone()
    assert made is not None
    assert made[0] >= made[1] > 0
