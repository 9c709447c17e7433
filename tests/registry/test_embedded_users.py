"""Who runs the embedded server: an ordinary user, root in a namespace, root by way of a lesser user."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from huxin.errors import HuxinError
from huxin.registry import embedded, embedded_users
from huxin.registry.embedded_binaries import found_binaries
from huxin.settings import Settings

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")


@pytest.fixture
def open_tmp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that every user can enter, with server programs that every user can run."""
    folder = Path(tempfile.mkdtemp(prefix="huxin-test-", dir="/tmp"))
    folder.chmod(0o755)
    programs = found_binaries()[0].folder
    if not embedded_users.Launcher(uid=NOBODY, gid=NOBODY).reaches(programs / "postgres", folder):
        shutil.copytree(programs.parent, folder / "pginstall")
        programs = folder / "pginstall" / "bin"
    monkeypatch.setenv("HUXIN_PG_BIN", str(programs))
    yield folder
    shutil.rmtree(folder)


def become(uid: int, work: Callable[[], None]) -> None:
    """Runs `work` in a child with that uid; fails as it fails. (The interpreter itself may lie where only
    root can go, so a forked one is used.)"""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def home_of(uid: int, folder: Path) -> Settings:
    home = folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, uid, uid)
    return Settings(home=home)


@as_root
@pytest.mark.parametrize("uid", [NOBODY, 54321])
def test_an_ordinary_user_runs_it_directly(open_tmp: Path, uid: int) -> None:
    if uid == 54321 and not embedded_users.namespaces_work():
        pytest.skip("a user without an account needs a namespace")
    settings = home_of(uid, open_tmp)

    def work() -> None:
        server = embedded.ensure_started(settings)
        assert embedded.ensure_started(settings) == server
        assert owner(server.pid) == uid
        embedded.ensure_database(server, "huxin")
        embedded.dump(settings, settings.home / "all.sql")
        assert embedded.stop(settings)
        assert not embedded.status(settings).running

    become(uid, work)


@as_root
def test_the_server_of_an_ordinary_user_is_found_and_stopped_by_root(open_tmp: Path) -> None:
    settings = home_of(NOBODY, open_tmp)
    become(NOBODY, lambda: embedded.stop(settings) or (embedded.ensure_started(settings) and None))
    server = embedded.ensure_started(settings)
    assert owner(server.pid) == NOBODY
    assert embedded.stop(settings)
    # Root starts it as its owner, so that the owner can go on with it.
    assert owner(embedded.ensure_started(settings).pid) == NOBODY
    embedded.stop(settings)
    become(NOBODY, lambda: embedded.ensure_started(settings) and embedded.stop(settings) and None)


@as_root
def test_the_home_of_root_is_closed_to_others(own: Settings, open_tmp: Path) -> None:
    settings = home_of(0, open_tmp)
    embedded.ensure_started(settings)
    settings.home.chmod(0o755)

    def work() -> None:
        for action in (embedded.ensure_started, embedded.status, embedded.stop):
            with pytest.raises(HuxinError) as caught:
                action(settings)
            assert caught.value.code == "H0304"

    become(NOBODY, work)
    embedded.stop(settings)


@as_root
def test_root_runs_it_in_a_namespace_without_giving_anything_away(tmp_path: Path) -> None:
    if not embedded_users.namespaces_work():
        pytest.skip("no user namespaces here")
    tmp_path.chmod(0o700)
    settings = Settings(home=tmp_path / "home")
    server = embedded.ensure_started(settings)
    inside = Path(f"/proc/{server.pid}/uid_map").read_text().split()
    assert inside[0] != "0"
    assert inside[1:] == ["0", "1"]
    assert server.data_dir.stat().st_uid == 0
    embedded.stop(settings)


@as_root
def test_root_without_namespaces_runs_it_as_a_lesser_user(
    open_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_users, "namespaces_work", lambda: False)
    settings = Settings(home=open_tmp / "home")
    server = embedded.ensure_started(settings)
    uid = owner(server.pid)
    assert uid != 0
    assert {path.stat().st_uid for path in (server.data_dir, server.socket_dir)} == {uid}
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    embedded.ensure_database(server, "huxin")
    embedded.dump(settings, open_tmp / "all.sql")
    assert embedded.stop(settings)
    assert embedded.ensure_started(settings).pid != server.pid
    embedded.stop(settings)


@as_root
def test_what_a_namespace_made_is_handed_over_where_there_are_none(
    open_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not embedded_users.namespaces_work():
        pytest.skip("no user namespaces here")
    settings = Settings(home=open_tmp / "home")
    server = embedded.ensure_started(settings)
    with psycopg.connect(server.uri("postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    embedded.stop(settings)
    monkeypatch.setattr(embedded_users, "namespaces_work", lambda: False)
    again = embedded.ensure_started(settings)
    assert owner(again.pid) != 0
    assert psycopg.connect(again.uri("postgres")).execute("SELECT n FROM kept").fetchone() == (7,)
    monkeypatch.undo()
    embedded.stop(settings)


@as_root
def test_root_prefers_the_owner_of_the_place(open_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with sudo in somebody's 0700 home: root in a namespace could not enter it."""
    daemon = pwd.getpwnam("daemon").pw_uid
    os.chown(open_tmp, daemon, daemon)
    open_tmp.chmod(0o700)
    if (open_tmp / "pginstall").exists():
        pytest.skip("the programs lie in the same folder")
    settings = Settings(home=open_tmp / "home")
    server = embedded.ensure_started(settings)
    assert owner(server.pid) == daemon
    embedded.stop(settings)


@as_root
def test_a_place_that_no_lesser_user_can_reach_is_refused_with_advice(
    open_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_users, "namespaces_work", lambda: False)
    settings = home_of(0, open_tmp)
    with pytest.raises(HuxinError) as caught:
        embedded.ensure_started(settings)
    assert caught.value.code == "H0305"
    assert str(settings.home) in str(caught.value)
    assert settings.postgres_dir.stat().st_uid == 0


@as_root
def test_root_never_writes_through_a_link_of_the_lesser_user(
    open_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_users, "namespaces_work", lambda: False)
    settings = Settings(home=open_tmp / "home")
    embedded.stop(settings)
    server = embedded.ensure_started(settings)
    embedded.stop(settings)
    precious = open_tmp / "precious"
    precious.write_text("kept")
    precious.chmod(0o600)
    config = server.data_dir / "huxin.conf"
    config.unlink()
    config.symlink_to(precious)
    with pytest.raises(HuxinError) as caught:
        embedded.ensure_started(settings)
    assert caught.value.code == "H0304"
    assert precious.read_text() == "kept"
