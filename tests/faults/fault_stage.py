"""The steps of the scenario, their undisturbed outcome, and trials that begin between them."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from fault_nights import LATECOMER, MEMBERS, first_night, second_night
from fault_picture import Picture, differences, picture

from huxin.contract import State
from huxin.registry import embedded
from huxin.registry.members import add_members
from huxin.registry.migrate import upgrade
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from huxin_privacy import keyring

STEPS = ("first", "second", "confirm", "again", "withdraw")
NOW = "2026-05-31T22:00:00+08:00"
KILLED = -9
# What the command says when its submission has left the state that it acts on.
DONE = {
    "confirm": "H0603 This submission is published",
    "again": "H0606 This submission is published",
    "withdraw": "H0604 This submission is withdrawn",
}


class Worker:
    """The forking process of night_worker.py."""

    def __init__(self) -> None:
        place = Path(__file__).with_name("night_worker.py")
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "GX_ANALYTICS_ENABLED": "false"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._process = subprocess.Popen(
            [sys.executable, str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, job: dict[str, Any]) -> int:
        """The exit code of a job, or the signal that ended it, negative."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return int(json.loads(self._process.stdout.readline())["code"])

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(120)


@dataclass
class Outcome:
    """The undisturbed run of one step: exit code, picture, and how often it passed each stage."""

    code: int
    picture: Picture
    passages: Counter[str]


@dataclass
class Trial:
    """One home and one database, at the end of the step before `step`."""

    stage: Stage
    step: str
    place: Path
    database: str
    command: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.place / "home"

    @property
    def inbox(self) -> Path:
        return self.place / "inbox"

    @property
    def log(self) -> str:
        file = self.place / "log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def run(
        self,
        extra: Mapping[str, str] | None = None,
        counts: Path | None = None,
        command: list[str] | None = None,
        limit: int | None = None,
    ) -> int:
        """Runs the step's command, or another; its exit code. `limit` is the greatest file it may write, in bytes."""
        (self.place / "log").unlink(missing_ok=True)
        surroundings = {
            "HUXIN_HOME": str(self.home),
            "HUXIN_DATABASE_URL": self.stage.server.url(self.database),
            "HUXIN_NOW": NOW,
            "HUXIN_LANG": "en",
        }
        job: dict[str, Any] = {"args": command or self.command, "env": {**surroundings, **(extra or {})}}
        job |= {"log": str(self.place / "log")} | ({"counts": str(counts)} if counts else {})
        job |= {"limit": limit} if limit else {}
        return self.stage.worker.run(job)

    def compose(self) -> list[str]:
        """The command line of the step."""
        if self.step in ("first", "second"):
            return ["night", str(self.inbox), "--json", "--return"]
        if self.step == "confirm":
            return ["submissions", "confirm", self._id("M0003", State.AWAITING_CONFIRMATION)]
        if self.step == "again":
            return ["submit", "--again", self._id(LATECOMER, State.REFUSED)]
        return ["submissions", "withdraw", self._id("M0001", State.PUBLISHED)]

    def picture(self) -> Picture:
        return picture(self.stage.server.uri(self.database), self.home, self.inbox)

    def differences(self) -> list[str]:
        """What is not as after the undisturbed step."""
        return differences(self.picture(), self.stage.outcomes[self.step].picture)

    def finish(self) -> None:
        """Runs the step again, to its end: all must be as if nothing had happened."""
        code = self.run()
        if self.step in DONE and code == 2:  # it was done by then, and the next night tidies up
            assert self.log.startswith(DONE[self.step]), self.log
            (self.place / "empty").mkdir()
            code = self.run(command=["night", str(self.place / "empty")])
        assert code == self.stage.outcomes[self.step].code, (self.step, code, self.log)
        assert self.differences() == [], self.log

    def _id(self, sender: str, state: State) -> str:
        """The member's newest submission in that state."""
        # By the fixed clock all of them changed at one moment.
        query = "SELECT id FROM submission WHERE sender = %s AND state = %s ORDER BY changed_at DESC, id DESC LIMIT 1"
        with psycopg.connect(self.stage.server.uri(self.database)) as database:
            row = database.execute(query.encode(), [sender, int(state)]).fetchone()
        assert row
        return str(row[0])


@dataclass
class Stage:
    """A server that may be killed, with a snapshot before each step."""

    folder: Path
    server: embedded.Server
    worker: Worker
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def rehearse(self) -> None:
        """Runs every step undisturbed, and keeps what was before and after it."""
        self._prepare()
        for step in STEPS:
            self._keep(step)
            trial = self.trial(step)
            counts = trial.place / "counts"
            code = trial.run(counts=counts)
            passages = Counter(counts.read_text(encoding="ascii").split())
            assert code in (0, 3), trial.log
            self.outcomes[step] = Outcome(code, trial.picture(), passages)
            self._adopt(trial)

    def trial(self, step: str) -> Trial:
        """A fresh copy of everything as it is before `step`."""
        number = next(self.numbers)
        trial = Trial(self, step, self.folder / f"trial_{number}", f"trial_{number}")
        shutil.copytree(self.folder / f"before_{step}", trial.home)
        trial.inbox.mkdir()
        {"first": first_night, "second": second_night}.get(step, lambda inbox: None)(trial.inbox)
        self.execute(f"CREATE DATABASE {trial.database} TEMPLATE before_{step}")
        trial.command = trial.compose()
        return trial

    def drop(self, trial: Trial) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {trial.database} WITH (FORCE)")
        shutil.rmtree(trial.place)

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.server.uri("postgres"), autocommit=True) as database:
            database.execute(statement.encode())

    def revive(self) -> None:
        """Starts the server that was killed."""
        self.server = embedded.ensure_started(Settings(home=self.folder / "server"))

    def _prepare(self) -> None:
        home = self.folder / "begin"
        for place in ("keys", "spool"):
            (home / place).mkdir(parents=True, mode=0o700)
        for zone in keyring.ZONES:
            keyring.create(home / "keys", zone)
        embedded.ensure_database(self.server, "begin")
        settings = Settings(home=home, database_url=self.server.url("begin"))
        upgrade(settings)
        with connection(settings) as database:
            add_members(database, [(code, f"{code} 小贷") for code in MEMBERS], settings.now())
        forget_engine(settings)

    def _keep(self, step: str) -> None:
        """What stands now is where trials of `step` begin; before `again`, the latecomer becomes a member."""
        if step == "again":
            settings = Settings(home=self.folder / "begin", database_url=self.server.url("begin"))
            with connection(settings) as database:
                add_members(database, [(LATECOMER, "第四小贷")], settings.now())
            forget_engine(settings)
        shutil.copytree(self.folder / "begin", self.folder / f"before_{step}")
        self.execute(f"CREATE DATABASE before_{step} TEMPLATE begin")

    def _adopt(self, trial: Trial) -> None:
        shutil.rmtree(self.folder / "begin")
        shutil.copytree(trial.home, self.folder / "begin")
        self.execute("DROP DATABASE begin")
        self.execute(f"CREATE DATABASE begin TEMPLATE {trial.database}")
        self.drop(trial)
