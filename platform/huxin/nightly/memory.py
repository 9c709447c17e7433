"""Giving freed memory back to the system: the allocator keeps what a step let go, and the next step adds its own.

Measured with one file of ten million rows, a load grew from 0.9 to 1.2 GiB by that alone.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

import pyarrow as pa


def give_back() -> None:
    """Returns free pages, some milliseconds; does nothing for an allocator that cannot be asked."""
    pa.default_memory_pool().release_unused()
    trim = _trim()
    if trim is not None:
        trim(0)


@lru_cache(maxsize=1)
def _trim() -> Any:
    """The C library's malloc_trim; None where it has none (musl, macOS)."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
