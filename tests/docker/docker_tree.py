"""Tools of the image tests: the compose file as compose itself resolves it, the programs that wheels bring."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

TREE = Path(__file__).parents[2]
DOCKER = TREE / "docker"
PLACE = {
    "HUXIN_INBOX": "/srv/huxin/inbox",
    "HUXIN_PUBLIC_URL": "https://registry.example",
    "HUXIN_CONSOLE_URL": "https://registry.example:9443",
}
# One-shot services end by themselves; everything else stays up.
ONCE = {"setup", "huxin", "airflow-setup"}


def program(name: str) -> str:
    """A program of the environment that runs the tests."""
    return str(Path(sys.executable).with_name(name))


def compose(
    *arguments: str,
    place: dict[str, str] | None = None,
    file: Path = DOCKER / "compose.yaml",
    over: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs the real compose, with no settings of the machine's; `over` is a file that changes the first."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    files = [word for each in (file, over) if each for word in ("-f", str(each))]
    command = [program("docker-compose"), *files, "--profile", "operator", *arguments]
    given = PLACE if place is None else place
    return subprocess.run(command, env=kept | given, capture_output=True, text=True, check=False)


@lru_cache(maxsize=1)
def resolved() -> dict[str, Any]:
    """compose.yaml after compose merged and checked it."""
    done = compose("config", "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def split() -> dict[str, Any]:
    """The same with compose.zones.yaml over it."""
    done = compose("config", "--format", "json", over=DOCKER / "compose.zones.yaml")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = resolved()["services"]
    return found


def secrets_of(service: dict[str, Any]) -> set[str]:
    return {each["source"] for each in service.get("secrets", [])}


def volumes_of(service: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By the place inside the container."""
    return {each["target"]: each for each in service.get("volumes", [])}


def require_confined(service: dict[str, Any]) -> None:
    """That it runs with nothing that it does not need."""
    uid, _, gid = service["user"].partition(":")
    assert min(int(uid), int(gid)) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert 0 < service["pids_limit"] <= 4096
    assert not {"privileged", "network_mode", "pid", "ipc", "devices", "userns_mode"} & service.keys()
    assert any(mount.split(":")[0] == "/tmp" for mount in service["tmpfs"])
    assert "/var/run/docker.sock" not in str(service.get("volumes"))


def require_watched(service: dict[str, Any], once: bool) -> None:
    """That one which stays is restarted, watched, and its log bounded."""
    assert service["logging"]["options"]["max-size"]
    if once:
        assert service["restart"] == "no"
        return
    assert service["restart"] == "unless-stopped"
    check = service["healthcheck"]
    assert not check.get("disable")
    assert check["test"][0] == "CMD", "a shell is no part of a health check"
    assert "curl" not in check["test"]
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()
