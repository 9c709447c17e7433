"""The API's side of checking a file without filing it: the process that does it, one file at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from huxin.errors import HuxinError
from huxin.nightly.check_frames import ANSWER, FRAME

RETRY_S = 10


class Checker:
    """One process that checks files, started when first asked, and anew when it died or was given up."""

    def __init__(self, seconds: float = 120.0, patience: float = 5.0) -> None:
        self._seconds = seconds
        self._patience = patience
        self._turn = threading.Lock()
        self._asking = False  # while the process is at work, or cannot be trusted to wait for more
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Checker:
        """Takes a turn. HuxinError H1405 when others are not done within a few seconds."""
        if not self._turn.acquire(timeout=self._patience):
            raise HuxinError("H1405", retry_s=RETRY_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self._forget()
        self._turn.release()

    def _forget(self) -> None:
        """Has the process drop what it was given of a file; one that is not waiting for more is ended instead."""
        try:
            if self._process and not self._asking:
                self._write(self._process, FRAME.pack(b"A", 0))
                return
        except HuxinError:  # it is dead
            pass
        self.stop()

    def give(self, blocks: Iterable[bytes]) -> None:
        """Passes a file on as it comes. HuxinError H1406 when the process dies, H1122 when the file takes too long."""
        process = self._running()
        end = time.monotonic() + self._seconds
        for block in blocks:
            if time.monotonic() > end:
                raise HuxinError("H1122", seconds=self._seconds)
            self._write(process, FRAME.pack(b"D", len(block)) + block)

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What the process says of the file. HuxinError H1406 when it dies, fails or takes too long."""
        process = self._process
        if process is None or process.poll() is not None:  # what it was given of the file is gone with it
            raise HuxinError("H1406")
        self._asking = True
        content = json.dumps(asked).encode()
        alarm = threading.Timer(self._seconds, process.kill)
        alarm.start()
        try:
            self._write(process, FRAME.pack(b"E", len(content)) + content)
            assert process.stdout is not None
            head = process.stdout.read(ANSWER.size)
            said = process.stdout.read(ANSWER.unpack(head)[0]) if len(head) == ANSWER.size else b""
        finally:
            alarm.cancel()
        try:
            found: dict[str, Any] = json.loads(said)
        except ValueError:
            raise HuxinError("H1406") from None
        self._asking = False
        if "fault" in found:
            raise HuxinError("H1406")
        return found

    def stop(self) -> None:
        """Ends the process; the next file gets another."""
        process, self._process = self._process, None
        self._asking = False
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with suppress(OSError):  # half a block may still wait to be written
                pipe.close()
        process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            # No key, no address of a database: what reads a stranger's file has nothing to give away.
            bare = {name: value for name, value in os.environ.items() if not name.startswith("HUXIN_")}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "huxin.nightly.checking"],
                env=bare,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def _write(self, process: subprocess.Popen[bytes], content: bytes) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(content)
            process.stdin.flush()
        except OSError:
            raise HuxinError("H1406") from None
