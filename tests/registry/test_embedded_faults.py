"""What may befall the embedded server: killed, half started, stale files, lost sockets; and what it logs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from huxin.errors import HuxinError
from huxin.registry import embedded, embedded_start
from huxin.registry.embedded_process import end, is_server, mark, running, server_processes
from huxin.settings import Settings

Query = Callable[..., list[tuple[object, ...]]]
MARKER = "11010519491231002X"


def kill(server: embedded.Server) -> None:
    os.kill(server.pid, signal.SIGKILL)
    while is_server(server.pid, server.data_dir):
        time.sleep(0.01)


def test_after_a_kill_what_was_committed_is_there(own: Settings, query: Query) -> None:
    server = embedded.ensure_started(own)
    query(server, "CREATE TABLE kept AS SELECT 7 AS n")
    kill(server)
    assert not embedded.status(own).running
    again = embedded.ensure_started(own)
    assert again.pid != server.pid
    assert query(again, "SELECT n FROM kept") == [(7,)]


def test_a_kill_in_the_midst_of_work_leaves_no_orphan_in_the_way(own: Settings, query: Query) -> None:
    server = embedded.ensure_started(own)
    failed = threading.Event()

    def work() -> None:
        with pytest.raises(psycopg.OperationalError):
            query(server, "SELECT count(*) FROM generate_series(1, 2000000000)")
        failed.set()

    worker = threading.Thread(target=work)
    worker.start()
    busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND state = 'active'"
    while query(server, busy)[0][0] != 2:  # the other one and this one
        time.sleep(0.01)
    kill(server)
    again = embedded.ensure_started(own)
    worker.join(120)
    assert failed.is_set()
    assert query(again, "SELECT 1") == [(1,)]


def test_a_killed_server_is_cleared_away_by_stop(own: Settings) -> None:
    server = embedded.ensure_started(own)
    os.kill(server.pid, signal.SIGKILL)
    embedded.stop(own)
    assert server_processes(server.data_dir) == []
    assert not server.socket_dir.exists()


@pytest.mark.parametrize("whose", ["nobody's", "ours"])
def test_a_stale_pid_file_is_not_believed(own: Settings, whose: str) -> None:
    server = embedded.ensure_started(own)
    file = server.data_dir / "postmaster.pid"
    lines = file.read_text().splitlines()
    embedded.stop(own)
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    lines[0] = str(os.getpid() if whose == "ours" else gone.pid)
    file.write_text("\n".join(lines) + "\n")
    assert running(server.data_dir) is None
    assert not embedded.status(own).running
    assert embedded.ensure_started(own).pid != os.getpid()


def test_a_pid_file_that_is_not_whole_is_not_believed(own: Settings) -> None:
    for text in ("", "12", "no number\n"):
        (own.postgres_dir / "data" / "postmaster.pid").write_text(text)
        assert not embedded.status(own).running
    assert embedded.ensure_started(own).pid


def test_another_process_with_our_number_is_never_killed(own: Settings) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    server = embedded.ensure_started(own)
    text = (server.data_dir / "postmaster.pid").read_text()
    embedded.stop(own)
    (server.data_dir / "postmaster.pid").write_text(text.replace(str(server.pid), str(bystander.pid), 1))
    embedded.stop(own)
    embedded.ensure_started(own)
    assert bystander.poll() is None
    bystander.communicate(b"\n")


def test_a_process_that_only_speaks_of_the_server_is_not_it(own: Settings) -> None:
    data = own.postgres_dir / "data"
    speaker = subprocess.Popen(
        [sys.executable, "-c", "input()", f"cluster_name={mark(data)}"], stdin=subprocess.PIPE
    )
    assert server_processes(data) == []
    speaker.communicate(b"\n")


def test_two_homes_do_not_meet(own: Settings, made: Path, tmp_path: Path) -> None:
    other = Settings(home=tmp_path / "other")
    first, second = embedded.ensure_started(own), embedded.ensure_started(other)
    assert first.pid not in server_processes(second.data_dir)
    assert embedded.stop(other)
    assert embedded.status(own).pid == first.pid


def test_a_home_that_moved_takes_its_server_along(own: Settings, tmp_path: Path) -> None:
    server = embedded.ensure_started(own)
    moved = Settings(home=tmp_path / "moved")
    own.home.rename(moved.home)
    assert embedded.status(moved).pid == server.pid
    assert embedded.stop(moved)
    moved.home.rename(own.home)


def test_a_half_made_data_folder_is_made_anew(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    draft = settings.postgres_dir / "data.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18")
    try:
        assert embedded.ensure_started(settings).pid
        assert not draft.exists()
    finally:
        embedded.stop(settings)


@pytest.mark.parametrize("patience", [0.05, 0.15, 0.3, 0.6])
def test_a_starter_that_is_killed_is_taken_over_from(own: Settings, patience: float) -> None:
    code = (
        "import sys; from pathlib import Path; from huxin.registry import embedded;"
        "from huxin.settings import Settings; print(flush=True);"
        "embedded.ensure_started(Settings(home=Path(sys.argv[1])))"
    )
    starter = subprocess.Popen([sys.executable, "-c", code, str(own.home)], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    starter.stdout.readline()
    time.sleep(patience)
    starter.kill()
    starter.wait()
    server = embedded.ensure_started(own)
    assert embedded.status(own).pid == server.pid
    assert psycopg.connect(server.uri("postgres")).execute("SELECT 1").fetchone() == (1,)


def test_a_socket_swept_away_comes_back(own: Settings, query: Query) -> None:
    server = embedded.ensure_started(own)
    for file in server.socket_dir.iterdir():
        file.unlink()
    again = embedded.ensure_started(own)
    assert query(again, "SELECT 1") == [(1,)]


def test_a_server_that_is_stopping_is_waited_for(own: Settings, query: Query) -> None:
    server = embedded.ensure_started(own)
    os.kill(server.pid, signal.SIGINT)
    assert query(embedded.ensure_started(own), "SELECT 1") == [(1,)]


def test_a_server_that_stops_while_it_is_asked_is_started_anew(own: Settings, query: Query) -> None:
    server = embedded.ensure_started(own)
    os.kill(server.pid, signal.SIGSTOP)
    os.kill(server.pid, signal.SIGINT)
    threading.Timer(0.5, os.kill, (server.pid, signal.SIGCONT)).start()
    again = embedded.ensure_started(own)
    assert again.pid != server.pid
    assert query(again, "SELECT 1") == [(1,)]


def test_a_server_with_all_connections_taken_is_not_started_anew(own: Settings) -> None:
    server = embedded.ensure_started(own)
    held = []
    with pytest.raises(psycopg.OperationalError, match="too many clients"):
        while True:
            held.append(psycopg.connect(server.uri("postgres")))
    assert embedded.ensure_started(own) == server
    for connection in held:
        connection.close()


def test_a_server_that_cannot_start_says_why(own: Settings) -> None:
    control = own.postgres_dir / "data" / "global" / "pg_control"
    control.rename(control.with_name("lost"))
    with pytest.raises(HuxinError) as caught:
        embedded.ensure_started(own)
    assert caught.value.code == "H0307"
    assert "could not find the database system" in str(caught.value)
    assert "server.log" in str(caught.value)
    assert not (own.postgres_dir / "run").exists()
    control.with_name("lost").rename(control)
    assert embedded.ensure_started(own).pid


def test_a_server_that_keeps_silent_is_given_up(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_start, "START_TIMEOUT", 1.0)
    monkeypatch.setattr(embedded_start, "_answers", lambda _found: False)
    with pytest.raises(HuxinError) as caught:
        embedded.ensure_started(own)
    assert caught.value.code == "H0307"
    assert server_processes(own.postgres_dir / "data") == []


def test_a_server_that_does_not_end_by_itself_is_ended(own: Settings) -> None:
    server = embedded.ensure_started(own)
    os.kill(server.pid, signal.SIGSTOP)
    with pytest.raises(HuxinError) as caught:
        # Stopped, it hears neither word; nothing less than a kill is left, and that is a person's choice.
        end(server.pid, server.data_dir, timeout=0.2, harder=0.2)
    assert caught.value.code == "H0308"
    os.kill(server.pid, signal.SIGCONT)


def test_data_of_a_version_that_is_not_here_is_left_alone(own: Settings) -> None:
    version = own.postgres_dir / "data" / "PG_VERSION"
    kept = version.read_text()
    version.write_text("99\n")
    with pytest.raises(HuxinError) as caught:
        embedded.ensure_started(own)
    assert caught.value.code == "H0303"
    assert "99" in str(caught.value)
    version.write_text(kept)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for action in (embedded.ensure_started, embedded.stop, embedded.status):
        with pytest.raises(HuxinError) as caught:
            action(Settings(home=tmp_path / "file"))
        assert caught.value.code == "H0304"


def test_recovery_is_told_while_it_is_waited_for(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself it may be over before anybody looks: this one ends only when it has been told of."""
    server = embedded.ensure_started(own)
    kill(server)
    told_of = server.data_dir / "told_of"
    hold_recovery(server.data_dir, until=told_of)
    monkeypatch.setattr(embedded_start, "START_TIMEOUT", 30.0)  # nobody was told
    states: list[str] = []

    def tell(line: str) -> None:
        if "LOG:" in line and ("interrupted" in line or "recovery" in line):
            found = running(server.data_dir)
            states.append(found.state if found else "gone")
            told_of.touch()

    assert embedded.ensure_started(own, progress=tell).pid != server.pid
    assert states[0] == "starting"


def hold_recovery(data: Path, until: Path) -> None:
    """Makes the next start wait in its recovery, which asks an archive first, until a file is there."""
    (data / "recovery.signal").touch()
    owner = data.stat()
    os.chown(data / "recovery.signal", owner.st_uid, owner.st_gid)
    with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write(f"restore_command = 'until [ -e \"{until}\" ]; do sleep 0.01; done; false'\n")


def test_no_statement_and_no_value_gets_into_the_log(own: Settings, query: Query) -> None:
    server = embedded.ensure_started(own)
    query(server, f"CREATE TABLE t (k text PRIMARY KEY, n int); INSERT INTO t VALUES ('{MARKER}', 1)")
    wrong = [
        f"INSERT INTO t VALUES ('{MARKER}', 2)",
        f"SELECT '{MARKER}'::uuid",
        f"SELECT nowhere FROM t WHERE k = '{MARKER}'",
        f"DO $$ BEGIN RAISE EXCEPTION '{MARKER}'; END $$",
        f"DO $$ BEGIN RAISE WARNING '{MARKER}'; END $$",
        f"SELEC '{MARKER}'",
    ]
    for statement in wrong:
        try:
            query(server, statement)
        except psycopg.Error as error:
            assert MARKER in str(error) or error.sqlstate
    with pytest.raises(psycopg.Error), psycopg.connect(server.uri("postgres")) as connection:
        connection.execute("SELECT %s::int", (MARKER,))
    # When a process of it dies, a server tells what that one was running.
    with psycopg.connect(server.uri("postgres")) as victim, pytest.raises(psycopg.OperationalError):
        pid = victim.info.backend_pid
        threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
        victim.execute(f"SELECT pg_sleep(20), '{MARKER}'")
    embedded.ensure_started(own)
    embedded.stop(own)
    log = (own.postgres_dir / "server.log").read_text()
    assert "was terminated by signal 9" in log
    assert "ready to accept connections" in log
    assert MARKER not in log
