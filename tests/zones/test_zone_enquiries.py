"""Enquiries by ticket: the answer of one process, once, to the member and for the enquiry that it was made for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.nightly.members_copy import follow_members
from huxin.nightly.submitting import submit
from huxin.oversight import key_epochs, key_retiring
from huxin.registry.session import connection
from huxin.registry.tickets import forget_spent
from huxin.zones.card import card_text
from huxin.zones.making import own_card, take_card
from huxin.zones.secrets import receivers, signers
from huxin_privacy.enquiry_digest import digest_of_body
from huxin_privacy.tickets import Made, Ticket, new_nonce, seal_ticket
from support.rows import loan, resident_id, write_submission
from support.zone_members import BODY, Zoned, call, code_of, zoned
from support.zones import Split

ME, OTHER, LENDER = "M0001", "M0002", "M0003"
PERSON = 7
NUMBER = resident_id(PERSON)
SUBJECT = {"id_type": "resident_id", "id_no": NUMBER}


@pytest.fixture(scope="module")
def land(shared_split: Split, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoned]:
    """Three members; one of them has reported loans, of which the person has one."""
    with zoned(shared_split) as made:
        for code in (ME, OTHER, LENDER):
            made.join(code)
        follow_members(shared_split.intake)
        rows = [loan(LENDER, number) for number in range(PERSON, PERSON + 30)]
        folder = tmp_path_factory.mktemp("sent")
        item, _ = submit(shared_split.intake, write_submission(folder, LENDER, rows), LENDER)
        assert item.state.name == "PUBLISHED"
        yield made


def count(land: Zoned, table: str) -> int:
    with connection(land.split.registry) as database:
        return int(database.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def refused(land: Zoned, answer: TestResponse, before: int) -> str:
    """The code of a refusal that left no enquiry behind."""
    code = code_of(answer)
    assert count(land, "enquiry") == before
    assert NUMBER not in answer.text
    return code


@pytest.fixture
def before(land: Zoned) -> int:
    return count(land, "enquiry")


def forged(land: Zoned, **changed: Any) -> str:
    """A ticket that the entry zone itself has signed, unlike what it makes."""
    now = int(land.split.registry.now().timestamp())
    values: dict[str, Any] = {
        "id_type": "resident_id",
        "member": ME,
        "enquiry": digest_of_body(BODY),
        "nonce": new_nonce(),
        "expires_at": now + 300,
        "made": (Made("S256", 1, bytes(range(16))),),
    }
    sender = signers(land.split.entry, "entry")[0]
    return seal_ticket(sender, receivers(land.split.registry, "registry")[0], Ticket(**(values | changed)))


def test_a_ticket_brings_the_answer(land: Zoned) -> None:
    answer = land.ask(ME, SUBJECT, BODY)
    assert answer.status_code == 200, answer.text
    told = answer.json
    assert told["subject_known"] is True
    assert told["exposure"]["lenders"] == 1
    again = call(land.registry, "GET", f"/v1/enquiries/{told['enquiry_id']}", land.token(ME))
    assert again.json == told
    replay = call(land.registry, "GET", f"/v1/enquiries/{told['enquiry_id']}?replay=true", land.token(ME))
    assert replay.json["equal"] is True


def test_a_stranger_is_unknown_and_then_the_same_subject_to_all(land: Zoned) -> None:
    subject = SUBJECT | {"id_no": resident_id(900)}
    first, second, third = (land.ask(code, subject, BODY).json for code in (ME, ME, OTHER))
    assert first["subject_known"] is False
    assert first["handle"] == second["handle"] != third["handle"]


def test_a_name_is_graded_as_in_one_process(land: Zoned) -> None:
    right = loan(LENDER, PERSON)["name"]
    grades = [
        land.ask(ME, SUBJECT | more, BODY).json.get("match")
        for more in ({}, {"name": right}, {"name": "王五六"})
    ]
    assert len({str(grade) for grade in grades}) == 3, grades


def test_a_ticket_is_spent_once(land: Zoned) -> None:
    ticket = land.ticket(ME, SUBJECT, BODY)
    assert land.redeem(ME, ticket, BODY).status_code == 200
    before = count(land, "enquiry")
    assert refused(land, land.redeem(ME, ticket, BODY), before) == "H1234"


def test_of_two_at_once_one_spends_it(land: Zoned, before: int) -> None:
    ticket = land.ticket(ME, SUBJECT, BODY)
    token = land.token(ME)

    def go(_: int) -> TestResponse:
        headers = {"Idempotency-Key": str(new_id())}
        return call(land.registry, "POST", "/v1/enquiries", token, headers, json={**BODY, "ticket": ticket})

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(go, range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert {code_of(answer) for answer in answers if answer.status_code == 409} == {"H1234"}
    assert count(land, "enquiry") == before + 1


def test_the_same_request_again_is_told_the_same_by_the_same_ticket_or_another(land: Zoned) -> None:
    key, ticket = str(new_id()), land.ticket(ME, SUBJECT, BODY)
    first = land.redeem(ME, ticket, BODY, key)
    before = count(land, "enquiry")
    assert land.redeem(ME, ticket, BODY, key).data == first.data
    assert land.ask(ME, SUBJECT, BODY, key).data == first.data
    other = land.ask(ME, SUBJECT | {"id_no": resident_id(8)}, BODY, key)
    assert refused(land, other, before) == "H1202"


def test_it_expires(land: Zoned, before: int) -> None:
    now = int(land.split.registry.now().timestamp())
    for expires_at in (now, now - 1, 0, now + 3600, 2**62):
        ticket = forged(land, expires_at=expires_at)
        assert refused(land, land.redeem(ME, ticket, BODY), before) == "H1231"
    assert land.redeem(ME, forged(land, expires_at=now + 1), BODY).status_code == 200


def test_it_is_good_for_its_member_alone(land: Zoned, before: int) -> None:
    ticket = land.ticket(ME, SUBJECT, BODY)
    assert refused(land, land.redeem(OTHER, ticket, BODY), before) == "H1232"
    assert land.redeem(ME, ticket, BODY).status_code == 200, "it was not spent by that"


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": "60000.00"},
        {"purpose": "guarantee"},
        {"consent_no": "C-2"},
        {"consent_until": "2027-01-01"},
        {"staff": "u2"},
        {"reference": "A-2"},
        {"product": "business"},
        {"product": None},
    ],
)
def test_it_is_good_for_its_enquiry_alone(land: Zoned, before: int, changed: dict[str, Any]) -> None:
    other = {name: value for name, value in (BODY | changed).items() if value is not None}
    assert refused(land, land.redeem(ME, land.ticket(ME, SUBJECT, BODY), other), before) == "H1233"


def test_the_same_enquiry_in_another_spelling_is_the_same(land: Zoned) -> None:
    ticket = land.ticket(ME, SUBJECT, BODY | {"amount": 50000})
    assert land.redeem(ME, ticket, BODY | {"amount": "50000"}).status_code == 200


def test_an_altered_ticket_is_none(land: Zoned, before: int) -> None:
    ticket = land.ticket(ME, SUBJECT, BODY)
    for place in range(0, len(ticket) - 1, 23):
        other = "B" if ticket[place] == "A" else "A"
        altered = ticket[:place] + other + ticket[place + 1 :]
        assert refused(land, land.redeem(ME, altered, BODY), before) == "H1230"
    for wrong in (ticket[:-8], ticket + "AAAA", "x", "证" * 20):
        assert refused(land, land.redeem(ME, wrong, BODY), before) == "H1230"
    for malformed in ("", "a" * 5000):
        assert refused(land, land.redeem(ME, malformed, BODY), before) == "H1121"


def test_a_ticket_that_another_has_signed_is_none(land: Zoned, before: int) -> None:
    """The intake zone's key, and the registry zone's own: neither may say who is asked about."""
    receiver = receivers(land.split.registry, "registry")[0]
    ticket = Ticket(
        "resident_id", ME, digest_of_body(BODY), new_nonce(), 2**31, (Made("S256", 1, bytes(16)),)
    )
    for zone in ("intake", "registry"):
        text_ = seal_ticket(signers(land.split.of(zone), zone)[0], receiver, ticket)
        assert refused(land, land.redeem(ME, text_, BODY), before) == "H1230"


def test_types_and_suites_that_are_none_are_refused(land: Zoned, before: int) -> None:
    odd = forged(land, id_type="library_card")
    assert refused(land, land.redeem(ME, odd, BODY), before) == "H0803"
    odd = forged(land, made=(Made("ROT13", 1, bytes(16)),))
    assert refused(land, land.redeem(ME, odd, BODY), before) == "H1230"


def test_a_person_is_not_taken_by_the_registry_zone(land: Zoned, before: int) -> None:
    headers, token = {"Idempotency-Key": str(new_id())}, land.token(ME)
    person = call(land.registry, "POST", "/v1/enquiries", token, headers, json={**BODY, "subject": SUBJECT})
    assert refused(land, person, before) == "H1235"
    both = {**BODY, "subject": SUBJECT, "ticket": land.ticket(ME, SUBJECT, BODY)}
    for wrong in (BODY, both, {**BODY, "subject": None}, {**BODY, "ticket": None}):
        answer = call(land.registry, "POST", "/v1/enquiries", token, headers, json=wrong)
        assert refused(land, answer, before) == "H1121"


def test_what_is_refused_otherwise_spends_no_ticket(land: Zoned) -> None:
    ended = BODY | {"consent_until": "2026-05-01"}
    ticket = land.ticket(ME, SUBJECT, ended)
    assert code_of(land.redeem(ME, ticket, ended)) == "H1201"
    assert code_of(land.redeem(ME, ticket, ended)) == "H1201"
    numbered = BODY | {"reference": NUMBER}
    assert code_of(land.redeem(ME, land.ticket(ME, SUBJECT, numbered), numbered)) == "H1207"


def test_a_reservation_follows_an_enquiry_by_ticket(land: Zoned) -> None:
    enquiry = land.ask(ME, SUBJECT | {"id_no": resident_id(901)}, BODY).json
    headers = {"Idempotency-Key": str(new_id())}
    wanted = {"enquiry_id": enquiry["enquiry_id"], "amount": "1000.00", "product": "consumer"}
    held = call(land.registry, "POST", "/v1/reservations", land.token(ME), headers, json=wanted)
    assert held.status_code == 201, held.text
    repeated = call(land.registry, "POST", "/v1/reservations", land.token(ME), headers, json=wanted)
    assert repeated.json["reservation_id"] == held.json["reservation_id"]


def test_spent_tickets_are_forgotten_when_they_could_be_shown_no_more(land: Zoned) -> None:
    assert land.ask(ME, SUBJECT, BODY).status_code == 200
    held, now = count(land, "ticket_spent"), land.split.registry.now()
    with connection(land.split.registry) as database:
        assert forget_spent(database, now + timedelta(minutes=30)) == 0
        assert forget_spent(database, now + timedelta(minutes=90)) == held
    assert count(land, "ticket_spent") == 0


def test_an_answer_after_the_entry_keys_rotation_is_of_the_same_subject(land: Zoned) -> None:
    """New epoch pending: card to the registry zone first; then active, and old and new halves come in one ticket."""
    key = str(new_id())
    first = land.ask(ME, SUBJECT, BODY, key)
    key_epochs.new_epoch(land.split.entry, "entry")
    take_card(land.split.registry, card_text(own_card(land.split.entry)), None)
    key_epochs.activate(land.split.entry, "entry", 2, 0, lambda behind: None)
    second = land.ask(ME, SUBJECT, BODY)
    assert second.status_code == 200, second.text
    assert second.json["handle"] == first.json["handle"]
    assert land.ask(ME, SUBJECT, BODY, key).data == first.data, (
        "the same request, by a ticket of the new epoch"
    )


def test_what_hangs_on_an_old_entry_key_is_counted_in_the_registry_zone_and_fewer_with_each_enquiry(
    land: Zoned,
) -> None:
    def left() -> int:
        found = key_retiring.retire(land.split.registry, "entry", 1, 10, lambda _: None, lambda *_: None)
        return found.left.aliases

    before = left()
    assert before > 1
    assert land.ask(ME, SUBJECT | {"id_no": resident_id(PERSON + 1)}, BODY).status_code == 200
    assert left() == before - 1
    with pytest.raises(HuxinError, match="H1613"):
        key_retiring.retire(land.split.entry, "entry", 1, 10, lambda _: None, lambda *_: None)


def test_the_nonce_stands_in_the_subjects_own_group(land: Zoned) -> None:
    told = land.ask(ME, SUBJECT, BODY).json
    query = "SELECT subject_id FROM enquiry WHERE id = :id"
    with connection(land.split.registry) as database:
        subject = database.execute(text(query), {"id": UUID(told["enquiry_id"])}).scalar_one()
        spent = set(database.execute(text("SELECT DISTINCT subject_id FROM ticket_spent")).scalars())
    assert subject in spent
