"""A sealed submission: its content back whatever the blocks, and every cut, flip, swap and replay refused by code."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.hpke import new_key_pair
from huxin_privacy.intake_keys import private_for, sealing_keys
from huxin_privacy.sealed_submission import (
    MAGIC,
    Facts,
    facts_of,
    is_sealed,
    open_sealed,
    require,
    sealed_blocks,
    sealed_size,
)
from huxin_privacy.sealing_key import SealingKey, parse_sealing_key

PAIR, OTHER = new_key_pair(), new_key_pair()
KEY = SealingKey(PAIR.public)
CHUNK, SEALED = 64, 64 + 16
CONTENT = bytes(range(200)) + bytes(61)  # four full chunks and one of five bytes
HEAD_CODES = "P0153 P0155 P0156 P0157"


def private(id_: bytes) -> bytes | None:
    return PAIR.private if id_ == KEY.id else None


def sealed(
    content: bytes = CONTENT, chunk: int = CHUNK, key: SealingKey = KEY, member: str = "M0001"
) -> bytes:
    source = io.BytesIO(content)
    facts = facts_of(source, member, "C:\\报送\\贷款 五月.csv", "loan/v1")
    return b"".join(sealed_blocks(source, facts, key, chunk=chunk))


def opened(stored: bytes, size: int = 0) -> tuple[Facts, bytes]:
    found = open_sealed(cut(stored, size or len(stored) or 1), private)
    return found.facts, b"".join(found.blocks)


def cut(content: bytes, size: int) -> Iterable[bytes]:
    return (content[place : place + size] for place in range(0, len(content), size))


def refused(codes: str, call: Callable[[], object]) -> None:
    with pytest.raises(PrivacyError) as caught:
        call()
    assert caught.value.code in codes.split()


def unopened(codes: str, stored: bytes) -> None:
    refused(codes, lambda: opened(stored))


def head_length(stored: bytes) -> int:
    return 18 + int.from_bytes(stored[16:18], "big")


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 128, 129, 1000])
@pytest.mark.parametrize("size", [1, 7, 64, 80, 100_000])
def test_what_was_sealed_comes_back(length: int, size: int) -> None:
    content = bytes(n % 251 for n in range(length))
    stored = sealed(content)
    facts, found = opened(stored, size)
    assert found == content
    assert (facts.member, facts.file, facts.size) == ("M0001", "贷款 五月.csv", length)
    assert is_sealed(stored[:8])
    assert len(stored) == sealed_size(facts, CHUNK)


def test_neither_content_nor_facts_are_readable() -> None:
    stored = sealed(b"ABCDEFGHIJ" * 20)
    for told in (b"ABCDEFGH", b"M0001", b"loan/v1", "贷款".encode()):
        assert told not in stored


def test_a_cut_at_each_byte_is_found() -> None:
    stored = sealed()
    for length in range(len(stored)):
        unopened("P0155", stored[:length])


def test_every_flipped_bit_is_found() -> None:
    stored = sealed()
    for place in range(len(stored)):
        for bit in (1, 128):
            changed = stored[:place] + bytes([stored[place] ^ bit]) + stored[place + 1 :]
            unopened(HEAD_CODES if place < head_length(stored) else "P0156", changed)


def test_chunks_swapped_doubled_or_left_out_are_found() -> None:
    stored = sealed()
    start = head_length(stored)
    head, end = stored[:start], stored[start + 4 * SEALED :]
    a, b, c, d = (stored[start + n * SEALED : start + (n + 1) * SEALED] for n in range(4))
    for chunks in ([b, a, c, d], [a, a, c, d], [a, b, c], [a, b, c, d, d]):
        unopened("P0156 P0155", head + b"".join(chunks) + end)


def test_more_bytes_behind_the_end_are_found() -> None:
    unopened("P0156", sealed() + b"\0")


def test_chunks_or_head_of_another_file_of_the_same_content_are_found() -> None:
    one, other = sealed(), sealed()
    start = head_length(one)
    unopened("P0156", other[:start] + one[start:])
    unopened("P0156", one[:start] + other[start : start + SEALED] + one[start + SEALED :])


def test_another_platforms_file_is_told_from_a_damaged_one() -> None:
    unopened("P0157", sealed(key=SealingKey(OTHER.public)))
    foreign = sealed(key=SealingKey(OTHER.public))
    unopened("P0156", foreign[: len(MAGIC)] + KEY.id + foreign[len(MAGIC) + 4 :])


@pytest.mark.parametrize("start", [b"", b"member,loan_no\n", b"PK\3\4", MAGIC[:-1] + b"\2"])
def test_what_is_no_sealed_submission(start: bytes) -> None:
    content = start + bytes(100) if start else b"x"
    unopened("P0153", content)


def test_a_greedy_chunk_size_is_refused_before_anything_is_read() -> None:
    stored = sealed()
    greedy = stored[:12] + (1 << 30).to_bytes(4, "big") + stored[16:]
    refused("P0156", lambda: open_sealed([greedy], private))


def test_a_file_belongs_to_one_member_and_contract() -> None:
    facts, _ = opened(sealed())
    require(facts, "M0001", "loan/v1")
    refused("P0154", lambda: require(facts, "M0002", "loan/v1"))
    refused("P0154", lambda: require(facts, "M0001", "loan-tokens/v1"))


@pytest.mark.parametrize("changed", [CONTENT[:-1], CONTENT + b"x", CONTENT[:-1] + b"x"])
def test_a_file_that_changes_while_it_is_sealed_is_not_sealed(changed: bytes) -> None:
    facts = facts_of(io.BytesIO(CONTENT), "M0001", "f.csv", "loan/v1")
    refused("P0156", lambda: list(sealed_blocks(io.BytesIO(changed), facts, KEY, chunk=CHUNK)))


@given(st.binary(max_size=300))
def test_no_bytes_but_those_sealed_are_opened(content: bytes) -> None:
    unopened(HEAD_CODES, MAGIC + content)


def test_a_key_is_a_line_that_shows_slips() -> None:
    assert parse_sealing_key(f" {KEY.text}\n") == KEY
    for wrong in ("", "huxin-seal", KEY.text[:-2], KEY.text.replace("seal", "sea1"), other_digits(KEY.text)):
        with pytest.raises(PrivacyError, match="P0158"):
            parse_sealing_key(wrong)


def other_digits(text: str) -> str:
    name, digits, encoded = text.split("+", 2)
    return f"{name}+{int(digits, 16) ^ 1:08x}+{encoded}"


def test_the_platforms_pairs_follow_its_epochs(tmp_path: Path) -> None:
    ring = keyring.create(tmp_path, "intake")
    (first,) = sealing_keys(ring)
    stored = sealed(key=first.key)
    ring = keyring.activate(keyring.add_epoch(ring), 2)
    assert [(each.epoch, each.state) for each in sealing_keys(ring)] == [(2, "active"), (1, "read_only")]
    found = open_sealed([stored], lambda id_: private_for(ring, id_))
    assert b"".join(found.blocks) == CONTENT
    ring = keyring.destroy(ring, 1, 0)
    refused("P0157", lambda: open_sealed([stored], lambda id_: private_for(ring, id_)))
