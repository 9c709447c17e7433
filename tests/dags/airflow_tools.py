"""Tools of the DAG tests: a home with members, Airflow's services as the test's processes, its API, traces in files."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import polars as pl

from huxin.cli.setup import prepare
from huxin.contract import load_contract
from huxin.nightly.airflow_home import OPERATOR, SERVICES, airflow_command, airflow_environment
from huxin.registry.members import add_members
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_checks.read import open_rows

SAMPLES = Path(__file__).parents[2] / "examples" / "nightly"
TRUTH: dict[str, Any] = json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))
EVENING = datetime.fromisoformat("2026-05-31T22:00:00+08:00")
T = TypeVar("T")
# Of an API that is not there yet, or is too busy for this one question.
_UNANSWERED = (urllib.error.URLError, ConnectionError, TimeoutError)


def ready(settings: Settings, members: Iterable[str]) -> Settings:
    """Keys, tables and members, as `huxin init` and `huxin members add` make them."""
    prepare(settings)
    with connection(settings) as database:
        add_members(database, [(code, f"{code} 小贷") for code in members], settings.now())
    return settings


def copy_samples(inbox: Path, members: Iterable[str]) -> Path:
    """An inbox with the sample files of these members."""
    for member in members:
        shutil.copytree(SAMPLES / member, inbox / member)
    return inbox


def until(deadline: float, look: Callable[[], T | None]) -> T:
    """What `look` finds in the end. AssertionError when it has found nothing by `deadline` (time.monotonic)."""
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"waited in vain for {look.__name__}"
        time.sleep(0.5)
    return found


@dataclass
class Airflow:
    """Running services; `get` and `post` speak to the API as the operator."""

    environment: Mapping[str, str]
    processes: dict[str, subprocess.Popen[bytes]]
    peak_mib: int = 0
    token: str = field(default="", repr=False)

    def get(self, path: str) -> Any:
        return self._ask(path, None)

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        return self._ask(path, body)

    def trigger(self) -> str:
        """A new run of the night; returns its id."""
        run = self.post("/api/v2/dags/nightly_ingest/dagRuns", {"logical_date": None})
        return str(run["dag_run_id"])

    def state(self, run: str) -> str:
        return str(self.get(f"/api/v2/dags/nightly_ingest/dagRuns/{run}")["state"])

    def tasks(self, run: str) -> dict[tuple[str, int], dict[str, Any]]:
        """Task instances by (task, map index)."""
        found = self.get(f"/api/v2/dags/nightly_ingest/dagRuns/{run}/taskInstances?limit=100")
        return {(each["task_id"], each["map_index"]): each for each in found["task_instances"]}

    def log_in(self) -> None:
        passwords = Path(self.environment["AIRFLOW_HOME"]) / "passwords.json"
        word = json.loads(passwords.read_text(encoding="utf-8"))[OPERATOR]
        self.token = self.post("/auth/token", {"username": OPERATOR, "password": word})["access_token"]

    def _ask(self, path: str, body: Mapping[str, object] | None) -> Any:
        address = self.environment["AIRFLOW__API__BASE_URL"] + path
        request = urllib.request.Request(address)  # noqa: S310 - 127.0.0.1, as airflow_environment made it
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        data = None if body is None else json.dumps(body).encode()
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, data, timeout=60) as answer:
            return json.load(answer)


@contextmanager
def services(settings: Settings, inbox: Path, more: Mapping[str, str]) -> Iterator[Airflow]:
    """API server, scheduler and DAG processor, each a process of its own; none is left at the end."""
    environment = airflow_environment(settings, inbox)
    migrate = subprocess.run(
        airflow_command("db", "migrate"), env=environment, capture_output=True, text=True, check=False
    )
    assert migrate.returncode == 0, migrate.stdout[-2000:] + migrate.stderr[-2000:]
    # Anew, for the port was free when it was asked for, and the tables took their time.
    environment = {**airflow_environment(settings, inbox), **more, "HUXIN_NIGHT_AT": far_from_now()}
    running = Airflow(environment, {})
    try:
        for name, arguments in SERVICES.items():
            log = settings.airflow_home / "logs" / f"{name}.log"
            with log.open("wb") as target:
                running.processes[name] = subprocess.Popen(
                    airflow_command(*arguments),
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=target,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        yield running
    finally:
        end(running.processes.values(), settings.airflow_home)


def far_from_now() -> str:
    """A time of day half a day away, in Shanghai: the schedule does not interfere."""
    return f"{datetime.now(ZoneInfo('Asia/Shanghai')) + timedelta(hours=12):%H:%M}"


def listening(airflow: Airflow) -> Callable[[], bool | None]:
    def api_that_takes_the_password() -> bool | None:
        dead = [name for name, process in airflow.processes.items() if process.poll() is not None]
        assert dead == [], f"{dead} died"
        try:
            airflow.log_in()
        except _UNANSWERED:
            return None
        return True

    return api_that_takes_the_password


def parsed(airflow: Airflow) -> Callable[[], bool | None]:
    def dag_in_the_database() -> bool | None:
        with suppress(*_UNANSWERED):
            found = airflow.get("/api/v2/dags")["dags"]
            return True if any(each["dag_id"] == "nightly_ingest" for each in found) else None
        return None

    return dag_in_the_database


def ended(airflow: Airflow, run: str) -> Callable[[], str | None]:
    def run_in_an_end_state() -> str | None:
        pids = processes_of(Path(airflow.environment["AIRFLOW_HOME"]))
        airflow.peak_mib = max(airflow.peak_mib, memory_mib(pids))
        with suppress(*_UNANSWERED):
            state = airflow.state(run)
            return state if state in ("success", "failed") else None
        return None

    return run_in_an_end_state


def end(processes: Iterable[subprocess.Popen[bytes]], airflow_home: Path) -> None:
    """Asks the services to end, then ends whatever of this home is left, by process id."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(120)
    for pid in processes_of(airflow_home):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for process in processes:
        process.wait()

    def nothing_left() -> bool | None:  # a process is gone a moment after it was killed
        return None if processes_of(airflow_home) else True

    until(time.monotonic() + 120, nothing_left)


def processes_of(airflow_home: Path) -> list[int]:
    """Processes of this Airflow home: its name is in their environment, or a file of it is open.

    A process that shows a title of its own, as Airflow's do, has written over its environment.
    """
    wanted = b"AIRFLOW_HOME=" + os.fsencode(airflow_home)
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            named = wanted in (place / "environ").read_bytes().split(b"\0")
            if named or any(link.startswith(f"{airflow_home}/") for link in _links(int(place.name))):
                found.append(int(place.name))
    return found


def memory_mib(pids: Iterable[int]) -> int:
    """Proportional memory of processes together, in MiB."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            total += int(re.findall(r"^Pss:\s+(\d+)", rollup, flags=re.MULTILINE)[0])
    return total // 1024


def listeners(pids: Iterable[int]) -> set[str]:
    """The addresses (as in /proc/net/tcp: hexadecimal) on which processes listen."""
    sockets = {link for pid in pids for link in _links(pid)}
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A" and f"socket:[{parts[9]}]" in sockets:
                found.add(parts[1].split(":")[0])
    return found


def _links(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield str(entry.readlink())


def people(members: Iterable[str]) -> dict[str, set[str]]:
    """Every identifier in the samples of these members: `numbers` (ID numbers, mobiles) and `names`."""
    contract = load_contract()
    numbers: set[str] = set()
    names: set[str] = set()
    for member in members:
        (file,) = (path for path in (SAMPLES / member).iterdir() if path.suffix != ".json")
        with file.open("rb") as source, open_rows(source, file.name, contract) as rows:
            for frame in rows:
                clean = frame.select(pl.col("id_no", "mobile", "name").str.replace_all(r"[\s'　]", ""))
                numbers |= {each for name in ("id_no", "mobile") for each in clean[name].drop_nulls()}
                names |= set(clean["name"].drop_nulls())
    return {
        "numbers": {each for each in numbers if len(each) >= 8},
        "names": {each for each in names if len(each) >= 2},
    }


def traces(files: Iterable[Path], wanted: Mapping[str, set[str]]) -> list[str]:
    """Where an identifier stands in a file, as `file: kind` (the identifier itself is not repeated)."""
    alphabets = {"numbers": "[0-9A-Za-z]", "names": "[\u4e00-\u9fff]"}
    found = []
    for file in files:
        text = file.read_bytes().decode("utf-8", "ignore")
        found += [
            f"{file.name}: {kind}" for kind, chars in alphabets.items() if _stands(text, wanted[kind], chars)
        ]
    return found


def _stands(text: str, wanted: set[str], alphabet: str) -> bool:
    """Whether one of many words stands anywhere in a text. `alphabet`: characters that most of the words consist of."""
    plain = {word for word in wanted if re.fullmatch(f"{alphabet}+", word)}
    lengths = sorted({len(word) for word in plain})
    for run in set(re.findall(f"{alphabet}{{{lengths[0]},}}", text)):
        for length in lengths:
            if _by_chance(run, length):
                continue
            if any(run[start : start + length] in plain for start in range(len(run) - length + 1)):
                return True
    return any(word in text for word in wanted - plain)


def _by_chance(run: str, length: int) -> bool:
    """Whether a word that short may stand in a run of digits for no reason.

    The registry's random 64-bit numbers have up to 19 digits. A night's dump holds 13,000 stretches of eleven digits
    in them that could be a mobile, and 4,000 mobiles are looked for: one in 130 nights has one of them so.
    """
    return run.isdigit() and 16 <= len(run) <= 19 and length <= len(run) - 4
