"""SM3, SM4, HMAC and HKDF from the standards' own words, without any library that huxin_privacy uses for them.

Slow and for tests only: a second opinion on golden vectors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

Hash = Callable[[bytes], bytes]
_IV = "7380166f4914b2b9172442d7da8a0600a96f30bc163138aae38dee4db0fb0e4e"
_SBOX = bytes.fromhex(
    "d690e9fecce13db716b614c228fb2c052b679a762abe04c3aa441326498606999c4250f491ef987a33540b43edcfac62"
    "e4b31ca9c908e89580df94fa758f3fa64707a7fcf37317ba83593c19e6854fa8686b81b27164da8bf8eb0f4b70569d35"
    "1e240e5e6358d1a225227c3b01217887d40046579fd327524c3602e7a0c4c89eeabf8ad240c738b5a3f7f2cef96115a1"
    "e0ae5da49b341a55ad933230f58cb1e31df6e22e8266ca60c02923ab0d534e6fd5db3745defd8e2f03ff6a726d6c5b51"
    "8d1baf92bbddbc7f11d95c411f105ad80ac13188a5cd7bbd2d74d012b8e5b4b08969974a0c96777e65b9f109c56ec684"
    "18f07dec3adc4d2079ee5f3ed7cb3948"
)
_FK = (0xA3B1BAC6, 0x56AA3350, 0x677D9197, 0xB27022DC)


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def sm3(content: bytes) -> bytes:
    """GB/T 32905-2016, 5."""
    padded = content + b"\x80" + b"\0" * ((55 - len(content)) % 64) + (len(content) * 8).to_bytes(8, "big")
    state = _words(bytes.fromhex(_IV))
    for start in range(0, len(padded), 64):
        state = [
            old ^ new for old, new in zip(state, _sm3_block(state, padded[start : start + 64]), strict=True)
        ]
    return _bytes(state)


def sm4(key: bytes, block: bytes) -> bytes:
    """GB/T 32907-2016, 7: one block enciphered."""
    x = _words(block)
    for round_key in _sm4_keys(key):
        x = [*x[1:], x[0] ^ _sm4_turn(x[1] ^ x[2] ^ x[3] ^ round_key, (2, 10, 18, 24))]
    return _bytes(x[::-1])


def hmac(hash_: Hash, key: bytes, message: bytes) -> bytes:
    """RFC 2104 over blocks of 64 bytes."""
    block = (hash_(key) if len(key) > 64 else key).ljust(64, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in block) for pad in (0x36, 0x5C))
    return hash_(outer + hash_(inner + message))


def hkdf_sha256(secret: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 without a salt."""
    drawn = hmac(sha256, bytes(32), secret)
    made = block = b""
    number = 1
    while len(made) < length:
        block = hmac(sha256, drawn, block + info + bytes([number]))
        made, number = made + block, number + 1
    return made[:length]


def _sm3_block(state: list[int], block: bytes) -> list[int]:
    w = _words(block)
    while len(w) < 68:
        x = w[-16] ^ w[-9] ^ _left(w[-3], 15)
        w.append(x ^ _left(x, 15) ^ _left(x, 23) ^ _left(w[-13], 7) ^ w[-6])
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        t = 0x79CC4519 if j <= 15 else 0x7A879D8A
        ff = a ^ b ^ c if j <= 15 else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if j <= 15 else (e & f) | ((e ^ 0xFFFFFFFF) & g)
        ss1 = _left((_left(a, 12) + e + _left(t, j % 32)) % 2**32, 7)
        ss2 = ss1 ^ _left(a, 12)
        tt1, tt2 = (ff + d + ss2 + (w[j] ^ w[j + 4])) % 2**32, (gg + h + ss1 + w[j]) % 2**32
        d, c, b, a = c, _left(b, 9), a, tt1
        h, g, f, e = g, _left(f, 19), e, tt2 ^ _left(tt2, 9) ^ _left(tt2, 17)
    return [a, b, c, d, e, f, g, h]


def _sm4_keys(key: bytes) -> list[int]:
    k = [word ^ system for word, system in zip(_words(key), _FK, strict=True)]
    made = []
    for i in range(32):
        ck = int.from_bytes(bytes((4 * i + j) * 7 % 256 for j in range(4)), "big")
        k = [*k[1:], k[0] ^ _sm4_turn(k[1] ^ k[2] ^ k[3] ^ ck, (13, 23))]
        made.append(k[3])
    return made


def _sm4_turn(word: int, turns: tuple[int, ...]) -> int:
    replaced = int.from_bytes(word.to_bytes(4, "big").translate(_SBOX), "big")
    made = replaced
    for turn in turns:
        made ^= _left(replaced, turn)
    return made


def _left(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (32 - bits))) % 2**32


def _words(content: bytes) -> list[int]:
    return [int.from_bytes(content[at : at + 4], "big") for at in range(0, len(content), 4)]


def _bytes(words: list[int]) -> bytes:
    return b"".join(word.to_bytes(4, "big") for word in words)
