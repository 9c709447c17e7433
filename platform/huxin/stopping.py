"""Being told to stop by SIGTERM or Ctrl-C, any number of times and at any moment.

`threading.Event` is not for this: its lock is not taken twice, so a signal that comes while another is being handled,
or while the event is being waited for, stops the process in its own handler for good. The kernel sends several where
a parent with many threads dies.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from typing import Protocol


class Stop(Protocol):
    """What a loop asks between its turns; a `threading.Event` is one too."""

    def is_set(self) -> bool:
        """Whether to stop."""

    def wait(self, timeout: float | None = None) -> bool:
        """Waits `timeout` seconds, less when it is time to stop; whether it is."""


class Signalled:
    """Set by signals: a flag and a byte in a pipe, both of which may be written at any moment."""

    def __init__(self) -> None:
        self._told = False
        self._heard, self._said = os.pipe()
        os.set_blocking(self._said, False)

    def set(self, *_: object) -> None:
        """Tells to stop, once and for all; a signal's handler."""
        self._told = True
        with suppress(BlockingIOError):  # full of what says the same
            os.write(self._said, b"x")

    def is_set(self) -> bool:
        return self._told

    def wait(self, timeout: float | None = None) -> bool:
        if not self._told:
            # The byte is never read: who waits next is told as well.
            select.select([self._heard], [], [], timeout)
        return self._told


def stopped_by_signals() -> Signalled:
    """What SIGTERM and Ctrl-C set from now on; for the main thread only."""
    stop = Signalled()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop.set)
    return stop
