"""Blind mode: evaluations with proof, in batches, beside the bare multiplications that each of them needs."""

from __future__ import annotations

import ctypes
import time
from statistics import median

from huxin_privacy import blind
from huxin_privacy.blind import sodium

BATCH = 1_024
ROUNDS = 7
NAME = "oprf_evaluate_ratio"


def measure(batch: int = BATCH, rounds: int = ROUNDS) -> dict[str, float]:
    """`oprf_evaluate_ratio`: evaluations a second over bare multiplications a second, on one core.

    The two take turns, so that a neighbour's noise meets both; the middle of the rounds counts. An evaluation is a
    multiplication, its part of the proof (another one, an addition, a hash) and its share of what a batch costs once.
    """
    key = _key()
    sent = blind.blind([blind.message("resident_id", f"{number:018}") for number in range(batch)]).blinded
    blind.evaluate(key.secret, key.public, sent[:8])
    pairs = [(_bare(key.secret, sent), _evaluated(key, sent)) for _ in range(rounds)]
    return {
        NAME: round(median(bare / whole for bare, whole in pairs), 4),
        "oprf_evaluations_per_s": round(batch / median(whole for _, whole in pairs)),
        "oprf_multiplications_per_s": round(batch / median(bare for bare, _ in pairs)),
    }


def _bare(secret: bytes, elements: list[bytes]) -> float:
    """Seconds of libsodium's own function and a loop round it; nothing is copied or checked."""
    product, out = sodium.library().crypto_scalarmult_ristretto255, ctypes.create_string_buffer(32)
    begun = time.perf_counter()
    for element in elements:
        product(out, secret, element)
    return time.perf_counter() - begun


def _evaluated(key: blind.OprfKey, elements: list[bytes]) -> float:
    begun = time.perf_counter()
    blind.evaluate(key.secret, key.public, elements)
    return time.perf_counter() - begun


def _key() -> blind.OprfKey:
    secret = sodium.random_scalar()
    return blind.OprfKey(1, sodium.multiply_base(secret), secret)
