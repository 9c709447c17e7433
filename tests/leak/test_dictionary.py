"""A dump and any one key: of 10,000 known ID numbers not one can be matched. With both zones' keys, every one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from dictionary import Attack, block_cipher, derived, requests_of
from dump_bytes import Dump, Stored, strings_of
from typer.testing import CliRunner

from huxin.cli import app
from huxin.cli.setup import prepare
from huxin.enquiry.check_words import Account, Check
from huxin.enquiry.checking import Checker
from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.sealing import ANSWER, FACTS, opened
from huxin.enquiry.subject_keys import Person
from huxin.nightly.pipeline import run_night
from huxin.registry import embedded
from huxin.registry.members import add_members, find_member
from huxin.registry.sequencing import drain
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.macs import Mac
from huxin_privacy.tokens import half
from support.rows import loan, mobile, name, overdue, resident_id, write_submission

KNOWN = 10_000
NUMBERS = [resident_id(n) for n in range(1, KNOWN + 1)]
BARE = 40  # asked about with nothing but the number: of these a request can be rebuilt
UNKNOWN = 200  # asked about and lent to by nobody
SAMPLE = 50
ENQUIRIES = 2 * BARE - 1 + UNKNOWN + 49
EVENING = "2026-05-31T22:00:00+08:00"


@dataclass
class Home:
    """A home after its night and its enquiries, dumped; and its keys, as somebody might get them."""

    settings: Settings
    dump: Dump = field(repr=False)
    strings: list[bytes] = field(repr=False)
    roots: dict[str, bytes] = field(repr=False)

    def attack(self, *keys: str) -> Attack:
        """What somebody tries who holds these keys, named by zone, or "reply" for a member's reply key."""
        held = {name: key for each in keys for name, key in self._held(each).items()}
        again = {
            name: key for name, key in held.items() if name.endswith(("root", "token", "digest", "reply"))
        }
        return Attack(NUMBERS, held if len(keys) == 1 else again, again, requests_of(self.dump, 1))

    def wild(self, zone: str) -> Attack:
        """The same key taken for what it is not: for other zones', suites', types' and uses' keys, on a sample."""
        every = derived(zone, self.roots[zone], every=True)
        return Attack(
            NUMBERS[:SAMPLE],
            every,
            derived(zone, self.roots[zone]),
            requests_of(self.dump, 1),
            ("S256", "SM"),
        )

    def _held(self, key: str) -> dict[str, bytes]:
        return derived(key, self.roots[key]) if key in self.roots else {"reply": self.reply_key()}

    def reply_key(self) -> bytes:
        return keyring.open(self.settings.keys_dir, "registry").key("reply", "member:1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("dictionary")
    settings = Settings.from_env({"HUXIN_HOME": str(folder / "home"), "HUXIN_NOW": EVENING})
    prepare(settings)
    try:
        _live(settings, folder / "inbox")
        environment = {"HUXIN_HOME": str(settings.home), "HUXIN_DATABASE_URL": "", "HUXIN_NOW": EVENING}
        done = CliRunner().invoke(app, ["db", "dump", str(folder / "dump.sql")], env=environment)
        assert done.exit_code == 0, done.output
        dump = Dump(folder / "dump.sql")
        roots = {zone: _root(settings, zone) for zone in keyring.ZONES}
        yield Home(settings, dump, strings_of(dump.raw), roots)
    finally:
        forget_engine(settings)
        embedded.stop(settings)


def _live(settings: Settings, inbox: Path) -> None:
    """Everybody has a loan at one of two members, some at both; and is asked about in each way there is."""
    with connection(settings) as database:
        add_members(database, [("M0001", "甲小贷"), ("M0002", "乙小贷")], settings.now())
    for member, people in (("M0001", range(1, 6_001)), ("M0002", range(5_001, KNOWN + 1))):
        rows = [loan(member, n) if n % 9 else overdue(loan(member, n), 40) for n in people]
        rows[7] = {**rows[7], "mobile": "12345"}
        rows[8] = {**rows[8], "id_no": rows[8]["id_no"][:-1] + "?"}
        write_submission(inbox, member, rows)
    report = run_night(settings, inbox)
    assert report.failed == {}
    assert sum(item.accepted or 0 for item in report.submissions) == KNOWN + 1_000 - 2
    _ask(settings)
    drain(settings)


def _ask(settings: Settings) -> None:
    with connection(settings) as database:
        member = find_member(database, "M0001")
    assert member is not None
    asker, desk = Asker(member.id, member.code), Desk(settings)
    for n in (*range(1, 2 * BARE), *range(KNOWN - UNKNOWN, KNOWN)):
        bare = n <= BARE
        also = (None, None) if bare else (name(n), mobile(n))
        person = Person("resident_id", resident_id(n), None, *also)
        request = EnquiryRequest(
            person, "application", f"SQ{n:06d}", date(2028, 12, 31), "S-17", f"CASE-{n}", 500_000
        )
        desk.enquire(asker, request, f"key-{n:08d}")
    desk.close()
    Checker(settings, "M0002", Account("S-1")).ask(
        [Check(Person("resident_id", resident_id(n))) for n in range(1, 50)]
    )


def _root(settings: Settings, zone: str) -> bytes:
    (root,) = [epoch.root for epoch in keyring.open(settings.keys_dir, zone).epochs]
    assert root is not None
    return root


@pytest.fixture(scope="module")
def stored(home: Home) -> Stored:
    return Stored(home.strings)


def test_the_dump_holds_what_there_is_to_attack(home: Home, stored: Stored) -> None:
    assert len(home.dump.table("loan").rows) == KNOWN + 1_000 - 2
    assert len(home.dump.table("alias").rows) >= KNOWN
    assert len(home.dump.table("enquiry").rows) == ENQUIRIES
    assert home.dump.table("audit_leaf").rows
    assert len(home.dump.table("mobile_alias").rows) >= KNOWN - 2
    assert len(stored) > 1_000_000


@pytest.mark.parametrize("key", [*keyring.ZONES, "reply"])
def test_with_one_key_nobody_is_matched(home: Home, stored: Stored, key: str) -> None:
    found = home.attack(key).on(stored)
    assert (found.people, found.ways) == (set(), {})


@pytest.mark.parametrize("zone", keyring.ZONES)
def test_nor_by_taking_a_key_for_what_it_is_not(home: Home, stored: Stored, zone: str) -> None:
    assert home.wild(zone).on(stored).ways == {}


def test_what_the_registrys_key_opens_matches_nobody_either(home: Home) -> None:
    """Facts and answers are sealed under it: there is no number, no half and no token in them."""
    ring = keyring.open(home.settings.keys_dir, "registry")
    keys = [AESGCM(ring.key("seal", "answer"))]
    inside = []
    for id_, facts, answer in home.dump.table("enquiry").of("id", "facts", "answer"):
        for use, stored in ((FACTS, facts), (ANSWER, answer)):
            inside.append(opened(keys, use, UUID(id_), bytes.fromhex(stored.removeprefix(r"\\x"))))
    assert len(inside) == 2 * ENQUIRIES
    strings = [each for text in inside for each in strings_of(text)]
    assert home.attack("registry").on(Stored(strings)).ways == {}


def test_with_both_keys_everybody_is_matched(home: Home, stored: Stored) -> None:
    """By the aliases; and who was asked about with nothing but the number by the request's digest as well."""
    found = home.attack("entry", "registry").on(stored)
    assert len(found.people) == KNOWN
    assert {count for way, count in found.ways.items() if "cipher" in way} == {KNOWN}
    assert [count for way, count in found.ways.items() if "cipher" not in way] == [1]


def planted(home: Home) -> dict[str, tuple[str, str]]:
    """Breaches as they might slip in: what stands in the dump, and whose key is enough for it."""
    number, entry, registry = NUMBERS[77], home.roots["entry"], home.roots["registry"]
    digest = derived("registry", registry)["registry as registry S256 request digest"]
    token_key = derived("registry", registry)["registry as registry S256 resident_id token"]
    made = half(derived("entry", entry)["entry as entry S256 resident_id token"], "resident_id", number)
    plain = hashlib.sha256(number.encode()).digest()
    weak = block_cipher(AES256(token_key)).encryptor().update(plain[:16])
    request = Mac(digest, "sha256").digest(requests_of(home.dump, 1)[0](number))
    return {
        "the number itself": (f"\t{number}\t", "audit"),
        "a plain hash in hex": (plain.hex(), "audit"),
        "a hash cut to a bigint": (str(int.from_bytes(plain[:8], "little", signed=True)), "audit"),
        "a hash in base64": (base64.b64encode(plain).decode(), "audit"),
        "a half as a UUID": (str(UUID(bytes=made)), "entry"),
        "a half in a bytea": (r"\\x" + (b"1234567" + made).hex(), "entry"),
        "a request's digest under one key": (r"\\x" + request.hex(), "registry"),
        "a token of a plain hash": (str(UUID(bytes=weak)), "registry"),
    }


def test_the_attack_finds_each_breach_that_is_planted(home: Home) -> None:
    for what, (text, key) in planted(home).items():
        attack = replace(home.attack(key), numbers=NUMBERS[:100])
        found = attack.on(Stored(strings_of(b"COPY some (thing) FROM stdin;\n" + text.encode() + b"\n")))
        assert found.people == {77}, what
