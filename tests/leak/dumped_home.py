"""A home after a night and its enquiries, dumped as operators dump it, with its keys as somebody might get them."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from dictionary import Attack, derived, requests_of
from dump_bytes import Dump, Stored, strings_of
from typer.testing import CliRunner

from huxin.cli import app
from huxin.cli.setup import prepare
from huxin.enquiry.check_words import Account, Check
from huxin.enquiry.checking import Checker
from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import Person
from huxin.nightly.pipeline import run_night
from huxin.registry.members import add_members, find_member
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import keyring
from support.rows import loan, mobile, name, overdue, resident_id, write_submission

EVENING = "2026-05-31T22:00:00+08:00"
BARE = 40  # asked about with nothing but the number: of these a request can be rebuilt
ASKED = 2 * BARE  # asked about at all, from person 1 on; and so many of the last, by M0001
CHECKED = 50  # asked about by the operator
SAMPLE = 50
_HELD_AGAIN = ("root", "token", "digest", "reply")


@dataclass
class DumpedHome:
    """`people` is how many have a loan: the first 0.6 of them at M0001, the last 0.5 at M0002."""

    settings: Settings
    suite: str
    people: int
    dump: Dump = field(repr=False)
    roots: dict[str, bytes] = field(repr=False)
    answers: dict[int, dict[str, Any]] = field(repr=False)

    @cached_property
    def numbers(self) -> list[str]:
        return [resident_id(n) for n in range(1, self.people + 1)]

    @cached_property
    def stored(self) -> Stored:
        return Stored(strings_of(self.dump.raw))

    @property
    def enquiries(self) -> int:
        return len(self.answers) + CHECKED

    def attack(self, *keys: str) -> Attack:
        """What somebody tries who holds these keys, named by zone, or "reply" for a member's reply key."""
        held = {name: key for each in keys for name, key in self._held(each).items()}
        again = {name: key for name, key in held.items() if name.endswith(_HELD_AGAIN)}
        # Requests and answers are digested and sealed under the default's algorithms, whatever the suite.
        suites = tuple(dict.fromkeys((self.suite, "S256")))
        first = held if len(keys) == 1 else again
        return Attack(self.numbers, first, again, requests_of(self.dump, 1), suites)

    def wild(self, zone: str) -> Attack:
        """The same key taken for what it is not: for other zones', suites', types' and uses' keys, on a sample."""
        every = derived(zone, self.roots[zone], every=True)
        root = {"root": self.roots[zone]}
        return Attack(self.numbers[:SAMPLE], every, root, requests_of(self.dump, 1), ("S256", "SM"))

    def reply_key(self, member: int = 1) -> bytes:
        members = keyring.open(self.settings.keys_dir, "registry").key("reply", "members")
        return hmac.digest(members, f"member:{member}".encode(), "sha256")

    def _held(self, key: str) -> dict[str, bytes]:
        if key not in self.roots:
            return {"reply": self.reply_key()}
        return derived(key, self.roots[key], self.suite)


def dumped_home(folder: Path, people: int, suite: str) -> DumpedHome:
    """Makes it; the caller stops its server."""
    settings = Settings.from_env({"HUXIN_HOME": str(folder / "home"), "HUXIN_NOW": EVENING})
    prepare(settings, suite)
    _night(settings, folder / "inbox", people)
    answers = _ask(settings, people)
    drain(settings)
    environment = {"HUXIN_HOME": str(settings.home), "HUXIN_DATABASE_URL": "", "HUXIN_NOW": EVENING}
    done = CliRunner().invoke(app, ["db", "dump", str(folder / "dump.sql")], env=environment)
    assert done.exit_code == 0, done.output
    roots = {zone: _root(settings, zone) for zone in keyring.ZONES}
    return DumpedHome(settings, suite, people, Dump(folder / "dump.sql"), roots, answers)


def lenders(people: int) -> dict[str, range]:
    """Who has a loan at which member; those in the middle have two."""
    return {"M0001": range(1, people * 6 // 10 + 1), "M0002": range(people // 2 + 1, people + 1)}


def _night(settings: Settings, inbox: Path, people: int) -> None:
    with connection(settings) as database:
        add_members(database, [("M0001", "甲小贷"), ("M0002", "乙小贷")], settings.now())
    for member, held in lenders(people).items():
        rows = [loan(member, n) if n % 9 else overdue(loan(member, n), 40) for n in held]
        rows[7] = {**rows[7], "mobile": "12345"}
        rows[8] = {**rows[8], "id_no": rows[8]["id_no"][:-1] + "?"}  # quarantined: M0001's ninth person
        write_submission(inbox, member, rows)
    report = run_night(settings, inbox)
    assert report.failed == {}


def _ask(settings: Settings, people: int) -> dict[int, dict[str, Any]]:
    """M0001 asks about some in each way there is, and the operator about others; what M0001 was told, by person."""
    with connection(settings) as database:
        member = find_member(database, "M0001")
    assert member is not None
    asker, desk = Asker(member.id, member.code), Desk(settings)
    told = {}
    for n in (*range(1, ASKED), *range(people - ASKED, people)):
        also = (None, None) if n <= BARE else (name(n), mobile(n))
        person = Person("resident_id", resident_id(n), None, *also)
        request = EnquiryRequest(
            person, "application", f"SQ{n:06d}", date(2028, 12, 31), "S-17", f"CASE-{n}", 500_000
        )
        told[n] = orjson.loads(desk.enquire(asker, request, f"key-{n:08d}").content)
    desk.close()
    asked = [Check(Person("resident_id", resident_id(n))) for n in range(1, CHECKED + 1)]
    Checker(settings, "M0002", Account("S-1")).ask(asked)
    return told


def _root(settings: Settings, zone: str) -> bytes:
    (root,) = [epoch.root for epoch in keyring.open(settings.keys_dir, zone).epochs]
    assert root is not None
    return root
