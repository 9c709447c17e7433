"""One night through the real DAG in a process of its own, without a scheduler, as the demo runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from huxin.errors import HuxinError
from huxin.nightly.airflow_home import airflow_command, airflow_environment, dags_folder
from huxin.nightly.tasks import PROGRESS
from huxin.settings import Settings

_PATIENCE = 10.0  # seconds between asking a process to end and ending it


@dataclass(frozen=True)
class TaskEvent:
    """A task began or ended. `event`: started, finished, again (failed, to be tried again) or failed.

    `step` is "airflow" (its tables are made), "receive", "validate", "pseudonymize", "load", "report" or "summary".
    `group` counts from 1, None outside of the groups; `count` is how many submissions are meant.
    """

    step: str
    event: str
    group: int | None
    count: int


def run_dag_once(
    settings: Settings, inbox: Path, progress: Callable[[TaskEvent], None] | None = None, groups: int = 2
) -> Path:
    """Runs the DAG nightly_ingest once over an inbox and waits for its end; returns the path of its log.

    Airflow's tables are made or migrated first. `progress` is told of each task as it begins and ends. Nothing is
    printed and no process is left. Raises HuxinError H1007 (with the log's path) when the run fails, and
    whatever airflow_environment raises.
    """
    airflow_command()  # raises where Airflow is missing
    environment = airflow_environment(settings, inbox)
    environment |= {"HUXIN_GROUPS": str(groups), "HUXIN_RETRY_SECONDS": "1"}
    log = settings.airflow_home / "logs" / f"night-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    command = [sys.executable, str(dags_folder() / "nightly_ingest.py")]
    reader, writer = os.pipe()
    with os.fdopen(reader, encoding="utf-8") as lines:
        try:
            running = _started(command, environment | {PROGRESS: str(writer)}, log, writer)
        finally:
            os.close(writer)
        with _ended_with_us(running):
            for line in lines:
                if progress:
                    progress(TaskEvent(**json.loads(line)))
            code = running.wait()
    if code:
        raise HuxinError("H1007", log=log)
    return log


def _started(
    command: list[str], environment: dict[str, str], log: Path, writer: int
) -> subprocess.Popen[bytes]:
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=target,
            stderr=subprocess.STDOUT,
            pass_fds=(writer,),
            start_new_session=True,
            umask=0o077,
        )
    finally:
        os.close(target)


@contextmanager
def _ended_with_us(running: subprocess.Popen[bytes]) -> Iterator[None]:
    """However the block ends, the process and its children have ended too."""
    try:
        yield
    finally:
        with suppress(subprocess.TimeoutExpired, ProcessLookupError):
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGTERM)
                running.wait(_PATIENCE)
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
