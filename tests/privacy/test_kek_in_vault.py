"""Key-encryption keys out of Vault: read through its own client, refused with a code, and told to nobody."""

from __future__ import annotations

import base64
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from vault_server import Vault, vault

from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.kek import kek_path

TOKEN = "hvs.stand-in-token"
KEK = b"k" * 32


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Vault]:
    """Vault with a key for zone entry, and the variables that lead there; no other key in reach."""
    for zone in keyring.ZONES:
        monkeypatch.delenv(f"HUXIN_KEK_{zone.upper()}", raising=False)
    for name in ("VAULT_NAMESPACE", "VAULT_CACERT", "HUXIN_KEK_DIR", "HUXIN_VAULT_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # whose .vault-token the client would take
    with vault() as made:
        made.tokens.add(TOKEN)
        put(made, "entry", base64.b64encode(KEK).decode())
        monkeypatch.setenv("HUXIN_KEK_VAULT", "secret/huxin")
        monkeypatch.setenv("VAULT_ADDR", made.address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield made


def put(store: Vault, zone: str, kek: str) -> None:
    store.secrets[f"secret/data/huxin/{zone}"] = {"kek": kek}


def refused(code: str, folder: Path, zone: str = "entry") -> PrivacyError:
    with pytest.raises(PrivacyError) as caught:
        keyring.create(folder, zone)
    assert caught.value.code == code
    told = "".join(traceback.format_exception(caught.value)) + caught.value.text("zh")
    assert TOKEN not in told
    assert base64.b64encode(KEK).decode() not in told
    return caught.value


def test_a_keyring_is_sealed_with_the_key_in_vault(store: Vault, tmp_path: Path) -> None:
    made = keyring.create(tmp_path, "entry")
    assert keyring.open(tmp_path, "entry") == made
    assert not kek_path(tmp_path, "entry").exists()
    assert store.asked[0] == ("secret/data/huxin/entry", "")
    put(store, "entry", base64.b64encode(b"l" * 32).decode())
    with pytest.raises(PrivacyError, match="P0115"):
        keyring.open(tmp_path, "entry")


def test_the_variable_outweighs_vault_and_vault_outweighs_a_file(
    store: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.create(tmp_path, "entry")
    path = kek_path(tmp_path, "entry")
    path.write_bytes(base64.b64encode(b"f" * 32))
    path.chmod(0o600)
    keyring.open(tmp_path, "entry")
    monkeypatch.setenv("HUXIN_KEK_ENTRY", base64.b64encode(b"v" * 32).decode())
    with pytest.raises(PrivacyError, match="P0115"):
        keyring.open(tmp_path, "entry")


def test_a_token_from_a_file_of_its_owner(
    store: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    file.chmod(0o600)
    monkeypatch.setenv("VAULT_TOKEN", "hvs.another")
    monkeypatch.setenv("HUXIN_VAULT_TOKEN_FILE", str(file))
    monkeypatch.setenv("VAULT_NAMESPACE", "association")
    keyring.create(tmp_path, "entry")
    assert store.asked[-1][1] == "association"
    file.chmod(0o644)
    refused("P0111", tmp_path / "other")
    file.chmod(0o600)
    file.write_text("two\nlines")
    refused("P0127", tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUXIN_KEK_VAULT", "secret"),
        ("HUXIN_KEK_VAULT", "/"),
        ("VAULT_ADDR", "http://vault.example:8200"),
        ("VAULT_ADDR", "https://user:word@vault.example"),
        ("VAULT_ADDR", "vault.example"),
        ("VAULT_ADDR", ""),
        ("VAULT_TOKEN", ""),
    ],
)
def test_settings_that_lead_nowhere_or_over_an_open_line(
    store: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    refused("P0127", tmp_path)
    assert store.asked == []


def test_a_zone_whose_key_is_not_there(store: Vault, tmp_path: Path) -> None:
    assert "secret/huxin/registry" in str(refused("P0126", tmp_path, "registry"))
    store.secrets["secret/data/huxin/registry"] = {"key": "another field"}
    refused("P0126", tmp_path, "registry")
    store.secrets["secret/data/huxin/registry"] = {"deleted": True}
    refused("P0126", tmp_path, "registry")


@pytest.mark.parametrize("kek", ["AAAA", "no base64!", base64.b64encode(b"k" * 33).decode()])
def test_what_is_no_key(store: Vault, tmp_path: Path, kek: str) -> None:
    put(store, "entry", kek)
    assert kek not in str(refused("P0112", tmp_path))


def test_what_vault_refuses_is_told_without_its_words(
    store: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.tokens.clear()
    assert "Forbidden" in str(refused("P0125", tmp_path))
    store.tokens.add(TOKEN)
    store.sealed = True
    refused("P0125", tmp_path)
    store.sealed = False
    for content in (b"<html>", b"[]", b'{"data": 1}', b'{"data": {"data": [1]}}'):
        store.broken = content
        refused("P0125", tmp_path)
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    refused("P0125", tmp_path)


def test_without_the_client_it_says_what_to_install(
    store: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hvac", None)
    assert "huxin-privacy[vault]" in str(refused("P0124", tmp_path))


def test_nothing_of_vault_is_needed_where_it_is_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUXIN_KEK_VAULT", raising=False)
    monkeypatch.setitem(sys.modules, "hvac", None)
    made = keyring.create(tmp_path, "entry")
    assert keyring.open(tmp_path, "entry") == made
