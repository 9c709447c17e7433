"""`huxin serve` as people run it: a real process with real workers, asked over sockets, stopped, and gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from api_world import PLANTED

from huxin.api.serving import Serving, held_address
from huxin.cli.setup import prepare
from huxin.errors import HuxinError
from huxin.registry.connect import database_url
from huxin.registry.members import add_members
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from support.ports import free_port

STARTED_S = 180
ANSWERED_S = 120


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Served:
    """The command, its output, and its address."""

    def __init__(self, settings: Settings, folder: Path, *options: str, **environment: str) -> None:
        assert settings.database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.errors = folder / "errors.txt"
        self.family: list[psutil.Process] = []
        env = {
            **os.environ,
            "HUXIN_HOME": str(settings.home),
            "HUXIN_DATABASE_URL": settings.database_url,
            "HUXIN_LANG": "zh",
            "PYTHONUTF8": "1",
            **environment,
        }
        with self.errors.open("wb") as errors:
            command = [sys.executable, "-m", "huxin", "serve", "--port", str(self.port), *options]
            self.process = subprocess.Popen(command, env=env, stdout=errors, stderr=errors, cwd=folder)

    def ready(self) -> Served:
        deadline = time.monotonic() + STARTED_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=30).status_code == 200:
                    command = psutil.Process(self.process.pid)
                    self.family = [command, *command.children(recursive=True)]
                    return self
            except httpx.HTTPError:
                time.sleep(0.05)
        raise AssertionError(self.said())

    def said(self) -> str:
        return self.errors.read_text(encoding="utf-8")

    def stop(self, signal_: int = signal.SIGTERM) -> int:
        self.process.send_signal(signal_)
        return self.process.wait(120)

    def gone(self) -> bool:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if not any(map(lives, self.family)):
                return True
            time.sleep(0.05)
        return False


@pytest.fixture
def home(settings: Settings) -> Settings:
    prepare(settings)
    with connection(settings) as database:
        add_members(database, [("M0001", "甲")], settings.now())
    forget_engine(settings)
    return settings


@pytest.fixture
def served(home: Settings, tmp_path: Path) -> Iterator[Served]:
    started = Served(home, tmp_path, "--access-log", HUXIN_BODY_SECONDS="1.5")
    try:
        yield started.ready()
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()
        assert started.gone()


def test_it_serves_and_leaves_nothing_behind(served: Served) -> None:
    wanted, until = f"接口 {served.url} · 文档 {served.url}/docs", time.monotonic() + 120
    while (
        wanted not in served.said().splitlines()
    ):  # told when somebody listens, whatever runs beside says first
        assert time.monotonic() < until, served.said()
        time.sleep(0.05)
    with httpx.Client(base_url=served.url, timeout=ANSWERED_S) as client:
        assert client.get("/docs").status_code == 200
        assert client.get("/healthz").json() == {"status": "ok"}
        refused = client.post("/v1/enquiries", json={"id_no": PLANTED})
        assert refused.json()["code"] == "H1102"
        assert client.get("/.well-known/oauth-authorization-server").json()["issuer"] == served.url
        unknown = client.get(f"/{PLANTED}", params={"id_no": PLANTED})
        assert PLANTED not in unknown.text + str(unknown.headers)
    assert len(served.family) >= 4, "the command, two workers and the sequencer"
    assert served.stop() == 0
    assert served.gone()
    assert "已停止" in served.said()
    assert PLANTED not in served.said(), "the access log holds routes, no paths"
    assert " POST /v1/enquiries 401 " in served.said()
    assert " - - 404 " in served.said()


def test_ctrl_c_ends_it_too(served: Served) -> None:
    assert served.stop(signal.SIGINT) == 0
    assert served.gone()


def test_workers_end_with_a_parent_that_is_killed(served: Served) -> None:
    served.process.kill()
    served.process.wait()
    assert served.gone()


def test_counts_are_of_all_workers(served: Served) -> None:
    for _ in range(40):  # a connection each, so that both workers get some
        httpx.get(f"{served.url}/healthz", timeout=ANSWERED_S)
    text = httpx.get(f"{served.url}/metrics", timeout=ANSWERED_S).text
    line = next(
        each
        for each in text.splitlines()
        if each.startswith("huxin_request_seconds_count") and 'route="/healthz"' in each
    )
    assert float(line.split()[-1]) == 40


def test_a_second_server_on_the_same_address_says_so(served: Served, home: Settings) -> None:
    command = [sys.executable, "-m", "huxin", "serve", "--port", str(served.port)]
    env = {**os.environ, "HUXIN_HOME": str(home.home), "HUXIN_DATABASE_URL": database_url(home)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=STARTED_S, check=False)
    assert done.returncode == 1
    assert "H1129" in done.stderr
    assert httpx.get(f"{served.url}/healthz", timeout=ANSWERED_S).status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a bound port is not shared afterwards")
def test_of_two_that_start_at_once_one_has_the_address() -> None:
    """Before anybody listens: what is found free is taken in the same moment, and kept for one's own workers alone."""
    port = free_port()
    with held_address(Serving(port=port)):
        with pytest.raises(HuxinError, match="H1129"), held_address(Serving(port=port)):
            pass
        with socket.socket() as worker:
            worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            worker.bind(("127.0.0.1", port))
            worker.listen()
            socket.create_connection(("127.0.0.1", port), timeout=60).close()


def test_garbage_is_refused_without_being_repeated(served: Served) -> None:
    for sent in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + PLANTED.encode(),
        f"GET /{PLANTED} HTTP/9.9\r\n\r\n".encode(),
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        + PLANTED.encode(),
        f"GET / HTTP/1.1\r\nHost: x\r\nX: {PLANTED * 60_000}\r\n\r\n".encode(),
    ):
        with socket.create_connection(("127.0.0.1", served.port), timeout=ANSWERED_S) as raw:
            try:
                raw.sendall(sent)
                raw.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda: raw.recv(65536), b""))  # called at once
            except OSError:  # reset, or no longer connected when the end is told
                answer = b""
        assert PLANTED.encode() not in answer
    assert httpx.get(f"{served.url}/healthz", timeout=ANSWERED_S).status_code == 200
    assert PLANTED not in served.said()


def test_not_set_up_or_not_migrated_is_told(empty_settings: Settings, tmp_path: Path) -> None:
    bare = Served(empty_settings, tmp_path)
    assert bare.process.wait(180) == 2
    assert "H0901" in bare.said()
    empty_settings.keys_dir.mkdir(parents=True)
    unmigrated = Served(empty_settings, tmp_path)
    assert unmigrated.process.wait(180) == 2
    assert "H1128" in unmigrated.said()


def _heard(opened: socket.socket) -> bytes:
    """All that was answered until the end; a reset is one."""
    heard = b""
    try:
        while part := opened.recv(65536):
            heard += part
    except ConnectionError:
        pass
    return heard


def test_a_body_that_does_not_come_is_ended_and_others_are_served(served: Served) -> None:
    """More slow senders than there are threads: each is told, and a quick one is answered meanwhile or after."""
    head = (
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 1000\r\n\r\ngrant_type="
    )
    slow = [socket.create_connection(("127.0.0.1", served.port), timeout=90) for _ in range(10)]
    try:
        for each in slow:
            each.sendall(head)
        answers = [_heard(each) for each in slow]
    finally:
        for each in slow:
            each.close()
    assert httpx.get(f"{served.url}/healthz", timeout=ANSWERED_S).status_code == 200
    # Those that had no thread yet are found with their body ended: H1126. Nobody is left hanging.
    assert [each for each in answers if each and b"H1122" not in each and b"H1126" not in each] == []
    assert [each for each in answers if b" 408 " in each] != []
    assert " POST /oauth/token 408 " in served.said()
