"""Keyrings: their states, their sealing, and every way of spoiling them."""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from huxin_privacy import keyring
from huxin_privacy.derivation import derive
from huxin_privacy.errors import TEXTS, PrivacyError
from huxin_privacy.kek import create_kek, kek_path
from huxin_privacy.keyring import Keyring

pytestmark = pytest.mark.usefixtures("no_keys_in_the_environment")


@pytest.fixture
def no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for zone in keyring.ZONES:
        monkeypatch.delenv(f"HUXIN_KEK_{zone.upper()}", raising=False)


@pytest.fixture
def entry(tmp_path: Path) -> Keyring:
    return keyring.create(tmp_path, "entry")


def refused(code: str, call: Callable[[], object]) -> PrivacyError:
    with pytest.raises(PrivacyError) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def test_what_is_made_is_what_is_opened(tmp_path: Path, entry: Keyring) -> None:
    assert keyring.open(tmp_path, "entry") == entry
    assert (entry.version, entry.active, entry.usable()) == (1, 1, (1,))


def test_files_are_the_owners_only(tmp_path: Path, entry: Keyring) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"entry.keyring": 0o600, "entry.kek": 0o600}


def test_no_root_is_readable_in_the_file_or_the_repr(tmp_path: Path, entry: Keyring) -> None:
    root = entry.epochs[0].root
    assert root is not None
    stored = (tmp_path / "entry.keyring").read_bytes()
    assert root not in stored
    assert base64.b64encode(root) not in stored
    assert "\\x" not in repr(entry)
    assert "root" not in repr(entry)
    assert "kek" not in repr(entry)


def test_keys_are_derived_for_zone_type_epoch_and_use(entry: Keyring) -> None:
    root = entry.epochs[0].root
    assert root is not None
    wanted = derive(root, zone="entry", suite="S256", type_="mobile", epoch=1, use="token")
    assert entry.key("token", "mobile") == entry.key("token", "mobile", 1) == wanted
    assert entry.key("seal", "mobile") != wanted
    assert len(entry.key("token", "mobile", suite="SM", length=16)) == 16


def test_the_life_of_an_epoch(tmp_path: Path, entry: Keyring) -> None:
    first = entry.key("token", "name")
    pending = keyring.add_epoch(entry)
    assert [each.state for each in pending.epochs] == ["active", "pending"]
    assert pending.key("token", "name") == first
    assert pending.key("token", "name", 2) != first
    turned = keyring.activate(pending, 2)
    assert [each.state for each in turned.epochs] == ["read_only", "active"]
    assert (turned.active, turned.usable()) == (2, (2, 1))
    assert turned.key("token", "name", 1) == first
    gone = keyring.destroy(turned, 1, dependants=0)
    assert [each.state for each in gone.epochs] == ["destroyed", "active"]
    assert gone.usable() == (2,)
    assert keyring.open(tmp_path, "entry") == gone
    assert gone.version == 4
    refused("P0118", lambda: gone.key("token", "name", 1))
    assert keyring.add_epoch(gone).epochs[-1].number == 3


def test_destroy_refuses_with_the_count_of_dependants(entry: Keyring) -> None:
    turned = keyring.activate(keyring.add_epoch(entry), 2)
    assert "17" in refused("P0120", lambda: keyring.destroy(turned, 1, dependants=17)).text("zh")


def test_steps_out_of_order_are_refused(entry: Keyring) -> None:
    refused("P0119", lambda: keyring.destroy(entry, 1, dependants=0))
    refused("P0119", lambda: keyring.activate(entry, 1))
    turned = keyring.activate(keyring.add_epoch(entry), 2)
    refused("P0119", lambda: keyring.activate(turned, 1))
    refused("P0117", lambda: keyring.activate(turned, 3))
    refused("P0117", lambda: turned.key("token", "name", 9))


def test_a_keyring_changed_by_another_process_is_not_overwritten(tmp_path: Path, entry: Keyring) -> None:
    changed = keyring.add_epoch(entry)
    refused("P0121", lambda: keyring.add_epoch(entry))
    assert keyring.open(tmp_path, "entry") == changed


def test_a_keyring_is_never_made_twice(tmp_path: Path, entry: Keyring) -> None:
    refused("P0113", lambda: keyring.create(tmp_path, "entry"))
    refused("P0113", lambda: keyring._write(entry, over=False))
    assert keyring.open(tmp_path, "entry") == entry


def test_no_keyring_and_no_zone(tmp_path: Path) -> None:
    refused("P0114", lambda: keyring.open(tmp_path, "entry"))
    refused("P0122", lambda: keyring.open(tmp_path, "../entry"))


def test_the_key_comes_from_the_environment_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUXIN_KEK_REGISTRY", base64.b64encode(b"k" * 32).decode())
    made = keyring.create(tmp_path, "registry")
    assert not kek_path(tmp_path, "registry").exists()
    assert keyring.open(tmp_path, "registry") == made
    monkeypatch.setenv("HUXIN_KEK_REGISTRY", base64.b64encode(b"l" * 32).decode())
    refused("P0115", lambda: keyring.open(tmp_path, "registry"))
    monkeypatch.delenv("HUXIN_KEK_REGISTRY")
    assert "HUXIN_KEK_REGISTRY" in str(refused("P0110", lambda: keyring.open(tmp_path, "registry")))


@pytest.mark.parametrize("text", ["junk!", "AAAA", base64.b64encode(b"k" * 33).decode(), "钥"])
def test_keys_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HUXIN_KEK_ENTRY", text)
    assert text not in str(refused("P0112", lambda: keyring.create(tmp_path, "entry")))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644, 0o700])
def test_key_files_that_others_may_touch_are_refused(tmp_path: Path, entry: Keyring, mode: int) -> None:
    kek_path(tmp_path, "entry").chmod(mode)
    assert f"{mode:04o}" in str(refused("P0111", lambda: keyring.open(tmp_path, "entry")))


def test_a_key_file_is_made_once(tmp_path: Path) -> None:
    assert create_kek(tmp_path, "entry")
    made = kek_path(tmp_path, "entry").read_bytes()
    assert not create_kek(tmp_path, "entry")
    assert kek_path(tmp_path, "entry").read_bytes() == made


def test_every_flipped_byte_is_found(tmp_path: Path, entry: Keyring) -> None:
    path = tmp_path / "entry.keyring"
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        try:
            opened = keyring.open(tmp_path, "entry")
        except PrivacyError as error:
            assert error.code in ("P0115", "P0116")
        else:
            assert opened == entry, "white space alone may change unseen"


def test_every_cut_is_found(tmp_path: Path, entry: Keyring) -> None:
    path = tmp_path / "entry.keyring"
    good = path.read_bytes().rstrip()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        assert refused("P0116", lambda: keyring.open(tmp_path, "entry"))


@pytest.mark.parametrize(
    ("name", "value"), [("version", 2), ("zone", "registry"), ("format", "huxin-keyring/2"), ("body", "")]
)
def test_changed_metadata_is_found(tmp_path: Path, entry: Keyring, name: str, value: object) -> None:
    path = tmp_path / "entry.keyring"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    refused("P0116", lambda: keyring.open(tmp_path, "entry"))


def test_the_keyring_of_another_zone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for zone in ("ENTRY", "REGISTRY"):
        monkeypatch.setenv(f"HUXIN_KEK_{zone}", base64.b64encode(b"k" * 32).decode())
    keyring.create(tmp_path, "entry")
    (tmp_path / "entry.keyring").rename(tmp_path / "registry.keyring")
    refused("P0115", lambda: keyring.open(tmp_path, "registry"))


def test_errors_travel_between_processes_and_speak_two_languages() -> None:
    error = pickle.loads(pickle.dumps(PrivacyError("P0117", epoch=3)))  # noqa: S301
    assert (error.code, error.text("zh"), error.text("en")) == (
        "P0117",
        "密钥环没有第 3 期密钥",
        "the keyring has no epoch 3",
    )
    assert all(zh and en and zh != en for zh, en in TEXTS.values())
