"""Halves, name halves and tokens: the definition, three ways that agree, and what they refuse."""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin_privacy import fast, hashing, macs, sha_engine, sm3
from huxin_privacy.derivation import derive, prefixed
from huxin_privacy.errors import PrivacyError
from huxin_privacy.hashing import LOADED_FROM, Messages
from huxin_privacy.tokens import (
    S256,
    SM,
    Suite,
    get_suite,
    half,
    halves,
    name_half,
    name_halves,
    tokens,
    untoken,
)

KEY = bytes(range(32))
OTHER = bytes(range(1, 33))

both = pytest.mark.parametrize("suite", [S256, SM], ids=lambda suite: suite.name)
texts = st.lists(st.text(max_size=200), max_size=30)
heads = st.integers(0, 130)


def test_a_half_is_what_its_definition_says() -> None:
    message = b"huxin/v1" + b"\x00\x0bresident_id" + b"\x00\x1211010519491231002X"
    wanted = hmac.new(KEY, message, hashlib.sha256).digest()[:16]
    assert half(KEY, "resident_id", "11010519491231002X") == wanted


def test_a_name_half_is_what_its_definition_says() -> None:
    wanted = hmac.new(KEY, b"h" * 16 + "张三".encode(), hashlib.sha256).digest()[:16]
    assert name_half(KEY, b"h" * 16, "张三") == wanted


def test_types_and_keys_separate_halves() -> None:
    made = [
        half(KEY, "mobile", "1"),
        half(KEY, "name", "1"),
        half(OTHER, "mobile", "1"),
        half(KEY, "mobile1", ""),
    ]
    assert len(set(made)) == len(made)


def token_key(suite: Suite, key: bytes = KEY) -> bytes:
    return key[: suite.token_key_bytes]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([S256, SM]), texts, heads, st.booleans(), st.booleans())
def test_the_three_ways_agree(
    suite: Suite, sent: list[str], width: int, measured: bool, shared: bool
) -> None:
    count = 1 if shared else len(sent)
    made = np.arange(count * width, dtype=np.uint8).reshape(count, width)
    messages = Messages(made, measured, pa.array(sent, pa.string()))
    reference = hashing.reference(suite, KEY, messages)
    assert reference.shape == (len(sent), 16)
    assert np.array_equal(hashing.copied(suite, KEY, messages), reference)
    assert np.array_equal(hashing.compiled(suite, KEY, messages), reference)


@both
@pytest.mark.parametrize("length", [*range(50, 70), 119, 120, 127, 128, 129, 65_535])
def test_lengths_round_the_edges_of_a_block(suite: Suite, length: int) -> None:
    column = pa.array(["7" * length])
    assert halves(KEY, "t", column, suite=suite).tobytes() == half(KEY, "t", "7" * length, suite=suite)
    messages = Messages(np.zeros((1, 0), np.uint8), True, column)
    assert np.array_equal(hashing.compiled(suite, KEY, messages), hashing.reference(suite, KEY, messages))


@both
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_long_columns_take_the_compiled_way_and_agree(suite: Suite, threads: int) -> None:
    sent = [f"{number:018}" for number in range(LOADED_FROM + 1)]
    found = halves(KEY, "resident_id", pa.array(sent), suite=suite, threads=threads)
    for place in (0, 1, LOADED_FROM // 2, LOADED_FROM):
        assert found[place].tobytes() == half(KEY, "resident_id", sent[place], suite=suite)
    assert len(np.unique(found, axis=0)) == len(sent)
    named = name_halves(KEY, found, pa.array(sent), suite=suite, threads=threads)
    assert named[-1].tobytes() == name_half(KEY, found[-1].tobytes(), sent[-1], suite=suite)


def test_long_columns_are_hashed_by_the_suite_s_own_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are loaded, in either order; a column of one never meets the other."""
    sent = pa.array([f"{number:018}" for number in range(600)])
    fast.available(SM), fast.available(S256)
    monkeypatch.setattr(hashing, "copied", lambda *_: pytest.fail("not compiled"))
    for suite in (SM, S256, SM):
        found = halves(KEY, "t", sent, suite=suite)
        assert found[7].tobytes() == half(KEY, "t", sent[7].as_py(), suite=suite)


def test_slices_and_chunks_of_a_column() -> None:
    whole = pa.array([str(number) for number in range(3000)])
    found = halves(KEY, "t", whole)
    assert np.array_equal(halves(KEY, "t", whole.slice(1000)), found[1000:])
    assert np.array_equal(halves(KEY, "t", pa.chunked_array([whole.slice(0, 7), whole.slice(7)])), found)


@pytest.fixture
def unproven(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine is found yet; what a test finds is forgotten after it."""
    monkeypatch.setattr(fast, "_found", {})


@both
def test_without_the_compiled_way_the_result_is_the_same(
    suite: Suite, unproven: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = pa.array([str(number) for number in range(2000)])
    fast.available(suite)
    with_it = halves(KEY, "t", sent, suite=suite)
    monkeypatch.setattr(fast, "_found", {suite.name: None})
    assert not fast.available(suite)
    assert np.array_equal(halves(KEY, "t", sent, suite=suite), with_it)


def test_without_a_libcrypto_there_is_no_compiled_sha256(
    unproven: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sha_engine, "_libraries", lambda: iter(()))
    assert not fast.available(S256)
    assert fast.available(SM)


@both
def test_a_compression_function_that_is_another_is_found_out(
    suite: Suite, unproven: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sha_engine, "_START", (0,) * 8)
    monkeypatch.setattr(sm3, "START", (0,) * 8)
    assert not fast.available(suite)


@both
def test_an_engine_of_the_other_suite_is_found_out(
    suite: Suite, unproven: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {S256.name: fast._CANDIDATES[SM.name], SM.name: fast._CANDIDATES[S256.name]}
    monkeypatch.setattr(fast, "_CANDIDATES", other)
    assert not fast.available(suite)


@both
def test_a_definition_that_is_another_hash_is_found_out(
    suite: Suite, unproven: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kernel and definition agree, and are both of the other hash: the published answer tells."""
    other = SM if suite is S256 else S256
    monkeypatch.setattr(fast, "_CANDIDATES", {suite.name: fast._CANDIDATES[other.name]})
    monkeypatch.setattr(fast, "mac", lambda _, key, message: macs.mac(other, key, message))
    monkeypatch.setattr(fast, "pads", lambda _, key: macs.pads(other, key))
    assert not fast.available(suite)


@both
def test_tokens_are_a_permutation_and_come_back(suite: Suite) -> None:
    key, another = token_key(suite), token_key(suite, OTHER)
    made = np.frombuffer(np.random.default_rng(1).bytes(16 * 5000), np.uint8).reshape(-1, 16)
    sealed = tokens(key, made, suite=suite)
    assert sealed.shape == made.shape
    assert len(np.unique(sealed, axis=0)) == 5000
    assert np.array_equal(untoken(key, sealed, suite=suite), made)
    assert not np.array_equal(untoken(another, sealed, suite=suite), made)
    assert np.array_equal(tokens(key, made[::2], suite=suite), sealed[::2])


def test_nothing_in_nothing_out() -> None:
    nothing = halves(KEY, "t", pa.array([], pa.string()))
    assert nothing.shape == tokens(KEY, nothing).shape == (0, 16)


def test_nulls_are_refused() -> None:
    with pytest.raises(PrivacyError, match="P0103"):
        halves(KEY, "t", pa.array(["1", None]))


def test_what_is_too_long_is_refused() -> None:
    with pytest.raises(PrivacyError, match="P0105"):
        halves(KEY, "t", pa.array(["1" * 65_536]))
    with pytest.raises(PrivacyError, match="P0105"):
        half(KEY, "t", "1" * 65_536)


@pytest.mark.parametrize("key", [b"", KEY[:31], KEY + b"0"])
def test_keys_of_another_length_are_refused(key: bytes) -> None:
    made = np.zeros((1, 16), np.uint8)
    for call in (
        lambda: half(key, "t", "1"),
        lambda: halves(key, "t", pa.array(["1"])),
        lambda: name_half(key, bytes(16), "1"),
        lambda: name_halves(key, made, pa.array(["1"])),
        lambda: tokens(key, made),
        lambda: untoken(key, made),
    ):
        with pytest.raises(PrivacyError, match="P0104"):
            call()


def test_buffers_of_another_shape_are_refused() -> None:
    for made in (np.zeros((1, 15), np.uint8), np.zeros(16, np.uint8), np.zeros((1, 16), np.uint16)):
        with pytest.raises(PrivacyError, match="P0104"):
            tokens(KEY, made)
    with pytest.raises(PrivacyError, match="P0104"):
        name_halves(KEY, np.zeros((2, 16), np.uint8), pa.array(["1"]))


def test_a_key_of_one_suite_s_length_is_none_of_the_other_s() -> None:
    made = np.zeros((1, 16), np.uint8)
    for call in (lambda: tokens(KEY, made, suite=SM), lambda: tokens(KEY[:16], made)):
        with pytest.raises(PrivacyError, match="P0104"):
            call()


def test_suites_are_found_by_name() -> None:
    assert (get_suite("S256"), get_suite("SM")) == (S256, SM)
    with pytest.raises(PrivacyError, match=r"P0101.*S256, SM"):
        get_suite("S512")


def test_errors_show_no_identifier() -> None:
    with pytest.raises(PrivacyError) as caught:
        halves(KEY, "t", pa.array(["11010519491231002X", None]))
    assert "1949" not in repr(caught.value) + caught.value.text("zh")
    assert "1949" not in repr(Messages(np.zeros((1, 0), np.uint8), True, pa.array(["11010519491231002X"])))


def test_every_part_of_the_derivation_counts() -> None:
    parts = {"zone": "entry", "suite": "S256", "type_": "mobile", "epoch": 1, "use": "token"}
    changed = [{**parts, name: 2 if name == "epoch" else "other"} for name in parts]
    keys = {derive(KEY, **each) for each in (parts, *changed)}  # type: ignore[arg-type]
    assert len(keys) == 6


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_prefixed_parts_are_told_apart(one: list[bytes], other: list[bytes]) -> None:
    assert (prefixed(*one) == prefixed(*other)) == (one == other)
