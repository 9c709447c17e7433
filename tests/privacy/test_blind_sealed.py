"""Elements on their way: only the registry zone opens them, in the place they were sealed for and in no other."""

from __future__ import annotations

import base64
import hashlib

import pytest
from blind_world import Platform
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin_privacy import blind
from huxin_privacy.blind.sealed import CELL_LENGTH, Cells, FileKey, open_element, seal_element
from huxin_privacy.envelope import Receiver
from huxin_privacy.errors import PrivacyError
from huxin_privacy.hpke import new_key_pair

PLATFORM = Platform()
RECEIVER = PLATFORM.pinned().registry
ELEMENT = blind.element(PLATFORM.key.secret, b"somebody")
OTHER = blind.element(PLATFORM.key.secret, b"somebody else")
ENQUIRY = hashlib.sha256(b"an enquiry").digest()
FILE = hashlib.sha256(b"a file").hexdigest()


def test_an_element_comes_out_as_it_went_in() -> None:
    text = seal_element(RECEIVER, "M0001", ENQUIRY, 7, ELEMENT)
    assert open_element(PLATFORM.secrets, "M0001", ENQUIRY, text) == (7, ELEMENT)
    assert seal_element(RECEIVER, "M0001", ENQUIRY, 7, ELEMENT) != text


def test_it_opens_for_one_member_and_enquiry() -> None:
    text = seal_element(RECEIVER, "M0001", ENQUIRY, 7, ELEMENT)
    for member, enquiry in (("M0002", ENQUIRY), ("M0001", hashlib.sha256(b"another").digest())):
        with pytest.raises(PrivacyError, match="P0166"):
            open_element(PLATFORM.secrets, member, enquiry, text)


def test_it_opens_with_the_registrys_key_only() -> None:
    text = seal_element(Receiver(3, new_key_pair().public), "M0001", ENQUIRY, 7, ELEMENT)
    with pytest.raises(PrivacyError, match="P0166"):
        open_element(PLATFORM.secrets, "M0001", ENQUIRY, text)
    gone = seal_element(Receiver(2, PLATFORM.pair.public), "M0001", ENQUIRY, 7, ELEMENT)
    with pytest.raises(PrivacyError, match="P0172"):
        open_element(PLATFORM.secrets, "M0001", ENQUIRY, gone)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1_000))
def test_every_bit_of_it_counts(bit: int) -> None:
    text = seal_element(RECEIVER, "M0001", ENQUIRY, 7, ELEMENT)
    sealed = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    sealed[bit // 8 % len(sealed)] ^= 1 << bit % 8
    changed = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    with pytest.raises(PrivacyError, match=r"P0166|P0172"):
        open_element(PLATFORM.secrets, "M0001", ENQUIRY, changed)


@pytest.mark.parametrize(
    "text",
    ["", "x", "====", "汉字", "a" * 513, "a" * 100, seal_element(RECEIVER, "M", b"", 1, b"")],
    ids=[
        "empty",
        "short",
        "padding",
        "words",
        "long",
        "letters",
        "of-nothing",
    ],  # the last is another each time
)
def test_what_is_no_sealed_element_is_refused(text: str) -> None:
    with pytest.raises(PrivacyError, match=r"P0166|P0172"):
        open_element(PLATFORM.secrets, "M", b"", text)


def test_what_is_sealed_has_to_be_an_element() -> None:
    for bad in (bytes(32), b"\xff" * 32):
        with pytest.raises(PrivacyError, match="P0166"):
            open_element(PLATFORM.secrets, "M", b"", seal_element(RECEIVER, "M", b"", 1, bad))


def test_a_files_key_is_of_one_member_and_file() -> None:
    key = FileKey.new(5)
    text = key.wrapped(RECEIVER, "M0001", FILE)
    assert FileKey.unwrapped(PLATFORM.secrets, "M0001", FILE, text) == key
    assert key.secret.hex() not in repr(key)
    for member, file in (("M0002", FILE), ("M0001", FILE[::-1])):
        with pytest.raises(PrivacyError, match="P0167"):
            FileKey.unwrapped(PLATFORM.secrets, member, file, text)
    element = seal_element(RECEIVER, "M0001", FILE.encode(), 5, ELEMENT)
    with pytest.raises(PrivacyError, match="P0167"):
        FileKey.unwrapped(PLATFORM.secrets, "M0001", FILE, element)


def test_a_cell_opens_in_its_row_of_its_file() -> None:
    cells, others = Cells(FileKey.new(5)), Cells(FileKey.new(5))
    cell = cells.seal("JJ001", "resident_id", ELEMENT)
    assert len(cell) == CELL_LENGTH
    assert cells.open("JJ001", "resident_id", cell) == ELEMENT
    for where, loan_no, id_type in (
        (cells, "JJ002", "resident_id"),
        (cells, "JJ001", "uscc"),
        (cells, "JJ00", "1resident_id"),
        (others, "JJ001", "resident_id"),
    ):
        with pytest.raises(PrivacyError, match="P0168"):
            where.open(loan_no, id_type, cell)


def test_cells_of_one_loan_can_be_compared_and_no_others() -> None:
    cells = Cells(FileKey.new(5))
    one = cells.seal("JJ001", "resident_id", ELEMENT)
    assert one == cells.seal("JJ001", "resident_id", ELEMENT)
    different = {
        one,
        cells.seal("JJ001", "resident_id", OTHER),
        cells.seal("JJ002", "resident_id", ELEMENT),
        Cells(FileKey.new(5)).seal("JJ001", "resident_id", ELEMENT),
    }
    assert len(different) == 4
    assert len({each[:16] for each in different}) == 4  # the nonces too


@pytest.mark.parametrize("cell", ["", "a", "a" * 80, "汉" * 80, "11010519491231002X", "a" * 79, "=" * 80])
def test_what_is_no_cell_is_refused(cell: str) -> None:
    with pytest.raises(PrivacyError, match="P0168"):
        Cells(FileKey.new(5)).open("JJ001", "resident_id", cell)
