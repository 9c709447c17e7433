"""docker/secrets.sh: every secret of compose.yaml, each random, closed to others, and never made over."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from docker_tree import DOCKER, resolved, secrets_of, services

from huxin_privacy import keyring

TLS = {"tls.crt", "tls.key"}


def make(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(DOCKER / "secrets.sh"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "机密 secrets"
    make(made)
    return made


def test_every_secret_but_the_certificate_is_made(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == set(resolved()["secrets"]) - TLS
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o400}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_secret_belongs_to_the_user_of_the_service_that_reads_it(folder: Path) -> None:
    for name in TLS:
        (folder / name).write_text("x", encoding="ascii")
    make(folder)
    for name, service in services().items():
        uid = int(service["user"].partition(":")[0])
        wrong = [one for one in secrets_of(service) if (folder / one).stat().st_uid != uid]
        assert wrong == [], name


def test_running_it_again_changes_nothing(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "made" not in make(folder).stdout
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_two_places_share_no_secret(folder: Path, tmp_path: Path) -> None:
    make(tmp_path / "other")
    same = [
        path.name
        for path in folder.iterdir()
        if path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()
    ]
    assert same == []


def test_no_secret_ends_with_a_line_end(folder: Path) -> None:
    """Airflow takes a command's output as it is: a database named "airflow\\n" does not exist."""
    assert [path.name for path in folder.iterdir() if path.read_bytes()[-1:].isspace()] == []


def test_keys_have_the_form_that_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HUXIN_KEK_DIR", str(folder))
    (tmp_path / "keys").mkdir()
    for zone in keyring.ZONES:
        keyring.create(tmp_path / "keys", zone)
    assert len(base64.urlsafe_b64decode((folder / "airflow_fernet").read_bytes())) == 32
    assert len(json.loads((folder / "airflow_users.json").read_text(encoding="utf-8"))["operator"]) >= 32


def test_every_zone_has_its_key(folder: Path) -> None:
    assert {path.stem for path in folder.glob("*.kek")} >= set(keyring.ZONES)


def test_the_certificate_is_asked_for_and_its_mode_set(folder: Path) -> None:
    assert make(folder).stderr.count("tls.") == 2
    for name in TLS:
        (folder / name).write_text("x", encoding="ascii")
        (folder / name).chmod(0o644)
    assert make(folder).stderr == ""
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in TLS} == {0o400}
