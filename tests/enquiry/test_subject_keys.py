"""The scalar way to a token is the columns' way, for every type, name and mobile, under every usable epoch."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from huxin.enquiry.subject_keys import MOBILE, Keys, Person, all_schemes
from huxin.errors import HuxinError
from huxin.nightly.tokenizer import Tokenizer
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.generations import suite_of
from huxin_privacy.identifiers import TYPES
from huxin_privacy.suites import SUITES

RESIDENT = "11010519491231002X"
CASES = [
    Person("resident_id", RESIDENT, name="示例人甲", mobile="139 0000 0000"),
    Person("resident_id", "110105491231002", name="示例人甲"),
    Person("passport", "e12345678", "CHN", "Zhang San"),
    Person("uscc", "91110000600037341L", name="示例公司"),
]


@pytest.fixture(params=SUITES)
def keyed(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    settings.keys_dir.mkdir(parents=True)
    for zone in keyring.ZONES:
        keyring.create(settings.keys_dir, zone, request.param)
    return settings


def _suite(settings: Settings) -> str:
    return suite_of(keyring.open(settings.keys_dir, "entry")).name


def _keys(settings: Settings) -> Keys:
    return Keys.read(settings, lambda schemes: {scheme: number for number, scheme in enumerate(schemes, 1)})


@pytest.mark.parametrize("person", CASES, ids=lambda person: person.id_type)
def test_the_token_is_the_night_s(keyed: Settings, person: Person) -> None:
    found = _keys(keyed).of(person)
    tokenizer = Tokenizer(keyed)
    types = np.array([TYPES[person.id_type]], np.uint8)
    canonical = {
        "resident_id": RESIDENT,
        "passport": "CHNE12345678",
        "uscc": "91110000600037341L",
    }[person.id_type]
    halves = tokenizer.halves(types, pa.array([canonical]))
    assert found.keys[0][0] == tokenizer.tokens(types, halves)[0].tobytes()


def test_two_spellings_of_a_person_are_one(keyed: Settings) -> None:
    keys = _keys(keyed)
    assert keys.of(CASES[0]).keys == keys.of(CASES[1]).keys
    assert keys.of(CASES[0]).name_marks == keys.of(CASES[1]).name_marks is not None


def test_a_name_or_mobile_not_given_or_useless_has_no_key(keyed: Settings) -> None:
    found = _keys(keyed).of(Person("resident_id", RESIDENT, name="  ", mobile="12"))
    assert found.name_marks is None
    assert found.mobile_keys == []


def test_after_a_rotation_the_active_pair_comes_first_and_the_old_ones_follow(keyed: Settings) -> None:
    before = _keys(keyed).of(CASES[0])
    keyring.activate(keyring.add_epoch(keyring.open(keyed.keys_dir, "entry")), 2)
    after = _keys(keyed).of(CASES[0])
    suite = _suite(keyed)
    assert all_schemes(keyed)[:2] == [(suite, "resident_id", 2, 1), (suite, "resident_id", 1, 1)]
    assert before.keys[0][0] == after.keys[1][0] != after.keys[0][0]
    assert len(after.mobile_keys) == 2


def test_after_a_change_of_suite_the_new_one_comes_first_and_the_old_one_follows(keyed: Settings) -> None:
    before, old = _keys(keyed).of(CASES[0]), _suite(keyed)
    new = "SM" if old == "S256" else "S256"
    keyring.activate(keyring.add_epoch(keyring.open(keyed.keys_dir, "entry"), new), 2)
    after = _keys(keyed).of(CASES[0])
    assert all_schemes(keyed)[:2] == [(new, "resident_id", 2, 1), (old, "resident_id", 1, 1)]
    assert before.keys[0][0] == after.keys[1][0] != after.keys[0][0]
    assert [label.scheme[0] for label in Tokenizer(keyed).types.values()] == [new] * len(TYPES)


def test_a_malformed_identifier_tells_its_codes_and_nothing_else(keyed: Settings) -> None:
    with pytest.raises(HuxinError) as caught:
        _keys(keyed).of(Person("resident_id", "110105194912310021"))
    assert caught.value.code == "H0801"
    assert "E1101" in str(caught.value)
    assert "1949" not in str(caught.value)


def test_an_unknown_type_is_told(keyed: Settings) -> None:
    with pytest.raises(HuxinError, match="H0803"):
        _keys(keyed).of(Person("library card", RESIDENT))


def test_digest_and_handle_differ_by_what_they_are_of(keyed: Settings) -> None:
    keys = _keys(keyed)
    assert keys.digest(b"a") == keys.digest(b"a") != keys.digest(b"b")
    subject = bytes(16)
    assert keys.handle(1, subject) != keys.handle(2, subject)
    assert len(keys.handle(1, subject)) == 32


def test_nothing_shows_a_key_or_a_person(keyed: Settings) -> None:
    shown = repr(CASES[0]) + repr(vars(_keys(keyed))["_types"][MOBILE])
    assert RESIDENT not in shown
    assert "entry=" not in shown
