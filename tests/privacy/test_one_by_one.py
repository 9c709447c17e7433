"""What serves one identifier after another gives, bit for bit, what the definitions give."""

from __future__ import annotations

import hmac
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huxin_privacy.errors import PrivacyError
from huxin_privacy.macs import Mac, keyed, mac
from huxin_privacy.tokens import S256, SM, Halver, NameHalver, Suite, Tokenizing, half, name_half, tokens

KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("key", "message", "wanted"),
    [  # RFC 4231, 4.2, 4.3 and 4.7 (a key longer than a block)
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
)
def test_known_answers(key: bytes, message: bytes, wanted: str) -> None:
    assert Mac(key, "sha256").digest(message).hex() == wanted


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_any_key_and_message(key: bytes, message: bytes) -> None:
    assert Mac(key, "sha256").digest(message) == hmac.digest(key, message, "sha256")


@given(st.sampled_from([S256, SM]), st.binary(max_size=200), st.binary(max_size=300))
def test_any_suite_key_and_message(suite: Suite, key: bytes, message: bytes) -> None:
    assert keyed(suite, key).digest(message) == mac(suite, key, message)


@given(
    st.sampled_from([S256, SM]),
    st.sampled_from(["resident_id", "passport", "uscc", "mobile"]),
    st.text(max_size=40),
)
def test_a_half_is_the_half(suite: Suite, id_type: str, text: str) -> None:
    assert Halver(KEY, id_type, suite=suite).half(text) == half(KEY, id_type, text, suite=suite)
    named = NameHalver(KEY, suite=suite).half(KEY[:16], text)
    assert named == name_half(KEY, KEY[:16], text, suite=suite)


@pytest.mark.parametrize("suite", [S256, SM], ids=lambda suite: suite.name)
def test_halves_and_tokens_are_the_same_in_every_thread(suite: Suite) -> None:
    key, made = KEY[: suite.token_key_bytes], [os.urandom(16) for _ in range(200)]
    blocks = np.frombuffer(b"".join(made), np.uint8).reshape(-1, 16)
    wanted = [bytes(row) for row in tokens(key, blocks, suite=suite)]
    one_by_one, halver = Tokenizing(key, suite=suite).token, Halver(KEY, "uscc", suite=suite)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(one_by_one, made)) == wanted
        texts = [block.hex() for block in made]
        assert list(threads.map(halver.half, texts)) == [
            half(KEY, "uscc", text, suite=suite) for text in texts
        ]


def test_what_has_not_the_length_is_refused() -> None:
    for wrong in (lambda: Halver(KEY[:16], "uscc"), lambda: NameHalver(b""), lambda: Tokenizing(KEY[:16])):
        with pytest.raises(PrivacyError, match="P0104"):
            wrong()
    for wrong in (lambda: Tokenizing(KEY).token(KEY), lambda: NameHalver(KEY).half(KEY, "x")):
        with pytest.raises(PrivacyError, match="P0104"):
            wrong()
    with pytest.raises(PrivacyError, match="P0105"):
        Halver(KEY, "passport").half("x" * 70_000)
