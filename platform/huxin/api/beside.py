"""Commands of ours in processes beside the server: kept running and ended with it, or run once to their end."""

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
            self._child = _started(self._command)
        return self._child.wait()


def run_apart(words: tuple[str, ...]) -> int:
    """Runs one command of ours to its end in a process of its own, which ends with this one.

    Returns its exit code, 128 and the signal's number where one ended it. What it says of a fault it has said itself.
    """
    child = _started([sys.executable, "-m", "huxin", *words])
    try:
        code = child.wait()
    except BaseException:  # Ctrl-C, which reaches this process alone
        child.terminate()
        child.wait()
        raise
    return code if code >= 0 else 128 - code


def _started(command: list[str]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C in the terminal reaches the server alone, which ends it in order.
    return subprocess.Popen(
        [sys.executable, "-c", _WITH_PARENT, str(os.getpid()), *command],
        # Of our own memory: granian gives this process a title, which moves the C library's environment
        # while the child may be reading it, and a sequencer without its address numbers another log.
        env=dict(os.environ),
        start_new_session=True,
    )


# Run before the command itself: a preexec_fn would run Python between fork and exec of a process with threads.
_WITH_PARENT = """
import ctypes, os, signal, sys
if os.uname().sysname == "Linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):  # it died before it could be asked to tell
    sys.exit(0)
os.execv(sys.argv[2], sys.argv[2:])
"""
