"""The blind way as a whole: it gives k·H(x), tells the key's holder nothing, and no other key passes for k."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin_privacy import blind
from huxin_privacy.blind import dleq, keys, sodium
from huxin_privacy.errors import PrivacyError

ORDER = 2**252 + 27742317777372353535851937790883648493  # RFC 9496, 4
MESSAGES = [blind.message("resident_id", f"11010519491231{n:03}X") for n in range(5)]


def key(epoch: int = 1) -> blind.OprfKey:
    secret = sodium.random_scalar()
    return blind.OprfKey(epoch, sodium.multiply_base(secret), secret)


def exchange(one: blind.OprfKey, messages: list[bytes]) -> list[bytes]:
    blinding = blind.blind(messages)
    return blind.unblind(one.public, blinding, blind.evaluate(one.secret, one.public, blinding.blinded))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=9))
def test_what_comes_back_is_the_element(contents: list[bytes]) -> None:
    one = key()
    assert exchange(one, contents) == [blind.element(one.secret, each) for each in contents]


def test_the_same_identifier_is_never_sent_the_same_way_twice() -> None:
    sent = [blind.blind(MESSAGES[:1]).blinded[0] for _ in range(20)]
    assert len(set(sent)) == 20


def test_a_type_is_part_of_what_is_hashed() -> None:
    one = key()
    found = {
        blind.element(one.secret, blind.message(t, "12345678")) for t in ("passport", "uscc", "resident_id")
    }
    assert len(found) == 3


def test_an_entry_zone_that_tags_a_member_by_another_key_is_caught() -> None:
    pinned, tag = key(), key()
    blinding = blind.blind(MESSAGES)
    told = blind.evaluate(tag.secret, tag.public, blinding.blinded)
    with pytest.raises(PrivacyError, match="P0163"):
        blind.unblind(pinned.public, blinding, told)
    # Nor when only one of the batch is tagged, and the proof is made for the key that was pinned.
    mixed = blind.evaluate(pinned.secret, pinned.public, blinding.blinded).evaluated
    mixed[3] = told.evaluated[3]
    proof = dleq.prove(pinned.secret, pinned.public, blinding.blinded, mixed)
    with pytest.raises(PrivacyError, match="P0163"):
        blind.unblind(pinned.public, blinding, blind.Evaluation(mixed, proof))


def test_elements_that_change_places_are_caught() -> None:
    one = key()
    blinding = blind.blind(MESSAGES)
    told = blind.evaluate(one.secret, one.public, blinding.blinded)
    swapped = [told.evaluated[1], told.evaluated[0], *told.evaluated[2:]]
    for evaluated in (swapped, told.evaluated[:-1], [*told.evaluated, told.evaluated[0]], []):
        with pytest.raises(PrivacyError, match="P0163"):
            blind.unblind(one.public, blinding, blind.Evaluation(evaluated, told.proof))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, dleq.PROOF_BYTES * 8 - 1), st.data())
def test_every_bit_of_a_proof_counts(bit: int, data: st.DataObject) -> None:
    one = key()
    blinding = blind.blind(MESSAGES[: data.draw(st.integers(1, 3))])
    told = blind.evaluate(one.secret, one.public, blinding.blinded)
    changed = bytearray(told.proof)
    changed[bit // 8] ^= 1 << bit % 8
    assert dleq.proven(one.public, blinding.blinded, told.evaluated, told.proof)
    assert not dleq.proven(one.public, blinding.blinded, told.evaluated, bytes(changed))


def test_a_scalar_has_one_encoding_in_a_proof() -> None:
    one = key()
    blinding = blind.blind(MESSAGES[:1])
    told = blind.evaluate(one.secret, one.public, blinding.blinded)
    for start in (0, 32):
        number = int.from_bytes(told.proof[start : start + 32], "little") + ORDER
        other = told.proof[:start] + number.to_bytes(32, "little") + told.proof[start + 32 :]
        assert not dleq.proven(one.public, blinding.blinded, told.evaluated, other)


@pytest.mark.parametrize("public", [bytes(32), b"\xff" * 32, b"", bytes(31)])
def test_no_proof_holds_under_what_is_no_key(public: bytes) -> None:
    one = key()
    blinding = blind.blind(MESSAGES[:1])
    told = blind.evaluate(one.secret, one.public, blinding.blinded)
    assert not dleq.proven(public, blinding.blinded, told.evaluated, told.proof)


BAD = {
    "identity": bytes(32),
    "no canonical encoding": (2**255 - 18).to_bytes(32, "little"),
    "negative": b"\x01" + bytes(31),
    "not on the curve": b"\xff" * 32,
    "short": bytes(31),
    "long": bytes(33),
    "empty": b"",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=list(BAD))
def test_what_is_no_element_is_refused_and_its_place_is_told(bad: bytes) -> None:
    one = key()
    assert not sodium.is_element(bad)
    blinded = blind.blind(MESSAGES).blinded
    blinded[2] = bad
    with pytest.raises(PrivacyError) as told:
        blind.evaluate(one.secret, one.public, blinded)
    assert (told.value.code, told.value.facts) == ("P0161", {"place": 3})


def test_a_batch_has_limits() -> None:
    one = key()
    for count in (0, dleq.LARGEST + 1):
        with pytest.raises(PrivacyError, match="P0162"):
            blind.evaluate(one.secret, one.public, [b""] * count)


def test_an_element_goes_from_one_generation_to_the_next_without_the_identifier() -> None:
    old, new = key(1), key(2)
    delta = keys.step(old, new)
    before = [blind.element(old.secret, each) for each in MESSAGES]
    assert sodium.multiply_all(delta, before) == [blind.element(new.secret, each) for each in MESSAGES]
    back = keys.step(new, old)
    assert sodium.multiply_all(back, sodium.multiply_all(delta, before)) == before


@given(st.lists(st.integers(1, ORDER - 1), max_size=8))
@settings(max_examples=30, deadline=None)
def test_many_inverses_are_those_of_each(numbers: list[int]) -> None:
    scalars = [number.to_bytes(32, "little") for number in numbers]
    assert sodium.inverses(scalars) == [pow(n, -1, ORDER).to_bytes(32, "little") for n in numbers]


def test_zero_has_no_inverse() -> None:
    for scalars in ([bytes(32)], [sodium.random_scalar(), bytes(32), sodium.random_scalar()]):
        with pytest.raises(PrivacyError, match="P0161"):
            sodium.inverses(scalars)


def test_nothing_secret_is_shown() -> None:
    one = key()
    blinding = blind.blind(MESSAGES[:1])
    shown = repr((one, blinding, blind.evaluate(one.secret, one.public, blinding.blinded)))
    hidden = [one.secret, *blinding.scalars, *blinding.blinded]
    assert not any(repr(each)[2:-1] in shown or each.hex() in shown for each in hidden)
