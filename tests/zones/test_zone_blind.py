"""Blind mode on a split platform: files and enquiries by elements beside the direct way, and one subject of both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from huxin.contract import State
from huxin.enquiry.elements import Elements
from huxin.enquiry.evaluating import limits
from huxin.enquiry.ticketing import EntryPeople
from huxin.enquiry.turning_on import turn_on_blind
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.nightly.halving import EntryRows
from huxin.nightly.pipeline import run_night
from huxin.nightly.registry_rows import RegistryRows
from huxin.oversight import key_epochs, key_retiring, oprf_rotation
from huxin.oversight.acts_taken import ToldAct, take_acts
from huxin.registry.session import connection
from huxin.registry.submissions import Submission
from huxin.zones.card import card_text
from huxin.zones.layout import required, write_layout
from huxin.zones.making import own_card, take_card
from huxin_privacy import blind, keyring
from huxin_privacy.blind.pinned import encoded
from huxin_privacy.enquiry_digest import digest_of_body
from support.blind import write_blind
from support.rows import loan, resident_id, write_submission
from support.zone_members import Zoned, call, code_of, zoned
from support.zones import ISSUER, Split

ME, OTHER = "M0001", "M0002"
BODY = {
    "purpose": "application",
    "consent_no": "C-1",
    "consent_until": "2026-12-31",
    "staff": "u1",
    "reference": "A-1",
}
PEOPLE = count(500, 20)
SEQUENCES = count(1)


@pytest.fixture(scope="module")
def land(shared_split: Split) -> Iterator[Zoned]:
    assert turn_on_blind(shared_split.entry)
    with zoned(shared_split) as made:
        made.join(ME)
        made.join(OTHER, ("submissions",))
        yield made


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def direct(person: int) -> dict[str, Any]:
    return {"id_type": "resident_id", "id_no": resident_id(person)}


def published(land: Zoned) -> blind.Published:
    told = call(land.registry, "GET", "/v1/blind/keys", land.token(ME))
    assert told.status_code == 200, told.text
    return blind.parse_published(told.json)


def evaluated(land: Zoned, token: str, messages: list[bytes]) -> TestResponse:
    epoch = published(land).oprf[0].epoch
    made = blind.blind(messages).blinded
    body = {"epoch": epoch, "elements": [encoded(each) for each in made]}
    return call(land.entry, "POST", "/v1/blind/evaluations", token, json=body)


def blinder(land: Zoned, code: str = ME, scope: str = "tickets") -> blind.Blinder:
    """As the member's own tool: keys of the registry zone, evaluations of the entry zone."""
    told = published(land)

    def evaluate(epoch: int, made: list[bytes]) -> blind.Evaluation:
        body = blind.asked(epoch, made)
        answer = call(land.entry, "POST", "/v1/blind/evaluations", land.token(code, scope), json=body)
        assert answer.status_code == 200, answer.text
        return blind.answered(answer.json)

    return blind.Blinder(blind.Pinned(told.oprf[0], told.registry[0]), evaluate)


def ask_blind(
    land: Zoned, person: int, key: str | None = None, by: blind.Blinder | None = None, **changed: Any
) -> TestResponse:
    """An enquiry by an element, as huxin-edge puts it."""
    made = by or blinder(land)
    (element,) = made.elements([blind.message("resident_id", resident_id(person))])
    pinned = made.pinned
    sealed = blind.seal_element(pinned.registry, ME, digest_of_body(BODY), pinned.oprf.epoch, element)
    headers = {"Idempotency-Key": key or str(new_id())}
    body = {**BODY, **changed, "subject": {"element_sealed": sealed}}
    return call(land.registry, "POST", "/v1/enquiries", land.token(ME), headers, json=body)


def handle(answer: TestResponse) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json["handle"])


def night(land: Zoned, inbox: Path, code: str = OTHER) -> Submission:
    """What became of a member's file."""
    report = run_night(land.split.intake, inbox)
    assert not report.failed
    (found,) = (each for each in report.submissions if each.sender == code)
    return found


def rows_of(land: Zoned, query: str, **values: Any) -> list[Any]:
    with connection(land.split.registry) as database:
        return list(database.execute(text(query), values).all())


def test_it_is_turned_on_in_the_entry_zone_alone_and_once(land: Zoned) -> None:
    split = land.split
    assert not turn_on_blind(split.entry)
    for zone in ("intake", "registry"):
        with pytest.raises(HuxinError, match="H1709"):
            turn_on_blind(split.of(zone))
    key = blind.oprf_key(keyring.open(split.entry.keys_dir, "entry"))
    assert published(land).oprf == (blind.PublicKey(1, key.public),)
    (found,) = rows_of(land, "SELECT body ->> 'public' FROM outbox WHERE topic = 'blind.key'")
    assert found[0] == key.public.hex(), "the key is to be a leaf of the log"


def test_the_entry_zone_evaluates_and_the_registry_zone_counts(land: Zoned) -> None:
    answer = evaluated(land, land.token(ME, "tickets"), [b"one", b"two"])
    assert answer.status_code == 200, answer.text
    left = int(answer.headers["RateLimit"].split("r=")[1].split(";")[0])
    again = evaluated(land, land.token(ME, "tickets"), [b"one", b"two", b"three"])
    assert int(again.headers["RateLimit"].split("r=")[1].split(";")[0]) == left - 3
    assert code_of(call(land.registry, "POST", "/v1/blind/evaluations", land.token(ME), json={})) == "H1121"
    body = {"epoch": 1, "elements": [encoded(blind.blind([b"x"]).blinded[0])]}
    assert code_of(call(land.registry, "POST", "/v1/blind/evaluations", land.token(ME), json=body)) == "H1709"
    old = {**body, "epoch": 7}
    told = call(land.entry, "POST", "/v1/blind/evaluations", land.token(ME, "tickets"), json=old)
    assert code_of(told) == "H1802"


def test_who_reports_alone_gets_elements_and_no_tickets(land: Zoned) -> None:
    token = land.token(OTHER, "elements")
    assert evaluated(land, token, [b"one"]).status_code == 200
    assert code_of(call(land.entry, "POST", "/v1/tickets", token, json={})) == "H1114"
    assert code_of(evaluated(land, land.token(OTHER), [b"one"])) == "H1721", (
        "it may do more than is done there"
    )


def test_what_is_over_the_quota_is_refused_by_the_registry_zones_count(
    land: Zoned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huxin.enquiry.evaluating.limits", lambda: type(limits())(1, 1))
    answer = evaluated(land, land.token(OTHER, "elements"), [b"one", b"two"])
    assert (answer.status_code, code_of(answer)) == (429, "H1123")
    assert int(answer.headers["Retry-After"]) > 0


def test_by_ticket_and_by_element_it_is_one_subject_whichever_comes_first(land: Zoned) -> None:
    one, other = next(PEOPLE), next(PEOPLE)
    first = handle(land.ask(ME, direct(one), BODY))
    assert handle(ask_blind(land, one)) == first
    second = handle(ask_blind(land, other))
    assert handle(land.ask(ME, direct(other), BODY)) == second
    assert first != second


def test_who_was_known_before_it_was_on_meets_with_the_next_question(land: Zoned) -> None:
    """The entry zone's file is as it was then: tickets hold halves alone."""
    file, person = land.split.entry.home / "zone" / "blind.json", next(PEOPLE)
    held = file.read_bytes()
    file.unlink()
    first = handle(land.ask(ME, direct(person), BODY))
    apart = handle(ask_blind(land, person))
    assert apart != first
    file.write_bytes(held)
    met = handle(land.ask(ME, direct(person), BODY))
    assert met in (first, apart), "the one known longer stays: on a clock that stands still, either"
    assert handle(ask_blind(land, person)) == met


def test_a_repeated_blind_question_is_told_the_same_and_another_is_refused(land: Zoned) -> None:
    person, key = next(PEOPLE), str(new_id())
    first = ask_blind(land, person, key)
    assert ask_blind(land, person, key).data == first.data
    assert code_of(ask_blind(land, next(PEOPLE), key)) == "H1202"
    assert code_of(ask_blind(land, person, reference="another")) == "H1805", "sealed for other words"


def book(code: str, people: list[int]) -> list[dict[str, str]]:
    sequence = next(SEQUENCES)
    return [
        loan(code, person, loan_no=f"{code}-{sequence}-{person}", id_no=resident_id(person))
        for person in people
    ]


def whose(land: Zoned, code: str, people: list[int]) -> dict[int, Any]:
    query = """
        SELECT k.loan_no, k.subject_id FROM loan_key k JOIN member m ON m.id = k.member_id WHERE m.code = :code
    """
    found = {row[0].rsplit("-", 1)[1]: row[1] for row in rows_of(land, query, code=code)}
    return {person: found[str(person)] for person in people}


@pytest.mark.parametrize("first", ["direct", "blind"])
def test_files_of_both_kinds_meet_in_one_subject(land: Zoned, inbox: Path, first: str) -> None:
    start = next(PEOPLE)
    mine, theirs = list(range(start, start + 6)), list(range(start + 3, start + 9))
    sequence = next(SEQUENCES)

    def send_direct() -> None:
        write_submission(inbox, ME, book(ME, mine), sequence=sequence, mode="incremental")

    def send_blind() -> None:
        by = blinder(land, OTHER, "elements")
        rows = book(OTHER, theirs)
        write_blind(land.split.whole, inbox, OTHER, rows, sequence=sequence, mode="incremental", by=by)

    for send in (send_direct, send_blind) if first == "direct" else (send_blind, send_direct):
        send()
        assert night(land, inbox, ME if send is send_direct else OTHER).state == State.PUBLISHED
    own, other = whose(land, ME, mine), whose(land, OTHER, theirs)
    both = set(mine) & set(theirs)
    assert both
    assert {person: own[person] for person in both} == {person: other[person] for person in both}
    assert len({*own.values(), *other.values()}) == len({*mine, *theirs})
    for answer in (land.ask(ME, direct(start + 3), BODY), ask_blind(land, start + 3)):
        assert answer.json["exposure"]["lenders"] == 2, "both lenders' loans"


def test_a_file_without_people_does_not_pass_the_entry_zone(land: Zoned, inbox: Path) -> None:
    person = next(PEOPLE)
    rows, by = book(OTHER, [person]), blinder(land, OTHER, "elements")
    write_blind(
        land.split.whole, inbox, OTHER, rows, sequence=next(SEQUENCES) + 900, mode="incremental", by=by
    )
    peers = dict(required(land.split.intake, "intake").peers)
    write_layout(land.split.intake, "intake", peers | {"entry": "https://127.0.0.1:1"})
    try:
        assert night(land, inbox).state == State.PUBLISHED
    finally:
        write_layout(land.split.intake, "intake", peers)


def test_a_file_that_was_made_for_another_member_is_refused_and_told(land: Zoned, inbox: Path) -> None:
    rows, by = book(OTHER, [next(PEOPLE)]), blinder(land, OTHER, "elements")
    sequence = next(SEQUENCES) + 950
    write_blind(land.split.whole, inbox, OTHER, rows, sequence=sequence, mode="incremental", by=by, named=ME)
    found = night(land, inbox)
    assert (found.state, found.facts["code"], found.facts["reason"]) == (State.REFUSED, "F0011", "P0167")
    assert rows_of(land, "SELECT 1 FROM loan_key WHERE loan_no = :no", no=rows[0]["loan_no"]) == []


def test_no_zone_shows_an_element_or_a_key(land: Zoned) -> None:
    secret = blind.oprf_key(keyring.open(land.split.entry.keys_dir, "entry")).secret
    made = blind.element(secret, blind.message("resident_id", resident_id(1)))
    for shown in (
        EntryPeople(land.split.entry),
        EntryRows(land.split.entry),
        RegistryRows(land.split.registry),
    ):
        said = repr(shown) + repr(vars(shown))
        assert not [each for each in (secret, made) if each.hex() in said or repr(each) in said]


def test_another_key_of_blind_mode_changes_no_answer_and_the_old_one_can_go(land: Zoned) -> None:
    """The entry key is exchanged, the OPRF key follows by a step, and the old entry key is closed."""
    split, people = land.split, [next(PEOPLE) for _ in range(2)]
    before = [handle(land.ask(ME, direct(people[0]), BODY)), handle(ask_blind(land, people[1]))]
    pinned = blinder(land)
    key_epochs.new_epoch(split.entry, "entry")
    take_card(split.registry, card_text(own_card(split.entry)), None)
    key_epochs.activate(split.entry, "entry", 2, 0, nobody)

    def same() -> None:
        for person, known in zip(people, before, strict=True):
            assert handle(land.ask(ME, direct(person), BODY)) == known
            assert handle(ask_blind(land, person)) == known
            assert handle(ask_blind(land, person, by=pinned)) == known, "by the key that was pinned before"

    same()
    with pytest.raises(HuxinError, match="H1809"):
        key_retiring.retire(split.registry, "entry", 1, 300, nobody, nobody)
    assert oprf_rotation.rotate(split.entry, 300, nobody) == 0
    assert published(land).oprf[0].epoch == 2
    same()
    assert oprf_rotation.rotate(split.entry, 300, nobody) == 0, "again"
    assert oprf_rotation.rotate(split.registry, 300, nobody) > 0
    assert oprf_rotation.rotate(split.registry, 300, nobody) == 0
    of_old = "SELECT id FROM token_scheme WHERE suite = 'OPRF' AND entry_epoch = 1"
    left = f"SELECT count(*) FROM alias WHERE scheme IN ({of_old})"
    assert rows_of(land, left)[0][0] == 0
    same()
    with connection(split.registry) as database:
        first = Elements.of_registry(keyring.open(split.registry.keys_dir, "registry"), database)
    assert first is not None
    made = blind.oprf_key(keyring.open(split.entry.keys_dir, "entry"), 1).secret
    old = blind.element(made, blind.message("resident_id", resident_id(1)))
    new = blind.oprf_key(keyring.open(split.entry.keys_dir, "entry"), 2).secret
    assert first.present(1, old) == blind.element(new, blind.message("resident_id", resident_id(1)))
    assert made.hex() not in str(rows_of(land, "SELECT encode(step, 'hex') FROM oprf_generation"))
    key_retiring.retire(split.registry, "entry", 1, 300, nobody, nobody)
    same()
    check = keyring.open(split.entry.keys_dir, "entry").check_value(1)
    told = ToldAct(new_id(), "keys.destroyed", "2026-05-31T14:00:00Z", 1, "destroyed", check, 9, "u")
    assert take_acts(split.registry, "entry", [told]) == 1
    assert take_acts(split.registry, "entry", [told]) == 0, "once"
    assert [key.epoch for key in published(land).oprf] == [2]
    # Of tickets on their way some still hold halves of the key that is gone.
    assert [handle(land.ask(ME, direct(person), BODY)) for person in people] == before
    assert [handle(ask_blind(land, person)) for person in people] == before
    with pytest.raises(AssertionError, match="H1802"):
        pinned.elements([b"by the key that is gone"])


def test_the_registry_keys_exchange_brings_elements_along(land: Zoned) -> None:
    split, person = land.split, next(PEOPLE)
    first = handle(ask_blind(land, person))
    key_epochs.new_epoch(split.registry, "registry")
    for zone in ("entry", "intake"):
        take_card(split.of(zone), card_text(own_card(split.registry, ISSUER)), None)
    key_epochs.activate(split.registry, "registry", 2, 300, nobody)
    assert handle(ask_blind(land, person)) == first
    done = key_retiring.retire(split.registry, "registry", 1, 300, nobody, nobody)
    assert done.left.aliases == 0
    assert handle(ask_blind(land, person)) == first
    assert handle(land.ask(ME, direct(person), BODY)) == first


def nobody(*_: object) -> None:
    """Is waited for, or told."""
