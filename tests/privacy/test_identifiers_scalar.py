"""One identifier at a time: known answers, habits accepted silently, and each fault."""

from datetime import date

import pytest
from hypothesis import given
from privacy_rows import resident_check, resident_numbers, uscc_numbers

from huxin_privacy.errors import PrivacyError
from huxin_privacy.identifiers import canonical_id, fault_codes

KNOWN = [
    ("resident_id", "11010519491231002X"),
    ("resident_id", "440524188001010014"),
    ("uscc", "91350100M000100Y43"),
]


@pytest.mark.parametrize(("id_type", "number"), KNOWN)
def test_known_numbers_are_their_own_canonical_form(id_type: str, number: str) -> None:
    found = canonical_id(id_type, number)
    assert (found.text, found.faults, found.upgraded) == (number, (), False)


@pytest.mark.parametrize(
    "place", ["120221", "120222", "120223", "120224", "120225", "810000", "820000", "830000"]
)
def test_dissolved_counties_and_residence_permits_are_good(place: str) -> None:
    seventeen = f"{place}19900307002"
    number = seventeen + resident_check(seventeen)
    assert canonical_id("resident_id", number).text == number


def test_some_good_numbers_end_in_x_and_in_each_digit() -> None:
    numbers = [f"11010519491231{serial:03}" for serial in range(40)]
    assert {canonical_id("resident_id", n + resident_check(n)).text[-1] for n in numbers} == set(
        "0123456789X"
    )


@given(resident_numbers())
def test_numbers_made_by_the_definition_are_good(number: str) -> None:
    assert canonical_id("resident_id", number).text == number


@given(uscc_numbers())
def test_codes_made_by_the_definition_are_good(number: str) -> None:
    assert canonical_id("uscc", number).text == number


@given(resident_numbers())
def test_every_other_check_character_is_wrong(number: str) -> None:
    for last in set("0123456789X") - {number[17]}:
        assert canonical_id("resident_id", number[:17] + last).faults == ("E1101",)


@pytest.mark.parametrize(
    "written",
    [
        "11010519491231002x",
        " 110105 19491231 002X ",
        "\u3000110105\u300019491231002X\u00a0",
        "１１０１０５１９４９１２３１００２Ｘ",
        "'11010519491231002X",
        "’11010519491231002X",
        "\ufeff11010519491231002X\u200b",
        "11010519491231002X\t\r\n",
    ],
)
def test_habits_are_accepted_silently(written: str) -> None:
    found = canonical_id("resident_id", written)
    assert (found.text, found.upgraded) == ("11010519491231002X", False)


def test_fifteen_digits_are_upgraded() -> None:
    found = canonical_id("resident_id", "110105491231002")
    assert (found.text, found.faults, found.upgraded) == ("11010519491231002X", (), True)


@pytest.mark.parametrize(
    ("number", "faults"),
    [
        ("110105194912310021", ("E1101",)),
        ("110105194913310028", ("E1101", "E1103")),
        ("990105194912310021", ("E1101", "E1103")),
        ("110105491331002", ("E1103",)),
        ("1.2E+17", ("E1102",)),
        ("1.20113196301133E+17", ("E1102",)),
        ("1.10105e17", ("E1102",)),
        ("１.２Ｅ＋１７", ("E1102",)),
        ("110105194912310020.0", ("E1102",)),
        ("110105194912310020.00", ("E1102",)),
        ("", ("E1104",)),
        ("   ", ("E1104",)),
        ("1101051949123100", ("E1104",)),
        ("11010519491231002Y", ("E1104",)),
        ("1101051949123X0021", ("E1104",)),
        ("X1010519491231002X", ("E1104",)),
        ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", ("E1104",)),
        ("110105-19491231-002X", ("E1104",)),
        ("11010519491231002XX", ("E1104",)),
    ],
)
def test_each_fault_that_applies_is_reported(number: str, faults: tuple[str, ...]) -> None:
    found = canonical_id("resident_id", number)
    assert (found.text, found.faults) == (None, faults)


@pytest.mark.parametrize("day", ["19000229", "20010229", "19990431", "19990100", "00000101", "17991231"])
def test_impossible_birth_dates(day: str) -> None:
    seventeen = f"110105{day}002"
    assert canonical_id("resident_id", seventeen + resident_check(seventeen)).faults == ("E1103",)


@pytest.mark.parametrize("day", ["20000229", "18000101", "19960229"])
def test_possible_birth_dates(day: str) -> None:
    seventeen = f"110105{day}002"
    assert canonical_id("resident_id", seventeen + resident_check(seventeen)).faults == ()


def test_a_birth_after_the_given_day_is_impossible() -> None:
    seventeen = "11010520260601002"
    number = seventeen + resident_check(seventeen)
    assert canonical_id("resident_id", number, not_after=date(2026, 5, 31)).faults == ("E1103",)
    assert canonical_id("resident_id", number, not_after=date(2026, 6, 1)).faults == ()
    assert canonical_id("resident_id", number).faults == ()


@pytest.mark.parametrize("province", ["00", "10", "16", "24", "38", "47", "55", "66", "72", "80", "84", "91"])
def test_codes_that_are_no_province(province: str) -> None:
    seventeen = f"{province}010519491231002"
    assert canonical_id("resident_id", seventeen + resident_check(seventeen)).faults == ("E1103",)


@pytest.mark.parametrize(
    ("number", "faults"),
    [
        ("91350100M000100Y44", ("E1101",)),
        ("91350100M000100Y4", ("E1104",)),
        ("91350100M000100I43", ("E1104",)),
        ("9135A100M000100Y43", ("E1104",)),
        ("9.13501E+17", ("E1102",)),
    ],
)
def test_faults_of_enterprise_codes(number: str, faults: tuple[str, ...]) -> None:
    assert canonical_id("uscc", number).faults == faults


def test_enterprise_codes_are_raised() -> None:
    assert canonical_id("uscc", "91350100m000100y43").text == "91350100M000100Y43"


@pytest.mark.parametrize(
    ("number", "country", "text", "faults"),
    [
        ("e1234567", "usa", "USAE1234567", ()),
        (" E 1234567", " Ｕsa", "USAE1234567", ()),
        ("E123", "USA", None, ("E1104",)),
        ("E" * 21, "USA", None, ("E1104",)),
        ("E-1234567", "USA", None, ("E1104",)),
        ("E1234567", "US", None, ("E1104",)),
        ("E1234567", "U5A", None, ("E1104",)),
        ("E1234567", "ÜSA", None, ("E1104",)),
        ("E1234567", None, None, ("E1104",)),
        ("1.23E+08", "USA", None, ("E1102",)),
        ("ıııııı", "USA", None, ("E1104",)),
    ],
)
def test_passports(number: str, country: str | None, text: str | None, faults: tuple[str, ...]) -> None:
    found = canonical_id("passport", number, country)
    assert (found.text, found.faults) == (text, faults)


def test_the_repr_hides_the_identifier() -> None:
    assert "1949" not in repr(canonical_id("resident_id", "11010519491231002X"))


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(PrivacyError) as caught:
        canonical_id("driving_licence", "1")
    assert caught.value.code == "P0102"


def test_fault_bits_are_those_of_the_contract() -> None:
    assert [fault_codes(bit) for bit in (1, 2, 4, 8)] == [("E1101",), ("E1102",), ("E1103",), ("E1104",)]
    assert fault_codes(5) == ("E1101", "E1103")
