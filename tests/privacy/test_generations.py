"""A suite is chosen with an entry epoch and stays with it; lookups try the active generation, then the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from huxin_privacy import keyring, suites
from huxin_privacy.derivation import derive
from huxin_privacy.errors import PrivacyError
from huxin_privacy.generations import generations, suite_of
from huxin_privacy.keyring import Keyring
from huxin_privacy.suites import S256, SM


@pytest.fixture
def rings(tmp_path: Path) -> tuple[Keyring, Keyring]:
    return keyring.create(tmp_path, "entry", "SM"), keyring.create(tmp_path, "registry")


def test_the_suite_is_sealed_with_the_epoch(rings: tuple[Keyring, Keyring], tmp_path: Path) -> None:
    assert suite_of(keyring.open(tmp_path, "entry")) is SM
    assert b"suite" not in rings[0].path.read_bytes()


def test_the_suite_is_s256_unless_another_is_named(tmp_path: Path) -> None:
    assert suite_of(keyring.create(tmp_path, "entry")) is S256


def test_a_suite_that_is_none_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(PrivacyError, match="P0101"):
        keyring.create(tmp_path, "entry", "MD5")
    assert not list(tmp_path.iterdir())
    made = keyring.create(tmp_path, "entry")
    with pytest.raises(PrivacyError, match="P0101"):
        keyring.add_epoch(made, "MD5")
    assert keyring.open(tmp_path, "entry").epochs == made.epochs


def test_algorithms_that_cryptography_lacks_are_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nameless(hashes.SM3):
        name = "sm3000"

    monkeypatch.setitem(suites._SUITES, "SM", replace(SM, hash_algorithm=Nameless))
    with pytest.raises(PrivacyError, match="P0106"):
        keyring.create(tmp_path, "entry", "SM")
    assert not list(tmp_path.iterdir())
    assert suite_of(keyring.create(tmp_path, "entry")) is S256


def test_a_new_epoch_keeps_the_suite_or_changes_it(rings: tuple[Keyring, Keyring]) -> None:
    entry = keyring.add_epoch(keyring.add_epoch(rings[0]), "S256")
    assert [suite_of(entry, number) for number in (1, 2, 3)] == [SM, SM, S256]
    entry = keyring.destroy(entry, 2, 0)
    assert suite_of(keyring.activate(entry, 3)) is S256
    assert suite_of(entry, 2) is SM, "a destroyed epoch still says what it was"


def test_lookups_try_the_active_generation_first_then_every_other(rings: tuple[Keyring, Keyring]) -> None:
    entry = keyring.activate(keyring.add_epoch(rings[0], "S256"), 2)
    registry = keyring.add_epoch(rings[1])
    assert [each.scheme("uscc") for each in generations(entry, registry)] == [
        ("S256", "uscc", 2, 1),
        ("S256", "uscc", 2, 2),
        ("SM", "uscc", 1, 1),
        ("SM", "uscc", 1, 2),
    ]


def test_keys_are_drawn_for_the_suite_with_its_lengths(rings: tuple[Keyring, Keyring]) -> None:
    entry = keyring.activate(keyring.add_epoch(rings[0], "S256"), 2)
    new, old = generations(entry, rings[1])
    root = rings[1].epochs[0].root
    assert root is not None
    parts = {"zone": "registry", "type_": "mobile", "epoch": 1, "use": "token"}
    assert old.token_key(rings[1], "mobile") == derive(root, suite="SM", length=16, **parts)  # type: ignore[arg-type]
    assert new.token_key(rings[1], "mobile") == derive(root, suite="S256", length=32, **parts)  # type: ignore[arg-type]
    assert len(old.half_key(entry, "mobile")) == len(new.half_key(entry, "mobile")) == 32
    assert old.half_key(entry, "mobile") != new.half_key(entry, "mobile")
