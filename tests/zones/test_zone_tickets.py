"""Tickets as members get them of the entry zone: to whom, by which token, and what they say."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from huxin.enquiry.subject_keys import Person
from huxin.enquiry.ticketing import EntryPeople
from huxin.ids import new_id
from huxin.zones.secrets import receiving, signers
from huxin_privacy import keyring
from huxin_privacy.enquiry_digest import digest_of_body
from huxin_privacy.tickets import LIFE_S, Ticket, open_ticket
from huxin_privacy.tokens import half, name_half
from support.rows import resident_id
from support.zone_members import BODY, Zoned, call, code_of, zoned
from support.zones import Split

ME = "M0001"
NUMBER = resident_id(7)
NAME, MOBILE = "欧阳若兰", "13912345678"
SUBJECT = {"id_type": "resident_id", "id_no": NUMBER, "name": NAME, "mobile": MOBILE}


@pytest.fixture(scope="module")
def land(shared_split: Split) -> Iterator[Zoned]:
    with zoned(shared_split) as made:
        made.join(ME)
        made.join("M0002", ("submissions",))
        yield made


def opened(land: Zoned, text: str) -> Ticket:
    """As the registry zone opens it."""
    senders = {each.epoch: each.public for each in signers(land.split.entry, "entry")}
    return open_ticket(senders, receiving(land.split.registry, "registry"), text)


def test_a_ticket_says_who_is_asked_about_by_whom_and_what(land: Zoned) -> None:
    answer = land.ticket_answer(ME, SUBJECT, BODY)
    assert answer.status_code == 200, answer.text
    ticket = opened(land, answer.json["ticket"])
    now = int(land.split.entry.now().timestamp())
    assert (ticket.member, ticket.id_type) == (ME, "resident_id")
    assert ticket.enquiry == digest_of_body(BODY)
    assert ticket.expires_at == answer.json["expires_at"] == now + LIFE_S
    ring = keyring.open(land.split.entry.keys_dir, "entry")
    (made,) = ticket.made
    expected = half(ring.key("token", "resident_id"), "resident_id", NUMBER)
    assert (made.suite, made.epoch, made.half) == ("S256", 1, expected)
    assert made.name_half == name_half(ring.key("token", "name"), expected, NAME)
    assert made.mobile_half == half(ring.key("token", "mobile"), "mobile", MOBILE)


def test_no_two_tickets_are_alike_and_none_can_be_read(land: Zoned) -> None:
    first, second = (land.ticket(ME, SUBJECT, BODY) for _ in range(2))
    assert first != second
    assert opened(land, first).nonce != opened(land, second).nonce
    for text in (NUMBER, NAME, MOBILE, opened(land, first).made[0].half.hex()):
        assert text not in first


def test_spellings_of_one_person_make_one_half(land: Zoned) -> None:
    spelt = SUBJECT | {"id_no": f" {NUMBER[:6]} {NUMBER[6:].lower()} ", "mobile": "+86 139-1234-5678"}
    (one,), (other,) = (opened(land, land.ticket(ME, each, BODY)).made for each in (SUBJECT, spelt))
    assert one == other


def test_a_name_or_mobile_that_is_none_counts_as_not_given(land: Zoned) -> None:
    bare = {"id_type": "resident_id", "id_no": NUMBER}
    for more in ({}, {"mobile": "12"}, {"name": None, "mobile": None}):
        (made,) = opened(land, land.ticket(ME, bare | more, BODY)).made
        assert (made.name_half, made.mobile_half) == (None, None)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"id_no": "110105194912310021"}, "H0801"),
        ({"id_no": ""}, "H1121"),
        ({"id_type": "library_card"}, "H1121"),
        ({"wechat": "x"}, "H1121"),
    ],
)
def test_a_malformed_person_is_refused_by_the_same_code_as_an_enquiry(
    land: Zoned, changed: dict[str, Any], code: str
) -> None:
    answer = land.ticket_answer(ME, SUBJECT | changed, BODY)
    assert code_of(answer) == code
    assert NUMBER not in answer.text
    assert NAME not in answer.text


@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64, "g" * 64, 7])
def test_what_is_no_digest_is_refused(land: Zoned, digest: object) -> None:
    said = {"subject": SUBJECT, "enquiry_sha256": digest}
    assert code_of(call(land.entry, "POST", "/v1/tickets", land.token(ME, "tickets"), json=said)) == "H1121"


def test_a_token_that_could_also_enquire_is_not_taken(land: Zoned) -> None:
    """Whoever runs the entry zone must not be able to ask in the member's name what it has seen the person of."""
    for scope in (None, "enquiries", "tickets enquiries"):
        answer = land.ticket_answer(ME, SUBJECT, BODY, land.token(ME, scope))
        assert (answer.status_code, code_of(answer)) == (403, "H1721")
    assert code_of(call(land.intake, "GET", "/v1/submissions", land.token(ME))) == "H1721"
    assert call(land.intake, "GET", "/v1/submissions", land.token(ME, "submissions")).status_code == 200


def test_a_tickets_token_is_good_for_nothing_else(land: Zoned) -> None:
    token = land.token(ME, "tickets")
    headers = {"Idempotency-Key": str(new_id())}
    asked = call(land.registry, "POST", "/v1/enquiries", token, headers, json={**BODY, "subject": SUBJECT})
    assert code_of(asked) == "H1114"
    assert code_of(call(land.registry, "GET", "/v1/submissions", token)) == "H1114"


def test_who_may_not_enquire_gets_no_tickets_token(land: Zoned) -> None:
    assert code_of(land.exchange("M0002", "tickets")) == "H1112"


def test_a_foreign_or_old_token_is_none(land: Zoned) -> None:
    token = land.token(ME, "tickets")
    head, body, signature = token.split(".")
    for wrong in (f"{head}.{body}.{signature[::-1]}", "x", f"{head}.{body}."):
        assert code_of(land.ticket_answer(ME, SUBJECT, BODY, wrong)) == "H1103"
    assert code_of(call(land.entry, "POST", "/v1/tickets", json={})) == "H1102"


def test_the_entry_zone_serves_nothing_else(land: Zoned) -> None:
    token = land.token(ME, "tickets")
    for path in ("/v1/enquiries", "/v1/submissions", "/oauth/token", "/v1/blind/evaluate"):
        assert code_of(call(land.entry, "POST", path, token, json={})) == "H1116"
    assert call(land.entry, "GET", "/healthz").json == {"status": "ok"}
    assert call(land.entry, "GET", "/readyz").json == {"status": "ok"}
    described = call(land.entry, "GET", "/openapi.json").json
    assert set(described["paths"]) == {"/v1/tickets", "/v1/blind/evaluations", "/healthz", "/readyz"}


def test_the_entry_zone_works_without_a_database(land: Zoned) -> None:
    assert land.split.entry.database_url is None
    assert land.ticket(ME, SUBJECT, BODY)
    assert {path.name for path in land.split.entry.home.iterdir()} == {"keys", "zone", "zones.yaml"}


def test_a_rotation_of_the_entry_key_shows_in_the_next_ticket(land: Zoned) -> None:
    """Without a restart; and the earlier key's half stays beside the new one's."""
    ring = keyring.open(land.split.entry.keys_dir, "entry")
    keyring.activate(keyring.add_epoch(ring), 2)
    made = opened(land, land.ticket(ME, SUBJECT, BODY)).made
    assert [each.epoch for each in made] == [2, 1]
    assert made[0].half != made[1].half


def test_nothing_of_a_person_stands_in_a_log_or_a_repr(land: Zoned, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        land.ticket(ME, SUBJECT, BODY)
        land.ticket_answer(ME, SUBJECT | {"id_no": NUMBER[:-1] + "0"}, BODY)
    people = EntryPeople(land.split.entry)
    person = Person("resident_id", NUMBER, None, NAME, MOBILE)
    for said in (caplog.text, repr(people), repr(person), repr(people._epochs)):
        assert not [text for text in (NUMBER, NUMBER[:-1], NAME, MOBILE) if text in said]
