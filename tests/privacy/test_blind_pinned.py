"""What a member pins: the first keys it is told, kept; other keys for it alone are a clear refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from blind_world import Platform, new_key

from huxin_privacy import blind
from huxin_privacy.envelope import Receiver
from huxin_privacy.errors import PrivacyError


def test_what_is_told_comes_back() -> None:
    told = Platform().published()
    assert blind.parse_published(json.loads(json.dumps(told.told()))) == told


def test_the_first_keys_are_kept_and_found_again(tmp_path: Path) -> None:
    platform = Platform()
    path = tmp_path / "blind.json"
    kept = blind.pin(path, platform.published())
    assert kept == platform.pinned() == blind.pin(path, platform.published()) == blind.read_pinned(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_other_keys_are_refused_and_the_file_stays(tmp_path: Path) -> None:
    platform, path = Platform(), tmp_path / "blind.json"
    kept = blind.pin(path, platform.published())
    told = platform.published()
    tagged = blind.PublicKey(told.oprf[0].epoch, new_key().public)
    spying = Receiver(3, Platform().pair.public)
    for other in (blind.Published((tagged,), told.registry), blind.Published(told.oprf, (spying,))):
        with pytest.raises(PrivacyError, match="P0165"):
            blind.pin(path, other)
    assert blind.read_pinned(path) == kept


def test_a_rotation_leaves_what_was_pinned_in_force_until_it_is_given_up(tmp_path: Path) -> None:
    platform, path = Platform(), tmp_path / "blind.json"
    kept = blind.pin(path, platform.published())
    new = blind.PublicKey(2, new_key(2).public)
    both = blind.Published((new, kept.oprf), (Receiver(4, Platform().pair.public), kept.registry))
    assert blind.pin(path, both) == kept
    with pytest.raises(PrivacyError, match="P0165"):
        blind.pin(path, blind.Published(both.oprf[:1], both.registry[:1]))
    path.unlink()
    assert blind.pin(path, both).oprf == new


def test_fingerprints_are_short_and_of_both_keys() -> None:
    platform, other = Platform(), Platform()
    one = platform.pinned()
    assert [len(group) for group in one.fingerprint.split()] == [4] * 8
    found = {
        one.fingerprint,
        blind.Pinned(other.pinned().oprf, one.registry).fingerprint,
        blind.Pinned(one.oprf, other.pinned().registry).fingerprint,
        blind.Pinned(blind.PublicKey(2, one.oprf.public), one.registry).fingerprint,
    }
    assert len(found) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"suite": "S256"},
        {"oprf": []},
        {"registry": []},
        {"oprf": [{"epoch": 1, "public": "AA"}]},
        {"oprf": [{"epoch": 1, "public": "=" * 43}]},
        {"oprf": [{"epoch": 0, "public": "A" * 43}]},
        {"oprf": [{"epoch": "1", "public": "A" * 43}]},
        {"oprf": [{"epoch": 1, "public": "A" * 42 + "B"}]},
        {"oprf": 7},
        {"registry": [{"epoch": 1}]},
    ],
)
def test_what_is_no_publication_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(PrivacyError, match="P0164"):
        blind.parse_published(Platform().published().told() | change)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"null", b'{"suite": "OPRF"}'])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "blind.json"
    path.write_bytes(content)
    with pytest.raises(PrivacyError, match="P0164"):
        blind.pin(path, Platform().published())
