"""One command of ours kept running beside the server: started again when it dies, later each time, ended with it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time

_FIRST_S, _LONGEST_S = 1.0, 60.0
# What ran that long was well: the next wait is short again.
_WELL_S = 60.0
_STOP_S = 10.0
_logger = logging.getLogger(__name__)


class Beside:
    """The child and the thread that watches it."""

    def __init__(self, words: tuple[str, ...], python: str = sys.executable) -> None:
        self._words = words
        self._command = [python, "-m", "huxin", *words]
        self._over = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name="beside", daemon=True)

    def start(self) -> None:
        """Starts the command, and goes on starting it."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the command, by force after _STOP_S seconds, and waits until it is gone."""
        self._over.set()
        with self._turn:
            child = self._child
        if child is not None:
            child.terminate()
            try:
                child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._thread.join()

    def _keep(self) -> None:
        pause = _FIRST_S
        while not self._over.is_set():
            begun = time.monotonic()
            ended = self._once()
            if self._over.is_set():
                return
            pause = _FIRST_S if time.monotonic() - begun > _WELL_S else pause
            _logger.error("huxin %s ended with %s; again in %.0f s", " ".join(self._words), ended, pause)
            self._over.wait(pause)
            pause = min(pause * 2, _LONGEST_S)

    def _once(self) -> int:
        with self._turn:
            if self._over.is_set():
                return 0
            # A session of its own: Ctrl-C in the terminal reaches the server alone, which ends it in order.
            self._child = subprocess.Popen(
                [sys.executable, "-c", _WITH_PARENT, str(os.getpid()), *self._command],
                # Of our own memory: granian gives this process a title, which moves the C library's environment
                # while the child may be reading it, and a sequencer without its address numbers another log.
                env=dict(os.environ),
                start_new_session=True,
            )
        return self._child.wait()


# Run before the command itself: a preexec_fn would run Python between fork and exec of a process with threads.
_WITH_PARENT = """
import ctypes, os, signal, sys
if os.uname().sysname == "Linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):  # it died before it could be asked to tell
    sys.exit(0)
os.execv(sys.argv[2], sys.argv[2:])
"""
