"""Server processes of the bench: started on a free port, waited for, ended by their id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic, sleep
from typing import IO

_READY = 60.0  # seconds a server may take to answer
_LEAVE = 20.0  # seconds it may take to leave
_BENCHES = Path(__file__).parents[1]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(command: Sequence[str], port: int, env: Mapping[str, str]) -> Iterator[None]:
    """The command's server, once it listens on the port; it and its workers have ended afterwards.

    SystemExit with the server's last words when it ends early or is not ready in time.
    """
    with TemporaryFile() as words:
        process = subprocess.Popen(
            command,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,  # Ctrl-C is for the bench, which then ends its servers
        )
        try:
            _await(process, port, words)
            yield
        finally:
            end(process)


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without HUXIN_*, with the benches importable, and `more`."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("HUXIN_")}
    # The code of another working tree is measured where PYTHONPATH names it.
    paths = [str(_BENCHES), *filter(None, [env.get("PYTHONPATH")])]
    return env | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"} | dict(more)


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks the process to leave, then ends what is left of its own group."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_LEAVE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _await(process: subprocess.Popen[bytes], port: int, words: IO[bytes]) -> None:
    end_at = monotonic() + _READY
    while monotonic() < end_at:
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        sleep(0.05)
    words.seek(0)
    raise SystemExit(f"no server on port {port}\n{words.read()[-4000:].decode(errors='replace')}")
