"""Published test vectors, through our own functions: RFC 4231, RFC 5869, FIPS-197."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from huxin_privacy import fast, hashing
from huxin_privacy.derivation import hkdf_sha256
from huxin_privacy.hashing import Messages
from huxin_privacy.tokens import S256, tokens, untoken

Way = Callable[[bytes, Messages], np.ndarray]

WAYS = {
    "reference": lambda key, messages: hashing.reference(S256, key, messages),
    "copied": lambda key, messages: hashing.copied(S256, key, messages),
    "compiled": hashing.compiled,
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
    head = np.frombuffer(bytes.fromhex(content), dtype=np.uint8)[None, :]
    found = WAYS[way](bytes.fromhex(key), Messages(head, False, pa.array(["", ""])))
    assert [half.tobytes().hex() for half in found] == [wanted, wanted]


def test_the_compiled_way_is_there() -> None:
    assert fast.available(), "numba is in the lock and libcrypto offers SHA256_Transform"


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
    assert untoken(key, sealed).tobytes() == clear.tobytes()
