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
PLACE = {"HUXIN_INBOX": "/srv/huxin/inbox", "HUXIN_PUBLIC_URL": "https://registry.example"}
# One-shot services end by themselves; everything else stays up.
ONCE = {"setup", "huxin", "airflow-setup"}


def program(name: str) -> str:
    """A program of the environment that runs the tests."""
    return str(Path(sys.executable).with_name(name))


def compose(
    *arguments: str, place: dict[str, str] | None = None, file: Path = DOCKER / "compose.yaml"
) -> subprocess.CompletedProcess[str]:
    """Runs the real compose, with no settings of the machine's."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [program("docker-compose"), "-f", str(file), "--profile", "operator", *arguments]
    given = PLACE if place is None else place
    return subprocess.run(command, env=kept | given, capture_output=True, text=True, check=False)


@lru_cache(maxsize=1)
def resolved() -> dict[str, Any]:
    """compose.yaml after compose merged and checked it."""
    done = compose("config", "--format", "json")
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
