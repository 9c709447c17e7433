"""Another OPRF key by δ on the elements on record: the answers stay what they were, before, meanwhile and after."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from key_turns import PATIENCE
from night_world import ready
from sqlalchemy import text
from test_blind_meeting import WORDS

from huxin.cli.setup import turn_on_blind
from huxin.enquiry import keys_in_use
from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import Person
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.nightly.pipeline import run_night
from huxin.oversight import key_epochs, oprf_rotation
from huxin.registry import element_turning
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from huxin_privacy import blind, keyring
from huxin_privacy.blind.keys import SUITE
from huxin_privacy.enquiry_digest import enquiry_digest
from support.blind import blinder, write_blind
from support.rows import AS_OF, loan, resident_id, write_submission

PEOPLE = range(1, 25)


@pytest.fixture
def home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Blind mode, twelve people known the direct way and twelve by their elements only."""
    monkeypatch.setattr(keys_in_use, "LOOK_S", 0.05)
    monkeypatch.setattr(element_turning, "BATCH", 5)
    ready(settings)
    inbox = settings.home / "inbox"
    inbox.mkdir()
    assert turn_on_blind(settings)
    day = AS_OF - timedelta(days=1)
    write_submission(inbox, "M0001", [loan("M0001", n) for n in PEOPLE[:12]], day)
    write_blind(settings, inbox, "M0002", [loan("M0002", n) for n in PEOPLE[12:]], day)
    assert not run_night(settings, inbox).failed
    yield settings
    forget_engine(settings)


@pytest.fixture
def desk(home: Settings) -> Iterator[Desk]:
    made = Desk(home)
    yield made
    made.close()


def asked(home: Settings, n: int, epoch: int | None) -> EnquiryRequest:
    """By the element under that epoch, or by the identifier."""
    if epoch is None:
        return EnquiryRequest(Person("resident_id", resident_id(n)), **WORDS)
    by = blinder(home, epoch)
    (element,) = by.elements([blind.message("resident_id", resident_id(n))])
    sealed = blind.seal_element(by.pinned.registry, "M0003", enquiry_digest(**WORDS), epoch, element)
    return EnquiryRequest(Person("", "", sealed=sealed), **WORDS)


def subject(home: Settings, desk: Desk, n: int, epoch: int | None) -> UUID:
    """Of whom an enquiry is put on record."""
    import orjson

    told = orjson.loads(desk.enquire(Asker(3, "M0003"), asked(home, n, epoch), str(new_id())).content)
    with connection(home) as database:
        found = text("SELECT subject_id FROM enquiry WHERE id = :id")
        return UUID(str(database.execute(found, {"id": told["enquiry_id"]}).scalar_one()))


def by_loans(home: Settings) -> dict[int, UUID]:
    with connection(home) as database:
        rows = database.execute(text("SELECT loan_no, subject_id FROM loan")).all()
    return {int(row.loan_no[-6:]): UUID(str(row.subject_id)) for row in rows}


def next_epoch(home: Settings, zone: str) -> int:
    number = key_epochs.new_epoch(home, zone).epochs[-1].number
    key_epochs.activate(home, zone, number, PATIENCE, lambda behind: None)
    return number


def under(home: Settings, entry: int, registry: int) -> int:
    query = text("""
        SELECT count(*) FROM alias a JOIN alias_element USING (token, scheme) JOIN token_scheme s ON s.id = a.scheme
        WHERE s.suite = :suite AND (s.entry_epoch, s.registry_epoch) = (:entry, :registry)
    """)
    with connection(home) as database:
        values = {"suite": SUITE, "entry": entry, "registry": registry}
        return int(database.execute(query, values).scalar_one())


def rotate(home: Settings) -> int:
    return oprf_rotation.rotate(home, PATIENCE, lambda behind: None)


def test_answers_stay_what_they_were_while_keys_are_exchanged_at_random_moments(
    home: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    chance, known = random.Random(seed), by_loans(home)
    wrong: list[object] = []
    over = threading.Event()
    pins = [None, 1]

    def ask() -> None:
        while not over.is_set():
            n, epoch = chance.choice(PEOPLE), chance.choice(pins)
            try:
                found = subject(home, desk, n, epoch)
            except HuxinError as error:
                wrong.append(error)
            else:
                if found != known[n]:
                    wrong.append((n, epoch, found))

    monkeypatch.setattr("huxin.faults.reach", lambda stage: over.wait(chance.random() / 20))
    askers = [threading.Thread(target=ask) for _ in range(2)]
    for each in askers:
        each.start()
    moved = []
    try:
        for zone in ("entry", "registry", "entry"):
            over.wait(chance.random() / 2)
            next_epoch(home, zone)
            over.wait(chance.random() / 2)
            moved.append(rotate(home) if zone == "entry" else oprf_rotation.move(home, PATIENCE))
            pins.append(keyring.open(home.keys_dir, "entry").active)
    finally:
        over.set()
        for each in askers:
            each.join()
    assert wrong == [], f"seed {seed}"
    assert min(moved) >= 24
    assert under(home, 3, 2) == 24
    assert {n: subject(home, desk, n, epoch) for epoch in (None, 1, 2, 3) for n in PEOPLE} == known
    with connection(home) as database:
        assert database.execute(text("SELECT count(*) FROM alias_element")).scalar_one() == 24
        keys = database.execute(text("SELECT body ->> 'epoch' FROM outbox WHERE topic = 'blind.key'"))
        assert sorted(keys.scalars()) == ["1", "2", "3"]


ROTATE = """
import sys
from datetime import datetime
from pathlib import Path
from huxin.oversight import oprf_rotation
from huxin.registry import element_turning
from huxin.settings import Settings
element_turning.BATCH = 5
settings = Settings(Path(sys.argv[1]), database_url=sys.argv[2], fixed_now=datetime.fromisoformat(sys.argv[3]))
oprf_rotation.rotate(settings, 120, lambda behind: None)
"""


def test_killed_on_the_way_it_goes_on_and_nobody_is_lost_meanwhile(home: Settings, desk: Desk) -> None:
    known = by_loans(home)
    next_epoch(home, "entry")
    assert home.fixed_now is not None and home.database_url is not None
    command = [sys.executable, "-c", ROTATE, str(home.home), home.database_url, home.fixed_now.isoformat()]
    environment = os.environ | {"HUXIN_FAULT": "rekey.moved@3"}
    killed = subprocess.run(command, check=False, env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert (under(home, 1, 1), under(home, 2, 1)) == (9, 15)
    assert {n: subject(home, desk, n, epoch) for epoch in (1, 2) for n in PEOPLE} == known
    assert rotate(home) == 9
    assert (under(home, 1, 1), under(home, 2, 1)) == (0, 24)
    assert rotate(home) == 0


def test_the_old_key_is_kept_while_an_alias_hangs_on_it_and_refused_when_it_is_gone(
    home: Settings, desk: Desk
) -> None:
    from huxin.oversight.key_retiring import depending

    next_epoch(home, "entry")
    before = depending(home, "entry", 1).aliases
    rotate(home)
    assert before - depending(home, "entry", 1).aliases == 24
    # As if every person of the direct way had been reported again (key_retiring).
    with connection(home) as database:
        database.execute(
            text("DELETE FROM alias a USING token_scheme s WHERE s.id = a.scheme AND s.entry_epoch = 1")
        )
        database.execute(text("UPDATE loan SET name_mark = NULL"))
    ring = keyring.open(home.keys_dir, "entry")
    key_epochs.act(home, "entry", "keys.destroyed", lambda ring: keyring.destroy(ring, 1, 0))
    stale = asked_with(home, ring, 20)
    desk._in_use.renew()
    with pytest.raises(HuxinError, match="H1802"):
        desk.enquire(Asker(3, "M0003"), stale, str(new_id()))
    assert subject(home, desk, 20, 2) == by_loans(home)[20]


def test_a_process_that_has_not_looked_yet_answers_by_a_key_published_a_moment_ago(
    home: Settings, desk: Desk
) -> None:
    known = by_loans(home)
    before = desk._in_use.now, desk._in_use._seen
    number = next_epoch(home, "entry")
    rotate(home)
    desk._in_use._over.set()  # nobody looks at the files any more
    desk._in_use._thread.join()
    desk._in_use.now, desk._in_use._seen = before
    assert {n: subject(home, desk, n, number) for n in PEOPLE} == known


def asked_with(home: Settings, ring: keyring.Keyring, n: int) -> EnquiryRequest:
    """By the element under epoch 1 of a keyring as it was."""
    key = blind.oprf_key(ring, 1)
    element = blind.element(key.secret, blind.message("resident_id", resident_id(n)))
    receiver = blinder(home, 2).pinned.registry
    sealed = blind.seal_element(receiver, "M0003", enquiry_digest(**WORDS), 1, element)
    return EnquiryRequest(Person("", "", sealed=sealed), **WORDS)


def test_a_file_that_lay_in_the_spool_while_the_key_was_exchanged_is_loaded(home: Settings) -> None:
    from huxin.nightly.after_validation import load_step, pseudonymize_step
    from huxin.nightly.inbox import arrivals
    from huxin.nightly.receive import receive
    from huxin.nightly.validate.step import validate_group

    known = by_loans(home)
    path = write_blind(home, home.home / "inbox", "M0002", [loan("M0002", n) for n in PEOPLE], AS_OF)
    (fresh,) = [r for r in receive(home, arrivals(home.home / "inbox")) if r.fresh]
    ids = [fresh.submission.id]
    validate_group(home, ids)
    pseudonymize_step(home)(home, ids, None)
    next_epoch(home, "entry")
    next_epoch(home, "registry")
    rotate(home)
    load_step(home)(home, ids, None)
    assert path.exists()
    with connection(home) as database:
        rows = database.execute(text("SELECT loan_no, subject_id FROM loan WHERE member_id = 2")).all()
    assert {int(row.loan_no[-6:]): UUID(str(row.subject_id)) for row in rows} == known
