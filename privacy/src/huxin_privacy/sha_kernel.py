"""The compiled loop: HMAC-SHA256 over Arrow bytes, calling libcrypto's compression function. Needs numba.

The function's address is an argument, so numba can keep the compiled code on disk between processes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]  # no types there
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _compress(_context: Any, _address: Any, _state: Any, _block: Any) -> Any:
    """SHA256_Transform(state, block) at `address`; all three are addresses."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = cgutils.voidptr_t
        function = ir.FunctionType(ir.VoidType(), [pointer, pointer]).as_pointer()
        address, state, block = arguments
        builder.call(
            builder.inttoptr(address, function),
            [builder.inttoptr(state, pointer), builder.inttoptr(block, pointer)],
        )
        return _target.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.uintp), generate


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _spell(target: Any, state: Any, words: Any) -> None:
    """The first `words` of `state` into `target`, big-endian."""
    for word in range(words):
        value = state[word]
        target[4 * word] = value >> 24
        target[4 * word + 1] = (value >> 16) & 255
        target[4 * word + 2] = (value >> 8) & 255
        target[4 * word + 3] = value & 255


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _end(block: Any, total: Any) -> None:
    """The message's length in bits into the last eight bytes of `block`."""
    bits = total * 8
    for place in range(8):
        block[63 - place] = (bits >> (8 * place)) & 255


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def hash_rows(
    address: Any,
    inner: Any,
    outer: Any,
    heads: Any,
    measured: Any,
    flat: Any,
    places: Any,
    halves: Any,
) -> None:
    """Fill `halves` (n, 16); the other arguments are those of fast.hmac_sha256_halves and the midstates."""
    function = np.uintp(address)
    state = np.zeros(64, dtype=np.uint32)
    block = np.zeros(64, dtype=np.uint8)
    state_at, block_at = state.ctypes.data, block.ctypes.data
    shared = heads.shape[0] == 1
    width = heads.shape[1]
    for row in range(halves.shape[0]):
        start, stop = places[row], places[row + 1]
        length = stop - start
        head = 0 if shared else row
        for word in range(8):
            state[word] = inner[word]
        fill = 0
        for place in range(width):
            if fill == 64:
                _compress(function, state_at, block_at)
                fill = 0
            block[fill] = heads[head, place]
            fill += 1
        for shift in range(8, -8, -8) if measured else range(0):
            if fill == 64:
                _compress(function, state_at, block_at)
                fill = 0
            block[fill] = (length >> shift) & 255
            fill += 1
        for place in range(start, stop):
            if fill == 64:
                _compress(function, state_at, block_at)
                fill = 0
            block[fill] = flat[place]
            fill += 1
        total = 64 + width + (2 if measured else 0) + length
        if fill == 64:
            _compress(function, state_at, block_at)
            fill = 0
        block[fill] = 128
        fill += 1
        if fill > 56:
            block[fill:] = 0
            _compress(function, state_at, block_at)
            fill = 0
        block[fill:56] = 0
        _end(block, total)
        _compress(function, state_at, block_at)
        _spell(block, state, 8)
        block[32] = 128
        block[33:56] = 0
        _end(block, 64 + 32)
        for word in range(8):
            state[word] = outer[word]
        _compress(function, state_at, block_at)
        _spell(halves[row], state, 4)
