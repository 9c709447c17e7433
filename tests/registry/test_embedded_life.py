"""The embedded server's life: made, found again, outliving its caller, dumped, stopped without a trace."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from shlex import quote

import psycopg
import pytest

from huxin.errors import HuxinError
from huxin.registry import embedded
from huxin.registry.embedded_binaries import found_binaries
from huxin.registry.embedded_process import server_processes
from huxin.registry.embedded_users import Launcher
from huxin.settings import Settings
from support.ports import free_port

Query = Callable[..., list[tuple[object, ...]]]

START = """
import os, sys
from pathlib import Path
from huxin.registry import embedded
from huxin.settings import Settings
print(embedded.ensure_started(Settings(home=Path(sys.argv[1]))).pid, flush=True)
"""


def start_elsewhere(settings: Settings, code: str = START) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(settings.home)], stdout=subprocess.PIPE, text=True
    )


def test_it_starts_once_and_stops_without_a_trace(own: Settings) -> None:
    assert not embedded.status(own).running
    first = embedded.ensure_started(own)
    assert embedded.ensure_started(own) == first
    state = embedded.status(own)
    assert (state.running, state.pid, state.socket_dir) == (True, first.pid, first.socket_dir)
    assert embedded.stop(own)
    assert server_processes(first.data_dir) == []
    assert not first.socket_dir.exists()
    assert not embedded.status(own).running
    assert not embedded.stop(own)


def test_a_process_that_has_no_title_for_a_moment_is_still_awaited(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As between two programs (exec), on a busy machine: here for half a second."""
    spawn = Launcher.spawn

    def slowly(self: Launcher, args: Sequence[str | Path], log: Path) -> int:
        script = log.parent / "slowly.sh"
        command = " ".join(quote(str(each)) for each in args)
        self.write(script, f"sleep 0.5\nexec {command}\n")
        return spawn(self, ["/bin/sh", script], log)

    monkeypatch.setattr(Launcher, "spawn", slowly)
    server = embedded.ensure_started(own)
    assert embedded.status(own).pid == server.pid


def test_what_was_written_is_there_after_a_stop(own: Settings, query: Query) -> None:
    server = embedded.ensure_started(own)
    embedded.ensure_database(server, "huxin")
    query(server, "CREATE TABLE kept AS SELECT 7 AS n", "huxin")
    embedded.stop(own)
    again = embedded.ensure_started(own)
    assert again.pid != server.pid
    assert query(again, "SELECT n FROM kept", "huxin") == [(7,)]


def test_nothing_is_running_in_a_home_that_is_not_there(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "none")
    assert not embedded.status(settings).running
    assert not embedded.stop(settings)
    assert not settings.home.exists()


def test_it_outlives_its_caller_and_is_found_again(own: Settings, query: Query) -> None:
    code = START + "import signal; os.kill(os.getpid(), signal.SIGKILL)"
    caller = start_elsewhere(own, code)
    pid = int(caller.communicate(timeout=100)[0])
    assert caller.returncode == -signal.SIGKILL
    found = embedded.ensure_started(own)
    assert found.pid == pid
    assert query(found, "SELECT 1") == [(1,)]


def test_a_pipe_behind_the_caller_ends(own: Settings) -> None:
    line = f"'{sys.executable}' -c '{START}' '{own.home}' 2>&1 | cat"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=100, check=True)
    assert embedded.status(own).pid == int(done.stdout)


def test_no_open_file_of_the_caller_stays_in_the_server(own: Settings, tmp_path: Path) -> None:
    with (tmp_path / "mine").open("w") as mine:
        os.set_inheritable(mine.fileno(), True)
        server = embedded.ensure_started(own)
    opened = {link.resolve() for link in Path(f"/proc/{server.pid}/fd").iterdir()}
    assert (own.postgres_dir / "server.log").resolve() in opened
    assert (tmp_path / "mine").resolve() not in opened
    assert (own.postgres_dir / "lock").resolve() not in opened


def test_it_is_a_session_of_its_own_with_nothing_of_our_environment(
    own: Settings, monkeypatch: pytest.MonkeyPatch, query: Query
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGUSER", "nobody")
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=64")
    monkeypatch.setenv("HUXIN_SECRET", "dont-tell")
    server = embedded.ensure_started(own)
    assert os.getsid(server.pid) != os.getsid(0)
    environment = Path(f"/proc/{server.pid}/environ").read_bytes()
    assert b"dont-tell" not in environment
    assert b"PGPORT" not in environment
    monkeypatch.delenv("PGOPTIONS")
    assert query(server, "SELECT current_user") == [("huxin",)]


def test_several_callers_at_once_get_one_server(own: Settings) -> None:
    callers = [start_elsewhere(own) for _ in range(3)]
    with ThreadPoolExecutor(2) as pool:
        here = {server.pid for server in pool.map(lambda _: embedded.ensure_started(own), range(2))}
    there = {int(caller.communicate(timeout=100)[0]) for caller in callers}
    assert here == there
    assert len(here) == 1


def test_by_default_no_port_is_open(own: Settings, query: Query) -> None:
    server = embedded.ensure_started(own)
    assert listening(server.pid) == set()
    assert query(server, "SHOW listen_addresses") == [("",)]
    assert server.tcp_port is None
    with pytest.raises(HuxinError, match="H0311"):
        server.tcp_url()


def test_only_its_owner_can_enter_its_folders(own: Settings) -> None:
    server = embedded.ensure_started(own)
    for folder in (own.postgres_dir, server.socket_dir, server.data_dir):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in (own.postgres_dir / "server.log", own.postgres_dir / "lock", server.data_dir / "huxin.conf"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_port_asked_for_wants_the_password(own: Settings) -> None:
    port = free_port()
    server = embedded.ensure_started(own, tcp_port=port)
    assert server.tcp_port == port
    assert listening(server.pid) == {("127.0.0.1", port)}
    secret = own.postgres_dir / "password"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_text() not in repr(server) + (own.postgres_dir / "server.log").read_text()
    uri = server.tcp_url("postgres").replace("+psycopg", "")
    assert psycopg.connect(uri).execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(uri.replace(secret.read_text(), "guess"))
    assert embedded.ensure_started(own) == server


def test_a_running_server_does_not_open_a_port_afterwards(own: Settings) -> None:
    embedded.ensure_started(own)
    with pytest.raises(HuxinError) as caught:
        embedded.ensure_started(own, tcp_port=free_port())
    assert caught.value.code == "H0311"


def test_a_database_is_made_once_by_many(own: Settings, query: Query) -> None:
    server = embedded.ensure_started(own)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: embedded.ensure_database(server, "air flow'\""), range(4)))
    found = "SELECT count(*), min(pg_encoding_to_char(encoding)) FROM pg_database WHERE datname LIKE 'air%'"
    assert query(server, found) == [(1, "UTF8")]


def test_a_dump_holds_every_database_and_can_be_restored(own: Settings, tmp_path: Path, query: Query) -> None:
    server = embedded.ensure_started(own)
    for name in ("huxin", "airflow"):
        embedded.ensure_database(server, name)
        query(server, f"CREATE TABLE t_{name} AS SELECT '值 {name}' AS v", name)
    query(server, "CREATE UNLOGGED TABLE staging_1 AS SELECT 'passing' AS v", "huxin")
    file = tmp_path / "备份 1" / "all.sql"
    embedded.dump(own, file)
    text = file.read_text(encoding="utf-8")
    assert "值 huxin" in text
    assert "值 airflow" in text
    assert "passing" not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["all.sql"]

    for name in ("huxin", "airflow"):
        query(server, f"DROP DATABASE {name}")
    psql = found_binaries()[0].program("psql")
    subprocess.run([psql, "-q", "-d", server.uri("postgres"), "-f", file], check=True, capture_output=True)
    assert query(server, "SELECT v FROM t_airflow", "airflow") == [("值 airflow",)]


def test_a_dump_that_fails_leaves_the_old_one(own: Settings, tmp_path: Path, query: Query) -> None:
    server = embedded.ensure_started(own)
    file = tmp_path / "all.sql"
    file.write_text("old")
    query(server, "CREATE DATABASE broken")
    query(server, "UPDATE pg_database SET datallowconn = true, datconnlimit = -2 WHERE datname = 'broken'")
    query(server, "CREATE TABLE gone AS SELECT 1", "postgres")
    query(server, "DELETE FROM pg_attribute WHERE attrelid = 'gone'::regclass AND attnum > 0")
    with pytest.raises(HuxinError) as caught:
        embedded.dump(own, file)
    assert caught.value.code == "H0309"
    assert file.read_text() == "old"
    assert list(tmp_path.glob(".all.sql*")) == []


def test_a_dump_to_a_place_that_is_not_one_says_so(server: embedded.Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = Settings(home=tmp_path, database_url=server.url("postgres"))
    with pytest.raises(HuxinError) as caught:
        embedded.dump(settings, tmp_path / "file" / "all.sql")
    assert caught.value.code == "H0309"


def test_a_dump_of_a_database_of_ones_own_holds_that_one(settings: Settings, tmp_path: Path) -> None:
    embedded.dump(settings, tmp_path / "one.sql")
    text = (tmp_path / "one.sql").read_text()
    assert "CREATE TABLE public.loan " in text
    assert "CREATE DATABASE" not in text
    assert not settings.home.exists()


def test_no_socket_folder_is_left_in_the_temporary_directory(own: Settings) -> None:
    server = embedded.ensure_started(own)
    embedded.stop(own)
    assert not (own.postgres_dir / "run").exists()
    assert not (own.postgres_dir / "socket_dir").exists()
    assert server.socket_dir not in set(Path(tempfile.gettempdir()).glob("huxin-*"))


def listening(pid: int) -> set[tuple[str, int]]:
    """TCP addresses that a process listens on (proc_net_tcp: state 0A is LISTEN)."""
    sockets: set[str] = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile, as the connection by which the server was asked
            link = str(entry.readlink())
            sockets |= {link[8:-1]} if link.startswith("socket:[") else set()
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A" and parts[9] in sockets:
                address, port = parts[1].split(":")
                octets = [str(octet) for octet in reversed(bytes.fromhex(address))]
                found.add((".".join(octets), int(port, 16)))
    return found
