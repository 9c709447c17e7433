"""SM3's compression function (GB/T 32905-2016, 5.3) as the standard writes it, for the two blocks of a key.

No library shows its own. What goes through it is proven against the HMAC of `cryptography` (huxin_privacy.fast).
"""

from __future__ import annotations

from typing import Final

_MASK: Final = 0xFFFFFFFF
# 4.1
START: Final = (
    0x7380166F,
    0x4914B2B9,
    0x172442D7,
    0xDA8A0600,
    0xA96F30BC,
    0x163138AA,
    0xE38DEE4D,
    0xB0FB0E4E,
)


def constant(j: int) -> int:
    """T_j of round `j` (4.2)."""
    return 0x79CC4519 if j < 16 else 0x7A879D8A


def turned(word: int, bits: int) -> int:
    """A word of 32 bits, rotated to the left."""
    bits %= 32
    return (word << bits | word >> (32 - bits)) & _MASK


def compress(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    """The eight words behind one more block of 64 bytes."""
    w = _expanded(block)
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        ss1 = turned((turned(a, 12) + e + turned(constant(j), j)) & _MASK, 7)
        ff = a ^ b ^ c if j < 16 else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if j < 16 else (e & f) | (~e & g)
        tt1 = (ff + d + (ss1 ^ turned(a, 12)) + (w[j] ^ w[j + 4])) & _MASK
        tt2 = (gg + h + ss1 + w[j]) & _MASK
        a, b, c, d = tt1, a, turned(b, 9), c
        e, f, g, h = tt2 ^ turned(tt2, 9) ^ turned(tt2, 17), e, turned(f, 19), g
    return tuple(old ^ new for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True))


def _expanded(block: bytes) -> list[int]:
    w = [int.from_bytes(block[at : at + 4], "big") for at in range(0, 64, 4)]
    for j in range(16, 68):
        x = w[j - 16] ^ w[j - 9] ^ turned(w[j - 3], 15)
        w.append(x ^ turned(x, 15) ^ turned(x, 23) ^ turned(w[j - 13], 7) ^ w[j - 6])
    return w
