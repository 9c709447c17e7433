"""Tickets: what is sealed comes back, whatever was changed does not, and nothing of it can be read on the way."""

from __future__ import annotations

import base64
import json
import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huxin_privacy.derivation import prefixed
from huxin_privacy.enquiry_digest import digest_of_body, enquiry_digest
from huxin_privacy.envelope import Receiver, Sender, seal_envelope
from huxin_privacy.errors import PrivacyError
from huxin_privacy.hpke import new_key_pair
from huxin_privacy.tickets import PURPOSE, Made, Ticket, new_nonce, open_ticket, seal_ticket

PAIR = new_key_pair()
ENTRY = Sender(1, os.urandom(32))
REGISTRY = Receiver(1, PAIR.public)
VECTORS = Path(__file__).parents[2] / "privacy" / "vectors" / "enquiry_digest.json"
HALF = st.binary(min_size=16, max_size=16)
MADE = st.builds(
    Made, st.text(max_size=8), st.integers(0, 2**32 - 1), HALF, st.none() | HALF, st.none() | HALF
)
TICKETS = st.builds(
    Ticket,
    id_type=st.text(max_size=12),
    member=st.text(max_size=32),
    enquiry=st.binary(min_size=32, max_size=32),
    nonce=HALF,
    expires_at=st.integers(0, 2**63),
    made=st.lists(MADE, min_size=1, max_size=4).map(tuple),
    element=st.none() | st.tuples(st.integers(0, 2**32 - 1), st.binary(min_size=32, max_size=32)),
)


def one(**changed: object) -> Ticket:
    values = {
        "id_type": "resident_id",
        "member": "M0001",
        "enquiry": bytes(32),
        "nonce": new_nonce(),
        "expires_at": 1_780_000_000,
        "made": (Made("S256", 1, *map(os.urandom, (16, 16, 16))), Made("SM", 2, os.urandom(16))),
    }
    return Ticket(**(values | changed))  # type: ignore[arg-type]


def opened(text: str) -> Ticket:
    return open_ticket({1: ENTRY.public}, {1: PAIR.private}, text)


def refused(text: str) -> str:
    with pytest.raises(PrivacyError) as caught:
        opened(text)
    assert len(text) < 20 or text not in str(caught.value)
    return caught.value.code


@given(TICKETS)
def test_what_is_sealed_comes_back(ticket: Ticket) -> None:
    assert opened(seal_ticket(ENTRY, REGISTRY, ticket)) == ticket


def test_a_ticket_is_short_enough_for_a_request_and_opaque() -> None:
    ticket = one()
    text = seal_ticket(ENTRY, REGISTRY, ticket)
    assert len(text) < 600
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    first, second = ticket.made
    for secret in (first.half, first.name_half, first.mobile_half, second.half, b"M0001", b"resident_id"):
        assert secret is not None
        assert secret not in raw


def test_its_repr_shows_no_half() -> None:
    ticket = one()
    for made in ticket.made:
        for half in (made.half, made.name_half, made.mobile_half):
            assert half is None or repr(half) not in repr(ticket)


def test_every_changed_character_is_refused() -> None:
    text = seal_ticket(ENTRY, REGISTRY, one())
    for place in range(len(text) - 1):  # of the last one some bits count for nothing
        other = "B" if text[place] == "A" else "A"
        assert refused(text[:place] + other + text[place + 1 :]) in {"P0170", "P0171"}


@given(st.text(max_size=200))
def test_any_text_is_refused_by_its_code(text: str) -> None:
    assert refused(text) in {"P0170", "P0171"}


@pytest.mark.parametrize("text", ["", "A", "A" * 5000, "AA==", "A A", "x" * 90 + "\n"])
def test_what_is_no_ticket(text: str) -> None:
    assert refused(text) in {"P0170", "P0171"}


def test_another_signers_and_another_receivers_are_refused() -> None:
    forged = seal_ticket(Sender(1, os.urandom(32)), REGISTRY, one())
    assert refused(forged) == "P0171"
    elsewhere = seal_ticket(ENTRY, Receiver(1, new_key_pair().public), one())
    assert refused(elsewhere) == "P0151"
    assert refused(seal_ticket(ENTRY, Receiver(2, PAIR.public), one())) == "P0172"


def sealed(content: bytes) -> str:
    """Content that the entry zone signed although it is no ticket's."""
    envelope = seal_envelope(ENTRY, REGISTRY, PURPOSE, b"", content)
    return base64.urlsafe_b64encode(envelope).decode().rstrip("=")


HEAD = (b"uscc", b"M0001", bytes(32), bytes(16), bytes(8))
EACH = (b"S256", bytes(4), bytes(16), b"", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        prefixed(*HEAD),
        prefixed(*HEAD, *EACH[:3]),
        prefixed(*HEAD, *EACH * 17),
        prefixed(*HEAD, *EACH)[:-1],
        prefixed(*HEAD, *EACH) + b"\0",
        prefixed(*HEAD, *EACH) + b"\0\5ab",
        prefixed(*HEAD[:2], bytes(31), *HEAD[3:], *EACH),
        prefixed(*HEAD[:3], bytes(15), *HEAD[4:], *EACH),
        prefixed(*HEAD[:4], bytes(9), *EACH),
        prefixed(*HEAD, b"S256", bytes(4), b"", b"", b""),
        prefixed(*HEAD, b"S256", bytes(3), bytes(16), b"", b""),
        prefixed(*HEAD, b"S256", bytes(4), bytes(16), bytes(1), b""),
        prefixed(*HEAD, b"S256", bytes(4), bytes(16), b"", bytes(17)),
        prefixed(b"\xff", *HEAD[1:], *EACH),
    ],
)
def test_content_of_another_shape_is_refused(content: bytes) -> None:
    assert opened(sealed(prefixed(*HEAD, *EACH))).id_type == "uscc"
    assert refused(sealed(content)) == "P0170"


@pytest.mark.parametrize("vector", json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"])
def test_the_digest_is_as_written_for_others(vector: dict[str, object]) -> None:
    body = vector["body"]
    assert isinstance(body, dict)
    assert digest_of_body(body).hex() == vector["sha256"]
    assert digest_of_body(body | {"subject": {"id_no": "x"}, "ticket": "y"}).hex() == vector["sha256"]


def test_every_word_of_an_enquiry_counts() -> None:
    words: dict[str, object] = {
        "purpose": "application",
        "consent_no": "C1",
        "consent_until": date(2026, 6, 30),
        "staff": "u1",
        "reference": "A1",
        "amount": 5_000_000,
        "product": "consumer",
    }
    others = {
        "purpose": "guarantee",
        "consent_no": "C2",
        "consent_until": date(2026, 7, 1),
        "staff": "u2",
        "reference": "A2",
        "amount": None,
        "product": None,
    }
    digests = {enquiry_digest(**words)}  # type: ignore[arg-type]
    for name, value in others.items():
        digests.add(enquiry_digest(**(words | {name: value})))  # type: ignore[arg-type]
    digests.add(enquiry_digest(**(words | {"staff": "u1A", "reference": "1"})))  # type: ignore[arg-type]
    assert len(digests) == len(words) + 2
