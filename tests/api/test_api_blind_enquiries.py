"""Enquiries the blind way: by an element that nobody on the way can read, about the same subject as the direct way."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

import psycopg
import pytest
from api_world import World, code_of

from huxin.cli.setup import turn_on_blind
from huxin.enquiry import keys_in_use
from huxin.ids import new_id
from huxin.registry.connect import libpq_uri
from huxin.registry.lines import Lines
from huxin.registry.live import Live
from huxin.registry.statement import Statement
from huxin_privacy import blind, keyring
from huxin_privacy.enquiry_digest import digest_of_body
from support.rows import resident_id

WORDS = {
    "purpose": "application",
    "amount": "20000.00",
    "product": "consumer",
    "consent_no": "SQ2026030001",
    "consent_until": date(2027, 3, 24).isoformat(),
    "staff": "S-17",
    "reference": "case-1",
}


@pytest.fixture
def on(world: World) -> World:
    assert turn_on_blind(world.settings)
    return world


def post(world: World, who: str, subject: dict[str, Any], key: str | None = None, **words: Any) -> Any:
    headers = {"Idempotency-Key": key or str(new_id())}
    body = WORDS | words | {"subject": subject}
    return world.call("POST", "/v1/enquiries", world.token(who), headers, json=body)


def direct(number: str) -> dict[str, Any]:
    return {"id_type": "resident_id", "id_no": number}


def published(world: World) -> blind.Published:
    return blind.parse_published(world.call("GET", "/v1/blind/keys", world.token("member")).json)


def element_of(world: World, number: str, epoch: int | None = None) -> bytes:
    """As the evaluation gives it, which tests of its own hold to."""
    key = blind.oprf_key(keyring.open(world.settings.keys_dir, "entry"), epoch)
    return blind.element(key.secret, blind.message("resident_id", number))


def sealed(
    world: World, number: str, member: str = "M0001", epoch: int | None = None, **words: Any
) -> dict[str, Any]:
    told = published(world)
    element, digest = element_of(world, number, epoch), digest_of_body(WORDS | words)
    epoch = epoch or told.oprf[0].epoch
    return {"element_sealed": blind.seal_element(told.registry[0], member, digest, epoch, element)}


def handle(response: Any) -> str:
    assert response.status_code == 200, response.text
    return str(response.json["handle"])


def rows(world: World, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(libpq_uri(world.settings)) as connection:
        return connection.execute(query).fetchall()


def test_both_ways_lead_to_one_subject_whichever_comes_first(on: World) -> None:
    one, other = resident_id(1), resident_id(2)
    first = handle(post(on, "member", direct(one)))
    assert handle(post(on, "member", sealed(on, one))) == first
    second = handle(post(on, "member", sealed(on, other)))
    assert handle(post(on, "member", direct(other))) == second
    assert first != second
    # Afterwards nothing is evaluated any more for either.
    assert rows(on, "SELECT count(*), count(met) FROM alias") == [(4, 4)]
    assert rows(on, "SELECT count(*) FROM subject_merge") == [(0,)]


def test_who_has_met_costs_no_statement_more_than_where_blind_mode_is_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    rows = Live._rows

    def counted(live: Live, lines: Lines, statement: Statement, *more: Any) -> Any:
        calls.append(statement.text.decode())
        return rows(live, lines, statement, *more)

    def statements(subject: dict[str, Any]) -> int:
        calls.clear()
        handle(post(world, "member", subject))
        return sum("enquiry" in each or "blind" in each for each in calls)

    monkeypatch.setattr(Live, "_rows", counted)
    one, other = direct(resident_id(11)), direct(resident_id(12))
    assert [statements(one), statements(one), statements(other)] == [2, 2, 2]
    assert turn_on_blind(world.settings)
    world.app.extensions["huxin_desk"]._in_use.renew()
    # Once in a person's time both keys are brought together.
    assert [statements(one), statements(one), statements(other), statements(other)] == [5, 2, 5, 2]
    assert [statements(sealed(world, resident_id(n))) for n in (11, 13, 13)] == [2, 5, 2]


def test_the_element_is_kept_sealed_beside_its_alias_and_nowhere_else(
    on: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    number = resident_id(3)
    subject = sealed(on, number)
    handle(post(on, "member", subject))
    element = element_of(on, number)
    ((alias, kept),) = rows(
        on, "SELECT e.token, e.sealed FROM alias_element e JOIN alias USING (token, scheme)"
    )
    ring = keyring.open(on.settings.keys_dir, "registry")
    from huxin_privacy.blind.aliases import Aliasing

    aliasing = Aliasing(ring, 1)
    assert aliasing.alias(element) == alias.bytes
    assert aliasing.opened(alias.bytes, bytes(kept)) == element
    tables = rows(
        on,
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace",
    )
    dump = "".join(str(rows(on, f"SELECT string_agg(t::text, '') FROM \"{name}\" t")) for (name,) in tables)
    assert element.hex() not in dump + caplog.text
    assert number not in dump + caplog.text
    assert subject["element_sealed"] not in dump + caplog.text


def test_before_blind_mode_was_on_two_subjects_may_be_one_and_then_become_it(world: World) -> None:
    number = resident_id(4)
    assert code_of(post(world, "member", sealed_to_nobody())) == "H1801"
    first = handle(post(world, "member", direct(number)))
    assert turn_on_blind(world.settings)
    world.app.extensions["huxin_desk"]._in_use.renew()
    # By the element it is nobody yet: the token is not known to have met it.
    second = handle(post(world, "member", sealed(world, number)))
    assert first != second
    third = handle(post(world, "member", direct(number)))
    assert third in (first, second)
    assert handle(post(world, "member", sealed(world, number))) == third
    assert rows(world, "SELECT count(*) FROM subject_merge WHERE done_at IS NOT NULL") == [(1,)]
    # Its enquiries are one person's; the act is told without saying whose.
    assert rows(world, "SELECT count(*) FROM enquiry GROUP BY subject_id") == [(4,)]
    ((body,),) = rows(world, "SELECT body FROM outbox WHERE topic = 'subject.merged'")
    assert body == {"merges": 1, "loans": 0, "enquiries": 1, "reservations": 0}


def sealed_to_nobody() -> dict[str, Any]:
    return {"element_sealed": "A" * 118}


def test_a_process_learns_that_it_is_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_in_use, "LOOK_S", 0.01)
    number = resident_id(5)
    handle(post(world, "member", direct(number)))
    turn_on_blind(world.settings)
    in_use = world.app.extensions["huxin_desk"]._in_use
    for _ in range(12_000):
        if in_use.now.elements is not None:
            break
        in_use._over.wait(0.01)
    assert handle(post(world, "member", sealed(world, number)))


def test_an_element_is_of_one_member_and_one_enquiry(on: World) -> None:
    number = resident_id(6)
    for subject, words in (
        (sealed(on, number, member="M0002"), {}),
        (sealed(on, number, reference="case-2"), {}),
        (sealed(on, number, amount="20000.01"), {}),
    ):
        response = post(on, "member", subject, **words)
        assert (response.status_code, code_of(response)) == (422, "H1805")
    assert rows(on, "SELECT count(*) FROM alias") == [(0,)]
    response = post(on, "member", sealed(on, number, epoch=1) | {"id_no": number})
    assert code_of(response) == "H1121"


def test_an_element_under_a_key_that_is_not_at_work_is_refused(on: World) -> None:
    told = published(on)
    element = element_of(on, resident_id(7))
    text = blind.seal_element(told.registry[0], "M0001", digest_of_body(WORDS), 9, element)
    response = post(on, "member", {"element_sealed": text})
    assert (response.status_code, code_of(response)) == (410, "H1802")


def test_what_is_sealed_to_a_key_that_is_gone_is_refused(on: World) -> None:
    told = published(on)
    gone = type(told.registry[0])(7, told.registry[0].public)
    element = element_of(on, resident_id(8))
    text = blind.seal_element(gone, "M0001", digest_of_body(WORDS), 1, element)
    response = post(on, "member", {"element_sealed": text})
    assert (response.status_code, code_of(response)) == (410, "H1806")


def test_the_same_key_and_element_get_the_same_answer_however_it_was_sealed(on: World) -> None:
    number, key = resident_id(9), str(new_id())
    first = post(on, "member", sealed(on, number), key)
    again = post(on, "member", sealed(on, number), key)
    assert first.data == again.data
    other = post(on, "member", sealed(on, resident_id(10)), key)
    assert code_of(other) == "H1202"


@pytest.mark.parametrize(
    ("subject", "pointers"),
    [
        ({"element_sealed": "x"}, ["/subject/element_sealed"]),
        ({"element_sealed": 7}, ["/subject/element_sealed"]),
        ({"element_sealed": "A" * 118, "mobile": "13800000000"}, ["/subject/mobile"]),
        ({}, ["/subject/id_type", "/subject/id_no"]),
        ({"id_type": "resident_id"}, ["/subject/id_no"]),
        ("text", ["/subject"]),
    ],
)
def test_what_is_wrong_with_a_subject_is_told_by_its_place(
    on: World, subject: Any, pointers: list[str]
) -> None:
    response = post(on, "member", subject)
    assert code_of(response) == "H1121"
    assert [each["pointer"] for each in response.json["errors"]] == pointers
