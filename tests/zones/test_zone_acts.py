"""Acts on the keys of zones without a log: each a leaf of the registry zone's, once, whatever dies; and a key's end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from huxin.errors import HuxinError
from huxin.faults import ACT_STAGES
from huxin.oversight import acts_elsewhere, destroying_elsewhere, key_epochs, key_retiring
from huxin.oversight.key_approval import public_of, secret_of
from huxin.oversight.key_listing import faults_of, listing
from huxin.oversight.key_resealing import reseal
from huxin.registry import schemes
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.zones import acts
from huxin.zones.calls import Peer
from huxin.zones.card import card_text
from huxin.zones.layout import required, write_layout
from huxin.zones.making import own_card, take_card
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from support.operators import Operators
from support.rows import resident_id
from support.zone_members import zoned
from support.zones import Split

ME = "M0001"
BODY = {
    "purpose": "application",
    "consent_no": "C-1",
    "consent_until": "2026-12-31",
    "staff": "u1",
    "reference": "A-1",
}


def on_record(split: Split, zone: str) -> list[dict[str, Any]]:
    """A zone's acts in the registry zone's log or on their way there, in their order."""
    query = """
        SELECT topic, body FROM outbox WHERE topic LIKE 'keys.%' AND body ->> 'zone' = :zone
        UNION ALL SELECT topic, record::jsonb FROM audit_leaf
        WHERE topic LIKE 'keys.%' AND record::jsonb ->> 'zone' = :zone
    """
    with connection(split.registry) as database:
        rows = database.execute(text(query), {"zone": zone}).all()
    found = [{"topic": row[0], **row[1]} for row in rows]
    return sorted(found, key=lambda each: (each.get("version", 99), each["epoch"]))


def said(found: list[dict[str, Any]]) -> list[tuple[str, int, str]]:
    return [(each["topic"], each["epoch"], each["state"]) for each in found]


def nobody(*_: object) -> None:
    """Is waited for."""


@pytest.fixture
def away(split: Split) -> Iterator[Callable[[], None]]:
    """The registry zone cannot be reached, until what this gives is called."""
    layout = required(split.entry, "entry")
    write_layout(split.entry, "entry", {"registry": "https://127.0.0.1:1"})
    yield lambda: write_layout(split.entry, "entry", layout.peers) and None


@pytest.mark.parametrize("zone", ["entry", "intake"])
def test_each_act_is_a_leaf_of_the_registry_zones_log(split: Split, zone: str) -> None:
    own = split.of(zone)
    key_epochs.new_epoch(own, zone)
    key_epochs.activate(own, zone, 2, 0, nobody)
    ring, found = keyring.open(own.keys_dir, zone), on_record(split, zone)
    assert sorted(said(found)) == [
        ("keys.activated", 1, "read_only"),
        ("keys.activated", 2, "active"),
        ("keys.first", 1, "active"),
        ("keys.new", 2, "pending"),
    ]
    assert {each["check"] for each in found} == {ring.check_value(1), ring.check_value(2)}
    assert acts.waiting(own) == []
    assert drain(split.registry) >= 4
    assert sorted(said(on_record(split, zone))) == sorted(said(found)), "they are leaves now"
    assert faults_of(own) == []


def test_while_the_registry_zone_is_away_acts_wait_and_hold(split: Split, away: Callable[[], None]) -> None:
    key_epochs.new_epoch(split.entry, "entry")
    assert keyring.open(split.entry.keys_dir, "entry").epoch(2).state == "pending"
    assert [each["topic"] for each in acts.waiting(split.entry)] == ["keys.first", "keys.new"]
    with pytest.raises(HuxinError, match="H1712"):
        acts_elsewhere.catch_up(split.entry, "entry")
    assert listing(split.entry)[0]["depending"] is None, "nobody could be asked"
    away()
    assert acts_elsewhere.catch_up(split.entry, "entry") == 0
    assert said(on_record(split, "entry")) == [("keys.first", 1, "active"), ("keys.new", 2, "pending")]


@pytest.mark.parametrize("stage", ["keys.written", *ACT_STAGES])
def test_killed_anywhere_an_act_is_a_leaf_once(split: Split, stage: str) -> None:
    words = [sys.executable, "-m", "huxin", "keys", "new", "entry"]
    env = {**os.environ, "HUXIN_HOME": str(split.entry.home), "HUXIN_FAULT": stage}
    env.pop("HUXIN_DATABASE_URL", None)
    assert subprocess.run(words, env=env, capture_output=True, timeout=120, check=False).returncode == -9
    for _ in range(2):
        assert acts_elsewhere.catch_up(split.entry, "entry") == 0
    topic = "keys.found" if stage == "keys.written" else "keys.new"
    assert said(on_record(split, "entry")) == [("keys.first", 1, "active"), (topic, 2, "pending")]


def test_another_key_encryption_key_is_an_act_too(split: Split) -> None:
    reseal(split.entry, "entry")
    (found,) = [each for each in on_record(split, "entry") if each["topic"] == "keys.resealed"]
    assert (found["version"], found["pending"]) == (
        keyring.open(split.entry.keys_dir, "entry").version,
        False,
    )


def test_a_book_that_is_damaged_is_told(split: Split) -> None:
    acts_elsewhere.catch_up(split.entry, "entry")
    (split.entry.home / "acts" / "acts.json").write_bytes(b'{"known": 1')
    with pytest.raises(HuxinError, match="H1722"):
        key_epochs.new_epoch(split.entry, "entry")
    assert len(keyring.open(split.entry.keys_dir, "entry").epochs) == 1


def test_another_key_under_the_same_number_is_refused(split: Split) -> None:
    acts_elsewhere.catch_up(split.entry, "entry")
    for file in split.entry.keys_dir.iterdir():
        file.unlink()
    keyring.create(split.entry.keys_dir, "entry", "S256")
    with pytest.raises(HuxinError, match="H1604"):
        key_epochs.new_epoch(split.entry, "entry")
    assert [each.code for each in faults_of(split.entry)] == ["other_key"]


@pytest.mark.parametrize(
    "changed",
    [
        {"epoch": 0},
        {"state": "gone"},
        {"check": resident_id(1)},
        {"name": "欧阳若兰"},
        {"by": "a\nb"},
        {"suite": "MD5"},
    ],
)
def test_what_is_no_act_is_refused_and_none_of_its_bunch_is_taken(
    shared_split: Split, changed: dict[str, Any]
) -> None:
    facts = {"epoch": 9, "state": "active", "check": "0" * 16, "version": 1, "by": "u"}
    good = {"id": "01a21c3b-cd7c-7ac9-981d-5c7c7f11beb5", "topic": "keys.new", "at": "2026-05-31T14:00:00Z"}
    wrong = good | {"id": "01a21c3b-cd7c-7ac9-981d-5c7c7f11beb6"}
    body = json.dumps({"acts": [good | {"facts": facts}, wrong | {"facts": facts | changed}]}).encode()
    with pytest.raises(HuxinError, match="H1121"):
        Peer(required(shared_split.entry, "entry"), "registry").call("POST", acts.PATH, body)
    assert on_record(shared_split, "entry") == []


def test_the_entry_zone_is_let_in_at_its_own_port_alone(shared_split: Split) -> None:
    """At the intake zone's port the registry zone takes submissions: not from whoever sees the people."""
    own = required(shared_split.entry, "entry")
    there = Peer(own, "registry")
    assert there.call("GET", "/zone/healthz").json() == {"status": "ok", "zone": "registry"}
    with pytest.raises(HuxinError, match="H1116"):
        there.call("GET", "/zone/members")
    right = dict(own.peers)
    try:
        intakes = required(shared_split.intake, "intake").peers["registry"]
        write_layout(shared_split.entry, "entry", {"registry": intakes})
        with pytest.raises(HuxinError, match="H1713"):
            Peer(required(shared_split.entry, "entry"), "registry").call("GET", "/zone/healthz")
    finally:
        write_layout(shared_split.entry, "entry", right)


@pytest.fixture
def operators(split: Split, tmp_path: Path) -> Operators:
    """Registered in the registry zone, as operators of all zones are."""
    return Operators(split.registry, tmp_path / "operators")


def rotated(split: Split, zone: str) -> None:
    """Exchanged as docs/zones.md says: the card goes to the registry zone before the key is at work."""
    own = split.of(zone)
    key_epochs.new_epoch(own, zone)
    take_card(split.registry, card_text(own_card(own)), None)
    key_epochs.activate(own, zone, 2, 0, nobody)


def destroyed(split: Split, operators: Operators, name: str, zone: str = "entry") -> Any:
    return destroying_elsewhere.ask_or_approve(split.of(zone), zone, 1, name, operators.files[name])


def test_the_entry_key_is_destroyed_when_nothing_hangs_on_it_and_not_before(
    split: Split, operators: Operators
) -> None:
    subject = {"id_type": "resident_id", "id_no": resident_id(4), "mobile": "13912345678"}
    with zoned(split) as land:
        land.join(ME)
        assert land.ask(ME, subject, BODY).status_code == 200
        rotated(split, "entry")
        with pytest.raises(PrivacyError, match="P0120") as refused:
            destroyed(split, operators, "anna")
        assert refused.value.facts["count"] == 2, "an identifier and a mobile"
        assert listing(split.entry)[0]["depending"] == {"aliases": 1, "mobiles": 1}
        key_retiring.retire(split.registry, "entry", 1, 10, nobody, nobody)
        assert land.ask(ME, subject, BODY).status_code == 200, "who is met again hangs on the new key"
        assert listing(split.entry)[0]["depending"] == {}
        assert destroyed(split, operators, "anna")[1] is None
        with pytest.raises(HuxinError, match="H1611"):
            destroyed(split, operators, "anna")
        assert keyring.open(split.entry.keys_dir, "entry").epoch(1).state == "read_only"
        assert destroyed(split, operators, "bo")[1] is not None
        assert keyring.open(split.entry.keys_dir, "entry").epoch(1).root is None
        gone, asked = [each for each in on_record(split, "entry") if "request" in each]
        assert (asked["topic"], gone["topic"]) == ("keys.destroy_requested", "keys.destroyed")
        assert (gone["requested_by"], gone["approved_by"]) == ("anna", "bo")
        assert gone["request_signature"] == asked["signature"]
        with connection(split.registry) as database:
            states = schemes.scheme_states(database)
        assert {state for scheme, state in states.items() if scheme[2] == 1} == {schemes.State.GONE}
        assert land.ask(ME, subject, BODY).status_code == 200


def test_the_intake_key_is_destroyed_by_two_operators_of_the_registry_zone(
    split: Split, operators: Operators
) -> None:
    rotated(split, "intake")
    key_retiring.retire(split.intake, "intake", 1, 10, nobody, nobody)
    assert destroyed(split, operators, "bo", "intake")[1] is None
    assert destroyed(split, operators, "anna", "intake")[1] is not None
    topics = [each["topic"] for each in on_record(split, "intake")]
    assert {"keys.retired", "keys.destroy_requested", "keys.destroyed"} <= set(topics)


def test_who_is_no_operator_or_signs_for_another_destroys_nothing(split: Split, operators: Operators) -> None:
    rotated(split, "entry")
    with pytest.raises(HuxinError, match="H1609"):
        destroying_elsewhere.ask_or_approve(split.entry, "entry", 1, "bo", operators.files["anna"])
    destroyed(split, operators, "anna")
    peer = Peer(required(split.entry, "entry"), "registry")
    word = {"epoch": 1, "by": "bo", "with": str(operators.numbers["bo"]), "at": split.entry.now().isoformat()}
    waits = peer.call("POST", destroying_elsewhere.STANDING, _who(operators)).json()["request"]
    forged = json.dumps({**word, "id": waits["id"], "signature": "00" * 64}).encode()
    with pytest.raises(HuxinError, match="H1612"):
        peer.call("POST", destroying_elsewhere.APPROVAL, forged)
    other = destroying_elsewhere.request_from("entry", waits)
    said_ = destroying_elsewhere.request_json(other) | {"id": "01a21c3b-cd7c-7ac9-981d-5c7c7f11beb5"}
    with pytest.raises(HuxinError, match="H1612"):
        peer.call("POST", destroying_elsewhere.REQUEST, json.dumps(said_).encode())
    assert keyring.open(split.entry.keys_dir, "entry").epoch(1).state == "read_only"


def _who(operators: Operators) -> bytes:
    public = b64encode(public_of(secret_of(operators.files["bo"]))).decode()
    return json.dumps({"epoch": 1, "by": "bo", "public": public}).encode()
