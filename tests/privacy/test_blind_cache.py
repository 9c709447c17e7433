"""The edge's cache: what is known is not sent again; nothing of it can be read or changed; a kill costs a block."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from blind_world import Platform, new_key

from huxin_privacy import blind
from huxin_privacy.blind.cache import KEY_FILE
from huxin_privacy.errors import PrivacyError

MESSAGES = [blind.message("resident_id", f"1101051949123{n:04}X") for n in range(40)]


@pytest.fixture(scope="module")
def platform() -> Platform:
    return Platform()


def blinder(platform: Platform, folder: Path, batch: int = 16) -> blind.Blinder:
    pinned = platform.pinned()
    return blind.Blinder(pinned, platform.evaluate, blind.Cache(folder, pinned.oprf), batch)


def file_of(folder: Path) -> Path:
    (found,) = folder.glob("elements-*")
    return found


def test_the_second_night_sends_only_what_is_new(platform: Platform, tmp_path: Path) -> None:
    first = blinder(platform, tmp_path)
    before = platform.asked
    found = first.elements(MESSAGES[:30])
    assert (first.evaluated, platform.asked - before) == (30, 30)
    second = blinder(platform, tmp_path)  # another process, another night
    assert second.elements([*MESSAGES, *MESSAGES[:5]]) == [
        *found,
        *(blind.element(platform.key.secret, each) for each in MESSAGES[30:]),
        *found[:5],
    ]
    assert (second.evaluated, platform.asked - before) == (10, 40)


def test_nothing_known_is_nothing_sent(platform: Platform, tmp_path: Path) -> None:
    blinder(platform, tmp_path).elements(MESSAGES)
    calls = platform.calls
    assert len(blinder(platform, tmp_path).elements(MESSAGES)) == 40
    assert platform.calls == calls


def test_another_key_begins_another_cache_and_the_old_one_goes(platform: Platform, tmp_path: Path) -> None:
    blinder(platform, tmp_path).elements(MESSAGES[:3])
    rotated = Platform(new_key(2), platform.pair)
    again = blinder(rotated, tmp_path)
    assert len(again.cache or ()) == 0
    assert again.elements(MESSAGES[:3]) == [blind.element(rotated.key.secret, each) for each in MESSAGES[:3]]
    assert file_of(tmp_path).name.startswith("elements-2-")


def test_a_wrong_key_leaves_nothing_in_the_cache(platform: Platform, tmp_path: Path) -> None:
    cheat = Platform(new_key(1), platform.pair)
    pinned = platform.pinned()
    caught = blind.Blinder(pinned, cheat.evaluate, blind.Cache(tmp_path, pinned.oprf))
    with pytest.raises(PrivacyError, match="P0163"):
        caught.elements(MESSAGES[:3])
    assert len(blind.Cache(tmp_path, pinned.oprf)) == 0


def test_the_file_shows_no_element_and_no_digest_without_the_local_key(
    platform: Platform, tmp_path: Path
) -> None:
    elements = blinder(platform, tmp_path).elements(MESSAGES)
    content = file_of(tmp_path).read_bytes()
    assert not any(each[:8] in content for each in elements)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in (KEY_FILE, file_of(tmp_path).name)} == {
        0o600
    }
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(PrivacyError, match="P0169"):
        blinder(platform, tmp_path)


def test_the_local_key_may_lie_elsewhere(platform: Platform, tmp_path: Path) -> None:
    pinned, place = platform.pinned(), tmp_path / "elsewhere.key"
    first = blind.Cache(tmp_path / "cache", pinned.oprf, place)
    first.add(MESSAGES[:1], [blind.element(platform.key.secret, MESSAGES[0])])
    assert not (tmp_path / "cache" / KEY_FILE).exists()
    assert len(blind.Cache(tmp_path / "cache", pinned.oprf, place)) == 1


def test_every_cut_of_the_last_block_costs_that_block_only(platform: Platform, tmp_path: Path) -> None:
    one = blinder(platform, tmp_path, batch=2)
    one.elements(MESSAGES[:2])
    whole = file_of(tmp_path).read_bytes()
    one.elements(MESSAGES[2:4])
    longer = file_of(tmp_path).read_bytes()
    for cut in range(len(whole), len(longer)):
        file_of(tmp_path).write_bytes(longer[:cut])
        assert len(blind.Cache(tmp_path, platform.pinned().oprf)) == 2
        assert file_of(tmp_path).read_bytes() == whole
    again = blinder(platform, tmp_path)
    again.elements(MESSAGES[:4])
    assert (again.evaluated, len(blinder(platform, tmp_path).cache or ())) == (2, 4)


def test_every_changed_byte_is_noticed_or_costs_a_block(platform: Platform, tmp_path: Path) -> None:
    one = blinder(platform, tmp_path, batch=2)
    right = one.elements(MESSAGES[:4])
    content = file_of(tmp_path).read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        file_of(tmp_path).write_bytes(changed)
        try:
            found = blind.Cache(tmp_path, platform.pinned().oprf).find(MESSAGES[:4])
        except PrivacyError as error:
            assert error.code == "P0169"
        else:  # a length that says "cut short"
            assert all(got in (None, wanted) for got, wanted in zip(found, right, strict=True))
    file_of(tmp_path).write_bytes(content)
    assert blinder(platform, tmp_path).elements(MESSAGES[:4]) == right


ENDLESS = """
import sys
from pathlib import Path
from huxin_privacy import blind
cache = blind.Cache(Path(sys.argv[1]), blind.PublicKey(1, bytes(31) + b"1"))
n = 0
while True:
    cache.add([b"%d" % each for each in range(n, n + 50)], [b"%032d" % each for each in range(n, n + 50)])
    n += 50
    print(n, flush=True)
"""


def test_a_kill_loses_nothing_that_was_said_to_be_kept(tmp_path: Path) -> None:
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", ENDLESS, str(tmp_path)], stdout=subprocess.PIPE, env=os.environ.copy()
        )
        assert child.stdout
        kept = [int(child.stdout.readline()) for _ in range(5)][-1]
        time.sleep(0.02)
        child.kill()
        child.wait()
        cache = blind.Cache(tmp_path, blind.PublicKey(1, bytes(31) + b"1"))
        found = cache.find([b"%d" % each for each in range(kept)])
        assert found == [b"%032d" % each for each in range(kept)]
