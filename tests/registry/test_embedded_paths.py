"""Homes with blanks, Chinese, quotes or great depth, and below folders nobody else may enter."""

from __future__ import annotations

import shutil
import socket
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import text

from huxin.errors import HuxinError
from huxin.registry import connect, embedded, embedded_files, migrate
from huxin.registry.bulk import bulk
from huxin.settings import Settings

DEEP = "/".join(["很深的目录" * 3] * 4)


@pytest.fixture
def near_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory that shows what is left in it."""
    folder = Path("/tmp") / f"t{abs(hash(tmp_path)) % 10**8}"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    folder.rmdir()


@pytest.mark.parametrize("name", ["a b", "互信 数据", "50%", 'it\'s, "so"', "a\\b", "x?y=z&w#1", DEEP])
def test_a_home_of_any_name_serves(tmp_path: Path, near_tmp: Path, name: str) -> None:
    settings = Settings(home=tmp_path / name)
    try:
        migrate.upgrade(settings)
        with connect.engine(settings).connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM loan")) == 0
        with bulk(settings) as session:
            assert session.rows("SELECT current_database()") == [("huxin",)]
        embedded.dump(settings, tmp_path / name / "all.sql")
        assert (tmp_path / name / "all.sql").stat().st_size > 1000
        (far,) = near_tmp.iterdir()
        assert stat.S_IMODE(far.stat().st_mode) == 0o700
        assert embedded.status(settings).socket_dir == far
    finally:
        embedded.stop(settings)
    assert list(near_tmp.iterdir()) == []


def test_a_plain_home_keeps_its_socket_to_itself(made: Path, near_tmp: Path) -> None:
    with TemporaryDirectory(dir="/tmp") as folder:  # pytest's own folders may lie too deep for a socket
        plain = Settings(home=Path(folder) / "home")
        shutil.copytree(made, plain.postgres_dir / "data")
        plain.postgres_dir.chmod(0o700)
        try:
            assert embedded.ensure_started(plain).socket_dir == plain.postgres_dir / "run"
        finally:
            embedded.stop(plain)
    assert list(near_tmp.iterdir()) == []


def test_a_home_below_a_closed_folder_serves(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    settings = Settings(home=closed / "home")
    try:
        assert embedded.ensure_started(settings).pid
    finally:
        embedded.stop(settings)


def test_a_far_folder_is_freed_after_a_crash_too(tmp_path: Path, near_tmp: Path) -> None:
    record = tmp_path / embedded_files.SOCKET_RECORD
    far = embedded_files.socket_dir_for(tmp_path / DEEP, 5432)
    record.write_text(str(far))
    embedded_files.free_socket_dir(tmp_path)
    assert not far.exists()
    assert not record.exists()


def test_a_recorded_folder_that_is_not_ours_stays(tmp_path: Path) -> None:
    record = tmp_path / embedded_files.SOCKET_RECORD
    precious = tmp_path / "huxin-precious"
    precious.mkdir(mode=0o755)
    link = tmp_path / "huxin-link"
    link.symlink_to(precious)
    foreign = tmp_path / "documents"
    foreign.mkdir(mode=0o700)
    for named in (precious, link, foreign):
        record.write_text(str(named))
        embedded_files.free_socket_dir(tmp_path)
        assert precious.is_dir()
        assert foreign.is_dir()
        assert link.is_symlink()


def test_no_short_folder_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_files, "_LONGEST_SOCKET", 10)
    with pytest.raises(HuxinError) as caught:
        embedded_files.socket_dir_for(tmp_path, 5432)
    assert caught.value.code == "H0310"


def test_a_folder_without_sockets_is_passed_over(
    tmp_path: Path, near_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(socket.socket, "bind", refuse)
    monkeypatch.setattr(embedded_files, "_LONGEST_SOCKET", 4000)
    made = embedded_files.socket_dir_for(tmp_path, 5432)
    assert made.parent == near_tmp
    assert not (tmp_path / "run").exists()
    made.rmdir()


def test_a_socket_path_ends_below_the_systems_limit() -> None:
    assert embedded_files._fits(Path("/" + "a" * 80), 54321)
    assert not embedded_files._fits(Path("/" + "a" * 95), 54321)
    assert not embedded_files._fits(Path("/信"), 5432)


def test_a_password_is_made_once(tmp_path: Path) -> None:
    first = embedded_files.password(tmp_path)
    assert len(first) >= 32
    assert embedded_files.password(tmp_path) == first


def test_a_log_that_has_grown_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "server.log"
    embedded_files.rotate(log)
    log.write_text("one\ntwo\n")
    embedded_files.rotate(log)
    assert embedded_files.log_tail(log, lines=1) == "two"
    assert embedded_files.log_tail(log, begin=4) == "two"
    monkeypatch.setattr(embedded_files, "_LOG_LIMIT", 4)
    embedded_files.rotate(log)
    assert embedded_files.log_tail(log) == ""
    assert (tmp_path / "server.log.1").read_text() == "one\ntwo\n"
