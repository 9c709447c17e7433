"""The compiled way to HMAC-SHA256: found at first use, proven against hmac.digest, else not used.

It needs numba (the extra `fast`) and a libcrypto that offers SHA256_Transform.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from huxin_privacy.arrow import Bytes

BLOCK_BYTES: Final = 64
DIGEST_WORDS: Final = 8
_HALF_BYTES: Final = 16
# FIPS 180-4, 5.3.3
_START: Final = (
    0x6A09E667,
    0xBB67AE85,
    0x3C6EF372,
    0xA54FF53A,
    0x510E527F,
    0x9B05688C,
    0x1F83D9AB,
    0x5BE0CD19,
)
_CONTEXT_WORDS: Final = 64  # SHA256_CTX takes 28; the function touches the first eight

Words = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Engine:
    """The kernel and the address of the compression function; `library` keeps that loaded."""

    kernel: Callable[..., None]
    address: int
    library: Any


def available() -> bool:
    """Whether this machine has the compiled way; the first call loads it, compiles it and tests it."""
    return _engine() is not None


def loaded() -> bool:
    """Whether `available` has been answered already, so that asking again costs nothing."""
    return _engine.cache_info().currsize > 0


def hmac_sha256_halves(
    key: bytes, heads: Bytes, measured: bool, flat: Bytes, places: npt.NDArray[np.int64]
) -> Bytes:
    """The first 16 bytes of HMAC-SHA256 for n messages: (n, 16) uint8.

    Message i = heads[i] (or the only head) ‖ its text's length as 2 bytes when `measured` ‖
    flat[places[i]:places[i + 1]]. Raises RuntimeError where `available()` is false.
    """
    engine = _engine()
    if engine is None:
        raise RuntimeError("the compiled hash is not available here")
    return _run(engine, key, heads, measured, flat, places)


@lru_cache(maxsize=1)
def _engine() -> Engine | None:
    for library in _libraries():
        function = getattr(library, "SHA256_Transform", None)
        if function is None:
            continue
        kernel = _kernel()
        if kernel is None:
            return None
        address = ctypes.cast(function, ctypes.c_void_p).value
        if address is None:
            continue
        engine = Engine(kernel, address, library)
        if _proven(engine):
            return engine
    return None


def _libraries() -> Iterator[Any]:
    # First the libcrypto that Python itself runs on: no second copy in the process.
    for find in (_of_python, lambda: ctypes.util.find_library("crypto")):
        name = find()
        if name:
            try:
                yield ctypes.CDLL(name)
            except OSError:
                continue


def _of_python() -> str | None:
    try:
        import _hashlib
    except ImportError:
        return None
    return getattr(_hashlib, "__file__", None)


def _kernel() -> Callable[..., None] | None:
    try:
        from huxin_privacy import sha_kernel
    except Exception:  # numba missing, broken, or without a place for its cache: do without
        return None
    kernel: Callable[..., None] = sha_kernel.hash_rows
    return kernel


def _run(
    engine: Engine, key: bytes, heads: Bytes, measured: bool, flat: Bytes, places: npt.NDArray[np.int64]
) -> Bytes:
    inner, outer = _midstates(engine, key)
    halves = np.empty((len(places) - 1, _HALF_BYTES), dtype=np.uint8)
    arrays = [_fixed(array) for array in (heads, flat, places)]
    engine.kernel(engine.address, inner, outer, arrays[0], measured, arrays[1], arrays[2], halves)
    return halves


def _fixed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # Arrays that differ in being writable or contiguous would each cost a compilation.
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _midstates(engine: Engine, key: bytes) -> tuple[Words, Words]:
    # The states after the first block of the inner and of the outer hash, which hold the key alone.
    if len(key) > BLOCK_BYTES:
        key = hashlib.sha256(key).digest()  # RFC 2104: a key longer than a block is hashed first
    transform = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(engine.address)
    padded = np.frombuffer(key.ljust(BLOCK_BYTES, b"\0"), dtype=np.uint8)
    states = []
    for pad in (0x36, 0x5C):
        state = np.zeros(_CONTEXT_WORDS, dtype=np.uint32)
        state[:DIGEST_WORDS] = _START
        block = padded ^ np.uint8(pad)
        transform(state.ctypes.data, block.ctypes.data)
        states.append(state[:DIGEST_WORDS].copy())
    return states[0], states[1]


def _proven(engine: Engine) -> bool:
    key = bytes(range(32))
    texts = [bytes((7 * length + place) % 256 for place in range(length)) for length in range(200)]
    places = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    flat = np.frombuffer(b"".join(texts), dtype=np.uint8)
    head = b"huxin self-test"
    found = _run(engine, key, np.frombuffer(head, dtype=np.uint8)[None, :], True, flat, places)
    wanted = b"".join(
        hmac.digest(key, head + len(text).to_bytes(2, "big") + text, "sha256")[:_HALF_BYTES] for text in texts
    )
    return found.tobytes() == wanted
