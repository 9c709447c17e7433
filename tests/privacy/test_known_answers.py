"""Published test vectors, through our own functions: RFC 4231, RFC 5869, FIPS-197, GM/T 0042, GB/T 32905, 32907."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from huxin_privacy import fast, hashing, sm3
from huxin_privacy.derivation import hkdf_sha256
from huxin_privacy.hashing import Messages
from huxin_privacy.macs import keyed, mac
from huxin_privacy.tokens import S256, SM, Suite, Tokenizing, tokens, untoken

Way = Callable[[Suite, bytes, Messages], np.ndarray]


def one_by_one(suite: Suite, key: bytes, messages: Messages) -> np.ndarray:
    made = keyed(suite, key)
    return np.frombuffer(b"".join(made.digest(each)[:16] for each in messages), np.uint8).reshape(-1, 16)


WAYS: dict[str, Way] = {
    "reference": hashing.reference,
    "copied": hashing.copied,
    "compiled": hashing.compiled,
    "one by one": one_by_one,
}

# RFC 4231, 4.2 to 4.8: key, data, first 16 bytes of HMAC-SHA-256 (4.6 publishes no more than those)
RFC_4231 = [
    ("0b" * 20, b"Hi There".hex(), "b0344c61d8db38535ca8afceaf0bf12b"),
    (b"Jefe".hex(), b"what do ya want for nothing?".hex(), "5bdcc146bf60754e6a042426089575c7"),
    ("aa" * 20, "dd" * 50, "773ea91e36800e46854db8ebd09181a7"),
    (bytes(range(1, 26)).hex(), "cd" * 50, "82558a389a443c0ea4cc819899f2083a"),
    ("0c" * 20, b"Test With Truncation".hex(), "a3b6167473100ee06e0c796c2955552b"),
    (
        "aa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First".hex(),
        "60e431591ee0b67f0d8a26aacbf5b77f",
    ),
    (
        "aa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data."
        b" The key needs to be hashed before being used by the HMAC algorithm.".hex(),
        "9b09ffa71b942fcb27635fbcd5b0e944",
    ),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("key", "content", "wanted"), RFC_4231)
def test_rfc_4231(way: str, key: str, content: str, wanted: str) -> None:
    assert in_every_form(WAYS[way], S256, bytes.fromhex(key), bytes.fromhex(content)) == {wanted}


# GM/T 0042-2015's HMAC-SM3, as the issue of this project gives it; then keys of a block, of less and of more.
GMT_0042 = [
    (
        bytes(range(1, 33)),
        b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2,
        "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a",
    ),
    (
        bytes(range(1, 38)),
        b"\xcd" * 50,
        "220bf579ded555393f0159f66c99877822a3ecf610d1552154b41d44b94db3ae",
    ),
    (b"\x0b" * 32, b"Hi There", "c0ba18c68b90c88bc07de794bfc7d2c8d19ec31ed8773bc2b390c9604e0be11e"),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "2e87f1d16862e6d964b50a5200bf2b10b764faa9680a296a2405f24bec39f882",
    ),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("key", "content", "wanted"), GMT_0042, ids=range(4))
def test_gmt_0042(way: str, key: bytes, content: bytes, wanted: str) -> None:
    assert in_every_form(WAYS[way], SM, key, content) == {wanted[:32]}
    assert mac(SM, key, content).hex() == keyed(SM, key).digest(content).hex() == wanted


def in_every_form(way: Way, suite: Suite, key: bytes, content: bytes) -> set[str]:
    """The halves of one message as a shared head, as heads of their own, and as text where it is one."""
    head = np.frombuffer(content, dtype=np.uint8)[None, :]
    sent = [Messages(head, False, pa.array([""] * count)) for count in (1, 40)]
    sent.append(Messages(np.repeat(head, 40, axis=0), False, pa.array([""] * 40)))
    if content.isascii():
        empty = np.zeros((1, 0), np.uint8)
        sent += [Messages(empty, False, pa.array([content.decode()] * count)) for count in (1, 40)]
    return {half.tobytes().hex() for each in sent for half in way(suite, key, each)}


@pytest.mark.parametrize(
    ("content", "wanted"),  # GB/T 32905-2016, A.1 and A.2
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_gbt_32905(content: bytes, wanted: str) -> None:
    padded = content + b"\x80" + bytes(-(len(content) + 9) % 64) + (8 * len(content)).to_bytes(8, "big")
    state = sm3.START
    for at in range(0, len(padded), 64):
        state = sm3.compress(state, padded[at : at + 64])
    assert b"".join(word.to_bytes(4, "big") for word in state).hex() == wanted


def test_the_compiled_ways_are_there() -> None:
    assert fast.available(S256), "numba is in the lock and libcrypto offers SHA256_Transform"
    assert fast.available(SM)


@pytest.mark.parametrize(
    ("secret", "salt", "info", "length", "wanted"),
    [
        (
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            42,
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            bytes(range(0x00, 0x50)).hex(),
            bytes(range(0x60, 0xB0)).hex(),
            bytes(range(0xB0, 0x100)).hex(),
            82,
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
            "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            "0b" * 22,
            "",
            "",
            42,
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
)
def test_rfc_5869(secret: str, salt: str, info: str, length: int, wanted: str) -> None:
    found = hkdf_sha256(bytes.fromhex(secret), bytes.fromhex(salt) or None, bytes.fromhex(info), length)
    assert found.hex() == wanted


def test_fips_197_aes_256() -> None:
    key = bytes(range(32))
    clear = np.frombuffer(bytes.fromhex("00112233445566778899aabbccddeeff"), dtype=np.uint8)[None, :]
    sealed = tokens(key, clear)
    assert sealed.tobytes().hex() == "8ea2b7ca516745bfeafc49904b496089"
    assert Tokenizing(key).token(clear.tobytes()) == sealed.tobytes()
    assert untoken(key, sealed).tobytes() == clear.tobytes()


def test_gbt_32907() -> None:
    """A.1 and A.2: one block once, and a million times over."""
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    clear = np.frombuffer(key, dtype=np.uint8)[None, :]
    sealed = tokens(key, clear, suite=SM)
    assert sealed.tobytes().hex() == "681edf34d206965e86b3e94f536e4246"
    assert (tokens(key, np.repeat(clear, 1000, axis=0), suite=SM) == sealed).all()
    assert untoken(key, sealed, suite=SM).tobytes() == key
    token, block = Tokenizing(key, suite=SM).token, key
    for _ in range(1_000_000):
        block = token(block)
    assert block.hex() == "595298c7c6fd271f0402f804c33d3f66"
