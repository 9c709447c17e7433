"""The compiled way to HMAC-SHA256: our loop over the rows, libcrypto's compression function."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np

from huxin_privacy.engines import DIGEST_WORDS, Engine, Words

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


def candidates() -> Iterator[Engine]:
    """An engine for each libcrypto that offers SHA256_Transform; none without numba. They are not yet proven."""
    for library in _libraries():
        function = getattr(library, "SHA256_Transform", None)
        address = function and ctypes.cast(function, ctypes.c_void_p).value
        if not address:
            continue
        kernel = _kernel()
        if kernel is None:
            return
        yield Engine(partial(_midstate, address), partial(kernel, address), library)


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


def _midstate(address: int, block: bytes) -> Words:
    transform = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(address)
    state = np.zeros(_CONTEXT_WORDS, dtype=np.uint32)
    state[:DIGEST_WORDS] = _START
    transform(state.ctypes.data, np.frombuffer(block, dtype=np.uint8).ctypes.data)
    return state[:DIGEST_WORDS].copy()
