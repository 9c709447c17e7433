"""ristretto255 (RFC 9496) as libsodium computes it, in constant time: the only curve arithmetic there is here.

libsodium comes inside the wheel of `rbcl`; it is called directly, for rbcl's own functions cost a copy more.
Elements and scalars are 32 bytes each, scalars little-endian and below the group's order.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from huxin_privacy.errors import PrivacyError

ELEMENT_BYTES: Final = 32
SCALAR_BYTES: Final = 32
WIDE_BYTES: Final = 64  # what a hash gives, before it becomes an element or a scalar
IDENTITY: Final = bytes(ELEMENT_BYTES)
_SIGNATURES: Final = {
    "crypto_core_ristretto255_from_hash": 2,
    "crypto_core_ristretto255_add": 3,
    "crypto_core_ristretto255_is_valid_point": 1,
    "crypto_core_ristretto255_scalar_random": 1,
    "crypto_core_ristretto255_scalar_reduce": 2,
    "crypto_core_ristretto255_scalar_invert": 2,
    "crypto_core_ristretto255_scalar_mul": 3,
    "crypto_core_ristretto255_scalar_sub": 3,
    "crypto_scalarmult_ristretto255": 3,
    "crypto_scalarmult_ristretto255_base": 2,
}


@cache
def library() -> Any:
    """libsodium, initialised. PrivacyError P0160 when rbcl is not installed or its library cannot be loaded."""
    try:
        import rbcl
    except (ImportError, OSError, RuntimeError):
        raise PrivacyError("P0160") from None
    found = rbcl._sodium
    # rbcl unpacks the library into a file of the temporary folder and leaves it there: one more with every process.
    with suppress(OSError):  # Windows keeps it while it is in use
        Path(found._name).unlink()
    for name, count in _SIGNATURES.items():
        getattr(found, name).argtypes = [ctypes.c_char_p] * count
    return found


def available() -> bool:
    """Whether libsodium is there."""
    try:
        library()
    except PrivacyError:
        return False
    return True


def is_element(encoded: bytes) -> bool:
    """Whether these bytes are an element's one encoding, and not the identity's (RFC 9497, 2.1)."""
    if len(encoded) != ELEMENT_BYTES or encoded == IDENTITY:
        return False
    return bool(library().crypto_core_ristretto255_is_valid_point(encoded))


def is_scalar(encoded: bytes) -> bool:
    """Whether these bytes are a scalar in its one encoding: below the group's order."""
    return len(encoded) == SCALAR_BYTES and scalar_from(encoded + bytes(SCALAR_BYTES)) == encoded


def element_from(wide: bytes) -> bytes:
    """The element that 64 uniform bytes map to (RFC 9496, 4.3.4)."""
    _measure(WIDE_BYTES, wide)
    return _written(library().crypto_core_ristretto255_from_hash, wide)


def add(one: bytes, other: bytes) -> bytes:
    """The sum of two elements. PrivacyError P0161."""
    _measure(ELEMENT_BYTES, one, other)
    out = ctypes.create_string_buffer(ELEMENT_BYTES)
    if library().crypto_core_ristretto255_add(out, one, other):
        raise PrivacyError("P0161", place=1)
    return out.raw


def multiply(scalar: bytes, element: bytes) -> bytes:
    """`scalar` times an element. PrivacyError P0161 when it is none, or the product is the identity."""
    return multiply_all(scalar, [element])[0]


def multiply_all(scalar: bytes, elements: Sequence[bytes]) -> list[bytes]:
    """`scalar` times each element. PrivacyError P0161 names the first that is none (1 upwards)."""
    return multiply_each((scalar for _ in elements), elements)


def multiply_each(scalars: Iterable[bytes], elements: Sequence[bytes]) -> list[bytes]:
    """Each scalar times its element. PrivacyError P0161 as in `multiply_all`."""
    product, out = library().crypto_scalarmult_ristretto255, ctypes.create_string_buffer(ELEMENT_BYTES)
    made: list[bytes] = []
    for scalar, element in zip(scalars, elements, strict=True):
        # libsodium reads 32 bytes wherever it is pointed.
        if len(element) != ELEMENT_BYTES or len(scalar) != SCALAR_BYTES or product(out, scalar, element):
            raise PrivacyError("P0161", place=len(made) + 1)
        made.append(out.raw)
    return made


def weighted_sum(scalars: Sequence[bytes], elements: Sequence[bytes]) -> bytes:
    """The sum of each scalar times its element. PrivacyError P0161 as in `multiply_all`."""
    product, plus = library().crypto_scalarmult_ristretto255, library().crypto_core_ristretto255_add
    each, total = (ctypes.create_string_buffer(ELEMENT_BYTES) for _ in range(2))  # zeros are the identity
    for place, (scalar, element) in enumerate(zip(scalars, elements, strict=True), 1):
        if len(element) != ELEMENT_BYTES or len(scalar) != SCALAR_BYTES or product(each, scalar, element):
            raise PrivacyError("P0161", place=place)
        plus(total, total, each)
    return total.raw


def multiply_base(scalar: bytes) -> bytes:
    """`scalar` times the group's generator. PrivacyError P0161 for zero."""
    _measure(SCALAR_BYTES, scalar)
    out = ctypes.create_string_buffer(ELEMENT_BYTES)
    if library().crypto_scalarmult_ristretto255_base(out, scalar):
        raise PrivacyError("P0161", place=1)
    return out.raw


def random_scalar() -> bytes:
    """A uniform scalar, never zero."""
    return _written(library().crypto_core_ristretto255_scalar_random)


def scalar_from(wide: bytes) -> bytes:
    """64 uniform bytes, little-endian, reduced: a scalar without a bias that could be told."""
    _measure(WIDE_BYTES, wide)
    return _written(library().crypto_core_ristretto255_scalar_reduce, wide)


def scalar_product(one: bytes, other: bytes) -> bytes:
    """The product of two scalars."""
    _measure(SCALAR_BYTES, one, other)
    return _written(library().crypto_core_ristretto255_scalar_mul, one, other)


def scalar_difference(one: bytes, other: bytes) -> bytes:
    """The first scalar less the second."""
    _measure(SCALAR_BYTES, one, other)
    return _written(library().crypto_core_ristretto255_scalar_sub, one, other)


def inverse(scalar: bytes) -> bytes:
    """One over a scalar. PrivacyError P0161 for zero."""
    _measure(SCALAR_BYTES, scalar)
    out = ctypes.create_string_buffer(SCALAR_BYTES)
    if library().crypto_core_ristretto255_scalar_invert(out, scalar):
        raise PrivacyError("P0161", place=1)
    return out.raw


def inverses(scalars: Sequence[bytes]) -> list[bytes]:
    """One over each scalar, by a single inversion and three products each. PrivacyError P0161 where one is zero."""
    if not scalars:
        return []
    products = [scalars[0]]
    for scalar in scalars[1:]:
        products.append(scalar_product(products[-1], scalar))
    rest, made = inverse(products[-1]), []
    for place in range(len(scalars) - 1, 0, -1):
        made.append(scalar_product(rest, products[place - 1]))
        rest = scalar_product(rest, scalars[place])
    return [rest, *reversed(made)]


def _written(function: Any, *given: bytes) -> bytes:
    out = ctypes.create_string_buffer(ELEMENT_BYTES)
    function(out, *given)
    return out.raw


def _measure(length: int, *values: bytes) -> None:
    if any(len(value) != length for value in values):
        raise PrivacyError("P0104")
