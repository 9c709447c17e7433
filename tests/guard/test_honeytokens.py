"""Honeytokens: drawn and forgotten, answered like anybody unknown, in no sum, and loud within the sequencer's turn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from guard_world import TODAY, Ask, Town, moment

from huxin.cli.setup import prepare, turn_on_blind
from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import Person
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.oversight import honeytokens
from huxin.oversight.honeytokens import FIRST_BORN, ORDER_CODES, Field
from huxin.registry.sequencing import drain
from huxin_privacy import blind, keyring
from huxin_privacy.enquiry_digest import enquiry_digest
from huxin_privacy.identifiers import canonical_id
from huxin_privacy.resident import check_character
from support.blind import blinder
from support.rows import mobile, name, resident_id

DAY = date(1988, 8, 8)
NARROW = Field(("310115",), DAY, DAY)  # four numbers in all
BLIND_WORDS: dict[str, Any] = {
    "purpose": "application",
    "consent_no": "SQ1",
    "consent_until": date(2028, 12, 31),
    "staff": "S1",
    "reference": "CASE 1",
}
CANDIDATES = [body + check_character(body) for code in ORDER_CODES for body in [f"31011519880808{code}"]]


@pytest.fixture
def desk(town: Town) -> Iterator[Desk]:
    prepare(town.settings)
    made = Desk(town.settings)
    yield made
    made.close()


def ask(desk: Desk, number: str, member: int = 1, **more: Any) -> dict[str, Any]:
    request = EnquiryRequest(
        Person("resident_id", number, **more),
        "application",
        "SQ1",
        date(2028, 12, 31),
        "S1",
        "CASE 1",
        500_000,
    )
    told: dict[str, Any] = json.loads(
        desk.enquire(Asker(member, f"M{member}"), request, str(new_id())).content
    )
    return told


def ask_blind(desk: Desk, number: str, member: int = 1) -> None:
    """By the element, as a member's own tool would."""
    by = blinder(desk.settings)
    (element,) = by.elements([blind.message("resident_id", number)])
    digest = enquiry_digest(**BLIND_WORDS)
    sealed = blind.seal_element(by.pinned.registry, f"M{member}", digest, by.pinned.oprf.epoch, element)
    request = EnquiryRequest(Person("", "", sealed=sealed), **BLIND_WORDS)
    desk.enquire(Asker(member, f"M{member}"), request, str(new_id()))


def test_numbers_are_well_formed_of_full_age_and_nobodys(town: Town) -> None:
    field = honeytokens.usual_field(town.settings)
    numbers = field.draw()
    for number in (next(numbers) for _ in range(500)):
        assert canonical_id("resident_id", number, not_after=TODAY).text == number
        assert number[14:17] in ORDER_CODES
        assert FIRST_BORN <= date.fromisoformat(number[6:14]) <= date(2008, 1, 1)


def test_where_loans_are_there_numbers_are_drawn(town: Town) -> None:
    assert "310115" in honeytokens.usual_field(town.settings).regions
    subjects = [uuid4() for _ in range(3)]
    town.lend(1, subjects, TODAY)
    town.run("UPDATE loan SET region = '500112'")
    assert honeytokens.usual_field(town.settings).regions == ("500112",)
    assert honeytokens.usual_field(town.settings, ["110105"]).regions == ("110105",)


@pytest.mark.parametrize(
    ("regions", "born_from", "born_until"),
    [
        ((), DAY, DAY),
        (("31011",), DAY, DAY),
        (("990115",), DAY, DAY),
        (("３１０１１５",), DAY, DAY),
        (("310115",), DAY, DAY - timedelta(days=1)),
        (("310115",), date(1799, 1, 1), DAY),
    ],
)
def test_a_field_that_is_none_is_refused(regions: tuple[str, ...], born_from: date, born_until: date) -> None:
    with pytest.raises(HuxinError, match="H1905"):
        Field(regions, born_from, born_until)


def test_only_aliases_are_kept_and_the_act_is_a_leaf(town: Town, desk: Desk) -> None:
    assert honeytokens.make(town.settings, 2, NARROW) == 2
    assert town.run("SELECT count(*) FROM alias") == [(2,)]
    assert town.run("SELECT count(*) FROM honeytoken h JOIN alias a USING (subject_id)") == [(2,)]
    drain(town.settings)
    (record,) = town.run("SELECT record::jsonb FROM audit_leaf WHERE topic = 'honeytokens.made'")[0]
    assert record["count"] == 2
    assert not any(number in json.dumps(record) for number in CANDIDATES)


def test_asking_about_one_rings_and_about_its_neighbours_does_not(town: Town, desk: Desk) -> None:
    honeytokens.make(town.settings, 2, NARROW)
    rung = 0
    for number in CANDIDATES:
        ask(desk, number)
        drain(town.settings)
        found = town.alarms(1)
        rung, before = (found[0].figures["enquiries"] if found else 0), rung
        assert rung - before in (0, 1)
    (alarm,) = town.alarms()
    assert (alarm.member, alarm.kind, alarm.figures["enquiries"]) == ("M1", "honeytoken", 2)
    assert town.run("SELECT 1 FROM enquiry WHERE id = %s", alarm.figures["last_enquiry"]) == [(1,)]
    assert town.run("SELECT asked, known FROM enquiry_tally") == [(2, 0)]


def test_whoever_asks_again_after_it_was_settled_rings_again(town: Town, desk: Desk) -> None:
    from huxin.oversight.alarms import settle

    honeytokens.make(town.settings, 2, NARROW)
    for member in (1, 2, 1):
        for number in CANDIDATES:
            ask(desk, number, member)
    drain(town.settings)
    assert [(alarm.member, alarm.figures["enquiries"]) for alarm in town.alarms()] == [("M1", 4), ("M2", 2)]
    settle(town.settings, town.alarms(1)[0].id, "closed", "a drill")
    assert len(town.alarms()) == 1
    for number in CANDIDATES:
        ask(desk, number)
    drain(town.settings)
    assert [alarm.figures["enquiries"] for alarm in town.alarms(1)] == [2]
    assert len(town.alarms(1, "closed")) == 1


def test_the_answer_is_that_about_anybody_unknown(town: Town, desk: Desk) -> None:
    """First, again and through another member: every word but the numbers of the answer itself."""
    honeytokens.make(town.settings, 2, NARROW)
    known = {row[0] for row in town.run("SELECT token FROM alias a JOIN honeytoken h USING (subject_id)")}
    keys = {number: desk.keys.of(Person("resident_id", number)).keys[0][0] for number in CANDIDATES}
    trap = next(number for number, token in keys.items() if any(token == each.bytes for each in known))
    free = next(number for number, token in keys.items() if all(token != each.bytes for each in known))
    also = {"name": name(1), "mobile": mobile(1)}
    other = {"name": name(1), "mobile": mobile(2)}
    for member in (1, 1, 2):
        told = [ask(desk, number, member, **more) for number, more in ((trap, also), (free, other))]
        drain(town.settings)
        for each in told:
            for changing in ("enquiry_id", "asked_at", "handle", "promise"):
                each.pop(changing)
        assert told[0] == told[1]
        assert told[0]["subject_known"] is False
    assert [alarm.figures["enquiries"] for alarm in town.alarms()] == [2, 1]


def test_they_are_in_no_statistics(town: Town, desk: Desk) -> None:
    honeytokens.make(town.settings, 2, NARROW)
    subjects = [row[0] for row in town.run("SELECT subject_id FROM honeytoken")]
    day = TODAY - timedelta(days=14)
    town.ask(Ask(1, subjects[0], moment(day, 9) + timedelta(minutes=n)) for n in range(30))
    town.ask(Ask(1, subjects[1], moment(TODAY, 9) + timedelta(minutes=n)) for n in range(30))
    town.guard()
    assert town.run("SELECT count(*) FROM enquiry_tally") == [(0,)]
    assert town.run("SELECT count(*) FROM enquiry_yield") == [(0,)]
    assert [(alarm.kind, alarm.figures["enquiries"]) for alarm in town.alarms()] == [("honeytoken", 60)]


def test_somebodys_number_is_left_alone_under_every_epoch(town: Town, desk: Desk) -> None:
    for number in CANDIDATES[:2]:
        ask(desk, number)
    keyring.activate(keyring.add_epoch(keyring.open(town.settings.keys_dir, "entry")), 2)
    assert honeytokens.make(town.settings, 2, NARROW) == 2
    # Two that were asked about under one key, and two made under each key that is open.
    assert town.run("SELECT count(*), count(DISTINCT subject_id) FROM alias") == [(6, 4)]
    again = Desk(town.settings)
    for number in CANDIDATES[:2]:
        ask(again, number)
    drain(town.settings)
    assert town.alarms() == []
    for number in CANDIDATES[2:]:
        ask(again, number)
    again.close()
    drain(town.settings)
    assert [alarm.figures["enquiries"] for alarm in town.alarms()] == [2]


def test_where_there_is_no_room_nothing_is_made(town: Town, desk: Desk) -> None:
    for number in CANDIDATES[:3]:
        ask(desk, number)
    before = town.run("SELECT count(*) FROM alias")
    for count in (2, 3, honeytokens.MOST + 1, 0):
        with pytest.raises(HuxinError, match="H1905"):
            honeytokens.make(town.settings, count, NARROW)
    assert town.run("SELECT count(*) FROM alias") == before
    assert town.run("SELECT count(*) FROM honeytoken") == [(0,)]


def test_dropped_ones_are_silent_and_can_be_made_anew(town: Town, desk: Desk) -> None:
    honeytokens.make(town.settings, 2, NARROW)
    ask(desk, resident_id(1))
    assert honeytokens.drop(town.settings) == 2
    assert town.run("SELECT count(*) FROM alias") == [(1,)]
    for number in CANDIDATES[:1]:
        ask(desk, number)
    drain(town.settings)
    assert town.alarms() == []
    assert honeytokens.make(town.settings, 1, replace(NARROW, born_from=DAY - timedelta(days=1))) == 1
    assert town.run("SELECT count(*) FROM honeytoken") == [(1,)]


def test_where_blind_mode_is_on_they_ring_either_way_and_go_without_a_trace(town: Town) -> None:
    prepare(town.settings)
    assert turn_on_blind(town.settings)
    desk = Desk(town.settings)
    assert honeytokens.make(town.settings, 2, NARROW) == 2
    assert town.run("SELECT count(*), count(DISTINCT subject_id) FROM alias") == [(4, 2)]
    for number in CANDIDATES:
        ask_blind(desk, number)
    drain(town.settings)
    for number in CANDIDATES:
        ask(desk, number, 2)
    desk.close()
    drain(town.settings)
    assert [(alarm.member, alarm.figures["enquiries"]) for alarm in town.alarms()] == [("M1", 2), ("M2", 2)]
    assert town.run("SELECT count(*) FROM subject_merge") == [(0,)]
    assert honeytokens.drop(town.settings) == 2
    assert town.run("SELECT count(*), count(DISTINCT subject_id) FROM alias") == [(4, 2)]
    assert town.run("SELECT count(*) FROM alias_element") == [(2,)]


def test_one_made_before_blind_mode_was_on_rings_when_both_ways_have_met(town: Town, desk: Desk) -> None:
    honeytokens.make(town.settings, 2, NARROW)
    turn_on_blind(town.settings)
    desk._in_use.renew()
    for number in CANDIDATES:
        ask_blind(desk, number)
    drain(town.settings)
    assert town.alarms() == []  # nobody keeps the number that its element could be made of
    for number in CANDIDATES:
        ask(desk, number)
    drain(town.settings)
    for number in CANDIDATES:
        ask_blind(desk, number)
    drain(town.settings)
    assert [alarm.figures["enquiries"] for alarm in town.alarms()] == [4]
    assert town.run("SELECT count(*) FROM honeytoken h JOIN alias a USING (subject_id)") == [(4,)]


def test_a_thousand_of_them_are_made_in_a_moment(town: Town, desk: Desk) -> None:
    assert honeytokens.make(town.settings, 12_000, honeytokens.usual_field(town.settings)) == 12_000
    assert town.run("SELECT count(DISTINCT subject_id), count(DISTINCT token) FROM alias") == [
        (12_000, 12_000)
    ]
