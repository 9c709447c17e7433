"""Secrets as files: the database's address and the key-encryption keys, as a container is given them."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.kek import kek_path

ADDRESS = "postgresql://huxin:p%40ss@postgres:5432/huxin"


def test_the_address_is_read_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    secret = tmp_path / "地址"
    secret.write_text(f"{ADDRESS}\n", encoding="utf-8")
    assert Settings.from_env({"HUXIN_DATABASE_URL_FILE": str(secret)}).database_url == ADDRESS


def test_the_variable_outweighs_the_file(tmp_path: Path) -> None:
    env = {"HUXIN_DATABASE_URL": ADDRESS, "HUXIN_DATABASE_URL_FILE": str(tmp_path / "none")}
    assert Settings.from_env(env).database_url == ADDRESS
    assert Settings.from_env({"HUXIN_DATABASE_URL_FILE": ""}).database_url is None


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_file_without_an_address_is_told_and_not_passed_over(tmp_path: Path, content: bytes | None) -> None:
    """To fall back to the embedded server would start an empty registry."""
    secret = tmp_path / "url"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(HuxinError) as refused:
        Settings.from_env({"HUXIN_DATABASE_URL_FILE": str(secret)})
    assert refused.value.code == "H0103"
    assert str(secret) in str(refused.value)


def test_the_command_line_tells_it_in_one_line(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "HUXIN_DATABASE_URL_FILE": str(tmp_path / "none"),
        "HUXIN_HOME": str(tmp_path / "home"),
    }
    env.pop("HUXIN_DATABASE_URL", None)
    command = [sys.executable, "-m", "huxin", "members", "list"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("H0103 ")


def kek(folder: Path, zone: str, mode: int = 0o400) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{zone}.kek"
    file.write_bytes(base64.b64encode(os.urandom(32)))
    file.chmod(mode)
    return file


def test_keyrings_open_with_keys_from_a_folder_of_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, run_secrets = tmp_path / "keys", tmp_path / "secrets"
    keys.mkdir()
    monkeypatch.setenv("HUXIN_KEK_DIR", str(run_secrets))
    kek(run_secrets, "entry")
    made = keyring.create(keys, "entry")
    assert keyring.open(keys, "entry") == made
    assert sorted(path.name for path in keys.iterdir()) == ["entry.keyring"]
    assert kek_path(keys, "entry").parent == run_secrets
    monkeypatch.delenv("HUXIN_KEK_DIR")
    with pytest.raises(PrivacyError, match="P0110"):
        keyring.open(keys, "entry")


def test_no_key_is_made_where_secrets_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key made inside a container would be lost with it, and the keyring with the key."""
    keys, run_secrets = tmp_path / "keys", tmp_path / "secrets"
    keys.mkdir()
    run_secrets.mkdir()
    monkeypatch.setenv("HUXIN_KEK_DIR", str(run_secrets))
    with pytest.raises(PrivacyError) as refused:
        keyring.create(keys, "entry")
    assert refused.value.code == "P0110"
    assert list(run_secrets.iterdir()) == []
    assert list(keys.iterdir()) == []


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    monkeypatch.setenv("HUXIN_KEK_DIR", str(tmp_path / "secrets"))
    kek(tmp_path / "secrets", "entry", mode=0o444)
    with pytest.raises(PrivacyError) as refused:
        keyring.create(keys, "entry")
    assert refused.value.code == "P0111"
