"""Ports for servers that are told theirs before they start."""

from __future__ import annotations

import itertools
import os
import random
import socket
from collections.abc import Iterator
from contextlib import suppress

_FIRST, _LAST, _WORKERS = 20_000, 32_000, 16


def free_port() -> int:
    """A port of this machine that nobody has, and that was not told before.

    It is below those that the system gives out by itself, and each worker of the tests has its own, so that nobody else
    takes it before the server has started.
    """
    for number in _OWN:
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", number))
            return number
    raise AssertionError("it goes on for ever")


def _own() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    numbers = list(range(_FIRST + worker % _WORKERS, _LAST, _WORKERS))
    random.SystemRandom().shuffle(numbers)
    return itertools.cycle(numbers)


_OWN = _own()
