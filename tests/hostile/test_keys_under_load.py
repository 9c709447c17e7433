"""`huxin serve` under load while `huxin keys` exchanges and destroys keys: no enquiry fails, none says otherwise."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hostile_load
import pytest
from hostile_load import posted
from served_home import MEMBERS, ServedHome, served_home, until

from huxin.nightly.pipeline import run_night
from huxin_privacy import keyring
from huxin_privacy.client import Client, Reply
from support.rows import loan, mobile, name, overdue, resident_id, write_submission

PEOPLE = range(1, 61)
FRESH = 1_000_000  # people whom nobody knows have numbers from here on
THREADS = 5
PAUSE_S = 0.25  # of each between two questions: all together stay below a minute's quota
_OWN = ("enquiry_id", "asked_at", "promise")  # of one enquiry, and no word about its subject


@pytest.fixture
def home(tmp_path: Path) -> Iterator[ServedHome]:
    with served_home(tmp_path) as made:
        today = made.settings.today()
        for place, member in enumerate(MEMBERS):
            people = range(1 + 20 * place, 41 + 20 * place)
            rows = [loan(member, n) if n % 5 else overdue(loan(member, n), 12, today) for n in people]
            write_submission(tmp_path / "inbox", member, rows, today)
        report = run_night(made.settings, tmp_path / "inbox")
        assert report.failed == {}
        assert sum(item.accepted or 0 for item in report.submissions) == 80
        yield made


def question(number: int, purpose: str = "post_loan") -> dict[str, Any]:
    """With name and mobile. A question after the loan counts in no window, so its answer stays what it was."""
    subject = {
        "id_type": "resident_id",
        "id_no": resident_id(number),
        "name": name(number),
        "mobile": mobile(number),
    }
    return hostile_load.question(number) | {"subject": subject, "purpose": purpose}


def said(reply: Reply | None) -> dict[str, Any]:
    """What an answer says of its subject."""
    assert reply is not None, "no reply"
    assert reply.status in (200, 201), reply.body
    told = {key: value for key, value in reply.json().items() if key not in _OWN}
    del told["enquiries"]["by_mobile"]  # counted off the hot path, a moment later
    return told


class Asking:
    """Members' systems that ask about the same people again and again, and about new ones; what differs is kept."""

    def __init__(self, home: ServedHome) -> None:
        self.count, self.faults = 0, list[str]()
        self._home, self._over, self._lock = home, threading.Event(), threading.Lock()
        self.kept = self._some(
            home.client(MEMBERS[0])
        )  # which count in the windows of those whom they are about
        self.first = {
            (member, n): said(posted(home.client(member), "/v1/enquiries", question(n), str(uuid.uuid4())))
            for member in MEMBERS
            for n in PEOPLE
        }
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(THREADS)]

    def __enter__(self) -> Asking:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in self._threads:
            each.join(180)

    def more(self, count: int) -> None:
        """Returns after so many further answers."""
        wanted = self.count + count
        until(lambda: self.count >= wanted or self.faults, "too few answers")
        assert not self.faults, self.faults[0]

    def _some(self, client: Client) -> list[tuple[str, dict[str, Any], bytes]]:
        """Enquiries that are asked again under their keys until the end."""
        found = []
        for n in (1, 25, 55, FRESH):
            key, body = str(uuid.uuid4()), question(n, "application")
            reply = posted(client, "/v1/enquiries", body, key)
            assert reply is not None
            found.append((key, body, reply.body))
        return found

    def _run(self, number: int) -> None:
        member, chance, fresh = MEMBERS[number % len(MEMBERS)], random.Random(number), FRESH * (number + 2)
        client = self._home.client(member)
        while not self._over.wait(PAUSE_S):
            try:
                kind = chance.random()
                if kind < 0.7:
                    n = chance.choice(PEOPLE)
                    self._same(said(self._asked(client, question(n))), self.first[member, n])
                elif kind < 0.9:
                    fresh += 1
                    self._twice(client, fresh)
                elif member == MEMBERS[0]:
                    key, body, before = chance.choice(self.kept)
                    reply = posted(client, "/v1/enquiries", body, key)
                    said(reply)
                    self._same(reply and reply.body, before)
                self.count += 1
            except BaseException as fault:
                self.faults.append(repr(fault)[:2_000])
                return

    def _asked(self, client: Client, body: dict[str, Any]) -> Reply | None:
        return posted(client, "/v1/enquiries", body, str(uuid.uuid4()))

    def _twice(self, client: Client, number: int) -> None:
        """Somebody new is one subject from the first question on, whichever worker is asked by which keys."""
        first, second = (said(self._asked(client, question(number))) for _ in range(2))
        self._same(first, second)

    def _same(self, one: object, other: object) -> None:
        if isinstance(one, dict) and isinstance(other, dict):
            differing = {key: (one.get(key), other.get(key)) for key in {*one, *other}}
            found = {key: pair for key, pair in differing.items() if pair[0] != pair[1]}
            if found:
                raise AssertionError(json.dumps(found))
        assert one == other


@pytest.mark.slow
def test_no_enquiry_fails_and_none_changes_while_keys_are_exchanged(home: ServedHome, tmp_path: Path) -> None:
    keys = Commands(home, tmp_path)
    home.start("--no-work")
    with Asking(home) as asking:
        asking.more(30)
        assert keys("new", "registry")["state"] == "pending"
        asking.more(30)
        assert keys("activate", "registry", "2", "--wait", "60")["state"] == "active"
        asking.more(60)
        done = keys("retire", "registry", "1", "--wait", "60")
        assert done["left"] == {}
        assert done["aliases"] > 60
        assert done["marks"] == 80
        asking.more(30)
        assert keys.destroy("registry", 1)["state"] == "destroyed"
        asking.more(80)
        for words in (("new", "entry", "--suite", "SM"), ("activate", "entry", "2", "--wait", "60")):
            keys(*words)
            asking.more(60)
        left = keys("retire", "entry", "1", "--wait", "60", codes=(0, 3))["left"]
        asking.more(60)
    assert asking.faults == []
    assert keyring.open(home.settings.keys_dir, "registry").epoch(1).root is None
    assert left.get("aliases", 0) < len(home.rows("SELECT 1 FROM alias"))
    print(asking.count, "answers")


class Commands:
    """`huxin keys …` as an operator runs it, in processes of their own."""

    def __init__(self, home: ServedHome, folder: Path) -> None:
        self._home, self._folder = home, folder
        for operator in ("anna", "bo"):
            self._run(
                ["members", "key", "new", operator, "--role", "operator", "--out", str(folder / operator)]
            )

    def __call__(self, *words: str, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._run(["keys", *words], codes).splitlines()[-1])
        return found

    def destroy(self, zone: str, epoch: int) -> dict[str, Any]:
        words = ("destroy", zone, str(epoch))
        self(*words, "--by", "anna", "--key", str(self._folder / "anna"), codes=(3,))
        return self(*words, "--by", "bo", "--key", str(self._folder / "bo"))

    def _run(self, words: list[str], codes: tuple[int, ...] = (0,)) -> str:
        surroundings = {name: value for name, value in os.environ.items() if name != "HUXIN_NOW"}
        surroundings |= {"HUXIN_HOME": str(self._home.settings.home), "HUXIN_LANG": "en"}
        done = subprocess.run(
            [sys.executable, "-m", "huxin", *words],
            env=surroundings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in codes, (words, done.returncode, done.stderr)
        return done.stdout
