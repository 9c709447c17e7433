"""Identifiers to tokens over Arrow batches, for either suite, beside a loop of hmac.digest over the same ones."""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

from huxin.nightly.tokenizer import Tokenizer
from huxin_checks.read import BATCH_ROWS
from privacybench.people import Batch, batch, tokenizer, tokens

BATCHES = 5
ROUNDS = 5
LOOP = 200_000  # identifiers of the loop, of which every one costs the same
_KEY = bytes(range(32))


def measure(batches: int = BATCHES, rows: int = BATCH_ROWS, rounds: int = ROUNDS) -> dict[str, float]:
    """`s256_per_s`, `sm_per_s` (written form to token) and `hmac_digest_per_s` (one HMAC), on one pinned core.

    They take turns, so that a neighbour's noise meets all; the middle of the rounds counts, by the clock. Imports
    and the compilation of kernels, which the machine keeps, come before.
    """
    sent = [batch(rows * number, rows) for number in range(batches)]
    texts = [text.encode() for text in sent[0].canonical().text.slice(0, LOOP).to_pylist()]
    with ExitStack() as stack:
        stack.enter_context(_one_core())
        s256, sm = (stack.enter_context(tokenizer(suite)) for suite in ("S256", "SM"))
        count = batches * rows
        ways: dict[str, tuple[int, Callable[[], object]]] = {
            "s256_per_s": (count, lambda: _all(s256, sent)),
            "sm_per_s": (count, lambda: _all(sm, sent)),
            "hmac_digest_per_s": (len(texts), lambda: _loop(texts)),
        }
        for _, way in ways.values():
            way()
        return {name: _rate(*runs) for name, runs in _rounds(ways, rounds).items()}


def _rounds(
    ways: dict[str, tuple[int, Callable[[], object]]], rounds: int
) -> dict[str, tuple[int, list[float]]]:
    took: dict[str, tuple[int, list[float]]] = {name: (count, []) for name, (count, _) in ways.items()}
    for _ in range(rounds):
        for name, (_, way) in ways.items():
            begun = time.perf_counter()
            way()
            took[name][1].append(time.perf_counter() - begun)
    return took


def _rate(count: int, seconds: list[float]) -> float:
    return round(count / median(seconds))


def _all(made: Tokenizer, sent: list[Batch]) -> None:
    for each in sent:
        tokens(made, each)


def _loop(texts: list[bytes]) -> list[bytes]:
    return [hmac.digest(_KEY, text, "sha256") for text in texts]


@contextmanager
def _one_core() -> Iterator[None]:
    """Where the system can, this process and the threads it makes keep to one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
