"""What the night says of mobiles: which subjects a number was given for, once each, and nothing else of it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from night_world import day, ready
from sqlalchemy import text

from huxin.contract import State
from huxin.enquiry.subject_keys import Keys, Person
from huxin.nightly import actions
from huxin.nightly.submitting import submit
from huxin.nightly.tokenizer import Tokenizer
from huxin.registry import gathering, mobiles
from huxin.registry.gathering import Asking
from huxin.registry.live import Live
from huxin.registry.schemes import scheme_ids
from huxin.registry.session import connection
from huxin.registry.submissions import Submission
from huxin.settings import Settings
from support.rows import loan, mobile, resident_id, write_submission

ME, OTHER = "M0001", "M0002"
TODAY = day(3)
Pairs = set[tuple[int, int]]  # (mobile's number, person's number)


@pytest.fixture
def home(settings: Settings) -> Settings:
    return ready(settings)


@pytest.fixture
def send(home: Settings, tmp_path: Path) -> Iterator[Callable[..., Submission]]:
    """Sends rows through the real steps."""
    sequences: dict[tuple[str, date], int] = {}

    def sent(
        rows: list[dict[str, str]], on: date = TODAY, mode: str = "full", member: str = ME
    ) -> Submission:
        sequences[member, on] = sequences.get((member, on), 0) + 1
        path = write_submission(tmp_path, member, rows, on, sequences[member, on], mode)
        item, fresh = submit(home, path, member)
        assert fresh
        return item

    yield sent


def calling(person: int, number: int | None, member: str = ME, **changes: str) -> dict[str, str]:
    """A loan to a person who gives this number, or none."""
    return loan(member, person, mobile="" if number is None else mobile(number), **changes)


def keys_of(settings: Settings) -> Keys:
    with connection(settings) as database:
        return Keys.read(settings, partial(scheme_ids, database))


def pairs(settings: Settings, people: range = range(1, 60), numbers: range = range(1, 60)) -> Pairs:
    """The pairs on record, by the numbers of tests; whatever is not known here fails."""
    keys = keys_of(settings)
    person = {keys.of(Person("resident_id", resident_id(n))).keys[0][0]: n for n in people}
    number = {
        keys.of(Person("resident_id", resident_id(1), mobile=mobile(n))).mobile_keys[0][0]: n for n in numbers
    }
    query = """SELECT uuid_send(ma.token), uuid_send(a.token) FROM mobile_subject s
        LEFT JOIN mobile_alias ma USING (mobile_id) LEFT JOIN alias a USING (subject_id)"""
    with connection(settings) as database:
        return {(number[bytes(one)], person[bytes(two)]) for one, two in database.execute(text(query))}


def scalar(settings: Settings, query: str) -> object:
    with connection(settings) as database:
        return database.execute(text(query)).scalar()


def gathered(settings: Settings, person: int, number: int, claim: bool = True) -> gathering.Gathered:
    """What an enquiry of the other member finds."""
    found = keys_of(settings).of(Person("resident_id", resident_id(person), mobile=mobile(number)))
    asking = Asking(
        2, "application", found.keys, settings.now(), settings.today(), claim, mobile_keys=found.mobile_keys
    )
    live = Live(settings)
    try:
        return gathering.gather(live, asking)
    finally:
        live.close()


# Tokens -------------------------------------------------------------------------------------------------


def test_a_column_of_mobiles_gets_the_tokens_that_enquiries_make(home: Settings) -> None:
    tokenizer, keys = Tokenizer(home), keys_of(home)
    with connection(home) as database:
        scheme = tokenizer.mobile_scheme(database)
    numbers = [mobile(n) for n in range(1, 200)]
    types = np.full(len(numbers), 1, np.uint8)
    owners = tokenizer.halves(types, pa.array([resident_id(n) for n in range(1, 200)]))
    made = tokenizer.mobiles(owners, pa.array(numbers))
    for number, token in zip(numbers, made.tokens, strict=True):
        person = Person("resident_id", resident_id(1), mobile=number)
        assert keys.of(person).mobile_keys[0] == (token.tobytes(), scheme)


def test_a_mark_is_the_same_within_one_subject_only(home: Settings) -> None:
    tokenizer = Tokenizer(home)
    owners = tokenizer.halves(np.full(4, 1, np.uint8), pa.array([resident_id(n) for n in (1, 1, 1, 2)]))
    made = tokenizer.mobiles(owners, pa.array([mobile(1), mobile(1), mobile(2), mobile(1)]))
    assert made.marks[0] == made.marks[1]
    assert len(set(made.marks.tolist())) == 3
    firsts = made.tokens.view("<i8")[:, 0]
    assert not set(made.marks.tolist()) & set(firsts.tolist())


def test_no_number_has_no_token(home: Settings) -> None:
    tokenizer = Tokenizer(home)
    owners = tokenizer.halves(np.full(3, 1, np.uint8), pa.array([resident_id(n) for n in (1, 2, 3)]))
    made = tokenizer.mobiles(owners, pa.array([None, mobile(1), None], pa.large_string()))
    assert made.given.tolist() == [False, True, False]


# Pairs --------------------------------------------------------------------------------------------------


def test_an_enquiry_counts_the_subjects_that_nights_said_of_its_mobile(
    home: Settings, send: Callable[..., Submission]
) -> None:
    send([calling(n, 7) for n in (1, 2)])
    send([calling(n, 7, OTHER) for n in (2, 3)] + [calling(4, 8, OTHER)], member=OTHER)
    assert pairs(home) == {(7, 1), (7, 2), (7, 3), (8, 4)}
    found = gathered(home, 1, 7)
    assert json.loads(found.facts)["mobile"]["subjects"] == 3
    assert json.loads(gathered(home, 4, 8).facts)["mobile"]["subjects"] == 1


def test_every_role_counts_and_a_row_without_a_number_does_not(
    home: Settings, send: Callable[..., Submission]
) -> None:
    rows = [
        calling(1, 1),
        calling(2, 2, loan_no=f"{ME}-L000001", contract_no="HT000001", role="co_borrower"),
        calling(3, 3, loan_no=f"{ME}-L000001", contract_no="HT000001", role="guarantor"),
        calling(4, None),
        calling(5, None) | {"mobile": "12345"},
    ]
    item = send(rows)
    assert item.accepted == 5, item.codes
    assert pairs(home) == {(1, 1), (2, 2), (3, 3)}
    assert scalar(home, "SELECT count(*) FROM loan_key WHERE mobile_mark IS NULL") == 2


def test_a_mobile_that_an_enquiry_claimed_is_the_same_mobile(
    home: Settings, send: Callable[..., Submission]
) -> None:
    asked = gathered(home, 9, 7)
    send([calling(n, 7) for n in (1, 2)])
    assert scalar(home, "SELECT count(*) FROM mobile_alias") == 1
    assert scalar(home, "SELECT min(mobile_id::text) FROM mobile_subject") == str(asked.mobile_id)
    assert pairs(home) == {(7, 1), (7, 2)}


def test_another_number_adds_a_pair_and_no_history(home: Settings, send: Callable[..., Submission]) -> None:
    book = [calling(n, n) for n in range(1, 31)]
    send(book, day(1))
    book[4]["mobile"], book[5]["mobile"] = mobile(40), mobile(1)
    send(book, day(2))
    assert pairs(home) == {(n, n) for n in range(1, 31)} | {(40, 5), (1, 6)}
    assert scalar(home, "SELECT count(*) FROM loan_history") == 0
    assert scalar(home, "SELECT max(version) FROM loan_key") == 1
    assert scalar(home, "SELECT count(DISTINCT mobile_id) FROM mobile_alias") == 31


def test_a_night_that_says_nothing_new_looks_no_mobile_up(
    home: Settings, send: Callable[..., Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    book = [calling(n, n) for n in range(1, 31)]
    send(book, day(0))
    book[3]["balance"] = "1.00"  # changed, but with its number of before
    book[4]["mobile"] = ""  # none any more is no other number
    monkeypatch.setattr(mobiles, "pair", lambda *_: pytest.fail("looked up"))
    send(book, day(1))
    book[4]["mobile"] = mobile(5)
    send(book, day(2))
    with pytest.raises(pytest.fail.Exception):
        send([*book[1:], calling(1, 31)], day(3))


def test_what_is_rejected_deleted_or_waits_says_nothing(
    home: Settings, send: Callable[..., Submission]
) -> None:
    book = [calling(n, n) for n in range(1, 41)]
    send(book, day(0))
    before = pairs(home)
    rejected = [{**book[0], "balance": "many", "mobile": mobile(50)}, *book[1:]]
    send(rejected, day(1))
    gone = {**book[0], "action": "delete", "mobile": mobile(51)}
    send([gone], day(2), mode="incremental")
    assert pairs(home) == before
    waiting = send([{**row, "mobile": mobile(52)} for row in book[20:30]], day(3))
    assert waiting.state == State.AWAITING_CONFIRMATION
    assert pairs(home) == before
    assert actions.confirm(home, waiting.id).state == State.PUBLISHED
    assert pairs(home) == before | {(52, n) for n in range(21, 31)}


def test_a_late_word_adds_its_pair(home: Settings, send: Callable[..., Submission]) -> None:
    """A correction of a past day about a loan of which the registry has a newer word."""
    send([calling(1, 1), calling(2, 2)], day(0))
    send([calling(1, 1, balance="5.00"), calling(2, 2)], day(2))
    send([calling(1, 9, balance="6.00")], day(0), mode="correction")
    assert pairs(home) == {(1, 1), (9, 1), (2, 2)}


def test_pairs_outlive_the_submission_that_said_them(home: Settings, send: Callable[..., Submission]) -> None:
    send([calling(n, n) for n in (1, 2)], day(0))
    item = send([calling(n, n + 10) for n in (1, 2)], day(1))
    assert actions.withdraw(home, item.id).state == State.WITHDRAWN
    assert pairs(home) == {(1, 1), (2, 2), (11, 1), (12, 2)}


@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_all_that_was_ever_said_whatever_the_nights(
    home: Settings, send: Callable[..., Submission], seed: int
) -> None:
    chance = random.Random(seed)
    said: Pairs = set()
    for number in range(4):
        for member in (ME, OTHER):
            book = {n: chance.choice([None, *range(1, 9)]) for n in chance.sample(range(1, 13), 10)}
            steady = [calling(n, n, member) for n in range(20, 50)]
            sure = [calling(n, given, member) for n, given in book.items()]
            item = send(sure + steady, day(number), "incremental", member)
            assert item.state == State.PUBLISHED
            said |= {(given, n) for n, given in book.items() if given} | {(n, n) for n in range(20, 50)}
    assert pairs(home) == said
    assert scalar(home, "SELECT count(*) FROM mobile_alias") == len({number for number, _ in said})
