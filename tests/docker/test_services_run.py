"""Our own services of compose.yaml run with its commands, environment and secrets, as processes of the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from docker_host import Host, host_at
from docker_tree import DOCKER, secrets_of, services

from support.ports import free_port


@dataclass(frozen=True)
class Place:
    """What the services share: the server, and HUXIN_HOME, whose folders are volumes."""

    host: Host
    home: Path
    port: int

    def environment(self, name: str) -> dict[str, str]:
        """A service's own, with its secrets, and no other's, in a folder for /run/secrets."""
        service, given = services()[name], self.home.with_name(f"{name}-secrets")
        if not given.exists():
            given.mkdir(mode=0o700)
            for secret in secrets_of(service):
                shutil.copy2(self.host.secrets / secret, given / secret)
                if secret.startswith("url_"):
                    (given / secret).chmod(0o600)
                    (given / secret).write_text(self.host.url(secret), encoding="utf-8")
        own = {k: str(v).replace("/run/secrets", str(given)) for k, v in service["environment"].items()}
        return {"PATH": os.environ["PATH"], "HUXIN_HOME": str(self.home), "PYTHONUTF8": "1", **own}

    def command(self, name: str) -> list[str]:
        words = [str(word) for word in services()[name]["command"]]
        return [
            sys.executable,
            "-m",
            "huxin",
            *(str(self.port) if word in ("8000", "8001") else word for word in words),
        ]


def run(place: Place, name: str) -> subprocess.CompletedProcess[str]:
    environment = place.environment(name)
    return subprocess.run(place.command(name), env=environment, capture_output=True, text=True, check=False)


@contextmanager
def running(place: Place, name: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as target:
        process = subprocess.Popen(
            place.command(name), env=place.environment(name), stderr=target, stdout=target
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(120)


def health(*arguments: str) -> int:
    command = [sys.executable, "-I", str(DOCKER / "health.py"), *arguments]
    return subprocess.run(command, check=False, timeout=120).returncode


def until_healthy(process: subprocess.Popen[bytes], log: Path, *arguments: str) -> None:
    deadline = time.monotonic() + 240
    while health(*arguments):
        said = log.read_text(encoding="utf-8", errors="replace")
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.2)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("services")
    with host_at(folder / "server") as host:
        made = Place(host, folder / "home", free_port())
        # The folders of the image, which volumes lie over.
        for each in ("keys", "spool", "inbox"):
            (made.home / each).mkdir(mode=0o700, parents=True)
        done = run(made, "setup")
        assert done.returncode == 0, done.stderr
        yield made


def kept(folder: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_setup_makes_keyrings_and_no_key_beside_them(place: Place) -> None:
    made = kept(place.home / "keys")
    assert set(made) == {"entry.keyring", "registry.keyring", "intake.keyring", "audit.keyring"}
    assert run(place, "setup").returncode == 0
    assert kept(place.home / "keys") == made


def test_the_api_is_ready_as_a_role_that_owns_nothing(place: Place, tmp_path: Path) -> None:
    check = services()["api"]["healthcheck"]["test"]
    assert check[3].endswith(":8000/readyz")
    with running(place, "api", log := tmp_path / "log") as process:
        until_healthy(process, log, f"http://127.0.0.1:{place.port}/readyz")
    said = log.read_text(encoding="utf-8")
    assert (process.returncode, "Traceback" in said) == (0, False), said


def test_the_console_opens_with_the_keys_of_its_files(place: Place, tmp_path: Path) -> None:
    """Its first page makes a form's token, which takes the console's own key; nothing is written but uploads."""
    assert services()["console"]["healthcheck"]["test"][3].endswith(":8001/healthz")
    before = {path.name for path in place.home.iterdir()}
    address = f"http://127.0.0.1:{place.port}"
    with running(place, "console", log := tmp_path / "log") as process:
        until_healthy(process, log, f"{address}/healthz")
        page = httpx.get(f"{address}/sign-in", timeout=60)
    assert page.status_code == 200
    assert 'name="csrf"' in page.text
    # Links and cookies are for the address that people open.
    assert page.headers["Set-Cookie"].startswith("__Host-huxin=")
    assert {path.name for path in place.home.iterdir()} - before <= {"uploads"}
    assert "Traceback" not in log.read_text(encoding="utf-8")


def test_the_sequencer_needs_no_key_of_identifiers(place: Place, tmp_path: Path) -> None:
    assert services()["audit"]["healthcheck"]["test"][2:] == ["/opt/health.py", "connected", "5432"]
    port = str(place.host.server.tcp_port)
    assert health("connected", port) == 1
    with running(place, "audit", log := tmp_path / "log") as process:
        until_healthy(process, log, "connected", port)
    assert process.returncode == 0, log.read_text(encoding="utf-8")


def test_the_worker_waits_for_work_without_the_key_of_receipts(place: Place, tmp_path: Path) -> None:
    assert services()["worker"]["healthcheck"] == services()["audit"]["healthcheck"]
    with running(place, "worker", log := tmp_path / "log") as process:
        until_healthy(process, log, "connected", str(place.host.server.tcp_port))
    assert process.returncode == 0, log.read_text(encoding="utf-8")


def test_the_api_is_not_ready_without_its_key(place: Place, tmp_path: Path) -> None:
    """Readiness sees it: a service that cannot make tokens answers nobody."""
    environment = place.environment("api") | {"HUXIN_KEK_DIR": str(tmp_path)}
    with (tmp_path / "log").open("wb") as target:
        process = subprocess.Popen(place.command("api"), env=environment, stderr=target, stdout=target)
        try:
            deadline = time.monotonic() + 240
            while health(f"http://127.0.0.1:{place.port}/healthz") and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            assert health(f"http://127.0.0.1:{place.port}/readyz") == 1
        finally:
            process.terminate()
            process.wait(120)
