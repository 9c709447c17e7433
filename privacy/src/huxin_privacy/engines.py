"""What a compiled way to one hash is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

DIGEST_WORDS: Final = 8
Words = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Engine:
    """A kernel that fills rows of halves; `library` keeps loaded what it calls.

    `midstate` gives the hash's eight words behind its first block of 64 bytes. `kernel` takes the midstates of
    the inner and of the outer hash, heads, measured, flat and places as in fast.halves, and (n, 16) uint8 to fill.
    """

    midstate: Callable[[bytes], Words] = field(repr=False)
    kernel: Callable[..., None] = field(repr=False)
    library: Any = field(default=None, repr=False)
