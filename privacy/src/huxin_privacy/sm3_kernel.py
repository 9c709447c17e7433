"""The compiled loop: HMAC-SM3 over Arrow bytes, LANES messages side by side. Needs numba.

The compression function is GB/T 32905-2016, 5.3. Every word of it is LANES words, one a message, so that the
processor's vector instructions, whichever it has, work on many messages at a time: word j of message l stands at
j * LANES + l. Four rounds bring the eight registers back to their places, so each loop does four.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, uint32

from huxin_privacy import sm3

LANES = 32
_T = np.array([sm3.turned(sm3.constant(j), j) for j in range(64)], dtype=np.uint32)


@njit(inline="always")  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _turned(word: Any, bits: Any) -> Any:
    return uint32(uint32(word << uint32(bits)) | uint32(word >> uint32(32 - bits)))


@njit(inline="always")  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _early(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, w: Any, w4: Any, t: Any) -> Any:
    """One of rounds 0 to 15: the new B, D, F, H; the registers then change names."""
    a12 = _turned(a, 12)
    ss1 = _turned(uint32(a12 + e + t), 7)
    tt1 = uint32((a ^ b ^ c) + d + (ss1 ^ a12) + (w ^ w4))
    tt2 = uint32((e ^ f ^ g) + h + ss1 + w)
    return _turned(b, 9), tt1, _turned(f, 19), uint32(tt2 ^ _turned(tt2, 9) ^ _turned(tt2, 17))


@njit(inline="always")  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _late(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, w: Any, w4: Any, t: Any) -> Any:
    """One of rounds 16 to 63."""
    a12 = _turned(a, 12)
    ss1 = _turned(uint32(a12 + e + t), 7)
    tt1 = uint32(((a & b) | (c & (a | b))) + d + (ss1 ^ a12) + (w ^ w4))
    tt2 = uint32((g ^ (e & (f ^ g))) + h + ss1 + w)
    return _turned(b, 9), tt1, _turned(f, 19), uint32(tt2 ^ _turned(tt2, 9) ^ _turned(tt2, 17))


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _expand(w: Any) -> None:
    """Words 16 to 67 of every lane from its first sixteen."""
    for j in range(16 * LANES, 68 * LANES, LANES):
        for lane in range(j, j + LANES):
            x = uint32(w[lane - 16 * LANES] ^ w[lane - 9 * LANES] ^ _turned(w[lane - 3 * LANES], 15))
            p1 = x ^ _turned(x, 15) ^ _turned(x, 23)
            w[lane] = uint32(p1 ^ _turned(w[lane - 13 * LANES], 7) ^ w[lane - 6 * LANES])


@njit(inline="always")  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _registers(v: Any, lane: Any) -> Any:
    """The eight words of a lane's state."""
    low, high = lane, lane + 4 * LANES
    a, b, c, d = v[low], v[low + LANES], v[low + 2 * LANES], v[low + 3 * LANES]
    e, f, g, h = v[high], v[high + LANES], v[high + 2 * LANES], v[high + 3 * LANES]
    return a, b, c, d, e, f, g, h


@njit(inline="always")  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _put(v: Any, lane: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> None:
    """Puts them back."""
    low, high = lane, lane + 4 * LANES
    v[low], v[low + LANES], v[low + 2 * LANES], v[low + 3 * LANES] = a, b, c, d
    v[high], v[high + LANES], v[high + 2 * LANES], v[high + 3 * LANES] = e, f, g, h


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _compress(v: Any, w: Any, before: Any) -> None:
    """The states `v` (8 words a lane) behind the blocks whose sixteen words stand in `w` (68 words a lane)."""
    _expand(w)
    before[:] = v
    b1, c1, d1, e1 = LANES, 2 * LANES, 3 * LANES, 4 * LANES
    f1, g1, h1 = 5 * LANES, 6 * LANES, 7 * LANES
    for j in range(0, 16, 4):
        t0, t1, t2, t3 = _T[j], _T[j + 1], _T[j + 2], _T[j + 3]
        at = j * LANES
        for i in range(LANES):
            a, b, c, d, e, f, g, h = _registers(v, i)
            b, d, f, h = _early(a, b, c, d, e, f, g, h, w[at + i], w[at + e1 + i], t0)
            a, c, e, g = _early(d, a, b, c, h, e, f, g, w[at + b1 + i], w[at + f1 + i], t1)
            d, b, h, f = _early(c, d, a, b, g, h, e, f, w[at + c1 + i], w[at + g1 + i], t2)
            c, a, g, e = _early(b, c, d, a, f, g, h, e, w[at + d1 + i], w[at + h1 + i], t3)
            _put(v, i, a, b, c, d, e, f, g, h)
    for j in range(16, 64, 4):
        t0, t1, t2, t3 = _T[j], _T[j + 1], _T[j + 2], _T[j + 3]
        at = j * LANES
        for i in range(LANES):
            a, b, c, d, e, f, g, h = _registers(v, i)
            b, d, f, h = _late(a, b, c, d, e, f, g, h, w[at + i], w[at + e1 + i], t0)
            a, c, e, g = _late(d, a, b, c, h, e, f, g, w[at + b1 + i], w[at + f1 + i], t1)
            d, b, h, f = _late(c, d, a, b, g, h, e, f, w[at + c1 + i], w[at + g1 + i], t2)
            c, a, g, e = _late(b, c, d, a, f, g, h, e, w[at + d1 + i], w[at + h1 + i], t3)
            _put(v, i, a, b, c, d, e, f, g, h)
    for i in range(8 * LANES):
        v[i] ^= before[i]


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _take(block: Any, w: Any, lane: Any) -> None:
    """The sixteen big-endian words of `block` into a lane."""
    for word in range(16):
        at = 4 * word
        w[word * LANES + lane] = (
            (uint32(block[at]) << uint32(24))
            | (uint32(block[at + 1]) << uint32(16))
            | (uint32(block[at + 2]) << uint32(8))
            | uint32(block[at + 3])
        )


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _spell(block: Any, first: Any, head: Any, measured: Any, flat: Any, start: Any, length: Any) -> None:
    """The 64 bytes from byte `first` on of a padded message, whose text is flat[start:start + length]."""
    block[:] = 0
    last = first + 64
    for place in range(first, min(last, len(head))):
        block[place - first] = head[place]
    text = len(head) + (2 if measured else 0)
    for place in range(max(first, len(head)), min(last, text)):
        block[place - first] = (length >> (8 * (text - 1 - place))) & 255
    end = text + length
    for place in range(max(first, text), min(last, end)):
        block[place - first] = flat[start + place - text]
    if first <= end < last:
        block[end - first] = 128
    if end + 9 <= last:
        bits = (64 + end) * 8  # the key's block was hashed before
        for place in range(8):
            block[63 - place] = (bits >> (8 * place)) & 255


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _spread(v: Any, state: Any) -> None:
    """One state of eight words into every lane."""
    for word in range(8):
        v[word * LANES : (word + 1) * LANES] = state[word]


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _enclose(w: Any, v: Any) -> None:
    """The inner hashes of every lane as the block of the outer hash."""
    w[: 8 * LANES] = v
    w[8 * LANES : 9 * LANES] = 0x80000000
    w[9 * LANES : 15 * LANES] = 0
    w[15 * LANES : 16 * LANES] = (64 + 32) * 8


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def hash_rows(inner: Any, outer: Any, heads: Any, measured: Any, flat: Any, places: Any, halves: Any) -> None:
    """Fill `halves` (n, 16); the other arguments are those of fast.halves and the midstates."""
    v, w = np.zeros(8 * LANES, dtype=np.uint32), np.zeros(68 * LANES, dtype=np.uint32)
    before, block = np.zeros(8 * LANES, dtype=np.uint32), np.zeros(64, dtype=np.uint8)
    blocks = np.zeros(LANES, dtype=np.int64)
    beside = heads.shape[1] + (2 if measured else 0) + 9  # what a message holds beside its text
    shared = heads.shape[0] == 1
    for row in range(0, halves.shape[0], LANES):
        lanes = min(LANES, halves.shape[0] - row)
        for lane in range(lanes):
            blocks[lane] = (beside + places[row + lane + 1] - places[row + lane] + 63) // 64
        most = blocks[:lanes].max()
        _spread(v, inner)
        for turn in range(most + 1):
            if turn == most:
                _enclose(w, v)
                _spread(v, outer)
            else:
                for lane in range(lanes):
                    start, length = places[row + lane], places[row + lane + 1] - places[row + lane]
                    _spell(
                        block, 64 * turn, heads[0 if shared else row + lane], measured, flat, start, length
                    )
                    _take(block, w, lane)
            _compress(v, w, before)
            for lane in range(lanes):
                if blocks[lane] <= turn < most:  # this message had ended
                    v[lane::LANES] = before[lane::LANES]
        for lane in range(lanes):
            for place in range(16):
                halves[row + lane, place] = (
                    v[(place // 4) * LANES + lane] >> uint32(24 - 8 * (place % 4))
                ) & 255
