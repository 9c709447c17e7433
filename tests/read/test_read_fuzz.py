"""Any bytes are frames or a refusal, and any table written as CSV comes back cell by cell. 300 examples each."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from read_tools import CONTRACT, NAMES, NAMES_ZH, loans, read, written

from huxin_checks.read import FileRefused, open_rows

ROWS = loans(3)
HEAD = ",".join(NAMES).encode() + b"\n"
GOOD = written(ROWS).encode()
BLANK = " \t\r\n\u3000"


def outcome(data: bytes) -> pl.DataFrame | str:
    try:
        return read(data, batch_rows=100)
    except FileRefused as refused:
        assert refused.code in ("F0003", "F0004")
        return refused.reason


def sample_xlsx() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate([NAMES, *ROWS]):
            sheet.write_row(at, 0, row)
    return out.getvalue()


def sample_parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({name: [row[at] for row in ROWS] for at, name in enumerate(NAMES)}), out)
    return out.getvalue()


STARTS = [
    b"",
    HEAD,
    GOOD,
    b"\xef\xbb\xbf" + GOOD,
    b"PK\x03\x04",
    b"PAR1",
    b"\x1f\x8b\x08\0",
    b"\xd0\xcf\x11\xe0",
    b"sep=;\n",
]
BYTES = st.binary(max_size=200) | st.lists(
    st.sampled_from([b'"', b",", b"\n", b"\r", b"\0", b"a", b"\xb0\xa1", "中".encode(), b"\xff", b"x^", b"|"])
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(STARTS), BYTES, st.booleans())
def test_any_bytes_are_frames_or_a_refusal(start: bytes, tail: bytes, packed: bool) -> None:
    data = start + tail
    outcome(gzip.compress(data) if packed else data)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [sample_xlsx(), sample_parquet(), gzip.compress(GOOD), GOOD, GOOD.decode().encode("gb18030")]
    ),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4),
    st.floats(0, 1),
)
def test_any_damage_to_a_good_file_is_frames_or_a_refusal(
    good: bytes, flips: list[tuple[float, int]], kept: float
) -> None:
    data = bytearray(good)
    for place, value in flips:
        data[int(place * len(data))] = value
    outcome(bytes(data))
    outcome(bytes(data[: int(kept * len(data))]))


CELL = st.text(
    st.one_of(
        st.sampled_from(list("\"',;|\t\n\r #\\=- x^中龙\u3000\u2028é😀")),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=5), min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    newline=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
    headers=st.sampled_from([NAMES, NAMES_ZH]),
)
def test_any_table_comes_back_cell_by_cell(
    rows: list[list[str]], delimiter: str, newline: str, quoting: int, encoding: str, headers: list[str]
) -> None:
    """Cells are put in the first, the middle and the last columns; a good first row settles the encoding."""
    full = [[*cells[:2], *ROWS[0][2:-1], cells[2]] for cells in rows]
    text = written([ROWS[0], *full], headers, delimiter=delimiter, newline=newline, quoting=quoting)
    if quoting == csv.QUOTE_MINIMAL:  # before Python 3.13 the writer leaves a lone CR unquoted
        assume(not any("\r" in cell for row in full for cell in row))
    frame = read(text.encode(encoding))
    assert [expected(row) for row in [ROWS[0], *full]] == [
        ["" if cell is None else cell for cell in row] for row in frame.select(NAMES).rows()
    ]
    assert frame["_line"].to_list() == lines_of([ROWS[0], *full])
    assert not frame["_surplus"].any()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["", "", "a", " "]), min_size=1, max_size=len(NAMES) + 6), max_size=6)
)
def test_rows_of_any_length(rows: list[list[str]]) -> None:
    frame = read(written(rows).encode())
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    assert frame.height == len(filled)
    assert frame["_surplus"].to_list() == [any(cell.strip() for cell in row[len(NAMES) :]) for row in filled]
    assert [["" if cell is None else cell for cell in row] for row in frame.select(NAMES).rows()] == [
        [*row, *[""] * len(NAMES)][: len(NAMES)] for row in filled
    ]


def expected(row: Sequence[str]) -> list[str]:
    return list(row)


def lines_of(rows: Sequence[Sequence[str]]) -> list[int]:
    """The line where each row begins: every LF inside a cell makes one more."""
    lines, line = [], 2
    for row in rows:
        lines.append(line)
        line += 1 + sum(cell.count("\n") for cell in row)
    return lines


def test_the_reader_can_be_left_half_way() -> None:
    with open_rows(io.BytesIO(written(loans(500)).encode()), "a.csv", CONTRACT, 50) as rows:
        assert next(iter(rows)).height == 50
