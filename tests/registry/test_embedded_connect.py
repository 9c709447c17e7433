"""Ways to the database: addresses, engines, refusals, and no value in any error."""

from __future__ import annotations

import logging
import socket
import traceback
from pathlib import Path
from string import Formatter

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, IntegrityError

from huxin.errors import HuxinError, error_texts
from huxin.registry import connect, embedded
from huxin.registry.bulk import bulk
from huxin.settings import Settings

MARKER = "11010519491231002X"
SECRET = "hunter2-geheim"


def at(url: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database_url=url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_an_address_of_any_dialect_serves(server: embedded.Server, tmp_path: Path, scheme: str) -> None:
    settings = at(server.uri("postgres").replace("postgresql", scheme, 1), tmp_path)
    assert connect.database_url(settings).startswith("postgresql+psycopg://")
    assert connect.libpq_uri(settings).startswith("postgresql://")
    with connect.engine(settings).connect() as connection:
        assert connection.scalar(text("SELECT current_setting('application_name')")) == "huxin"
    with bulk(settings) as session:
        assert session.rows("SELECT current_setting('application_name')") == [("huxin",)]


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "sqlite:///x.db", "nonsense", f"postgresql://u:{SECRET}@h:port/d"]
)
def test_what_is_no_address_of_postgresql_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(HuxinError) as caught, connect.engine(at(url, tmp_path)).connect():
        pass
    assert caught.value.code in {"H0312", "H0313"}
    assert SECRET not in everything(caught.value)


def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        settings = at(f"postgresql://someone:{SECRET}@127.0.0.1:{port}/registry", tmp_path)
        with pytest.raises(HuxinError) as caught, connect.engine(settings).connect():
            pass
    assert caught.value.code == "H0313"
    assert f"127.0.0.1:{port}/registry" in str(caught.value)
    assert SECRET not in everything(caught.value)
    assert SECRET not in repr(connect.engine(settings))


def test_a_database_that_is_not_there_is_said(server: embedded.Server, tmp_path: Path) -> None:
    with pytest.raises(HuxinError) as caught, connect.engine(at(server.url("nowhere"), tmp_path)).connect():
        pass
    assert caught.value.code == "H0313"
    assert "nowhere" in str(caught.value)


def test_a_server_that_is_too_old_is_refused(
    server: embedded.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "OLDEST", 99)
    with pytest.raises(HuxinError) as caught, connect.engine(at(server.url("postgres"), tmp_path)).connect():
        pass
    assert caught.value.code == "H0314"
    assert "99" in str(caught.value)


def test_without_an_address_the_embedded_server_is_started(own: Settings) -> None:
    with connect.engine(own).connect() as connection:
        assert connection.scalar(text("SELECT current_database()")) == "huxin"
    assert embedded.status(own).running
    assert connect.database_url(own) == embedded.ensure_started(own).url("huxin")


def test_making_an_engine_connects_to_nothing(tmp_path: Path) -> None:
    connect.engine(at("postgresql://127.0.0.1:1/x", tmp_path))


def test_a_connection_lost_is_replaced(engine: Engine, server: embedded.Server) -> None:
    with engine.connect() as connection:
        lost = connection.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(server.uri("postgres")) as other:
        other.execute("SELECT pg_terminate_backend(%s, 60000)", (lost,))
    with engine.connect() as again:
        assert again.scalar(text("SELECT pg_backend_pid()")) != lost


def test_a_violation_tells_the_constraint_and_no_value(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    statement = text("INSERT INTO member (id, code, name, created_at) VALUES (:id, :code, :name, now())")
    row = {"code": MARKER, "name": MARKER}
    with engine.begin() as connection:
        connection.execute(statement, {"id": 1, **row})
    with pytest.raises(IntegrityError) as caught, engine.begin() as connection:
        connection.execute(statement, {"id": 2, **row})
    assert "member_code_key" in str(caught.value)
    assert "23505" in str(caught.value)
    assert MARKER not in everything(caught.value) + caplog.text


def test_a_value_of_the_wrong_kind_is_not_repeated(engine: Engine) -> None:
    with pytest.raises(DataError) as caught, engine.begin() as connection:
        connection.execute(text("SELECT CAST(:value AS uuid)"), {"value": MARKER})
    assert "22P02" in str(caught.value)
    assert MARKER not in everything(caught.value)


def test_each_code_of_ours_says_what_to_do_in_both_languages() -> None:
    ours = {code: entry for code, entry in error_texts().items() if code.startswith("H03")}
    assert len(ours) >= 16
    for entry in ours.values():
        assert "。" in entry.zh
        assert entry.en.endswith(".")
        assert set(_fields(entry.zh)) == set(_fields(entry.en))


def _fields(template: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(template) if name]


def everything(error: BaseException) -> str:
    """What a log or a console would show of an error, its causes included."""
    return "".join(traceback.format_exception(error)) + repr(error)
