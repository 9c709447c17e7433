"""Envelopes between zones: only the receiver opens them, only the sender made them, and only for this place."""

from __future__ import annotations

import os

import pytest

from huxin_privacy.envelope import Receiver, Sender, open_box, open_envelope, seal_box, seal_envelope
from huxin_privacy.errors import PrivacyError
from huxin_privacy.hpke import new_key_pair

PAIR, OTHER = new_key_pair(), new_key_pair()
RECEIVER = Receiver(3, PAIR.public)
SECRETS = {2: OTHER.private, 3: PAIR.private}
SENDER = Sender(7, os.urandom(32))
PLAIN = b"halves of rows"


def sent(purpose: str = "night", belongs: bytes = b"submission 1", plain: bytes = PLAIN) -> bytes:
    return seal_envelope(SENDER, RECEIVER, purpose, belongs, plain)


def opened(envelope: bytes, purpose: str = "night", belongs: bytes = b"submission 1") -> bytes:
    return open_envelope({7: SENDER.public}, SECRETS, purpose, belongs, envelope)


def refused(code: str, envelope: bytes, purpose: str = "night", belongs: bytes = b"submission 1") -> None:
    with pytest.raises(PrivacyError) as caught:
        opened(envelope, purpose, belongs)
    assert caught.value.code == code


def test_it_comes_as_it_was_sent_and_never_twice_the_same() -> None:
    assert opened(sent()) == PLAIN
    assert sent() != sent()
    assert PLAIN not in sent()


@pytest.mark.parametrize(("purpose", "belongs"), [("ticket", b"submission 1"), ("night", b"submission 2")])
def test_it_is_good_in_its_own_place_only(purpose: str, belongs: bytes) -> None:
    refused("P0171", sent(), purpose, belongs)
    box = seal_box(RECEIVER, "night", b"submission 1", PLAIN)
    with pytest.raises(PrivacyError, match="P0151"):
        open_box(SECRETS, purpose, belongs, box)


def test_every_changed_byte_and_every_cut_is_refused() -> None:
    whole = sent()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x40
        refused("P0171", bytes(changed))
        refused("P0170" if place < 68 else "P0171", whole[:place])


def test_another_senders_is_refused() -> None:
    stranger = Sender(7, os.urandom(32))
    refused("P0171", seal_envelope(stranger, RECEIVER, "night", b"submission 1", PLAIN))
    refused("P0171", seal_envelope(Sender(8, SENDER.secret), RECEIVER, "night", b"submission 1", PLAIN))


def test_a_key_that_is_gone_is_told_by_its_epoch() -> None:
    gone = seal_envelope(SENDER, Receiver(1, PAIR.public), "night", b"submission 1", PLAIN)
    refused("P0172", gone)
    with pytest.raises(PrivacyError) as caught:
        opened(gone)
    assert caught.value.facts == {"epoch": 1}


def test_a_signature_cannot_be_moved_to_another_box() -> None:
    first, second = sent(), sent(plain=b"other halves")
    refused("P0171", first[:68] + second[68:])


def test_boxes_of_other_epochs_do_not_open_by_relabelling() -> None:
    box = seal_box(Receiver(3, PAIR.public), "night", b"", PLAIN)
    with pytest.raises(PrivacyError, match="P0151"):
        open_box({3: PAIR.private, 4: PAIR.private}, "night", b"", b"\0\0\0\4" + box[4:])
    with pytest.raises(PrivacyError, match="P0170"):
        open_box(SECRETS, "night", b"", box[:51])


def test_a_sender_shows_no_key() -> None:
    assert SENDER.secret.hex() not in repr(SENDER)
    assert repr(SENDER.secret) not in repr(SENDER)
