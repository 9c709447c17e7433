"""The compiled ways to a column's halves: found at first use, proven against the definition, else not used.

S256 needs numba (the extra `fast`) and a libcrypto that offers SHA256_Transform; SM needs numba.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from huxin_privacy import sha_engine, sm3_engine
from huxin_privacy.arrow import Bytes
from huxin_privacy.engines import Engine
from huxin_privacy.macs import mac, pads
from huxin_privacy.suites import S256, SM, Suite

_HALF_BYTES: Final = 16
_CANDIDATES: Final = {S256.name: sha_engine.candidates, SM.name: sm3_engine.candidates}
# Published answers (RFC 4231, 4.3; GM/T 0042's example): key, message, HMAC. What a name stands for is looked up
# late, by numba and by more than one OpenSSL; that the definition itself is another hash would else go unseen.
_KNOWN: Final = {
    S256.name: (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    SM.name: (
        bytes(range(1, 33)),
        b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2,
        "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a",
    ),
}
_found: Final[dict[str, Engine | None]] = {}


def available(suite: Suite) -> bool:
    """Whether this machine has the suite's compiled way; the first call loads it, compiles it and tests it."""
    return _engine(suite) is not None


def loaded(suite: Suite) -> bool:
    """Whether `available` has been answered already, so that asking again costs nothing."""
    return suite.name in _found


def halves(
    suite: Suite, key: bytes, heads: Bytes, measured: bool, flat: Bytes, places: npt.NDArray[np.int64]
) -> Bytes:
    """The first 16 bytes of the suite's HMAC for n messages: (n, 16) uint8.

    Message i = heads[i] (or the only head) ‖ its text's length as 2 bytes when `measured` ‖
    flat[places[i]:places[i + 1]]. Raises RuntimeError where `available(suite)` is false.
    """
    engine = _engine(suite)
    if engine is None:
        raise RuntimeError("the compiled hash is not available here")
    return _run(engine, suite, key, heads, measured, flat, places)


def _engine(suite: Suite) -> Engine | None:
    if suite.name not in _found:
        engines = _CANDIDATES[suite.name]() if suite.name in _CANDIDATES else ()
        _found[suite.name] = next((engine for engine in engines if _proven(engine, suite)), None)
    return _found[suite.name]


def _run(
    engine: Engine,
    suite: Suite,
    key: bytes,
    heads: Bytes,
    measured: bool,
    flat: Bytes,
    places: npt.NDArray[np.int64],
) -> Bytes:
    inner, outer = (engine.midstate(pad) for pad in pads(suite, key))
    made = np.empty((len(places) - 1, _HALF_BYTES), dtype=np.uint8)
    arrays = [_fixed(array) for array in (heads, flat, places)]
    engine.kernel(inner, outer, arrays[0], measured, arrays[1], arrays[2], made)
    return made


def _fixed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # Arrays that differ in being writable or contiguous would each cost a compilation.
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _proven(engine: Engine, suite: Suite) -> bool:
    """Whether the engine gives the published answer, and what the definition gives, itself held to that answer."""
    key, message, answer = _KNOWN[suite.name]
    if mac(suite, key, message).hex() != answer:
        return False
    if _hashed(engine, suite, key, message, [b"", b""]) != [bytes.fromhex(answer)[:_HALF_BYTES]] * 2:
        return False
    key, head = bytes(range(32)), b"huxin self-test"
    texts = [bytes((7 * length + place) % 256 for place in range(length)) for length in range(200)]
    wanted = [mac(suite, key, head + len(text).to_bytes(2, "big") + text)[:_HALF_BYTES] for text in texts]
    return _hashed(engine, suite, key, head, texts, measured=True) == wanted


def _hashed(
    engine: Engine, suite: Suite, key: bytes, head: bytes, texts: list[bytes], measured: bool = False
) -> list[bytes]:
    places = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    flat = np.frombuffer(b"".join(texts), dtype=np.uint8)
    heads = np.frombuffer(head, dtype=np.uint8)[None, :]
    return [row.tobytes() for row in _run(engine, suite, key, heads, measured, flat, places)]
