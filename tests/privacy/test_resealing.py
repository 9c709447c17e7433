"""Another key-encryption key: the keys stay, the old one opens nothing, and no reader meets a file it cannot open."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest

from huxin_privacy import keyring, resealing
from huxin_privacy.errors import PrivacyError
from huxin_privacy.kek import fresh, kek_path, key_encryption_key, next_kek_path
from huxin_privacy.keyring import Keyring
from huxin_privacy.resealing import reseal

pytestmark = pytest.mark.usefixtures("no_keys_in_the_environment")
VARIABLE = "HUXIN_KEK_REGISTRY"


@pytest.fixture
def no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "HUXIN_KEK_DIR",
        "HUXIN_KEK_VAULT",
        *(f"HUXIN_KEK_{zone.upper()}" for zone in keyring.ZONES),
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return keyring.add_epoch(keyring.create(tmp_path, "registry"))


def root_of(ring: Keyring) -> list[bytes]:
    return [ring.key("token", "resident_id", each.number) for each in ring.epochs]


def test_the_keys_stay_and_the_old_key_opens_nothing(tmp_path: Path, ring: Keyring) -> None:
    old = kek_path(tmp_path, "registry").read_bytes()
    made = reseal(tmp_path, "registry")
    assert not made.pending
    assert made.keyring.version == ring.version + 1
    assert root_of(keyring.open(tmp_path, "registry")) == root_of(ring)
    assert {path.suffix for path in tmp_path.iterdir()} == {".kek", ".keyring", ".lock"}
    kek_path(tmp_path, "registry").write_bytes(old)
    with pytest.raises(PrivacyError, match="P0115"):
        keyring.open(tmp_path, "registry")


def test_one_s_own_key_is_taken(tmp_path: Path, ring: Keyring) -> None:
    own = fresh()
    reseal(tmp_path, "registry", own)
    assert kek_path(tmp_path, "registry").read_bytes() == own
    version = keyring.open(tmp_path, "registry").version
    assert reseal(tmp_path, "registry", own).keyring.version == version, "it is there already"


@pytest.mark.parametrize("bad", [b"", b"short", base64.b64encode(b"x" * 31), b"\xff" * 44])
def test_what_is_no_key_changes_nothing(tmp_path: Path, ring: Keyring, bad: bytes) -> None:
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(PrivacyError, match="P0112"):
        reseal(tmp_path, "registry", bad)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("step", ["sealed_under", "_settled"])
def test_killed_in_between_everything_opens_and_the_same_call_goes_on(
    tmp_path: Path, ring: Keyring, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(resealing if step == "_settled" else keyring, step, dead)
        reseal(tmp_path, "registry")
    assert root_of(keyring.open(tmp_path, "registry")) == root_of(ring)
    coming = next_kek_path(tmp_path, "registry").read_bytes()
    with pytest.raises(PrivacyError, match="P0128"):
        reseal(tmp_path, "registry", fresh())
    assert not reseal(tmp_path, "registry").pending
    assert kek_path(tmp_path, "registry").read_bytes() == coming
    assert not next_kek_path(tmp_path, "registry").exists()


def test_where_the_key_comes_from_elsewhere_it_waits(
    tmp_path: Path, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kek_path(tmp_path, "registry")
    monkeypatch.setenv(VARIABLE, path.read_text())
    path.unlink()
    assert reseal(tmp_path, "registry").pending
    assert reseal(tmp_path, "registry").pending
    assert keyring.open(tmp_path, "registry").version == ring.version + 1
    keyring.touch(keyring.open(tmp_path, "registry"))  # acts go on meanwhile
    waiting = next_kek_path(tmp_path, "registry")
    assert waiting.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv(VARIABLE, waiting.read_text())
    assert not reseal(tmp_path, "registry").pending
    assert not waiting.exists()
    assert root_of(keyring.open(tmp_path, "registry")) == root_of(ring)


def test_readers_never_meet_a_file_they_cannot_open(tmp_path: Path, ring: Keyring) -> None:
    faults: list[BaseException] = []
    over = threading.Event()

    def read() -> None:
        try:
            while not over.is_set():
                assert root_of(keyring.open(tmp_path, "registry")) == root_of(ring)
        except BaseException as error:
            faults.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for each in readers:
        each.start()
    seen = {key_encryption_key(tmp_path, "registry")}
    for _ in range(60):
        reseal(tmp_path, "registry")
        seen.add(key_encryption_key(tmp_path, "registry"))
    over.set()
    for each in readers:
        each.join(120)
    assert faults == []
    assert len(seen) == 61


def test_a_next_key_that_others_can_read_is_refused(tmp_path: Path, ring: Keyring) -> None:
    path = next_kek_path(tmp_path, "registry")
    path.write_bytes(fresh())
    path.chmod(0o644)
    with pytest.raises(PrivacyError, match="P0111"):
        reseal(tmp_path, "registry")
