"""What a cell means, kind by kind: the habits that are accepted and what is never guessed."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from huxin.contract import load_contract
from support.frames import parsed_frame

CONTRACT = load_contract()


def read(field: str, *cells: str | None) -> list[object]:
    return parsed_frame([{field: cell} for cell in cells])[field].to_list()


def texts(field: str, *cells: str | None) -> list[object]:
    return parsed_frame([{field: cell} for cell in cells])[f"t_{field}"].to_list()


@pytest.mark.parametrize(
    ("cell", "cents"),
    [
        ("20000.00", 2_000_000),
        ("20000", 2_000_000),
        ("20000.5", 2_000_050),
        ("20000.500", 2_000_050),
        ("20,000.00", 2_000_000),
        ("1,234,567.89", 123_456_789),
        ("１２，３４５．６０", 1_234_560),
        (" 37369.27\u3000", 3_736_927),
        ("'5.00", 500),
        ("-18000.00", -1_800_000),
        ("+1.00", 100),
        (".50", 50),
        ("0", 0),
        ("0.00", 0),
        ("00012.30", 1_230),
        ("9999999999999999.99", 999_999_999_999_999_999),
    ],
)
def test_money_is_cents(cell: str, cents: int) -> None:
    assert read("principal", cell) == [cents]


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "2E+05",
            "1e5",
            "1.005",
            "12.5abc",
            "1,23",
            "12,34.00",
            ",100",
            "1.234,56",
            "1 000",
            "1..0",
            "--1",
            "+-1.00",
        ),
        *("20000元", "2万", "￥5", "inf", "nan", "0x10", "1_000", ".", "+", "٣", "²", "5²", "१.00", "12.00%"),
    ],
)
def test_what_is_no_number_stays_a_text(cell: str) -> None:
    frame = parsed_frame([{"principal": cell}])
    assert frame["principal"].to_list() == [None]
    assert frame["t_principal"].to_list() != [None]


@pytest.mark.parametrize("cell", ["10000000000000000.00", "9" * 30, "9" * 60, "99,999,999,999,999,999,999"])
def test_a_number_too_large_to_hold_is_out_of_range_and_still_a_number(cell: str) -> None:
    (cents,) = read("principal", cell)
    assert isinstance(cents, int)
    assert cents > (CONTRACT.field("principal").maximum or 0)
    (negative,) = read("principal", f"-{cell}")
    assert negative == -cents


@pytest.mark.parametrize(
    ("cell", "rate"),
    [
        ("10.9", 109_000),
        ("10.90", 109_000),
        ("10.90%", 109_000),
        ("10.90 %", 109_000),
        ("16.02％", 160_200),
        ("9.1234", 91_234),
        ("9.12340", 91_234),
        ("36", 360_000),
        ("214748364.99", 2**31 - 1),
        ("999999.99", 2**31 - 1),
    ],
)
def test_a_rate_is_ten_thousandths_of_a_percent(cell: str, rate: int) -> None:
    assert read("annual_rate", cell) == [rate]


@pytest.mark.parametrize("cell", ["12.5‰abc", "12.5‰", "9.12345", "1.2E1", "%", "12.5%%"])
def test_what_is_no_rate(cell: str) -> None:
    assert read("annual_rate", cell) == [None]


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        ("36", 36),
        ("36.0", 36),
        ("36.", 36),
        (" 36\u3000", 36),
        ("３６", 36),
        ("-1", -1),
        ("007", 7),
        ("1,200", 1200),
    ],
)
def test_an_integer(cell: str, count: int) -> None:
    assert read("terms", cell) == [count]


@pytest.mark.parametrize("cell", ["36.5", "36期", "3 6", "1e2", "¹"])
def test_what_is_no_integer(cell: str) -> None:
    assert read("terms", cell) == [None]


def test_an_integer_beyond_32_bits_is_out_of_range_and_not_unreadable() -> None:
    assert read("terms", "99999999999", "-99999999999") == [2**31 - 1, -(2**31 - 1)]


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "2026-05-31",
            "2026-5-31",
            "2026/05/31",
            "2026/5/31",
            "20260531",
            "20260531.0",
            "2026年5月31日",
            "46173",
            "46173.0",
        ),
        *(
            "2026-05-31 00:00:00",
            "2026-05-31T00:00:00",
            "2026/5/31 00:00",
            "２０２６－０５－３１",
            "'2026-05-31",
            " 20260531\u3000",
        ),
    ],
)
def test_a_date_in_every_accepted_spelling(cell: str) -> None:
    assert read("due_on", cell) == [date(2026, 5, 31)]


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "2026-02-30",
            "2026-13-01",
            "20260230",
            "2026/0/1",
            "2025-02-29",
            "31-05-2026",
            "05/31/2026",
            "2026-05-31 13:00:00",
        ),
        *(
            "2026.5.31",
            "26-5-31",
            "2026-05-31x",
            "1899-12-31",
            "0000-01-01",
            "19999",
            "80001",
            "123456",
            "2026-05",
            "46173.5",
        ),
    ],
)
def test_an_impossible_or_doubtful_date_is_not_repaired(cell: str) -> None:
    assert read("due_on", cell) == [None]


def test_dates_at_the_edges_of_what_the_quick_way_knows() -> None:
    days = ["1969-12-31", "1970-01-01", "2079-07-07", "2079-07-08", "9999-12-31", "1900-01-01", "2024-02-29"]
    assert read("due_on", *days) == [date.fromisoformat(day) for day in days]


def test_spreadsheet_dates_at_the_edges_of_what_is_read_as_one() -> None:
    assert read("due_on", "20000", "80000") == [date(1954, 10, 3), date(2119, 1, 11)]


@pytest.mark.parametrize(
    "field", [field for field in CONTRACT.fields if field.kind == "enum"], ids=lambda f: f.name
)
def test_every_label_in_every_spelling(field: object) -> None:
    from huxin.contract import Field

    assert isinstance(field, Field)
    for label in field.labels:
        spellings = [
            label.name,
            label.zh,
            f" {label.name}\u3000",
            label.name.upper(),
            f"'{label.zh}",
            *label.aliases,
        ]
        assert read(field.name, *spellings) == [label.code] * len(spellings)


def test_an_unknown_label_is_kept_as_text_only() -> None:
    assert read("status", "whatever", "正", "正常1", "1") == [None] * 4
    assert texts("status", " whatever") == ["whatever"]


@pytest.mark.parametrize(
    "word", ["", " ", "\u3000", "NULL", "null", "Null", "-", "－", "无", "'", " NULL ", None]
)
@pytest.mark.parametrize(
    "field", ["status", "principal", "due_on", "terms", "annual_rate", "name", "loan_no", "currency"]
)
def test_words_for_nothing_are_nothing(field: str, word: str | None) -> None:
    assert texts(field, word) == [None]
    assert read(field, word) == [None]


@pytest.mark.parametrize("field", ["special_event", "hardship"])
def test_where_nothing_is_a_label_the_word_for_it_is_that_label(field: str) -> None:
    assert read(field, "无", "none", " 无 ") == [1, 1, 1]
    assert read(field, "", " ", None) == [None, None, None]
    assert texts(field, "无", "") == ["无", None]


def test_a_pattern_field_has_a_value_only_if_it_fits() -> None:
    assert read("region", "110105", "11010", "1101055", "11010a", " 110105", "１１０１０５", "110105\n1") == [
        *("110105", None, None, None, "110105", "110105", None),
    ]
    assert texts("region", "11010", "") == ["11010", None]
    assert read("currency", "CNY", "cny", "CN", "￥") == ["CNY", None, None, None]


def test_types_are_the_same_whatever_the_cells_hold() -> None:
    full, bare = parsed_frame([{"principal": "1.00"}]), parsed_frame([{}])
    assert full.schema == bare.schema
    assert full.schema == parsed_frame([]).schema
    assert (full["principal"].dtype, full["due_on"].dtype, full["status"].dtype) == (
        pl.Int64,
        pl.Date,
        pl.UInt8,
    )
    assert (full["terms"].dtype, full["annual_rate"].dtype, full["name"].dtype) == (
        pl.Int32,
        pl.Int32,
        pl.String,
    )
